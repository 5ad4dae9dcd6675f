"""Named random streams: every random number of a run derives from (run seed, stream name) and nothing else.

Two runs with one seed therefore draw the same numbers wherever both have the stream: taking a
layer out, changing the inputs or training in another order leaves every other stream as it was.
"""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def stream_key(seed: int, *name: str | int) -> int:
    """Return the 63-bit key of the stream `name` of run `seed`; equal arguments give equal keys on every machine."""
    text = "/".join([str(seed), *(f"{len(str(part))}:{part}" for part in name)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *name: str | int) -> np.random.Generator:
    """Return numpy's PCG64 generator at the start of the stream `name` of run `seed`."""
    return np.random.Generator(np.random.PCG64(stream_key(seed, *name)))


@contextmanager
def layer_stream(seed: int, layer_name: str) -> Iterator[None]:
    """Seed what Keras draws while it makes and builds one layer, and put Python's own stream back afterwards.

    Keras takes the default seed of an initializer or a seed generator from the module `random`,
    wherever it is nested. Seeding that module for each layer by name makes the initial weights a
    function of (seed, layer name), whichever layers stand before it.
    """
    state = random.getstate()
    random.seed(stream_key(seed, "initial weights", layer_name))
    try:
        yield
    finally:
        random.setstate(state)


def batch_order(seed: int, epoch: int, images: int) -> np.ndarray:
    """Return the order in which `epoch` (from 1) visits the training images: a permutation, int32, shape (images,)."""
    return generator(seed, "batch order", epoch).permutation(images).astype(np.int32)
