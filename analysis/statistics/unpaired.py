"""Runs of cells that have no seeds in common -> estimate, interval and test of every contrast, by own variances.

For histories made elsewhere, whose seed numbers are no blocks. A contrast Σ w_c mean_c has the variance
Σ w_c² s_c² / n_c and Satterthwaite's degrees of freedom (Biometrics Bulletin 2, 1946); of two cells that is Welch's
t-test. Cells may have different numbers of runs. Over more than two arms it is Welch's test per comparison, corrected
by Holm.

No exact test holds where cells may scatter differently, so there is none here, and no rule of signs. Satterthwaite's
degrees of freedom are themselves estimated: below 10 runs in a cell, Welch's p so errs in up to 8 % of studies (35 arms
of 3 or 5 runs, whose spreads rise to tenfold), and that all runs of one arm lie on one side of the other's does not
mend it, since at so small a p they always do. With the degrees of freedom of the smallest cell, n − 1, as a paired
analysis has, the test of normal runs errs in no case, whatever the variances (Banerjee, Sankhyā A 23, 1961). So
`established` takes Holm's p below .05 and, below 10 runs in a cell, Holm's p below .05 at these degrees of freedom too
(`grades`). So simulated at 3, 5, 15 and unequal numbers of runs, normal runs err in at most 5 % of studies, within the
simulation's error; skewed ones in more, where cells scatter differently (tests/benchmarks/unpaired.py).
"""

import numpy as np
from scipy import sparse

from analysis.statistics.contrast_tests import Assessed, student, t_ratio
from analysis.statistics.intervals import ALPHA
from analysis.statistics.kept import ROUNDING


def assessed_apart(
    figures: np.ndarray, weights: sparse.csr_array, floor: float = 0.0, alpha: float = ALPHA
) -> Assessed:
    """Return the tests of contrasts of cells: figures are (runs, cells), NaN below a cell's last run.

    `n` is the fewest runs of a weighed cell, `sd` that of the contrast of one run a cell, √Σ w² s², never tested as
    below `floor`; what it lacks is spread evenly over the cells. `p_exact`, `p_floor`, `positive` and `negative` are
    NaN. Nothing is tested where a cell has a single run, nor estimated where one has none.
    """
    there = np.isfinite(figures)
    runs = there.sum(axis=0)  # (cells,)
    present = np.where(there, figures, 0.0)
    mean = present.sum(axis=0) / np.maximum(runs, 1)
    variance = (np.where(there, figures - mean, 0.0) ** 2).sum(axis=0) / np.maximum(runs - 1, 1)
    n = _fewest(weights, runs)
    size = abs(weights) @ np.abs(present).max(axis=0, initial=0)
    estimate = np.where(n > 0, _cleaned(weights @ mean, size), np.nan)
    squares = weights.power(2)
    sd = np.where(n > 1, np.sqrt(squares @ variance), np.nan)
    sd = np.where(sd <= ROUNDING * size, 0.0, sd)
    lift = np.maximum(floor**2 - sd**2, 0.0) / squares.sum(axis=1)  # added to the variance of each cell
    square, df = _of_estimate(squares, variance, lift, runs)
    se = np.where(n > 1, np.sqrt(square), np.nan)
    df = np.where(n > 1, np.where(df > 0, df, n - 1.0), 0.0)
    quantile, tail = student(np.abs(t := t_ratio(estimate, se)), df, alpha)
    none = np.full(len(n), np.nan)
    return Assessed(
        n=n,
        estimate=estimate,
        sd=sd,
        se=se,
        df=df,
        low=estimate - quantile * se,
        high=estimate + quantile * se,
        t=t,
        p=np.where(n > 1, tail, np.nan),
        p_exact=none,
        p_floor=none.copy(),
        positive=none.copy(),
        negative=none.copy(),
        floored=sd < floor,
        moderated=np.zeros(len(n), bool),
    )


def _fewest(weights: sparse.csr_array, runs: np.ndarray) -> np.ndarray:
    """Return the fewest runs of the cells that each contrast weighs: (contrasts,)."""
    return np.minimum.reduceat(runs[weights.indices], weights.indptr[:-1]) if weights.shape[0] else np.empty(0, int)


def _cleaned(values: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the values, what rounding leaves of equal cells being zero."""
    return np.where(np.abs(values) <= ROUNDING * size, 0.0, values)


def _of_estimate(
    squares: sparse.csr_array, variance: np.ndarray, lift: np.ndarray, runs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the estimates' variances and Satterthwaite's degrees of freedom, 0 without any variance: (contrasts,).

    A cell's variance is its own and the contrast's `lift`.
    """
    scale = max(variance.max(initial=0.0), lift.max(initial=0.0)) or 1.0  # so that no fourth power leaves the floats
    own, more = variance / scale, lift / scale
    each = squares @ sparse.diags_array(1 / np.maximum(runs, 1))  # (contrasts, cells)
    total = each @ own + more * each.sum(axis=1)
    by_freedom = each.power(2) @ sparse.diags_array(1 / np.maximum(runs - 1, 1))
    fourth = by_freedom @ own**2 + 2 * more * (by_freedom @ own) + more**2 * by_freedom.sum(axis=1)
    return scale * total, np.divide(total**2, fourth, out=np.zeros(len(total)), where=fourth > 0)
