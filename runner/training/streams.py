"""Named random streams: every random number of a run derives from (run seed, stream name) and nothing else.

Two runs with one seed therefore draw the same numbers wherever both have the stream: taking a
layer out, changing the inputs or training in another order leaves every other stream as it was.
"""

import hashlib

import numpy as np


def stream_key(seed: int, *name: str | int) -> int:
    """Return the 63-bit key of the stream `name` of run `seed`; equal arguments give equal keys on every machine."""
    text = "/".join([str(seed), *(f"{len(str(part))}:{part}" for part in name)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *name: str | int) -> np.random.Generator:
    """Return numpy's PCG64 generator at the start of the stream `name` of run `seed`."""
    return np.random.Generator(np.random.PCG64(stream_key(seed, *name)))


def batch_order(seed: int, epoch: int, examples: int) -> np.ndarray:
    """Return the order in which `epoch` (from 1) visits the training examples: a permutation, int32, (examples,)."""
    return generator(seed, "batch order", epoch).permutation(examples).astype(np.int32)


def holdout_size(examples: int, share: float) -> int:
    """Return how many of `examples` training examples are held out: the nearest whole number."""
    return round(examples * share)


def split_indices(seed: int, examples: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return which training examples are trained on and which are held out, ascending; int64, (n,) each.

    Which are held out depends on (seed, number of examples, share) alone.
    """
    order = generator(seed, "split").permutation(examples)
    held = holdout_size(examples, share)
    return np.sort(order[held:]), np.sort(order[:held])


def probe_indices(seed: int, examples: int, probe: int) -> np.ndarray:
    """Return which of the examples trained on the probe scores: at most `probe`, fixed for the run, ascending."""
    order = generator(seed, "probe").permutation(examples)
    return np.sort(order[: min(probe, examples)])
