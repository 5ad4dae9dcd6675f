"""Values of cells and seeds -> what matched seeds bring, and the pooled analysis beside the contrasts' own."""

import numpy as np
from scipy import sparse, stats

from analysis.statistics.contrasts import Contrasts
from analysis.statistics.intervals import ALPHA

ROUNDING = 1e-12  # relative; a smaller effect or spread is that of floating-point sums
SEEDS_FOR_RHO = 3  # any two points correlate perfectly


def variance_ratio(values: np.ndarray, weights: sparse.csr_array, own: np.ndarray) -> np.ndarray:
    """Return the variance of the seeds' effects over what it would be if no two cells had their seeds in common.

    `values` is (n, cells), of cells that are runs of their own, `own` the effects (n, contrasts). With two cells of
    equal variance it is 1 − rho. NaN below two seeds, or where no cell varies.
    """
    if len(own) < 2:
        return np.full(own.shape[1], np.nan)
    size = abs(weights) @ np.abs(np.nan_to_num(values)).max(axis=0)
    unpaired = weights.power(2) @ np.nan_to_num(values.var(axis=0, ddof=1))
    return own.var(axis=0, ddof=1) / np.where(unpaired > (ROUNDING * size) ** 2, unpaired, np.nan)


def correlations(values: np.ndarray, contrasts: Contrasts) -> np.ndarray:
    """Return the mean correlation over seeds of each contrast's pairs of cells.

    NaN below three seeds, since any two points correlate perfectly, and where no pair varies.
    """
    count = len(contrasts.table)
    if len(values) < SEEDS_FOR_RHO:
        return np.full(count, np.nan)
    centred = np.nan_to_num(values - values.mean(axis=0))
    norm = np.sqrt((centred**2).sum(axis=0))
    moves = norm > ROUNDING * np.abs(np.nan_to_num(values)).max(axis=0)
    kept = moves[contrasts.pairs].all(axis=1)
    first, second = contrasts.pairs[kept].T
    together = (centred[:, first] * centred[:, second]).sum(axis=0) / (norm[first] * norm[second])
    total = np.bincount(contrasts.owner[kept], np.clip(together, -1, 1), minlength=count)
    pairs = np.bincount(contrasts.owner[kept], minlength=count)
    return np.divide(total, pairs, out=np.full(count, np.nan), where=pairs > 0)


def scatter_alike(values: np.ndarray) -> bool:
    """Return whether the cells' scatter about their seeds is one, by Bartlett's test at .05: (n, cells).

    Only then one error for all cells says something of each. Two cells have one difference, and nothing to pool.
    """
    n, cells = values.shape
    if n < SEEDS_FOR_RHO or cells <= 2:
        return False
    rest = values - values.mean(axis=1, keepdims=True)
    variances = rest.var(axis=0, ddof=1)
    if not (variances > (ROUNDING * np.abs(values).max()) ** 2).all():
        return False
    return _bartlett_p(variances, n) >= ALPHA


def _bartlett_p(variances: np.ndarray, n: int) -> float:
    """Return the p of Bartlett's test that variances of n values each are one; scipy's takes a second for thousands."""
    cells, df = len(variances), n - 1
    spread = df * (cells * np.log(variances.mean()) - np.log(variances).sum())
    correction = 1 + (cells / df - 1 / (cells * df)) / (3 * (cells - 1))
    return float(stats.chi2.sf(spread / correction, cells - 1))


def pooled(values: np.ndarray, weights: sparse.csr_array) -> dict[str, np.ndarray]:
    """Return each contrast's F on 1 and (n − 1)(cells − 1) df in the ANOVA seed + cell; values are (n, cells).

    In a 2^k design the contrast's sum of squares is N Ē² / 4 with N runs. The mean is subtracted first, so that no
    digits are lost where it is large beside the differences.
    """
    n, cells = values.shape
    df = (n - 1) * (cells - 1)
    undefined = np.full(weights.shape[0], np.nan)
    if n < 2 or cells < 2:
        return {"pooled_f": undefined, "pooled_df": undefined, "pooled_p": undefined}
    moved = values - values.mean()
    cell_means = moved.mean(axis=0)
    error = ((moved - cell_means - moved.mean(axis=1, keepdims=True) + moved.mean()) ** 2).sum() / df
    if error <= (ROUNDING * np.abs(values).max()) ** 2:
        return {"pooled_f": undefined, "pooled_df": undefined + df, "pooled_p": undefined}
    squares = weights.power(2).sum(axis=1)
    f = np.divide((weights @ cell_means) ** 2 * n, squares * error, out=undefined.copy(), where=squares > 0)
    return {"pooled_f": f, "pooled_df": np.full(len(f), float(df)), "pooled_p": stats.f.sf(f, 1, df)}
