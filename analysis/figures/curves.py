"""Histories -> a metric in training and validation over epochs, a panel per cell, every seed faint."""

from collections.abc import Mapping
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
    say_if_empty,
    strands,
    value_axis,
    view_of,
)
from analysis.figures.page import Page, columns_for, height_for, lay_out
from analysis.figures.style import INK, MUTED, Style, pinned
from runner.metrics import Metric


@pinned
def curves(history: pd.DataFrame, means: pd.DataFrame, metric: Metric, styles: Mapping[str, Style]) -> Figure:
    """Draw the metric in training and validation, a panel per cell of `styles`, every seed faint.

    A curve far worse than the typical one would flatten all others; it leaves the axis and triangles say where. Cells
    that have no panel have no part in the axis.
    """
    history = history[history["cell"].isin(list(styles))]
    logged, validation = metric.name, f"val_{metric.name}"
    lines = history.melt(["cell", "seed"], [logged, validation])
    view = view_of(lines["value"], lines.groupby(["cell", "seed", "variable"]).ngroup(), metric)
    up = axis_label(metric.label, metric, view.logarithmic)
    last = last_epoch(history)
    key = _curve_key(last == 1) + beyond_key(view, metric, metric.label)
    page = Page(list(styles), columns_for(len(styles)), height_for(len(styles)), "epoch", up, key)
    figure, panels = lay_out(page)
    for panel, (cell, style) in zip(panels, styles.items(), strict=True):
        of_cell, mean = history[history["cell"] == cell], means[means["cell"] == cell]
        single = bool(of_cell["epoch"].le(1).all())
        for drawn, look in ((logged, _training_look(single)), (validation, _validation_look(style.colour, single))):
            _draw_curve(panel, of_cell, mean, drawn, look)
            mark_beyond(panel, of_cell["epoch"], of_cell[drawn], view, metric)
        say_if_empty(panel, of_cell)
        epoch_axis(panel, last, page.columns)
    value_axis(panels[0], view, metric)
    return figure


def _draw_curve(panel: Axes, seeds: pd.DataFrame, means: pd.DataFrame, metric: str, look: dict[str, Any]) -> None:
    """Draw the seeds' curves, as one faint line with gaps, and their mean."""
    epochs, values = strands(seeds, "epoch", metric, "seed")
    panel.plot(epochs, values, color=look["color"], **_seed_look(look["marker"] != ""))
    mean = means[means["metric"] == metric].sort_values("epoch")
    panel.plot(mean["epoch"], mean["mean"], **look)


def _validation_look(colour: str, single: bool) -> dict[str, Any]:
    """Return the line of a validation curve, or where there is a single epoch a full point."""
    return {"color": colour, "linewidth": 1.6, "marker": "o" if single else "", "markersize": 5}


def _training_look(single: bool) -> dict[str, Any]:
    """Return the line of a training curve, or where there is a single epoch a hollow point."""
    dashes = {"linestyle": (0, (3, 1.2)), "markerfacecolor": "none"}
    return {"color": MUTED, "linewidth": 1.6, "marker": "D" if single else "", "markersize": 5, **dashes}


def _seed_look(single: bool) -> dict[str, Any]:
    """Return the faint line of single seeds, or where there is a single epoch small points."""
    return {"linewidth": 0.7, "alpha": 0.4, "marker": "." if single else ""}


def _curve_key(single: bool) -> list[tuple[str, Artist]]:
    """Return what the lines of a page of curves are."""
    line = {"linestyle": ""} if single else {}
    return [
        ("validation, mean (in the cell's colour)", Line2D([], [], **_validation_look(INK, single) | line)),
        ("training as logged, mean", Line2D([], [], **_training_look(single) | line)),
        ("single runs", Line2D([], [], color=INK, **_seed_look(single) | line)),
    ]
