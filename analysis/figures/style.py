"""Colours, lines and settings that all figures share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import seaborn

FONT = "DejaVu Sans"  # comes with matplotlib, so it is the same everywhere
TEXT = 7.5  # points
SMALL = 6.5  # points
INK, MUTED, MUTED_FILL, GRID = "#222222", "#7a7a7a", "#e4e4e4", "#dddddd"

_BLIND_SAFE = seaborn.color_palette("colorblind").as_hex()
COLOURS = (*(_BLIND_SAFE[place] for place in (0, 3, 2, 4, 1, 9)), "#332288", "#7a4b1e")
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
EDGE_MARK: dict[str, Any] = {"linestyle": "", "color": INK, "markersize": 4, "markeredgewidth": 0, "clip_on": False}

# matplotlib's own defaults first: what a user's matplotlibrc says would change the bytes.
STYLE = {
    **{key: value for key, value in mpl.rcParamsDefault.items() if "backend" not in key},
    **seaborn.axes_style("whitegrid"),
    "font.family": [FONT],
    "font.size": TEXT,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": "#999999",
    "axes.linewidth": 0.7,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.fontsize": TEXT,
}
pinned = mpl.rc_context(STYLE)


@dataclass(frozen=True)
class Style:
    """How a cell is drawn in every figure of a study."""

    colour: str
    line: str | tuple[int, tuple[float, ...]]
    marker: str


def palette(cells: Sequence[str]) -> dict[str, Style]:
    """Return every cell's colour, line and marker, decided by its place; hand the same to every figure of a study.

    Colours stay apart for the colour-blind (six of seaborn's colorblind and two dark ones); after 8 cells they come
    round with another line, and neighbours have different markers, so that no two of 224 cells look alike.
    """
    return {
        cell: Style(
            COLOURS[place % len(COLOURS)],
            DASHES[place // len(COLOURS) % len(DASHES)],
            MARKERS[(place + place // (len(COLOURS) * len(DASHES))) % len(MARKERS)],
        )
        for place, cell in enumerate(cells)
    }
