"""A contrast's size and spread -> how many seeds would establish it, as a range, at the level its family leaves.

A contrast is one of a family, so it must show at about 5 % divided by the number of tests; and its standard deviation
is itself estimated, from few seeds badly. So the answer is a range, from the 95 % interval of that standard deviation,
and from two seeds there is none.
"""

from functools import cache

import numpy as np
from scipy import special, stats

from analysis.statistics.grades import ESTABLISHING_SEEDS
from analysis.statistics.intervals import ALPHA

POWER = 0.80
TABLED_SEEDS = 200  # up to which detectable effects are exact
MOST_SEEDS = 1_000_000


def seeds_range(effect: np.ndarray, sd: np.ndarray, n: np.ndarray, tests: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the fewest and the most seeds that a true effect of that size takes, with 80 % power; (contrasts,) float.

    `sd` is of the seeds' own effects over `n` seeds, `tests` how many the family holds. NaN below three seeds, where
    there is no spread, and for no effect.
    """
    least, most = spread_interval(sd, n)
    alpha = ALPHA / max(tests, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return seeds_needed(np.abs(effect) / least, alpha), seeds_needed(np.abs(effect) / most, alpha)


def spread_interval(sd: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of standard deviations estimated from n values each, by chi-squared; NaN below three."""
    df = np.where(np.asarray(n) > 2, np.asarray(n) - 1.0, np.nan)
    low, high = (np.sqrt(df / stats.chi2.ppf(tail, df)) for tail in (1 - ALPHA / 2, ALPHA / 2))
    return sd * low, sd * high


def seeds_needed(d_z: np.ndarray, alpha: float = ALPHA) -> np.ndarray:
    """Return the seeds at which a paired t-test (two-sided, level alpha) finds an effect of size d_z with 80 % power.

    Float; NaN where d_z is zero or no finite number, at least 3, since two seeds establish nothing, at most a million.
    Exact up to 200 seeds; beyond, the normal approximation with its small-sample term, which agrees with the exact
    one there.
    """
    size = np.abs(np.asarray(d_z, float))
    usable = np.isfinite(size) & (size > 0)
    sizes = np.where(usable, size, 1.0)
    tabled = float(ESTABLISHING_SEEDS) + np.searchsorted(-detectable_effects(alpha), -sizes)
    quantile = stats.norm.ppf(1 - alpha / 2)
    approximate = np.ceil(((quantile + stats.norm.ppf(POWER)) / sizes) ** 2 + quantile**2 / 2)
    needed = np.where(tabled <= TABLED_SEEDS, tabled, np.clip(approximate, TABLED_SEEDS + 1, MOST_SEEDS))
    return np.where(usable, needed, np.nan)


@cache
def detectable_effects(alpha: float = ALPHA) -> np.ndarray:
    """Return the d_z that 3, 4, ..., 200 seeds detect at level alpha with 80 % power, from the noncentral t; falling.

    The chance to be significant in the wrong direction, below 1e-5 there, is left out.
    """
    n = np.arange(ESTABLISHING_SEEDS, TABLED_SEEDS + 1)
    critical = stats.t.ppf(1 - alpha / 2, n - 1)
    low, high = critical / np.sqrt(n) / 2, 1.5 * critical / np.sqrt(n)
    for _ in range(50):
        middle = (low + high) / 2
        enough = special.nctdtr(n - 1, middle * np.sqrt(n), critical) <= 1 - POWER
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high
