"""Looks at the seeds of a study -> for each contrast its estimate and interval after every look."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from analysis.figures.axes import Scaled
from analysis.figures.effects import GRADES, OTHER_GRADE
from analysis.figures.page import Page, columns_for, height_for, lay_out
from analysis.figures.style import INK, MUTED_FILL, SMALL, pinned
from analysis.statistics.responses import Response
from analysis.words.names import response_label, titled

REACH = 4  # times the last look's interval: as far as an earlier, wider one is shown


@pinned
def looks(table: pd.DataFrame, responses: dict[str, Response]) -> Figure:
    """Draw a panel a contrast, in the table's order: estimate and interval, over all looks so far, after each look.

    `table` has the columns of `decided.Decided.table`. A contrast whose arm is decided and stops has no later look; an
    interval that would flatten the last one leaves the panel.
    """
    kept = _with_more_seeds(table)
    panels = [(responses[column], rows) for (column, _), rows in kept.groupby(["response", "contrast"], sort=False)]
    planned = sorted(kept["planned"].unique())
    page = Page(
        [_title(response, rows) for response, rows in panels],
        min(columns_for(len(panels)), 3),
        max(height_for(len(panels)), 1.4),
        across="seeds looked at",
        key=_key(kept, panels),
        share=False,
        left=0.5,
    )
    figure, axes = lay_out(page)
    for panel, (response, rows) in zip(axes, panels, strict=True):
        _draw(panel, response, rows, planned)
    return figure


def _with_more_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Return each contrast's looks but those that had no more seeds of it than the look before."""
    before = table.groupby(["response", "contrast"], sort=False)["n"].shift()
    return table[before.isna() | (table["n"] > before)]


def _title(response: Response, rows: pd.DataFrame) -> str:
    return f"{rows['contrast'].iloc[0]} on {titled(response_label(response), response.metric.difference_unit)}"


def _draw(panel: Axes, response: Response, rows: pd.DataFrame, planned: list[int]) -> None:
    """Draw one contrast's looks, evenly spaced, each in the colour of its grade."""
    low, high = _ends(rows, response)
    panel.set_ylim(low, high)
    panel.set_xlim(-0.6, len(planned) - 0.4)
    panel.set_xticks(range(len(planned)), [str(each) for each in planned], fontsize=SMALL)
    panel.grid(visible=False, axis="x")
    if response.metric.sesoi is not None:
        panel.axhspan(-response.metric.sesoi, response.metric.sesoi, color=MUTED_FILL, zorder=0, linewidth=0)
    panel.axhline(0, color=INK, linewidth=0.9, zorder=1)
    panel.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    panel.yaxis.set_major_formatter(Scaled(response.metric.scale))
    for row in rows.itertuples():
        marker, edge, face = GRADES.get(row.grade, OTHER_GRADE)
        at = planned.index(row.planned)
        panel.vlines(at, max(row.low, low), min(row.high, high), color=edge, linewidth=1.5, zorder=2)
        panel.plot(at, row.estimate, marker, color=edge, markerfacecolor=face, markersize=5, zorder=3)


def _ends(rows: pd.DataFrame, response: Response) -> tuple[float, float]:
    """Return the vertical axis: the last look's interval, all estimates, zero and the band, and of the rest some."""
    last = rows.iloc[-1]
    band = response.metric.sesoi or 0.0
    near = np.array([*rows["estimate"], last["low"], last["high"], 0.0, band, -band], float)
    near = near[np.isfinite(near)]
    width = np.ptp(near) or 1e-9
    far = np.array([*rows["low"], *rows["high"], *near], float)
    far = far[np.isfinite(far)]
    low, high = max(far.min(), near.min() - REACH * width), min(far.max(), near.max() + REACH * width)
    pad = 0.05 * (high - low)
    return low - pad, high + pad


def _key(rows: pd.DataFrame, panels: list[tuple[Response, pd.DataFrame]]) -> list[tuple[str, Artist]]:
    """Return the grades that occur, in the order of their strength, and the band."""
    found: list[tuple[str, Artist]] = []
    for grade, (marker, edge, face) in GRADES.items():
        if grade in set(rows["grade"]):
            look: dict[str, Any] = {"marker": marker, "color": edge, "markerfacecolor": face, "markersize": 5}
            found.append((grade, Line2D([], [], linewidth=1.5, **look)))
    if any(response.metric.sesoi is not None for response, _ in panels):
        found.append(("± smallest effect of interest", Patch(color=MUTED_FILL)))
    return found
