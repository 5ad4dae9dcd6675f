"""Mean curves -> the validation curves of all cells in one panel a metric."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.axes import (
    axis_label,
    beyond_key,
    epoch_axis,
    last_epoch,
    mark_beyond,
    value_axis,
    view_of,
    widened,
)
from analysis.figures.page import Page, lay_out
from analysis.figures.style import SMALL, Style, pinned
from runner.metrics import Metric

BANDS = 6  # cells up to which the overview draws intervals as bands


@pinned
def overview(means: pd.DataFrame, styles: Mapping[str, Style], metrics: Sequence[Metric]) -> Figure:
    """Draw the mean validation curves of all cells of `styles`, a panel per metric.

    Intervals are bands; with more than six cells they stand beside the curves, at each cell's last epoch. Cells that
    are not drawn have no part in the axes.
    """
    means = means[means["cell"].isin(list(styles))]
    shown = [means[means["metric"] == f"val_{metric.name}"].sort_values("epoch") for metric in metrics]
    views = [
        widened(view_of(frame["mean"], frame["cell"], metric), frame, metric)
        for frame, metric in zip(shown, metrics, strict=True)
    ]
    labels = [f"validation {metric.label}" for metric in metrics]
    panes = list(zip(metrics, shown, views, labels, strict=True))
    key: list[tuple[str, Artist]] = [(cell, Line2D([], [], **_line_of(style))) for cell, style in styles.items()]
    key += [entry for metric, _, view, label in panes for entry in beyond_key(view, metric, label)]
    titles = [axis_label(label, metric, view.logarithmic) for metric, _, view, label in panes]
    columns = min(2, len(metrics))
    figure, panels = lay_out(Page(titles, columns, 2.6, "epoch", key=key, key_below=True, share=False))
    last = last_epoch(means)
    strip = _strip_after(last) if len(styles) > BANDS else None
    for panel, (metric, frame, view, _) in zip(panels, panes, strict=True):
        for place, (cell, style) in enumerate(styles.items()):
            mean = frame[frame["cell"] == cell]
            step = max(1, len(mean) // 6)
            panel.plot(mean["epoch"], mean["mean"], markevery=(place % step, step), **_line_of(style))
            _draw_interval(panel, mean, style, strip, (place + 0.5) / len(styles))
        mark_beyond(panel, frame["epoch"], frame["mean"], view, metric)
        epoch_axis(panel, last, 6)
        value_axis(panel, view, metric)
        if strip:
            _name_strip(panel, strip)
    return figure


def _line_of(style: Style) -> dict[str, Any]:
    """Return a cell's line as matplotlib's keywords."""
    look = {"color": style.colour, "linestyle": style.line, "marker": style.marker}
    return look | {"linewidth": 1.3, "markersize": 4.2, "markeredgewidth": 0}


def _draw_interval(
    panel: Axes, mean: pd.DataFrame, style: Style, strip: tuple[float, float] | None, share: float
) -> None:
    """Draw a cell's interval as a band, or that of its last epoch at `share` of the strip's width."""
    if strip is None:
        panel.fill_between(mean["epoch"], mean["low"], mean["high"], color=style.colour, alpha=0.15, linewidth=0)
        return
    at = [strip[0] + strip[1] * share] * len(mean[-1:])
    panel.vlines(at, mean["low"][-1:], mean["high"][-1:], color=style.colour, linewidth=1)
    panel.plot(at, mean["mean"][-1:], **_line_of(style) | {"linestyle": ""})


def _strip_after(last: int) -> tuple[float, float]:
    """Return where the strip for the last epochs' intervals starts, and its width, in epochs."""
    span = max(1, last - 1)
    return last + (0.06 * span if last > 1 else 0.5), 0.45 * span


def _name_strip(panel: Axes, strip: tuple[float, float]) -> None:
    """Widen the panel by the strip and put its name among the epochs."""
    start, width = strip
    panel.axvline(start, color="#999999", linewidth=0.7)
    panel.set_xlim(panel.get_xlim()[0], start + width)
    place: dict[str, Any] = {"xy": (start + width / 2, 0), "xycoords": ("data", "axes fraction")}
    panel.annotate(
        "last epoch", xytext=(0, -2.5), textcoords="offset points", ha="center", va="top", fontsize=SMALL, **place
    )
