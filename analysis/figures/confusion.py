"""Counts of true and given classes -> a matrix per cell, its errors in colour."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import seaborn
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.figures.page import PAGE, Page, lay_out
from analysis.figures.style import INK, MUTED, MUTED_FILL, pinned
from analysis.figures.text import width_of
from analysis.words.phrases import count

ANNOTATED = 20  # classes up to which a confusion matrix shows its counts
SIDE_BY_SIDE = 12  # classes up to which two annotated matrices fit beside one another
ERRORS = seaborn.light_palette("#d55e00", as_cmap=True)


@pinned
def confusion(matrices: Mapping[str, np.ndarray], noun: str = "image") -> Figure:
    """Draw each cell's counts (true class, given class) beside one another; the diagonal muted, so that errors show.

    Up to 20 classes the counts stand in their squares; beyond that colours and a scale do. `noun` is what is counted.
    """
    classes = max(len(counts) for counts in matrices.values())
    beside = classes <= SIDE_BY_SIDE or classes > ANNOTATED
    columns = min(2, len(matrices)) if beside else 1
    width = PAGE if columns == 2 else 4.0 if classes <= SIDE_BY_SIDE else 6.5
    side = (width - 0.75 - 0.14 * columns) / columns
    most = max(1, *(_off_diagonal(counts).max() for counts in matrices.values()))
    key = [] if classes <= ANNOTATED else _error_key(most, noun)
    page = Page(list(matrices), columns, side, "class given", "true class", key, width=width)
    figure, panels = lay_out(page)
    for panel, counts in zip(panels, matrices.values(), strict=True):
        _draw_matrix(panel, np.asarray(counts), most)
        if classes <= ANNOTATED:
            _annotate(panel, np.asarray(counts), side / classes)
    return figure


def _off_diagonal(counts: np.ndarray) -> np.ndarray:
    return np.where(np.eye(len(counts), dtype=bool), 0, counts)


def _draw_matrix(panel: Axes, counts: np.ndarray, most: float) -> None:
    """Paint errors by the square root of their number, the diagonal grey."""
    errors = _off_diagonal(counts)
    painted = ERRORS(np.sqrt(errors / most))
    painted[errors == 0] = 1
    painted[np.eye(len(counts), dtype=bool)] = mpl.colors.to_rgba(MUTED_FILL)
    panel.imshow(painted, interpolation="nearest", aspect="auto")
    panel.grid(visible=False)
    step = 1 if len(counts) <= ANNOTATED else 10
    panel.set_xticks(range(0, len(counts), step))
    panel.set_yticks(range(0, len(counts), step))


def _annotate(panel: Axes, counts: np.ndarray, side: float) -> None:
    """Write every count but zeros into its square of `side` inches, as large as the longest allows."""
    longest = width_of(f"{counts.max():,.0f}", 1)
    size = min(7.0, 0.85 * side / longest)
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = MUTED if row == column else INK
        shown = f"{counts[row, column]:,.0f}"
        panel.text(column, row, shown, fontsize=size, color=colour, ha="center", va="center_baseline")


def _error_key(most: float, noun: str) -> list[tuple[str, Artist]]:
    """Return three steps of the colours of errors."""
    steps = sorted({1, round(most / 4), round(most)})
    return [(count(step, noun), Patch(color=ERRORS(np.sqrt(step / most)))) for step in steps if step]
