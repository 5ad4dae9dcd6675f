"""Metrics and epochs -> axes: what they show, their ticks, and marks for what lies beyond them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import Formatter, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from analysis.figures.page import DPI
from analysis.figures.style import EDGE_MARK, MUTED
from analysis.words.names import in_unit, titled
from runner.metrics import Metric

LOWEST = 1e5  # times lower than the typical worst loss is how far down a logarithmic axis reaches
OUTLYING = 8  # times the typical curve's worst value: beyond that a curve leaves the axis


@dataclass(frozen=True)
class View:
    """What an axis shows of a metric, and in words what it does not show ("" where it shows all)."""

    low: float
    high: float
    logarithmic: bool = False
    beyond: str = ""


class Scaled(Formatter):
    """Tick labels of `scale` times the value, with as many decimals as tell the ticks apart."""

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def format_ticks(self, values: Iterable[float]) -> list[str]:
        """Return the labels of all ticks with the same number of decimals."""
        shown = np.asarray(list(values), float) * self.scale
        exact = (places for places in range(9) if np.allclose(shown, shown.round(places), rtol=0, atol=1e-9))
        places = next(exact, 9)
        return [self.fix_minus(f"{value + 0.0:.{places}f}") for value in shown.round(places)]

    def __call__(self, value: float, pos: int | None = None) -> str:
        """Return the label of one tick."""
        return self.format_ticks([value])[0]


def view_of(values: pd.Series, lines: pd.Series, metric: Metric) -> View:
    """Return the axis that shows the values of all `lines` but those far worse than the typical line.

    How far a value is from the metric's best, or from the best value there is where that is not bounded, is its
    shortfall; the typical line's is the median of all lines' largest. Where no direction is better, all is shown.
    What is never below zero and better low, and spans more than a factor of 30, gets a logarithmic axis.
    """
    finite = values.replace([np.inf, -np.inf], np.nan)
    if finite.isna().all():
        return View(0.0, 1.0)
    best, sign = _best_of(finite, metric)
    short = (finite - best) * sign
    worst = short.groupby(lines).max().dropna()
    ends = pd.concat([worst, short.groupby(lines).min()])  # at its best, an outlying line may be seen too
    fence = np.inf if metric.better == "neither" else OUTLYING * worst.quantile(0.5, interpolation="lower")
    most, least = ends[ends <= fence].max(), short.min()
    beyond = _not_shown(values, short, most, metric)
    if metric.better == "lower" and metric.low == 0:
        positive = max(short[short > 0].min(), worst.median() / LOWEST) if most > 0 else 1.0
        if most > 30 * positive:
            room = (most / positive) ** 0.04
            return View(positive / room, most * room, logarithmic=True, beyond=beyond)
    pad = 0.04 * (most - least) or 0.05 * most or 0.002
    low, high = sorted(best + sign * reach for reach in (least - pad, most + pad))
    return View(low, high, beyond=beyond)


def _best_of(values: pd.Series, metric: Metric) -> tuple[float, int]:
    """Return the best that the metric can be, or the best there is, and 1 where worse is higher, −1 where lower."""
    match metric.better:
        case "higher":
            return (values.max() if metric.high is None else metric.high), -1
        case "lower":
            return (values.min() if metric.low is None else metric.low), 1
    return values.min(), 1


def widened(view: View, means: pd.DataFrame, metric: Metric) -> View:
    """Return the view with room for intervals, up to half of it on either side, but none that no metric reaches."""
    room = (view.high - view.low) / 2
    lowest, highest = (view.low / 2, view.high * 2) if view.logarithmic else (view.low - room, view.high + room)
    lowest = lowest if metric.low is None else max(lowest, metric.low)
    highest = highest if metric.high is None else min(highest, metric.high)
    low = np.nanmin([view.low, *means["low"].clip(lower=lowest)])
    return replace(view, low=low, high=np.nanmax([view.high, *means["high"].clip(upper=highest)]))


def _not_shown(values: pd.Series, short: pd.Series, most: float, metric: Metric) -> str:
    """Return in words what lies beyond the axis, "" where nothing does."""
    hidden = values[short > most] * metric.scale
    words = []
    if len(hidden):
        way, end = ("down", hidden.min()) if metric.better == "higher" else ("up", hidden.max())
        shown = f"{end:,.0f}" if 1000 <= abs(end) < 1e7 else f"{end:.3g}"
        words.append(f"beyond the axis, {way} to {in_unit(shown.replace('-', '−'), metric.unit)}")
    if short.isna().any():
        words.append("not finite")
    return ", or ".join(words)


def beyond_key(view: View, metric: Metric, label: str) -> list[tuple[str, Artist]]:
    """Return the entry for what the axis does not show, if there is anything; `label` is what the axis shows."""
    marker = _worse_edge(metric)[0]
    return [(f"{label} {view.beyond}", Line2D([], [], **EDGE_MARK, marker=marker))] if view.beyond else []


def _worse_edge(metric: Metric) -> tuple[str, float]:
    """Return the triangle that points to the worse edge of a metric's axis, and that edge."""
    return ("v", 0.0) if metric.better == "higher" else ("^", 1.0)


def mark_beyond(panel: Axes, epochs: pd.Series, values: pd.Series, view: View, metric: Metric) -> None:
    """Put a triangle at the panel's worse edge in every epoch in which a value lies beyond it or is not finite."""
    good = values > view.high if metric.better == "higher" else values < view.low
    outside = ~values.between(view.low, view.high) & ~good
    mark_at_edge(panel, epochs[outside].unique(), *_worse_edge(metric))


def mark_at_edge(panel: Axes, epochs: Iterable[float], marker: str, edge: float) -> None:
    """Put a triangle at the lower (0) or upper (1) edge of the panel at each of the epochs."""
    at = list(epochs)
    if at:
        panel.plot(at, [edge] * len(at), transform=panel.get_xaxis_transform(), marker=marker, zorder=6, **EDGE_MARK)


def say_if_empty(panel: Axes, frame: pd.DataFrame) -> None:
    """Say so in a panel whose cell has no runs."""
    if frame.empty:
        panel.text(0.5, 0.5, "no runs", transform=panel.transAxes, ha="center", va="center", color=MUTED)


def last_epoch(frame: pd.DataFrame) -> int:
    """Return the last epoch of the frame, 1 where it has none."""
    return int(frame["epoch"].max()) if len(frame) else 1


def epoch_axis(panel: Axes, last: int, columns: int, room: float = 0.0) -> None:
    """Set an axis of whole epochs from 1, with as many ticks as a panel of that many `columns` has room for."""
    room = room or (0.5 if last == 1 else 0.03 * (last - 1))
    panel.set_xlim(1 - room, last + room)
    panel.set_xticks(epoch_ticks(last, {1: 15, 2: 10, 3: 7}.get(columns, 5)))


def epoch_ticks(last: int, most: int) -> list[int]:
    """Return at most about `most` whole epochs, the first among them, in round steps."""
    step = next(
        step
        for scale in (1, 10, 100, 1000, 10**4, 10**5)
        for step in (scale, 2 * scale, 5 * scale)
        if last <= step * most
    )
    return list(range(1, last + 1, step)) if step <= 2 else [1, *range(step, last + 1, step)]


def value_axis(panel: Axes, view: View, metric: Metric) -> None:
    """Set the vertical axis of a metric as the view says."""
    if view.logarithmic:
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if view.high < 1000 * view.low else (1,)))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * metric.scale:g}"))
    else:
        even_ticks(panel, metric)
    panel.set_ylim(view.low, view.high)


def even_ticks(panel: Axes, metric: Metric) -> None:
    """Set round ticks on the vertical axis, as many as it has room for, in the metric's shown unit."""
    most = round(panel.bbox.height / DPI / 0.25)
    panel.yaxis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))
    panel.yaxis.set_major_formatter(Scaled(metric.scale))


def strands(frame: pd.DataFrame, along: str, value: str, line: str) -> np.ndarray:
    """Return all lines one after another with NaN between, so that one artist draws them: (2, points)."""
    parts = [part[[along, value]].to_numpy(float) for _, part in frame.sort_values(along).groupby(line)]
    return np.concatenate([np.empty((0, 2)), *(row for part in parts for row in (part, [[np.nan, np.nan]]))]).T


def axis_label(label: str, metric: Metric, logarithmic: bool = False) -> str:
    """Return `validation accuracy, %` or `loss, nats (logarithmic)`."""
    return titled(label, metric.unit) + (" (logarithmic)" if logarithmic else "")
