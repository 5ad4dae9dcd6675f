"""Seeds' effects -> the exact sign-flip test of their mean."""

from functools import cache

import numpy as np

ENUMERATED_SEEDS = 10  # up to which all sign patterns are laid out
HALVED_SEEDS = 30  # up to which they are counted from two halves
SIGN_DRAWS = 100_000  # of more seeds
SIGN_CHUNK = 4_000_000  # flipped sums in memory at a time


def sign_flip_p(own: np.ndarray) -> np.ndarray:
    """Return the two-sided p of each column's mean under all 2^n changes of sign of the seeds' effects; at least 2/2^n.

    Exact up to 30 seeds. Beyond, 100,000 fixed random patterns stand for all, and the observed one
    is counted with them, so that p never falls below 1/100,001.
    """
    n, count = own.shape
    if n <= ENUMERATED_SEEDS:
        return share_as_large(own, all_signs(n))
    if n <= HALVED_SEEDS:
        return np.array([_halved_sign_flip_p(own[:, place]) for place in range(count)])
    signs = np.random.default_rng(n).choice([-1.0, 1.0], (SIGN_DRAWS, n))
    return (share_as_large(own, signs) * SIGN_DRAWS + 1) / (SIGN_DRAWS + 1)


@cache
def all_signs(n: int) -> np.ndarray:
    """Return the sign patterns of n seeds that leave the first as it is: (2^(n − 1), n); the rest mirror them."""
    bits = np.arange(2 ** (n - 1))[:, None] >> np.arange(n)[None, :] & 1
    return (1.0 - 2.0 * bits)[:, ::-1]


def share_as_large(own: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Return the share of patterns whose sum is at least as far from zero as the observed one, a column each."""
    bar = np.abs(own.sum(axis=0)) - _slack(own)
    step = max(1, SIGN_CHUNK // len(signs))
    starts = range(0, own.shape[1], step)
    shares = [
        (np.abs(signs @ own[:, start : start + step]) >= bar[start : start + step]).mean(axis=0) for start in starts
    ]
    return np.concatenate([np.empty(0), *shares])


def _slack(own: np.ndarray) -> np.ndarray:
    """Return by how much equal sums may differ from rounding; accuracies of a small validation set often tie."""
    return 1e-10 * np.abs(own).sum(axis=0)


def _halved_sign_flip_p(own: np.ndarray) -> float:
    """Return the exact p for one contrast, (n,), from the flipped sums of two halves: 2^(n/2) steps and not 2^n."""
    bar = abs(own.sum()) - float(_slack(own))
    if bar <= 0:
        return 1.0
    first, second = _flipped_sums(own[: len(own) // 2]), np.sort(_flipped_sums(own[len(own) // 2 :]))
    above = len(second) - np.searchsorted(second, bar - first, side="left")
    below = np.searchsorted(second, -bar - first, side="right")
    return float((above + below).sum() / (len(first) * len(second)))


def _flipped_sums(values: np.ndarray) -> np.ndarray:
    """Return the sums of the values under every choice of signs: (2^n,)."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums
