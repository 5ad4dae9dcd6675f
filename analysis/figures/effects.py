"""The table of effects -> every contrast with its interval, every seed's own difference below it."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from analysis.figures.axes import Scaled
from analysis.figures.page import LINE, Page, lay_out
from analysis.figures.style import EDGE_MARK, INK, MUTED_FILL, SMALL, TEXT, pinned
from analysis.figures.text import lines_in, width_of, wrap
from analysis.statistics.responses import Response
from analysis.words.names import in_unit, response_label, titled
from analysis.words.rounding import difference_and_interval
from runner.metrics import Metric

FLATTENING = 16  # times the typical effect: beyond that an effect leaves the axis
FEW_FAR = 5  # if at most one in so many does
GRADES = {
    "established": ("o", "#0b4a7f", "#0b4a7f"),
    "suggestive": ("D", "#d55e00", "#fbd9c2"),
    "not shown": ("o", "#555555", "#ffffff"),
    "smaller than of interest": ("s", "#029e73", "#029e73"),
    "inert": ("|", "#029e73", "#029e73"),
    "cannot be said": ("x", "#555555", "#555555"),
}
OTHER_GRADE = ("*", "#555555", "#ffffff")
BETTER = {"higher": " (right is better)", "lower": " (left is better)", "neither": ""}


@pinned
def effects(table: pd.DataFrame, seeds: pd.DataFrame, response: Response) -> Figure:
    """Draw every contrast's effect on the response with its interval, every seed's own difference as a dot below it.

    The band is the smallest effect of interest, where the frame has one. An interval that would flatten all else
    ends in an arrow at the edge; of an effect that would, the figures stand there.
    """
    rows = table[table["response"] == response.column].reset_index(drop=True)
    dots = seeds[seeds["response"] == response.column]
    far = _flattening(rows, dots)
    labels = [wrap(contrast, 2.4) for contrast in rows["contrast"]]
    heights = np.array([max(0.34, lines_in(label) * LINE + 0.1) for label in labels])
    places, height = np.cumsum(heights) - heights / 2, max(0.4, heights.sum() + 0.06)
    page = Page(
        [""],
        1,
        height,
        _effect_label(response),
        key=_effect_key(rows, response.metric, bool(far.any()), dots=len(dots) > 0),
        left=max((width_of(line) for label in labels for line in label.split("\n")), default=0) + 0.2,
        bottom=0.22,
    )
    figure, [panel] = lay_out(page)
    panel.set_ylim(height, 0)
    panel.set_yticks(places, labels, fontsize=TEXT)
    panel.grid(visible=False, axis="y")
    _effect_axis(panel, rows[~far], dots[~dots["contrast"].isin(rows["contrast"][far])], response.metric)
    _draw_effects(panel, rows, places)
    for place, row in zip(places[far], rows[far].to_dict("records"), strict=True):
        _write_far(panel, place, row, response.metric)
    below = dict(zip(rows["contrast"], places + 0.12, strict=True))
    drawn = dots[dots["contrast"].isin(below)]
    panel.plot(
        drawn["effect"], drawn["contrast"].map(below), "o", color=INK, alpha=0.5, markersize=2.6, markeredgewidth=0
    )
    return figure


def _flattening(rows: pd.DataFrame, dots: pd.DataFrame) -> np.ndarray:
    """Return which effects are so large that the others could not be told apart, where those are few: (rows,) bool."""
    size = dots["effect"].astype(float).abs().replace(np.inf, np.nan).groupby(dots["contrast"]).max()
    size = size.reindex(rows["contrast"]) if len(size) else rows["estimate"].abs()
    far = (size > FLATTENING * size[size > 0].quantile(0.5, interpolation="lower")).to_numpy()
    return far if far.sum() * FEW_FAR <= len(rows) else np.zeros(len(rows), bool)


def _write_far(panel: Axes, place: float, row: dict[str, Any], metric: Metric) -> None:
    """Write an effect that lies beyond the axis beside the edge that it lies beyond."""
    left = row["estimate"] < 0
    panel.annotate(
        difference_and_interval(row["estimate"], row["low"], row["high"], metric),
        (0.0 if left else 1.0, place),
        xycoords=panel.get_yaxis_transform(),
        xytext=(8 if left else -8, 0),
        textcoords="offset points",
        ha="left" if left else "right",
        va="center",
        fontsize=SMALL,
        color=GRADES.get(row["grade"], OTHER_GRADE)[1],
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )


def _effect_axis(panel: Axes, rows: pd.DataFrame, dots: pd.DataFrame, metric: Metric) -> None:
    """Set the horizontal axis of an effects figure, its zero line and its band."""
    sesoi = rows["sesoi"].max()
    near = np.concatenate([rows["estimate"], dots["effect"], [0, sesoi, -sesoi]]).astype(float)
    near = near[np.isfinite(near)]
    reach = np.array([near.min(), near.max()]) + np.array([-1, 1]) * max(1.2 * np.abs(near).max(), 1e-9)
    ends = [rows[name] for name in ("low", "high", "new_low", "new_high")]
    far = np.concatenate([*ends, near]).astype(float)
    low, high = np.clip([np.nanmin(far), np.nanmax(far)], *reach)
    pad = 0.04 * (high - low) or 1.0
    panel.set_xlim(low - pad, high + pad)
    if np.isfinite(sesoi):
        panel.axvspan(-sesoi, sesoi, color=MUTED_FILL, zorder=0, linewidth=0)
    panel.axvline(0, color=INK, linewidth=0.9, zorder=1)
    panel.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    panel.xaxis.set_major_formatter(Scaled(metric.scale))


def _draw_effects(panel: Axes, rows: pd.DataFrame, places: np.ndarray) -> None:
    """Draw estimates by grade, intervals as lines, arrows where a line leaves the axis."""
    low, high = panel.get_xlim()
    for grade, group in rows.groupby("grade", sort=False):
        marker, edge, face = GRADES.get(grade, OTHER_GRADE)
        at = places[group.index]
        panel.hlines(at, group["low"], group["high"], color=edge, linewidth=1.5, zorder=2)
        wider = group["new_low"].notna().to_numpy()
        if wider.any():
            lows, highs = group.loc[wider, ["new_low", "new_high"]].to_numpy().T
            panel.hlines(at[wider], lows, highs, colors=edge, linewidth=0.6, zorder=2)
        panel.plot(group["estimate"], at, linestyle="", zorder=3, label=grade, **_mark(marker, edge, face))
    for bound, marker, column, sign in ((low, "<", "low", 1), (high, ">", "high", -1)):
        outside = (sign * (rows[column] - bound) < 0).to_numpy()
        inside = panel.transData + ScaledTranslation(sign * 2 / 72, 0, panel.figure.dpi_scale_trans)
        at = np.full(outside.sum(), bound)
        panel.plot(
            at, places[outside], marker, color=INK, markersize=4, markeredgewidth=0, transform=inside, clip_on=False
        )


def _mark(marker: str, edge: str, face: str) -> dict[str, Any]:
    """Return the look of an estimate as matplotlib's keywords."""
    size = {"|": 11, "*": 8}.get(marker, 6)
    return {
        "marker": marker,
        "color": edge,
        "markerfacecolor": face,
        "markersize": size,
        "markeredgewidth": 2 if marker == "|" else 1.2,
    }


def _effect_key(rows: pd.DataFrame, metric: Metric, far: bool, dots: bool) -> list[tuple[str, Artist]]:
    """Return the grades that occur, in the order of their strength, then dots, band and what lies beyond the axis."""
    strength = {grade: place for place, grade in enumerate(GRADES)}
    grades = sorted(rows["grade"].unique(), key=lambda grade: strength.get(grade, len(strength)))
    entries: list[tuple[str, Artist]] = [
        (grade, Line2D([], [], linewidth=1.5, **_mark(*GRADES.get(grade, OTHER_GRADE)))) for grade in grades
    ]
    if rows["new_low"].notna().any():
        entries.append(("thin: 95 % interval for new examples too", Line2D([], [], color=INK, linewidth=0.6)))
    dot = Line2D([], [], linestyle="", marker="o", color=INK, alpha=0.5, markersize=2.6, markeredgewidth=0)
    if dots:
        entries.append(("each seed's own difference", dot))
    sesoi = rows["sesoi"].max()
    if np.isfinite(sesoi):
        shown = in_unit(f"{sesoi * metric.scale:g}", metric.difference_unit)
        entries.append((f"smallest effect of interest: ± {shown}", Patch(color=MUTED_FILL)))
    if far:
        entries.append(("beyond the axis: estimate [95 % interval]", Line2D([], [], **EDGE_MARK, marker="<")))
    return entries


def _effect_label(response: Response) -> str:
    """Return what the axis of effects says; which way is better only of a validation figure."""
    better = "" if response.term else BETTER[response.metric.better]
    return titled(f"effect on {response_label(response)}", response.metric.difference_unit) + better
