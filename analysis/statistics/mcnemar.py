"""Two nets' answers on one validation set -> McNemar's exact test of whether they differ.

Columns of `mcnemar_contrasts`, a row per contrast: `contrast`, `pairs` (nets that differ in the level only, seed by
seed), `differ` (pairs with exact p <= .05), `better`, `worse` (of these, the net at the level is better or worse),
`median_only_baseline`, `median_only_level` (examples that only one of the two nets gets right).
"""

import numpy as np
import pandas as pd
from scipy import stats

from analysis.reading.study import Design
from analysis.statistics.intervals import ALPHA
from analysis.statistics.matched import Levels, matched
from analysis.statistics.misses import Predictions


def mcnemar(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Return McNemar's exact test for each pair of nets, a row per seed: `only_first`, `only_second` (right), `p`.

    `first` and `second` are (seeds, examples), paired by row. It compares two trained nets on these examples, not the
    two recipes they were trained by.
    """
    if first.shape != second.shape:
        raise ValueError(
            f"first and second must hold the same seeds and examples; got {first.shape} and {second.shape}. "
            "Pass only seeds that both cells have."
        )
    only_first, only_second = _discordant(first, second, labels)
    return pd.DataFrame({"only_first": only_first, "only_second": only_second, "p": _exact_p(only_first, only_second)})


def _discordant(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many examples only the first and only the second net of each pair gets right, (seeds,) each."""
    only_first, only_second = np.zeros((2, len(first)), np.int64)
    for seed, (one, other) in enumerate(zip(first, second, strict=True)):
        right, other_right = one == labels, other == labels
        only_first[seed] = np.count_nonzero(right & ~other_right)
        only_second[seed] = np.count_nonzero(other_right & ~right)
    return only_first, only_second


def _exact_p(only_first: np.ndarray, only_second: np.ndarray) -> np.ndarray:
    """Return the two-sided exact p: discordant examples fall on either side with even chance; 1 where none is."""
    smaller = np.minimum(only_first, only_second)
    return np.minimum(1.0, 2 * stats.binom.cdf(smaller, only_first + only_second, 0.5))


def mcnemar_contrasts(predictions: Predictions, labels: np.ndarray, levels: Levels, design: Design) -> pd.DataFrame:
    """Return the exact tests of all seed pairs, summed up per contrast; the columns are those of the module's table."""
    rows = []
    for contrast in matched({cell: levels[cell] for cell in predictions}, design):
        first, second = (
            np.concatenate([predictions[cell] for cell in arm]) for arm in zip(*contrast.pairs, strict=True)
        )
        tests = mcnemar(first, second, labels)
        clear = tests[tests["p"] <= ALPHA]
        rows.append(
            {
                "contrast": contrast.label,
                "pairs": len(tests),
                "differ": len(clear),
                "better": int((clear["only_second"] > clear["only_first"]).sum()),
                "worse": int((clear["only_second"] < clear["only_first"]).sum()),
                "median_only_baseline": float(tests["only_first"].median()),
                "median_only_level": float(tests["only_second"].median()),
            }
        )
    columns = ["contrast", "pairs", "differ", "better", "worse", "median_only_baseline", "median_only_level"]
    return pd.DataFrame(rows, columns=columns)
