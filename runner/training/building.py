"""Keyed building: a recipe's functions -> data and a model whose every random initial weight has a stream of its own.

Keras draws the seeds of initializers from one global stream, so that a layer more shifts the initial weights of all
layers after it. While a recipe is built here, names start afresh and every weight is drawn by an initializer that is
keyed by (run seed, path of the variable, occurrence of that path): a net with and without a Dropout between then
starts from the same weights, whatever the user wrote. A seed that the user's own code gives an initializer is left
as it is and written down in `Build.explicit`.
"""

import contextlib
import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from keras.src import backend
from keras.src.backend.common import global_state
from keras.src.backend.common.name_scope import current_path
from keras.src.initializers.random_initializers import RandomInitializer
from keras.src.ops import operation
from keras.src.random import seed_generator
from keras.src.utils import naming

from runner.training.streams import stream_key

CONSTANT = ("Zeros", "Ones", "Constant", "Identity", "STFTInitializer")  # initializers that draw nothing
LARGEST_SEED = int(1e9)  # as Keras draws default seeds


class DefaultSeed(int):
    """A seed that Keras drew because the user gave none; the type survives the clones that layers make."""


class AutoName(str):
    """A name that Keras made because the user gave none."""

    __slots__ = ()


@dataclass
class Build:
    """What keyed building has seen."""

    random: dict[str, Any] = field(default_factory=dict)  # path of a variable -> the variable that was drawn at random
    explicit: list[str] = field(default_factory=list)  # paths of variables whose seed the user's code gave
    generators: list[keras.random.SeedGenerator] = field(default_factory=list)  # in the order in which they were made


@contextlib.contextmanager
def seeded(key: int) -> Iterator[None]:
    """Let all that user code may draw from (random, NumPy, Keras's and TensorFlow's global streams) stand at `key`.

    Python's, NumPy's and Keras's streams are put back afterwards; TensorFlow's cannot be read and stays.
    """
    python, numpy = random.getstate(), np.random.get_state()
    before = global_state.get_global_attribute(seed_generator.GLOBAL_SEED_GENERATOR)
    random.seed(key)
    np.random.seed(key & 0xFFFFFFFF)
    tf.random.set_seed(key)
    own = keras.random.SeedGenerator(key % 2**31, name="global")
    global_state.set_global_attribute(seed_generator.GLOBAL_SEED_GENERATOR, own)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        global_state.set_global_attribute(seed_generator.GLOBAL_SEED_GENERATOR, before)


@contextlib.contextmanager
def keyed_build(seed: int) -> Iterator[Build]:
    """Within, every `add_weight` draws from (seed, path of the variable, occurrence), and names start afresh."""
    build = Build()
    occurrences: dict[str, int] = {}
    add_weight = keras.layers.Layer.add_weight

    def keyed_add_weight(layer: keras.layers.Layer, *args: Any, **kwargs: Any) -> Any:
        named = _by_name(args, kwargs)
        with backend.name_scope(layer.name, caller=layer):
            path = f"{current_path()}/{named.get('name')}"
        place = occurrences[path] = occurrences.get(path, -1) + 1
        initializer = _initializer_of(layer, named)
        key = stream_key(seed, *_stream_name(path, place))
        variable = add_weight(layer, **{**named, "initializer": _keyed(initializer, key)})
        if _draws(initializer, variable):
            unique = path if not place else f"{path}#{place}"
            build.random[unique] = variable
            if _is_explicit(initializer):
                build.explicit.append(unique)
        return variable

    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(keras.layers.Layer, "add_weight", keyed_add_weight))
        stack.enter_context(mock.patch.object(seed_generator, "make_default_seed", _default_seed))
        stack.enter_context(mock.patch.object(backend.random, "make_default_seed", _default_seed))
        stack.enter_context(
            mock.patch.object(operation, "auto_name", lambda prefix: AutoName(naming.auto_name(prefix)))
        )
        stack.enter_context(_noted_generators(build))
        stack.enter_context(_exact_metrics())
        stack.enter_context(seeded(stream_key(seed, "build")))
        naming.reset_uids()
        yield build


def _by_name(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return `add_weight`'s arguments by name; Keras lets three come by place."""
    return dict(zip(("shape", "initializer", "dtype"), args, strict=False)) | kwargs


def _initializer_of(layer: keras.layers.Layer, named: dict[str, Any]) -> Callable[..., Any]:
    """Return the weight's initializer, or Keras's default of its type."""
    found = named.get("initializer")
    if found is None:
        found = "glorot_uniform" if "float" in str(named.get("dtype") or layer.variable_dtype) else "zeros"
    return keras.initializers.get(found)


def _stream_name(path: str, place: int) -> tuple[str | int, ...]:
    """Return the name of a weight's stream; a kernel's stream has its layer's own name."""
    return ("initial weights", path.removesuffix("/kernel"), *([place] if place else []))


def _keyed(initializer: Callable[..., Any], key: int) -> Callable[..., Any]:
    """Return an initializer that draws from the stream; it may be called later, where Keras defers that."""
    if isinstance(initializer, RandomInitializer) and isinstance(initializer.seed, DefaultSeed):
        keyed: Any = copy.copy(initializer)
        keyed.seed = random.Random(key).randint(1, LARGEST_SEED)
        initializer = keyed

    def draw(shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        with seeded(key):
            return initializer(shape, dtype=dtype, **kwargs)

    return draw if type(initializer).__name__ not in CONSTANT else initializer


def _draws(initializer: Callable[..., Any], variable: Any) -> bool:
    """Tell whether an initializer draws at random; one that is not Keras's own is tried twice."""
    if isinstance(initializer, RandomInitializer):
        return True
    if type(initializer).__name__ in CONSTANT:
        return False
    drawn = []
    with tf.init_scope():
        for key in (1, 2):
            with seeded(key):
                drawn.append(np.asarray(initializer(variable.shape, dtype=variable.dtype)))
    first, second = drawn
    return not np.array_equal(first, second)


def _is_explicit(initializer: Callable[..., Any]) -> bool:
    return isinstance(initializer, RandomInitializer) and not isinstance(initializer.seed, DefaultSeed)


def _default_seed() -> DefaultSeed:
    return DefaultSeed(random.randint(1, LARGEST_SEED))


@contextlib.contextmanager
def _noted_generators(build: Build) -> Iterator[None]:
    """Note every seed generator that is made within."""
    make = keras.random.SeedGenerator.__init__

    def noted(generator: keras.random.SeedGenerator, *args: Any, **kwargs: Any) -> None:
        make(generator, *args, **kwargs)
        build.generators.append(generator)

    with mock.patch.object(keras.random.SeedGenerator, "__init__", noted):
        yield


@contextlib.contextmanager
def _exact_metrics() -> Iterator[None]:
    """Let Keras's own metrics that are made within sum in float64, so that an accuracy is exactly a share of examples.

    A user's own metric class keeps the type that it was written for.
    """
    make = keras.metrics.Metric.__init__

    def exact(metric: keras.metrics.Metric, dtype: Any = None, name: str | None = None) -> None:
        own = type(metric).__module__.startswith("keras.")
        make(metric, dtype=dtype or ("float64" if own else None), name=name)

    with mock.patch.object(keras.metrics.Metric, "__init__", exact):
        yield
