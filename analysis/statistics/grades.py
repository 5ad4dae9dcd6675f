"""The table of effects -> what each row is worth, in one word."""

import numpy as np
import pandas as pd
from scipy import special

from analysis.statistics.holm import holm
from analysis.statistics.intervals import ALPHA

ESTABLISHING_SEEDS = 3  # two never establish anything
SURE_RUNS = 10  # of unpaired cells, from which Satterthwaite's degrees of freedom are good enough
EXACT_SEEDS = 6  # from which the sign-flip test, whose floor is then below .05, is the sign rule
GRADES = ("established", "suggestive", "smaller than of interest", "not shown", "inert", "cannot be said")
SHOWN = ("established", "suggestive")


def signs_agree(
    n: np.ndarray, positive: np.ndarray, negative: np.ndarray, p_exact: np.ndarray, moderated: np.ndarray | bool = False
) -> np.ndarray:
    """Return where the seeds' signs bear an effect out: (contrasts,) bool.

    Below 6 seeds, and where the variance is moderated, all seeds have one sign; from 6 the exact sign-flip test is
    below .05. With skewed differences that test errs in about 9 % of cases at 8 to 12 seeds.
    """
    unanimous = (np.maximum(positive, negative) == n) & (n > 0)
    return np.where((n < EXACT_SEEDS) | moderated, unanimous, p_exact < ALPHA)


def least_p(n: np.ndarray, t: np.ndarray, p_holm: np.ndarray) -> np.ndarray:
    """Return Holm's p of unpaired contrasts at the degrees of freedom of the smallest cell: (contrasts,).

    Whatever the cells' variances, that is no smaller than the true one (`unpaired`). NaN where there is no `p_holm`.
    """
    df = np.where(np.isfinite(p_holm), n - 1.0, np.nan)
    return holm(2 * special.stdtr(df, -np.abs(t)))


def _borne_out(table: pd.DataFrame) -> np.ndarray:
    """Return where the seeds' signs bear an effect out or, of unpaired runs, the surest degrees of freedom do."""
    n, positive, negative, p_exact = (table[name].to_numpy(float) for name in ("n", "positive", "negative", "p_exact"))
    agree = signs_agree(n, positive, negative, p_exact, table["moderated"].to_numpy(bool))
    apart = np.isnan(positive)  # runs in no blocks have no effects of their own
    if not apart.any():
        return agree
    surest = least_p(n, table["t"].to_numpy(float), table["p_holm"].to_numpy(float)) < ALPHA
    return np.where(apart, (n >= SURE_RUNS) | surest, agree)


def grades(table: pd.DataFrame) -> np.ndarray:
    """Return what each row of the table is worth.

    cannot be said            fewer than two seeds, or a cell without runs
    established               at least three seeds, the interval excludes zero, the corrected p is below .05, and
                              the signs agree (`signs_agree`); of unpaired runs, below 10 in a cell, Holm's p is
                              below .05 at the degrees of freedom of the smallest cell too (`unpaired`)
    smaller than of interest  the interval lies inside ± the smallest effect of interest
    suggestive                the interval excludes zero, no more
    not shown                 none of these; nor do seeds that all show no difference show that there is none

    The first that fits is the grade; so an established effect may be small as well. Rows that are corrected with no
    others have no Holm's p and are suggestive at most. The table has n, low, high, p_holm, p_exact, positive, negative,
    moderated and sesoi, of unpaired runs t, as `analysis.statistics.effects` documents them.
    """
    low, high, sesoi = (table[name].to_numpy(float) for name in ("low", "high", "sesoi"))
    n = table["n"].to_numpy(int)
    excludes_zero = (low > 0) | (high < 0)
    survives = excludes_zero & (table["p_holm"].to_numpy(float) < ALPHA)
    rules = {
        "cannot be said": ~(n > 1),
        "established": survives & _borne_out(table) & (n >= ESTABLISHING_SEEDS),
        "smaller than of interest": (-sesoi < low) & (high < sesoi),
        "suggestive": excludes_zero,
    }
    return np.select(list(rules.values()), list(rules), "not shown").astype(object)
