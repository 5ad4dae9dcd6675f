"""p-values -> p-values corrected for how many there are."""

import numpy as np


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values corrected for all that are given, after Holm (1979); NaN is no test and stays."""
    p = np.asarray(p, float)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected = np.full(len(p), np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected
