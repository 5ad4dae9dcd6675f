"""The table of effects -> what each row is worth, in one word."""

import numpy as np
import pandas as pd

from analysis.statistics.intervals import ALPHA

NEARLY = 10  # seeds, of which one may have the other sign
GRADES = (
    "established",
    "suggestive",
    "smaller than of interest",
    "no difference at all",
    "not shown",
    "cannot be said",
)
SHOWN = ("established", "suggestive")


def grades(table: pd.DataFrame) -> np.ndarray:
    """Return what each row of the table is worth.

    cannot be said            fewer than two seeds, or a cell without runs
    no difference at all      every seed's effect is exactly zero
    established               the interval excludes zero, Holm's p is below .05, and at most one seed in
                              ten ("nearly every") lacks the mean's sign
    smaller than of interest  the interval lies inside ± the smallest effect of interest
    suggestive                the interval excludes zero, no more
    not shown                 none of these

    The first that fits is the grade; so an established effect may be small as well. Rows outside the family have no
    Holm's p and are suggestive at most. Where every seed shows the same non-zero effect the
    interval has no width, and p below .05 stands for it.
    """
    n = table["n"].to_numpy(int)
    positive, negative = table["positive"].to_numpy(int), table["negative"].to_numpy(int)
    low, high, sesoi = (table[name].to_numpy(float) for name in ("low", "high", "sesoi"))
    excludes_zero = table["p"].to_numpy(float) < ALPHA
    survives = excludes_zero & (table["p_holm"].to_numpy(float) < ALPHA)
    dissenting = n - np.where(table["estimate"].to_numpy(float) > 0, positive, negative)
    inside = (-sesoi < low) & (high < sesoi) & ((table["se"].to_numpy(float) > 0) | excludes_zero)
    rules = {
        "cannot be said": n < 2,
        "no difference at all": (positive == 0) & (negative == 0),
        "established": survives & (dissenting <= n // NEARLY),
        "smaller than of interest": inside,
        "suggestive": excludes_zero,
    }
    return np.select(list(rules.values()), list(rules), "not shown").astype(object)
