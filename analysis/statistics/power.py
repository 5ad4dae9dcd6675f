"""Effect sizes -> how many seeds show them."""

from functools import cache

import numpy as np
from scipy import special, stats

from analysis.statistics.intervals import ALPHA

POWER = 0.80
TABLED_SEEDS = 200  # up to which detectable effects are exact
MOST_SEEDS = 1_000_000


def seeds_needed(d_z: np.ndarray) -> np.ndarray:
    """Return the seeds at which a paired t-test (two-sided .05) finds an effect of size d_z with 80 % power; float.

    NaN where d_z is zero or NaN, at least 2, at most a million. Exact up to 200 seeds; beyond, the
    normal approximation with its small-sample term, which agrees with the exact one there.
    """
    size = np.abs(np.asarray(d_z, float))
    sizes = np.where(np.isfinite(size) & (size > 0), size, 1.0)
    tabled = 2.0 + np.searchsorted(-detectable_effects(), -sizes)
    quantile = stats.norm.ppf(1 - ALPHA / 2)
    approximate = np.ceil(((quantile + stats.norm.ppf(POWER)) / sizes) ** 2 + quantile**2 / 2)
    needed = np.where(tabled <= TABLED_SEEDS, tabled, np.minimum(approximate, MOST_SEEDS))
    return np.where(np.isfinite(size) & (size > 0), needed, np.nan)


@cache
def detectable_effects() -> np.ndarray:
    """Return the d_z that 2, 3, ..., 200 seeds detect with 80 % power, from the noncentral t; decreasing.

    The chance to be significant in the wrong direction, below 1e-5 there, is left out.
    """
    n = np.arange(2, TABLED_SEEDS + 1)
    critical = stats.t.ppf(1 - ALPHA / 2, n - 1)
    low, high = critical / np.sqrt(n), 1.5 * critical / np.sqrt(n)
    for _ in range(50):
        middle = (low + high) / 2
        enough = special.nctdtr(n - 1, middle * np.sqrt(n), critical) <= 1 - POWER
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high
