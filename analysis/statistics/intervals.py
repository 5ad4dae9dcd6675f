"""Values -> their mean and 95 % t-interval: the one interval of the program."""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

ALPHA = 0.05


def half_width(sd: Any, n: Any) -> Any:
    """Return half of the 95 % t-interval of a mean of n values, of shape and type of `sd`; NaN below two."""
    n = np.asarray(n)
    counts, places = np.unique(n, return_inverse=True)
    quantiles = np.full(len(counts), np.nan)
    quantiles[counts > 1] = stats.t.ppf(1 - ALPHA / 2, counts[counts > 1] - 1)
    return quantiles[places].reshape(n.shape) * sd / np.sqrt(np.maximum(n, 1))


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Return mean, low and high; low and high are NaN below two values, all where there is none or one is NaN."""
    if len(values) == 0 or np.isnan(values).any():
        return np.nan, np.nan, np.nan
    mean = float(values.mean())
    half = float(half_width(values.std(ddof=1), len(values))) if len(values) > 1 else np.nan
    return mean, mean - half, mean + half


def intervals_of(grouped: Any) -> dict[str, pd.DataFrame]:
    """Return mean, low, high and n of each group's columns, by the suffix of their names: "", _low, _high, _n.

    A group with a value that is missing has neither: nothing is averaged over what is there.
    """
    n = grouped.count()
    whole = n.eq(grouped.size(), axis=0)
    mean = grouped.mean().where(whole)
    half = half_width(grouped.std(), n.to_numpy())
    return {"": mean, "_low": mean - half, "_high": mean + half, "_n": n}
