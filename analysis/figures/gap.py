"""The gap's means -> what it is made of, stacked over epochs, a panel per cell."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.figures.axes import OUTLYING, epoch_axis, even_ticks, last_epoch, mark_at_edge, say_if_empty
from analysis.figures.page import Page, columns_for, height_for, lay_out
from analysis.figures.style import EDGE_MARK, INK, pinned
from analysis.statistics.gap import NET, TERMS
from analysis.words.names import term_label, titled
from runner.metrics import Metric

ALL_BARS = 40  # epochs up to which the gap is drawn as bars; more make an area
FEW = 12  # epochs up to which the net gap has points and bars; more make a band
COLOURS = {  # of a term by its first step
    "moving_weights": "#77aadd",
    "train_mode_noise": "#eedd88",
    "memorisation": "#ee8866",
    "split_difference": "#2a8c7c",
}


@pinned
def gap(means: pd.DataFrame, cells: Sequence[str], metric: Metric) -> Figure:
    """Draw what the metric's gap is made of, stacked over epochs, a panel per cell.

    What raises the gap stands above zero and what lowers it below; the line is the net gap with its interval.
    """
    of_response = means[means["response"] == metric.name]
    terms = [term for term in TERMS if term in set(of_response["term"])]
    reach, beyond = _gap_reach(of_response)
    key: list[tuple[str, Artist]] = [(_key_label(term), Patch(color=_colour_of(term))) for term in terms]
    key.append(("net gap: validation − training as logged", Line2D([], [], color=INK, linewidth=1.4)))
    key += [("beyond the axis", Line2D([], [], **EDGE_MARK, marker="^"))] if beyond else []
    up = titled(f"gap in {metric.label}", metric.difference_unit)
    page = Page(list(cells), columns_for(len(cells)), height_for(len(cells)), "epoch", up, key)
    figure, panels = lay_out(page)
    for panel, cell in zip(panels, cells, strict=True):
        of_cell = of_response[of_response["cell"] == cell]
        wide = of_cell.pivot_table("mean", "epoch", "term", aggfunc="first").reindex(columns=[*terms, NET])
        _stack(panel, wide[terms])
        _draw_net(panel, of_cell[of_cell["term"] == NET].sort_values("epoch"))
        _mark_tall(panel, wide, terms, reach)
        say_if_empty(panel, of_cell)
        epoch_axis(panel, last_epoch(of_response), page.columns, room=0.6)
        panel.axhline(0, color=INK, linewidth=0.8, zorder=2.5)
        panel.grid(visible=False, axis="x")
    panels[0].set_ylim(*reach)
    even_ticks(panels[0], metric)
    return figure


def _colour_of(term: str) -> str:
    """Return the colour of a term, that of its first step where it holds more than one."""
    return COLOURS[TERMS[term].steps[0]]


def _key_label(term: str) -> str:
    """Return what the key calls a term; with batch statistics in a net the noise is more than noise."""
    return term_label(term) + (" (train mode − inference mode)" if term == "train_mode_noise" else "")


def _stack(panel: Axes, wide: pd.DataFrame) -> None:
    """Stack the columns of `wide` (epochs, terms) away from zero: positive values up, negative ones down."""
    epochs = wide.index.to_numpy(float)
    up, down = np.zeros(len(wide)), np.zeros(len(wide))
    for term in wide:
        values = wide[term].fillna(0).to_numpy()
        base = np.where(values >= 0, up, down)
        colour = _colour_of(term)
        if len(wide) <= ALL_BARS:
            corners: Any = _bars(epochs, base, values)  # an array is taken too, and faster; the stubs know sequences
            panel.add_collection(PolyCollection(corners, facecolor=colour, linewidth=0, label=term, zorder=2))
        else:
            panel.fill_between(epochs, up, up + values.clip(min=0), color=colour, linewidth=0, label=term, zorder=2)
            panel.fill_between(epochs, down, down + values.clip(max=0), color=colour, linewidth=0, zorder=2)
        up, down = up + values.clip(min=0), down + values.clip(max=0)


def _bars(epochs: np.ndarray, base: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the corners of a bar per epoch from `base` to `base + values`: (epochs, 4, 2)."""
    left, right, top = epochs - 0.4, epochs + 0.4, base + values
    return np.stack([np.stack(corner, -1) for corner in ((left, base), (right, base), (right, top), (left, top))], 1)


def _draw_net(panel: Axes, net: pd.DataFrame) -> None:
    """Draw the net gap over the stack, white around it, with its interval: bars, or a band among many epochs."""
    few = len(net) <= FEW
    if few:
        panel.vlines(net["epoch"], net["low"], net["high"], color=INK, linewidth=0.8, zorder=4)
    else:
        panel.fill_between(net["epoch"], net["low"], net["high"], color=INK, alpha=0.25, linewidth=0, zorder=4)
    panel.plot(net["epoch"], net["mean"], color="white", linewidth=2.8, zorder=3)
    look: dict[str, Any] = {"marker": "o" if few else "", "markersize": 3, "zorder": 5, "label": "net"}
    panel.plot(net["epoch"], net["mean"], color=INK, linewidth=1.4, **look)


def _gap_reach(means: pd.DataFrame) -> tuple[tuple[float, float], bool]:
    """Return the lowest and highest value to show, and whether the stack of some cell goes beyond.

    A cell whose gap is far larger than the typical cell's does not count, and intervals widen the axis by half at most.
    """
    net = means[means["term"] == NET].set_index(["cell", "epoch"])
    parts = means[means["term"] != NET].set_index(["cell", "epoch"])["mean"]
    ends = [parts.clip(lower=0).groupby(level=[0, 1]).sum(), parts.clip(upper=0).groupby(level=[0, 1]).sum()]
    drawn = pd.concat([*ends, net["mean"]]).replace([np.inf, -np.inf], np.nan).dropna()
    largest = drawn.abs().groupby(level=0).max()
    ordinary = largest.index[largest <= OUTLYING * largest.quantile(0.5, interpolation="lower")]
    low, high = (end(drawn[drawn.index.isin(ordinary, level=0)].to_numpy(), initial=0) for end in (np.min, np.max))
    room, inside = (high - low) / 2, net[net.index.isin(ordinary, level=0)]
    lowest = np.nanmin([low, *inside["low"].clip(lower=low - room)])
    highest = np.nanmax([high, *inside["high"].clip(upper=high + room)])
    pad = 0.05 * (highest - lowest) or 0.01
    return (lowest - pad, highest + pad), len(ordinary) < len(largest)


def _mark_tall(panel: Axes, wide: pd.DataFrame, terms: list[str], reach: tuple[float, float]) -> None:
    """Mark the epochs whose stack leaves the axis, above and below."""
    tops = np.maximum(wide[terms].clip(lower=0).sum(axis=1), wide[NET].fillna(0))
    floors = np.minimum(wide[terms].clip(upper=0).sum(axis=1), wide[NET].fillna(0))
    for outside, marker, edge in ((tops > reach[1], "^", 1), (floors < reach[0], "v", 0)):
        mark_at_edge(panel, wide.index[outside], marker, edge)
