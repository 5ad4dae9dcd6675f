"""Noise of training -> a function of (run seed, place in the net, epoch): the states of all seed generators, set anew.

Dropout, random flips, recurrent dropout and the like draw from seed generators that count on. Their states are
assigned at the start of every epoch and every measurement, so that none needs saving and no layer's noise depends on
what else the net draws. A generator's place is the path of its layer: by name where the user gave one, else by class
and rank among the siblings of that class.
"""

import random
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf
from keras.src.random.seed_generator import global_seed_generator
from keras.src.utils.naming import to_snake_case

from runner.training.building import AutoName
from runner.training.streams import stream_key

WORDS = 2  # of 32 bits, that a stream's key fills in a generator's state


class StepGenerator(keras.random.SeedGenerator):
    """A seed generator whose state is a stream's key and a step: three words, (2 of the key, step)."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(0, name)
        self.state = keras.Variable(np.zeros(WORDS + 1, np.uint32), dtype="uint32", trainable=False, name="stream")

    def next_seed(self) -> tf.Tensor:
        """Return the stateless seed (key, step) of the step that begins, int64, (2,), and count it."""
        words = tf.cast(self.state.value * 1, tf.int64)
        self.state.assign(self.state + np.array([0, 0, 1], np.uint32))
        return tf.stack([words[0] * 2**32 + words[1], words[2]])


class Noise:
    """The seed generators of a net and of what feeds it, each with its place."""

    def __init__(self, model: keras.Model | None, feeding: Sequence[keras.random.SeedGenerator] = ()) -> None:
        self.places = [] if model is None else list(_walk(model, "", set()))
        known = {id(generator) for _, generator in self.places}
        self.places += [
            (("data", place), generator) for place, generator in enumerate(feeding) if id(generator) not in known
        ]

    def stand_at(self, seed: int, *name: str | int) -> None:
        """Let what is drawn next be the draws of the stream `name`; Python's, NumPy's and Keras's own streams too."""
        for place, generator in self.places:
            _assign(generator, stream_key(seed, *name, *place))
        _assign(global_seed_generator(), stream_key(seed, *name, "global"))
        random.seed(stream_key(seed, *name, "python"))
        np.random.seed(stream_key(seed, *name, "numpy") & 0xFFFFFFFF)


def _assign(generator: keras.random.SeedGenerator, key: int) -> None:
    """Set the state to the key's two words, and what follows them to zero."""
    rest = generator.state.shape[0] - WORDS
    generator.state.assign(np.array([key >> 32, key & 0xFFFFFFFF, *[0] * rest], np.uint32))


def _walk(
    layer: keras.layers.Layer, path: str, seen: set[int]
) -> Iterator[tuple[tuple[str | int, ...], keras.random.SeedGenerator]]:
    """Yield (place, generator) of the layer and all below it, each once."""
    place = 0
    for generator in layer._seed_generators:
        if id(generator) not in seen:
            seen.add(id(generator))
            yield (path, *([place] if place else [])), generator
            place += 1
    ranks: dict[str, int] = {}
    for child in layer._layers:
        if id(child) in seen:
            continue
        seen.add(id(child))
        name = child.name
        if isinstance(name, AutoName):
            stem = to_snake_case(type(child).__name__)
            ranks[stem] = ranks.get(stem, -1) + 1
            name = f"{stem}#{ranks[stem]}"
        yield from _walk(child, f"{path}/{name}" if path else name, seen)
