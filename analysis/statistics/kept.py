"""Values of seeds and cells -> which seeds each contrast rests on: those complete in the cells that it compares.

In a factorial every contrast weighs all cells, so a seed counts if it is complete in every cell. Arms and one-at-a-time
designs are complete per contrast: an arm that diverges in four of five seeds costs only itself.
"""

from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

ROUNDING = 1e-12  # relative; a smaller effect is that of floating-point sums

Weights: TypeAlias = np.ndarray | sparse.csr_array  # (contrasts, cells)


def own_effects(values: np.ndarray, weights: Weights, together: bool) -> np.ndarray:
    """Return each contrast's value in each seed, NaN where the seed does not count: (seeds, contrasts).

    `values` is (seeds, cells), NaN where a run is not complete. `together` tells that the design is complete in whole
    seeds, as a factorial is; a cell that no seed has then leaves undefined the contrasts that weigh it, and no others.
    What rounding leaves of equal cells is zero.
    """
    kept = kept_seeds(values, weights, together)
    present = np.where(np.isfinite(values), values, 0.0)
    own = (weights @ present.T).T
    size = abs(weights) @ np.abs(present).max(axis=0, initial=0)  # of the numbers that are added and subtracted
    return np.where(kept, np.where(np.abs(own) <= ROUNDING * size, 0.0, own), np.nan)


def kept_seeds(values: np.ndarray, weights: Weights, together: bool) -> np.ndarray:
    """Return which seeds each contrast rests on: (seeds, contrasts) bool."""
    there = np.isfinite(values)
    weighed: Any = abs(weights) > 0
    lacking = (weighed.astype(float) @ (~there).T.astype(float)).T  # weighed cells without a value
    alive = there.any(axis=0)
    whole = there[:, alive].all(axis=1) & alive.any() if together else np.ones(len(values), bool)
    return (lacking == 0) & whole[:, None]
