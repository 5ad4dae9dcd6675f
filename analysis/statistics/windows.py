"""Epochs of a run -> its response: the mean over the last epochs of the look, whose noise is mostly an epoch's own.

Measured on 62 contrasts of this project's studies, a within-seed difference averaged over the last 3 epochs has 0.55 of
the variance of the last epoch's (median). The window is declared before and the same everywhere in a report.
"""

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.intervals import ALPHA


def windowed(history: np.ndarray, window: int) -> np.ndarray:
    """Return the mean over the last `window` epochs, (..., epochs) -> (...); NaN where one of these has no value."""
    return history[..., -window:].mean(axis=-1)


def still_moving(history: np.ndarray, window: int, cells: int = 1, least: float = 0.0) -> bool:
    """Return whether a cell's mean over the window still moves: (seeds, epochs).

    It does where that differs from the mean over the window before by more than `least` and beyond the noise of seeds
    (paired t at 5 % over all `cells` together). Nothing moves below three seeds, or where there are not two windows.
    """
    seeds, epochs = history.shape
    if seeds < 3 or epochs < 2 * window:
        return False
    change = windowed(history, window) - windowed(history[:, :-window], window)  # (seeds,)
    half = stats.t.isf(ALPHA / 2 / cells, seeds - 1) * change.std(ddof=1) / np.sqrt(seeds)
    return bool(abs(change.mean()) > max(half, least))


def moving_cells(history: pd.DataFrame, column: str, window: int, least: float) -> list[str]:
    """Return the cells whose mean of the column over the window still moves by more than `least`.

    `history` holds the epochs that all of a cell's compared seeds reached. A cell with a value that is missing there
    is left out.
    """
    tables = {
        cell: group.pivot_table(column, "seed", "epoch", dropna=False).to_numpy(float)
        for cell, group in history.groupby("cell", sort=False)
    }
    whole = {cell: table for cell, table in tables.items() if np.isfinite(table).all()}
    return [cell for cell, table in whole.items() if still_moving(table, window, len(whole), least)]
