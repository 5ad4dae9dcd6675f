"""A response per pair of levels -> how the effect of one factor depends on another."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.axes import axis_label, even_ticks, strands
from analysis.figures.page import LINE, PAGE, Page, lay_out
from analysis.figures.style import INK, MARKERS, SMALL, pinned
from analysis.figures.text import PARTS, drawn, lines_in, width_of, wrap
from runner.metrics import Metric


@pinned
def interaction(seeds: pd.DataFrame, means: pd.DataFrame, factors: tuple[str, str], metric: Metric) -> Figure:
    """Draw the validation metric over the levels of the first factor, a colour for each level of the second.

    Seeds are joined; there are none where runs of one seed number are no block. Levels stand in the order in which
    `means` has them.
    """
    first, second = factors
    levels, lines = list(means[first].unique()), list(means[second].unique())
    width = float(np.clip(2.6 + 0.7 * len(levels), 4.4, PAGE))
    looks = _level_looks(len(lines))
    key = [(f"{second} = {line}", Line2D([], [], **look)) for line, look in zip(lines, looks, strict=True)]
    if len(seeds):
        key.append(("single seeds", Line2D([], [], color=INK, linewidth=0.7, alpha=0.5)))
    names, rotation, bottom = _level_labels(levels, (width - 1) / len(levels))
    up = axis_label(f"validation {metric.label}", metric)
    figure, [panel] = lay_out(Page([""], 1, 2.6, first, up, key, width=width, bottom=bottom))
    for place, (line, look) in enumerate(zip(lines, looks, strict=True)):
        at = {level: x + (place - (len(lines) - 1) / 2) * min(0.06, 0.5 / len(lines)) for x, level in enumerate(levels)}
        own, mean = (frame[frame[second] == line].assign(_at=frame[first].map(at)) for frame in (seeds, means))
        _draw_level(panel, own, mean, f"val_{metric.name}", look)
    panel.set_xticks(range(len(levels)), names, rotation=rotation)
    panel.set_xlim(-0.5, len(levels) - 0.5)
    panel.grid(visible=False, axis="x")
    even_ticks(panel, metric)
    return figure


def _draw_level(panel: Axes, seeds: pd.DataFrame, means: pd.DataFrame, response: str, look: dict[str, Any]) -> None:
    """Draw one level of the second factor: seeds faint and joined, the mean strong with its interval."""
    x, y = strands(seeds, "_at", response, "seed")
    panel.plot(x, y, color=look["color"], linewidth=0.7, alpha=0.55)
    panel.vlines(means["_at"], means["low"], means["high"], color=look["color"], linewidth=1.4)
    panel.plot(means["_at"], means["mean"], **look)


def _level_looks(levels: int) -> list[dict[str, Any]]:
    """Return the looks of a factor's levels; dark to light, so that no level passes for a cell of the palette."""
    colours = seaborn.color_palette("viridis", 100).as_hex()
    shades = np.linspace(0, 82, levels).round().astype(int)
    return [
        {"color": colours[shade], "marker": MARKERS[place % len(MARKERS)], "linewidth": 1.8, "markersize": 5}
        for place, shade in enumerate(shades)
    ]


def _level_labels(levels: Sequence[str], room: float) -> tuple[list[str], int, float]:
    """Return the levels' tick labels, their rotation and their height; upright where `room` is too narrow for them."""
    flat = [wrap(level, room - 0.08, SMALL) for level in levels]
    most = max(lines_in(label) for label in flat)
    parts = [part for level in levels for word in drawn(level).split() for part in PARTS.findall(word)]
    if most <= 4 and all(width_of(part, SMALL) <= room - 0.08 for part in parts):
        return flat, 0, 0.12 + LINE * most
    upright = [wrap(level, 1.8, SMALL, lines=max(1, int(room / LINE))) for level in levels]
    longest = max(width_of(line, SMALL) for label in upright for line in label.split("\n"))
    return upright, 90, 0.12 + longest
