"""Tidy frames turned into matplotlib figures; every statistic arrives in a frame, and no file is written.

Columns that each function reads (shares, nats; NaN where there is no value):

| function | frame | columns |
|---|---|---|
| curves | history | cell, seed, epoch, accuracy, loss, val_accuracy, val_loss |
| curves, overview | means | cell, epoch, metric (one of those four names), mean, low, high |
| effects | table | response, contrast (unique), estimate, low, high, sesoi, grade |
| effects | seed_effects | response, contrast, seed, effect |
| interaction | seeds | a column for either factor, seed, and the response |
| interaction | means | a column for either factor, mean, low, high: a row per pair of levels |
| gap | means | cell, response, epoch, term, mean, low, high |
| gallery | missed | image, label, missed_by, runs, answers |

Sizes are inches. Panels are placed by the measured size of the text around them, so that nothing overlaps and nothing
is cut off, however long a label. Accuracies stay shares in the data; only the axes show them as per cent.
"""

import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ft2font import LoadFlags
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import Formatter, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation
from PIL import Image

from analysis.rounding import difference_and_interval, scale_of

PAGE = 7.5  # inches wide
DPI = 130
LARGEST_FILE = 200_000  # bytes of a PNG
FONT = "DejaVu Sans"  # comes with matplotlib, so it is the same everywhere
TEXT = 7.5  # points
SMALL = 6.5  # points
LINE = 0.128  # inches from one line of TEXT to the next
KEY_TEXT = 3.1  # inches at most of a line in a key
TITLE_LINES = 8
PARTS = re.compile(r"[^=/_:,;.\-]+[=/_:,;.\-]*|[=/_:,;.\-]+")  # where a long word may be broken
BOX = "□"  # stands for a character the font lacks
INK, MUTED, MUTED_FILL, GRID = "#222222", "#7a7a7a", "#e4e4e4", "#dddddd"

_BLIND_SAFE = seaborn.color_palette("colorblind").as_hex()
COLOURS = (*(_BLIND_SAFE[place] for place in (0, 3, 2, 4, 1, 9)), "#332288", "#7a4b1e")
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

ALL_BARS = 40  # epochs up to which the gap is drawn as bars; more make an area
FEW = 12  # epochs up to which the net gap has points and bars; more make a band
BANDS = 6  # cells up to which the overview draws intervals as bands
ANNOTATED = 20  # classes up to which a confusion matrix shows its counts
SIDE_BY_SIDE = 12  # classes up to which two annotated matrices fit beside one another
LOWEST = 1e5  # times lower than the typical worst loss is how far down a logarithmic axis reaches
FLATTENING = 16  # times the typical effect: beyond that an effect leaves the axis
FEW_FAR = 5  # if at most one in so many does
OUTLYING = 8  # times the typical curve's worst value: beyond that a curve leaves the axis

TERMS = {
    "moving_weights": ("moving weights", "#77aadd"),
    "train_mode_noise": ("training-mode noise (train mode − inference mode)", "#eedd88"),
    "memorisation": ("memorisation", "#ee8866"),
    "memorisation_and_split": ("memorisation and split difference", "#ee8866"),
    "split_difference": ("split difference", "#2a8c7c"),
}
GRADES = {
    "established": ("o", "#0b4a7f", "#0b4a7f"),
    "suggestive": ("D", "#d55e00", "#fbd9c2"),
    "not shown": ("o", "#555555", "#ffffff"),
    "smaller than of interest": ("s", "#029e73", "#029e73"),
    "no difference at all": ("|", "#029e73", "#029e73"),
    "cannot be said": ("x", "#555555", "#555555"),
}
OTHER_GRADE = ("*", "#555555", "#ffffff")
ERRORS = seaborn.light_palette("#d55e00", as_cmap=True)
EDGE_MARK = {"linestyle": "", "color": INK, "markersize": 4, "markeredgewidth": 0, "clip_on": False}

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


@dataclass(frozen=True)
class View:
    """What an axis shows of a metric, and in words what it does not show ("" where it shows all)."""

    low: float
    high: float
    logarithmic: bool = False
    beyond: str = ""


@dataclass(frozen=True)
class Page:
    """Panels in a grid under their titles, one key for all, and the text along the two sides."""

    titles: Sequence[str]
    columns: int
    height: float  # of a panel
    across: str = ""
    up: str = ""
    key: Sequence[tuple[str, Artist]] = ()
    key_below: bool = False
    share: bool = True  # one vertical axis for all panels
    width: float = PAGE
    left: float = 0.42  # for the labels of the ticks at the left
    bottom: float = 0.24  # for the labels of the ticks under each row


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


@pinned
def curves(history: pd.DataFrame, means: pd.DataFrame, metric: str, styles: Mapping[str, Style]) -> Figure:
    """Draw `metric` ("accuracy" or "loss") in training and validation, a panel per cell of `styles`, every seed faint.

    A curve far worse than the typical one would flatten all others; it leaves the axis and triangles say where.
    """
    validation = f"val_{metric}"
    lines = history.melt(["cell", "seed"], [metric, validation])
    view = view_of(lines["value"], lines.groupby(["cell", "seed", "variable"]).ngroup(), metric)
    up = axis_label(metric, view.logarithmic)
    last = last_epoch(history)
    key = curve_key(last == 1) + beyond_key(view, metric)
    page = Page(list(styles), columns_for(len(styles)), height_for(len(styles)), "epoch", up, key)
    figure, panels = lay_out(page)
    for panel, (cell, style) in zip(panels, styles.items(), strict=True):
        of_cell, mean = history[history["cell"] == cell], means[means["cell"] == cell]
        single = bool(of_cell["epoch"].le(1).all())
        for drawn, look in ((metric, training_look(single)), (validation, validation_look(style.colour, single))):
            draw_curve(panel, of_cell, mean, drawn, look)
            mark_beyond(panel, of_cell["epoch"], of_cell[drawn], view, metric)
        say_if_empty(panel, of_cell)
        epoch_axis(panel, last, page.columns)
    value_axis(panels[0], view, metric)
    return figure


def draw_curve(panel: Axes, seeds: pd.DataFrame, means: pd.DataFrame, metric: str, look: dict[str, Any]) -> None:
    """Draw the seeds' curves, as one faint line with gaps, and their mean."""
    epochs, values = strands(seeds, "epoch", metric, "seed")
    panel.plot(epochs, values, color=look["color"], **seed_look(look["marker"] != ""))
    mean = means[means["metric"] == metric].sort_values("epoch")
    panel.plot(mean["epoch"], mean["mean"], **look)


def validation_look(colour: str, single: bool) -> dict[str, Any]:
    """Return the line of a validation curve, or where there is a single epoch a full point."""
    return {"color": colour, "linewidth": 1.6, "marker": "o" if single else "", "markersize": 5}


def training_look(single: bool) -> dict[str, Any]:
    """Return the line of a training curve, or where there is a single epoch a hollow point."""
    dashes = {"linestyle": (0, (3, 1.2)), "markerfacecolor": "none"}
    return {"color": MUTED, "linewidth": 1.6, "marker": "D" if single else "", "markersize": 5, **dashes}


def seed_look(single: bool) -> dict[str, Any]:
    """Return the faint line of single seeds, or where there is a single epoch small points."""
    return {"linewidth": 0.7, "alpha": 0.4, "marker": "." if single else ""}


def curve_key(single: bool) -> list[tuple[str, Artist]]:
    """Return what the lines of a page of curves are."""
    line = {"linestyle": ""} if single else {}
    return [
        ("validation, mean (in the cell's colour)", Line2D([], [], **validation_look(INK, single) | line)),
        ("training as logged, mean", Line2D([], [], **training_look(single) | line)),
        ("single seeds", Line2D([], [], color=INK, **seed_look(single) | line)),
    ]


@pinned
def overview(means: pd.DataFrame, styles: Mapping[str, Style]) -> Figure:
    """Draw the mean validation curves of all cells of `styles`: accuracy in one panel, loss in the other.

    Intervals are bands; with more than six cells they stand beside the curves, at each cell's last epoch.
    """
    shown = {metric: means[means["metric"] == metric].sort_values("epoch") for metric in ("val_accuracy", "val_loss")}
    views = {
        metric: widened(view_of(frame["mean"], frame["cell"], metric), frame, metric) for metric, frame in shown.items()
    }
    key = [(cell, Line2D([], [], **line_of(style))) for cell, style in styles.items()]
    key += [entry for metric, view in views.items() for entry in beyond_key(view, metric)]
    titles = [axis_label(metric, view.logarithmic) for metric, view in views.items()]
    figure, panels = lay_out(Page(titles, 2, 2.6, "epoch", key=key, key_below=True, share=False))
    last = last_epoch(means)
    strip = strip_after(last) if len(styles) > BANDS else None
    for panel, (metric, view) in zip(panels, views.items(), strict=True):
        for place, (cell, style) in enumerate(styles.items()):
            mean = shown[metric][shown[metric]["cell"] == cell]
            step = max(1, len(mean) // 6)
            panel.plot(mean["epoch"], mean["mean"], markevery=(place % step, step), **line_of(style))
            draw_interval(panel, mean, style, strip, (place + 0.5) / len(styles))
        mark_beyond(panel, shown[metric]["epoch"], shown[metric]["mean"], view, metric)
        epoch_axis(panel, last, 6)
        value_axis(panel, view, metric)
        if strip:
            name_strip(panel, strip)
    return figure


def line_of(style: Style) -> dict[str, Any]:
    """Return a cell's line as matplotlib's keywords."""
    look = {"color": style.colour, "linestyle": style.line, "marker": style.marker}
    return look | {"linewidth": 1.3, "markersize": 4.2, "markeredgewidth": 0}


def draw_interval(
    panel: Axes, mean: pd.DataFrame, style: Style, strip: tuple[float, float] | None, share: float
) -> None:
    """Draw a cell's interval as a band, or that of its last epoch at `share` of the strip's width."""
    if strip is None:
        panel.fill_between(mean["epoch"], mean["low"], mean["high"], color=style.colour, alpha=0.15, linewidth=0)
        return
    at = [strip[0] + strip[1] * share] * len(mean[-1:])
    panel.vlines(at, mean["low"][-1:], mean["high"][-1:], color=style.colour, linewidth=1)
    panel.plot(at, mean["mean"][-1:], **line_of(style) | {"linestyle": ""})


def strip_after(last: int) -> tuple[float, float]:
    """Return where the strip for the last epochs' intervals starts, and its width, in epochs."""
    span = max(1, last - 1)
    return last + (0.06 * span if last > 1 else 0.5), 0.45 * span


def name_strip(panel: Axes, strip: tuple[float, float]) -> None:
    """Widen the panel by the strip and put its name among the epochs."""
    start, width = strip
    panel.axvline(start, color="#999999", linewidth=0.7)
    panel.set_xlim(panel.get_xlim()[0], start + width)
    place = {"xy": (start + width / 2, 0), "xycoords": ("data", "axes fraction")}
    panel.annotate(
        "last epoch", xytext=(0, -2.5), textcoords="offset points", ha="center", va="top", fontsize=SMALL, **place
    )


@pinned
def effects(table: pd.DataFrame, seed_effects: pd.DataFrame, response: str) -> Figure:
    """Draw every contrast's effect on `response` with its interval, every seed's own difference as a dot below it.

    The band is the smallest effect of interest, where the frame has one. An interval that would flatten all else
    ends in an arrow at the edge; of an effect that would, the figures stand there.
    """
    rows = table[table["response"] == response].reset_index(drop=True)
    dots = seed_effects[seed_effects["response"] == response]
    far = flattening(rows, dots)
    labels = [wrap(contrast, 2.4) for contrast in rows["contrast"]]
    heights = np.array([max(0.34, lines_in(label) * LINE + 0.1) for label in labels])
    places, height = np.cumsum(heights) - heights / 2, max(0.4, heights.sum() + 0.06)
    page = Page(
        [""],
        1,
        height,
        effect_label(response),
        key=effect_key(rows, response, far.any()),
        left=max((width_of(line) for label in labels for line in label.split("\n")), default=0) + 0.2,
        bottom=0.22,
    )
    figure, [panel] = lay_out(page)
    panel.set_ylim(height, 0)
    panel.set_yticks(places, labels, fontsize=TEXT)
    panel.grid(visible=False, axis="y")
    effect_axis(panel, rows[~far], dots[~dots["contrast"].isin(rows["contrast"][far])], response)
    draw_effects(panel, rows, places)
    for place, row in zip(places[far], rows[far].to_dict("records"), strict=True):
        write_far(panel, place, row)
    below = dict(zip(rows["contrast"], places + 0.12, strict=True))
    drawn = dots[dots["contrast"].isin(below)]
    panel.plot(
        drawn["effect"], drawn["contrast"].map(below), "o", color=INK, alpha=0.5, markersize=2.6, markeredgewidth=0
    )
    return figure


def flattening(rows: pd.DataFrame, dots: pd.DataFrame) -> np.ndarray:
    """Return which effects are so large that the others could not be told apart, where those are few: (rows,) bool."""
    size = dots["effect"].abs().replace(np.inf, np.nan).groupby(dots["contrast"]).max().reindex(rows["contrast"])
    far = (size > FLATTENING * size[size > 0].quantile(0.5, interpolation="lower")).to_numpy()
    return far if far.sum() * FEW_FAR <= len(rows) else np.zeros(len(rows), bool)


def write_far(panel: Axes, place: float, row: dict[str, Any]) -> None:
    """Write an effect that lies beyond the axis beside the edge that it lies beyond."""
    left = row["estimate"] < 0
    panel.annotate(
        difference_and_interval(row["estimate"], row["low"], row["high"], row["response"]),
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


def effect_axis(panel: Axes, rows: pd.DataFrame, dots: pd.DataFrame, response: str) -> None:
    """Set the horizontal axis of an effects figure, its zero line and its band."""
    sesoi = rows["sesoi"].max()
    near = np.concatenate([rows["estimate"], dots["effect"], [0, sesoi, -sesoi]]).astype(float)
    near = near[np.isfinite(near)]
    reach = np.array([near.min(), near.max()]) + np.array([-1, 1]) * max(1.2 * np.abs(near).max(), 1e-9)
    far = np.concatenate([rows["low"], rows["high"], near]).astype(float)
    low, high = np.clip([np.nanmin(far), np.nanmax(far)], *reach)
    pad = 0.04 * (high - low) or 1.0
    panel.set_xlim(low - pad, high + pad)
    if np.isfinite(sesoi):
        panel.axvspan(-sesoi, sesoi, color=MUTED_FILL, zorder=0, linewidth=0)
    panel.axvline(0, color=INK, linewidth=0.9, zorder=1)
    panel.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    panel.xaxis.set_major_formatter(Scaled(scale_of(response)[0]))


def draw_effects(panel: Axes, rows: pd.DataFrame, places: np.ndarray) -> None:
    """Draw estimates by grade, intervals as lines, arrows where a line leaves the axis."""
    low, high = panel.get_xlim()
    for grade, group in rows.groupby("grade", sort=False):
        marker, edge, face = GRADES.get(grade, OTHER_GRADE)
        at = places[group.index]
        panel.hlines(at, group["low"], group["high"], color=edge, linewidth=1.5, zorder=2)
        panel.plot(group["estimate"], at, linestyle="", zorder=3, label=grade, **mark(marker, edge, face))
    for edge, marker, column, sign in ((low, "<", "low", 1), (high, ">", "high", -1)):
        outside = (sign * (rows[column] - edge) < 0).to_numpy()
        inside = panel.transData + ScaledTranslation(sign * 2 / 72, 0, panel.figure.dpi_scale_trans)
        at = np.full(outside.sum(), edge), places[outside]
        panel.plot(*at, marker, color=INK, markersize=4, markeredgewidth=0, transform=inside, clip_on=False)


def mark(marker: str, edge: str, face: str) -> dict[str, Any]:
    """Return the look of an estimate as matplotlib's keywords."""
    size = {"|": 11, "*": 8}.get(marker, 6)
    return {
        "marker": marker,
        "color": edge,
        "markerfacecolor": face,
        "markersize": size,
        "markeredgewidth": 2 if marker == "|" else 1.2,
    }


def effect_key(rows: pd.DataFrame, response: str, far: bool) -> list[tuple[str, Artist]]:
    """Return the grades that occur, in the order of their strength, then dots, band and what lies beyond the axis."""
    strength = {grade: place for place, grade in enumerate(GRADES)}
    grades = sorted(rows["grade"].unique(), key=lambda grade: strength.get(grade, len(strength)))
    entries: list[tuple[str, Artist]] = [
        (grade, Line2D([], [], linewidth=1.5, **mark(*GRADES.get(grade, OTHER_GRADE)))) for grade in grades
    ]
    dot = Line2D([], [], linestyle="", marker="o", color=INK, alpha=0.5, markersize=2.6, markeredgewidth=0)
    entries.append(("each seed's own difference", dot))
    sesoi = rows["sesoi"].max()
    if np.isfinite(sesoi):
        shown = f"smallest effect of interest: ± {sesoi * scale_of(response)[0]:g} {unit_of(response)}"
        entries.append((shown, Patch(color=MUTED_FILL)))
    if far:
        entries.append(("beyond the axis: estimate [95 % interval]", Line2D([], [], **EDGE_MARK, marker="<")))
    return entries


@pinned
def interaction(seeds: pd.DataFrame, means: pd.DataFrame, factors: tuple[str, str], response: str) -> Figure:
    """Draw `response` over the levels of the first factor, a colour for each level of the second, seeds joined.

    Levels stand in the order in which `means` has them.
    """
    first, second = factors
    levels, lines = list(means[first].unique()), list(means[second].unique())
    width = float(np.clip(2.6 + 0.7 * len(levels), 4.4, PAGE))
    looks = level_looks(len(lines))
    key = [(f"{second} = {line}", Line2D([], [], **look)) for line, look in zip(lines, looks, strict=True)]
    key.append(("single seeds", Line2D([], [], color=INK, linewidth=0.7, alpha=0.5)))
    names, rotation, bottom = level_labels(levels, (width - 1) / len(levels))
    up = axis_label(response)
    figure, [panel] = lay_out(Page([""], 1, 2.6, first, up, key, width=width, bottom=bottom))
    for place, (line, look) in enumerate(zip(lines, looks, strict=True)):
        at = {level: x + (place - (len(lines) - 1) / 2) * min(0.06, 0.5 / len(lines)) for x, level in enumerate(levels)}
        own, mean = (frame[frame[second] == line].assign(_at=frame[first].map(at)) for frame in (seeds, means))
        draw_level(panel, own, mean, response, look)
    panel.set_xticks(range(len(levels)), names, rotation=rotation)
    panel.set_xlim(-0.5, len(levels) - 0.5)
    panel.grid(visible=False, axis="x")
    even_ticks(panel, response)
    return figure


def draw_level(panel: Axes, seeds: pd.DataFrame, means: pd.DataFrame, response: str, look: dict[str, Any]) -> None:
    """Draw one level of the second factor: seeds faint and joined, the mean strong with its interval."""
    x, y = strands(seeds, "_at", response, "seed")
    panel.plot(x, y, color=look["color"], linewidth=0.7, alpha=0.55)
    panel.vlines(means["_at"], means["low"], means["high"], color=look["color"], linewidth=1.4)
    panel.plot(means["_at"], means["mean"], **look)


def level_looks(levels: int) -> list[dict[str, Any]]:
    """Return the looks of a factor's levels; dark to light, so that no level passes for a cell of the palette."""
    colours = seaborn.color_palette("viridis", 100).as_hex()
    shades = np.linspace(0, 82, levels).round().astype(int)
    return [
        {"color": colours[shade], "marker": MARKERS[place % len(MARKERS)], "linewidth": 1.8, "markersize": 5}
        for place, shade in enumerate(shades)
    ]


def level_labels(levels: Sequence[str], room: float) -> tuple[list[str], int, float]:
    """Return the levels' tick labels, their rotation and their height; upright where `room` is too narrow for them."""
    flat = [wrap(level, room - 0.08, SMALL) for level in levels]
    most = max(lines_in(label) for label in flat)
    parts = [part for level in levels for word in plain(level).split() for part in PARTS.findall(word)]
    if most <= 4 and all(width_of(part, SMALL) <= room - 0.08 for part in parts):
        return flat, 0, 0.12 + LINE * most
    upright = [wrap(level, 1.8, SMALL, lines=max(1, int(room / LINE))) for level in levels]
    longest = max(width_of(line, SMALL) for label in upright for line in label.split("\n"))
    return upright, 90, 0.12 + longest


@pinned
def gap(means: pd.DataFrame, cells: Sequence[str], response: str) -> Figure:
    """Draw what the gap of `response` ("accuracy" or "loss") is made of, stacked over epochs, a panel per cell.

    What raises the gap stands above zero and what lowers it below; the line is the net gap with its interval.
    """
    of_response = means[means["response"] == response]
    terms = [term for term in TERMS if term in set(of_response["term"])]
    reach, beyond = gap_reach(of_response)
    key = [(TERMS[term][0], Patch(color=TERMS[term][1])) for term in terms]
    key.append(("net gap: validation − training as logged", Line2D([], [], color=INK, linewidth=1.4)))
    key += [("beyond the axis", Line2D([], [], **EDGE_MARK, marker="^"))] if beyond else []
    up = f"gap in {response}, {unit_of(response)}"
    page = Page(list(cells), columns_for(len(cells)), height_for(len(cells)), "epoch", up, key)
    figure, panels = lay_out(page)
    for panel, cell in zip(panels, cells, strict=True):
        of_cell = of_response[of_response["cell"] == cell]
        wide = of_cell.pivot_table("mean", "epoch", "term", aggfunc="first").reindex(columns=[*terms, "net"])
        stack(panel, wide[terms])
        draw_net(panel, of_cell[of_cell["term"] == "net"].sort_values("epoch"))
        mark_tall(panel, wide, terms, reach)
        say_if_empty(panel, of_cell)
        epoch_axis(panel, last_epoch(of_response), page.columns, room=0.6)
        panel.axhline(0, color=INK, linewidth=0.8, zorder=2.5)
        panel.grid(visible=False, axis="x")
    panels[0].set_ylim(*reach)
    even_ticks(panels[0], response)
    return figure


def stack(panel: Axes, wide: pd.DataFrame) -> None:
    """Stack the columns of `wide` (epochs, terms) away from zero: positive values up, negative ones down."""
    epochs = wide.index.to_numpy(float)
    up, down = np.zeros(len(wide)), np.zeros(len(wide))
    for term in wide:
        values = wide[term].fillna(0).to_numpy()
        base = np.where(values >= 0, up, down)
        colour = TERMS[term][1]
        if len(wide) <= ALL_BARS:
            panel.add_collection(
                PolyCollection(bars(epochs, base, values), facecolor=colour, linewidth=0, label=term, zorder=2)
            )
        else:
            panel.fill_between(epochs, up, up + values.clip(min=0), color=colour, linewidth=0, label=term, zorder=2)
            panel.fill_between(epochs, down, down + values.clip(max=0), color=colour, linewidth=0, zorder=2)
        up, down = up + values.clip(min=0), down + values.clip(max=0)


def bars(epochs: np.ndarray, base: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the corners of a bar per epoch from `base` to `base + values`: (epochs, 4, 2)."""
    left, right, top = epochs - 0.4, epochs + 0.4, base + values
    return np.stack([np.stack(corner, -1) for corner in ((left, base), (right, base), (right, top), (left, top))], 1)


def draw_net(panel: Axes, net: pd.DataFrame) -> None:
    """Draw the net gap over the stack, white around it, with its interval: bars, or a band among many epochs."""
    few = len(net) <= FEW
    if few:
        panel.vlines(net["epoch"], net["low"], net["high"], color=INK, linewidth=0.8, zorder=4)
    else:
        panel.fill_between(net["epoch"], net["low"], net["high"], color=INK, alpha=0.25, linewidth=0, zorder=4)
    panel.plot(net["epoch"], net["mean"], color="white", linewidth=2.8, zorder=3)
    look = {"marker": "o" if few else "", "markersize": 3, "zorder": 5, "label": "net"}
    panel.plot(net["epoch"], net["mean"], color=INK, linewidth=1.4, **look)


def gap_reach(means: pd.DataFrame) -> tuple[tuple[float, float], bool]:
    """Return the lowest and highest value to show, and whether the stack of some cell goes beyond.

    A cell whose gap is far larger than the typical cell's does not count, and intervals widen the axis by half at most.
    """
    net = means[means["term"] == "net"].set_index(["cell", "epoch"])
    parts = means[means["term"] != "net"].set_index(["cell", "epoch"])["mean"]
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


def mark_tall(panel: Axes, wide: pd.DataFrame, terms: list[str], reach: tuple[float, float]) -> None:
    """Mark the epochs whose stack leaves the axis, above and below."""
    tops = np.maximum(wide[terms].clip(lower=0).sum(axis=1), wide["net"].fillna(0))
    floors = np.minimum(wide[terms].clip(upper=0).sum(axis=1), wide["net"].fillna(0))
    for outside, marker, edge in ((tops > reach[1], "^", 1), (floors < reach[0], "v", 0)):
        mark_at_edge(panel, wide.index[outside], marker, edge)


@pinned
def gallery(missed: pd.DataFrame, images: np.ndarray) -> Figure:
    """Draw the first 24 images of `missed` with their true label, what the runs said, and how many missed them.

    `images` holds all validation images: (n, height, width) or (n, height, width, 1 or 3), bytes or shares.
    """
    shown = missed.head(24).reset_index(drop=True)
    columns, side, room = min(6, max(2, len(shown))), 0.95, 1.23
    captions = [caption(row, room - 0.12) for _, row in shown.iterrows()]
    rows = [captions[start : start + columns] for start in range(0, len(captions), columns)]
    heights = [side + 0.16 + 0.11 * max(lines_in(text) for text in row) for row in rows]
    width, height = columns * room + 0.12, sum(heights) + 0.08 if rows else 0.5
    figure, page = sheet(width, height)
    if not rows:
        page.text(0.12, height / 2, "No validation image is missed.", va="center")
    for place, text in enumerate(captions):
        x, y = 0.12 + room * (place % columns), 0.08 + sum(heights[: place // columns])
        draw_image(page, images[int(shown["image"][place])], (x, y), side)
        page.text(x, y + side + 0.05, text, va="top", fontsize=SMALL, linespacing=1.2)
    page.set(xlim=(0, width), ylim=(height, 0))
    return figure


def sheet(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure whose one axes counts inches from the top left corner."""
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    page = figure.add_axes((0, 0, 1, 1))
    page.set_axis_off()
    return figure, page


def caption(row: pd.Series, room: float) -> str:
    """Return what stands under an image of the gallery."""
    lines = [
        f"true {plain(row['label'])}",
        f"said {plain(row['answers'])}",
        f"missed by {row['missed_by']} of {row['runs']}",
        f"image {row['image']}",
    ]
    return "\n".join(wrap(line, room, SMALL, lines=4) for line in lines)


def draw_image(page: Axes, image: np.ndarray, corner: tuple[float, float], side: float) -> None:
    """Draw one image into a square of `side` inches from its upper left `corner`, grey or in colour."""
    shares = image.astype(np.float32) / (255 if image.dtype == np.uint8 else 1)
    colour = shares.ndim == 3 and shares.shape[-1] == 3
    drawn = shares if colour else shares.reshape(*shares.shape[:2], -1)[..., 0]
    pixel, (x, y) = side / max(drawn.shape[:2]), corner
    extent = (x, x + pixel * drawn.shape[1], y + pixel * drawn.shape[0], y)
    look = {"cmap": "gray", "vmin": 0, "vmax": 1, "interpolation": "nearest"}
    page.imshow(drawn.clip(0, 1), extent=extent, aspect="auto", **look)


@pinned
def confusion(matrices: Mapping[str, np.ndarray]) -> Figure:
    """Draw each cell's counts (true class, given class) beside one another; the diagonal muted, so that errors show.

    Up to 20 classes the counts stand in their squares; beyond that colours and a scale do.
    """
    classes = max(len(counts) for counts in matrices.values())
    beside = classes <= SIDE_BY_SIDE or classes > ANNOTATED
    columns = min(2, len(matrices)) if beside else 1
    width = PAGE if columns == 2 else 4.0 if classes <= SIDE_BY_SIDE else 6.5
    side = (width - 0.75 - 0.14 * columns) / columns
    most = max(1, *(off_diagonal(counts).max() for counts in matrices.values()))
    key = [] if classes <= ANNOTATED else error_key(most)
    page = Page(list(matrices), columns, side, "class given", "true class", key, width=width)
    figure, panels = lay_out(page)
    for panel, counts in zip(panels, matrices.values(), strict=True):
        draw_matrix(panel, np.asarray(counts), most)
        if classes <= ANNOTATED:
            annotate(panel, np.asarray(counts), side / classes)
    return figure


def off_diagonal(counts: np.ndarray) -> np.ndarray:
    """Return the counts with zeros in the diagonal: only errors."""
    return np.where(np.eye(len(counts), dtype=bool), 0, counts)


def draw_matrix(panel: Axes, counts: np.ndarray, most: float) -> None:
    """Paint errors by the square root of their number, the diagonal grey."""
    errors = off_diagonal(counts)
    painted = ERRORS(np.sqrt(errors / most))
    painted[errors == 0] = 1
    painted[np.eye(len(counts), dtype=bool)] = mpl.colors.to_rgba(MUTED_FILL)
    panel.imshow(painted, interpolation="nearest", aspect="auto")
    panel.grid(visible=False)
    step = 1 if len(counts) <= ANNOTATED else 10
    panel.set_xticks(range(0, len(counts), step))
    panel.set_yticks(range(0, len(counts), step))


def annotate(panel: Axes, counts: np.ndarray, side: float) -> None:
    """Write every count but zeros into its square of `side` inches, as large as the longest allows."""
    longest = width_of(f"{counts.max():,.0f}", 1)
    size = min(7.0, 0.85 * side / longest)
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = MUTED if row == column else INK
        shown = f"{counts[row, column]:,.0f}"
        panel.text(column, row, shown, fontsize=size, color=colour, ha="center", va="center_baseline")


def columns_for(panels: int) -> int:
    """Return how many panels stand beside one another."""
    return {1: 1, 2: 2, 4: 2, 3: 3, 5: 3, 6: 3, 9: 3}.get(panels, 4)


def height_for(panels: int) -> float:
    """Return the height of a panel in inches; smaller where there are many."""
    return {1: 2.6, 2: 2.1, 3: 1.6}.get(columns_for(panels), 1.25)


def lay_out(page: Page) -> tuple[Figure, list[Axes]]:
    """Return a figure as high as its text needs, and its panels in reading order."""
    figure = Figure(figsize=(page.width, 1), dpi=DPI)
    legend, key = draw_key(figure, page)
    count = -(-len(page.titles) // page.columns)
    up = wrap(page.up, count * (page.height + page.bottom))
    left = page.left + (0.06 + LINE * lines_in(up) if up else 0)
    across = wrap(page.across, page.width - left - 0.2)
    step = (page.width - left * page.share) / page.columns
    rows = title_rows(page, step - left * (not page.share) - 0.2)
    top, below = 0.08 + key * (not page.key_below), 0.06 + LINE * lines_in(across) + key * page.key_below
    height = top + sum(room_above(row) + page.height + page.bottom for row in rows) + below
    figure.set_size_inches(page.width, height)
    panels = place_panels(figure, page, rows, (left, height - top), step)
    middle = (height - top - room_above(rows[0]) + below + page.bottom) / 2
    write(figure, (page.width + left - 0.14) / 2, below - 0.02, across, ha="center", va="top")
    write(figure, 0.06, middle, up, rotation=90, va="center", ha="left")
    if legend:
        legend.set_bbox_to_anchor((0.06 / page.width, (key if page.key_below else height - 0.06) / height))
    return figure, panels


def lines_in(text: str) -> int:
    """Return how many lines a wrapped text takes."""
    return text.count("\n") + 1 if text else 0


def title_rows(page: Page, room: float) -> list[list[str]]:
    """Return the titles of each row of panels, wrapped to `room` inches."""
    titles = [wrap(title, room, lines=TITLE_LINES) for title in page.titles]
    return [titles[start : start + page.columns] for start in range(0, len(titles), page.columns)]


def room_above(row: list[str]) -> float:
    """Return the inches that a row's titles take."""
    return max(LINE * lines_in(title) + (0.08 if title else 0.04) for title in row)


def place_panels(
    figure: Figure, page: Page, rows: list[list[str]], corner: tuple[float, float], step: float
) -> list[Axes]:
    """Add the panels, `step` inches apart from the upper left `corner`; without a shared axis each has numbers."""
    panels: list[Axes] = []
    left, y = corner
    for row in rows:
        y -= room_above(row) + page.height
        for column, title in enumerate(row):
            box = (left + step * column, y, step - left * (not page.share) - 0.14, page.height)
            panels.append(add_panel(figure, box, panels[0] if panels and page.share else None, title))
            panels[-1].tick_params(labelleft=column == 0 or not page.share)
        y -= page.bottom
    return panels


def add_panel(figure: Figure, box: tuple[float, float, float, float], first: Axes | None, title: str) -> Axes:
    """Add a panel at `box` (left, bottom, width, height in inches) under its title, sharing `first`'s values."""
    width, height = figure.get_size_inches()
    panel = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height), sharey=first)
    panel.tick_params(length=0, pad=2.5)
    write(figure, box[0], box[1] + box[3] + 0.07, title, ha="left", va="baseline")
    return panel


def write(figure: Figure, x: float, y: float, text: str, **look: object) -> None:
    """Write text at a place in inches from the lower left corner."""
    width, height = figure.get_size_inches()
    if text:
        figure.text(x / width, y / height, text, linespacing=1.15, **look)


def draw_key(figure: Figure, page: Page) -> tuple[Legend | None, float]:
    """Draw the key of the page in as many columns as its texts allow; return it and the inches it takes."""
    if not page.key:
        return None, 0.0
    texts = [wrap(text, min(KEY_TEXT, page.width - 0.6), lines=6) for text, _ in page.key]
    legend = figure.legend(
        [handle for _, handle in page.key],
        [" "] * len(texts),  # set below, since matplotlib leaves out texts that start with an underscore
        ncols=key_columns(texts, page.width - 0.12),
        loc="upper left",
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=2.6,
        columnspacing=1.8,
        labelspacing=0.35,
    )
    for text, shown in zip(legend.get_texts(), texts, strict=True):
        text.set_text(shown)
        text.set_linespacing(1.1)
    return legend, 0.14 + legend.get_window_extent(FigureCanvasAgg(figure).get_renderer()).height / DPI


def key_columns(texts: list[str], room: float) -> int:
    """Return in how many columns the texts of a key fit into `room` inches, shared out as matplotlib does."""
    widths = np.array([0.55 + max(width_of(line) for line in text.split("\n")) for text in texts])
    for rows in range(1, len(texts)):
        columns = -(-len(texts) // rows)
        if sum(part.max() for part in np.array_split(widths, columns)) <= room:
            return columns
    return 1


def view_of(values: pd.Series, lines: pd.Series, metric: str) -> View:
    """Return the axis that shows the values of all `lines` but those far worse than the typical line.

    Worse is a higher loss or a lower accuracy; the typical line's worst value is the median of all lines'. Losses
    that span more than a factor of 30 get a logarithmic axis.
    """
    short = (1 - values if "accuracy" in metric else values).replace([np.inf, -np.inf], np.nan)
    worst = short.groupby(lines).max().dropna()
    if worst.empty:
        return View(0.0, 1.0)
    fence = OUTLYING * worst.quantile(0.5, interpolation="lower")
    ends = pd.concat([worst, short.groupby(lines).min()])  # at its best, an outlying line may be seen too
    most = ends[ends <= fence].max()
    least, beyond = short.min(), not_shown(values, short, most, metric)
    if "accuracy" in metric:
        pad = 0.04 * (most - least) or 0.002
        return View(1 - most - pad, 1 - least + pad, beyond=beyond)
    positive = max(short[short > 0].min(), worst.median() / LOWEST) if most > 0 else 1.0
    if most > 30 * positive:
        room = (most / positive) ** 0.04
        return View(positive / room, most * room, logarithmic=True, beyond=beyond)
    pad = 0.04 * (most - least) or 0.05 * most or 0.002
    return View(least - pad, most + pad, beyond=beyond)


def widened(view: View, means: pd.DataFrame, metric: str) -> View:
    """Return the view with room for intervals, up to half of it on either side, but none that no metric reaches."""
    room = (view.high - view.low) / 2
    lowest, highest = (view.low / 2, view.high * 2) if view.logarithmic else (view.low - room, view.high + room)
    lowest, highest = (lowest, min(highest, 1.0)) if "accuracy" in metric else (max(lowest, 0.0), highest)
    low = np.nanmin([view.low, *means["low"].clip(lower=lowest)])
    return replace(view, low=low, high=np.nanmax([view.high, *means["high"].clip(upper=highest)]))


def not_shown(values: pd.Series, short: pd.Series, most: float, metric: str) -> str:
    """Return in words what lies beyond the axis, "" where nothing does."""
    hidden = values[short > most] * scale_of(metric)[0]
    words = []
    if len(hidden):
        way, end = ("down", hidden.min()) if "accuracy" in metric else ("up", hidden.max())
        shown = f"{end:,.0f}" if 1000 <= end < 1e7 else f"{end:.3g}"
        words.append(f"beyond the axis, {way} to {shown} {'%' if 'accuracy' in metric else 'nats'}")
    if short.isna().any():
        words.append("not finite")
    return ", or ".join(words)


def beyond_key(view: View, metric: str) -> list[tuple[str, Artist]]:
    """Return the entry for what the axis does not show, if there is anything."""
    marker = worse_edge(metric)[0]
    return [(f"{named(metric)} {view.beyond}", Line2D([], [], **EDGE_MARK, marker=marker))] if view.beyond else []


def worse_edge(metric: str) -> tuple[str, float]:
    """Return the triangle that points to the worse edge of a metric's axis, and that edge."""
    return ("v", 0.0) if "accuracy" in metric else ("^", 1.0)


def mark_beyond(panel: Axes, epochs: pd.Series, values: pd.Series, view: View, metric: str) -> None:
    """Put a triangle at the panel's worse edge in every epoch in which a value lies beyond it or is not finite."""
    outside = ~values.between(view.low, view.high) & ~(values < view.low if "loss" in metric else values > view.high)
    mark_at_edge(panel, epochs[outside].unique(), *worse_edge(metric))


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


def value_axis(panel: Axes, view: View, metric: str) -> None:
    """Set the vertical axis of a metric as the view says."""
    if view.logarithmic:
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if view.high < 1000 * view.low else (1,)))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        even_ticks(panel, metric)
    panel.set_ylim(view.low, view.high)


def even_ticks(panel: Axes, metric: str) -> None:
    """Set round ticks on the vertical axis, as many as it has room for, in the metric's shown unit."""
    most = round(panel.bbox.height / DPI / 0.25)
    panel.yaxis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))
    panel.yaxis.set_major_formatter(Scaled(scale_of(metric)[0]))


def axis_label(metric: str, logarithmic: bool = False) -> str:
    """Return `validation accuracy, %` or `loss, nats (logarithmic)`."""
    unit = "%" if "accuracy" in metric else "nats"
    return f"{named(metric)}, {unit}{' (logarithmic)' if logarithmic else ''}"


def named(response: str) -> str:
    """Return a response's name in plain words."""
    return response.replace("val_", "validation ")


def unit_of(response: str) -> str:
    """Return the unit of a response's differences."""
    return "percentage points" if "accuracy" in response else "nats"


def effect_label(response: str) -> str:
    """Return what the axis of effects says; which way is better only where one is."""
    better = {"val_accuracy": " (right is better)", "val_loss": " (left is better)"}.get(response, "")
    return f"effect on {named(response)}, {unit_of(response)}{better}"


def strands(frame: pd.DataFrame, along: str, value: str, line: str) -> np.ndarray:
    """Return all lines one after another with NaN between, so that one artist draws them: (2, points)."""
    parts = [part[[along, value]].to_numpy(float) for _, part in frame.sort_values(along).groupby(line)]
    return np.concatenate([np.empty((0, 2)), *(row for part in parts for row in (part, [[np.nan, np.nan]]))]).T


def error_key(most: float) -> list[tuple[str, Artist]]:
    """Return three steps of the colours of errors."""
    steps = sorted({1, round(most / 4), round(most)})
    return [(f"{step:,} image{'s' * (step > 1)}", Patch(color=ERRORS(np.sqrt(step / most)))) for step in steps if step]


@cache
def font() -> Any:
    """Return the font itself, to measure with and to ask which characters it has."""
    return get_font(findfont(FONT))


@cache
def glyphs() -> frozenset[int]:
    """Return the code points that the font has."""
    return frozenset(font().get_charmap())


def plain(text: object) -> str:
    """Return the text on one line, a box for every character the font lacks."""
    shown = "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in str(text))
    shown = "".join(character if ord(character) in glyphs() else BOX for character in shown)
    return re.sub(" +", " ", shown).strip()


@cache
def width_of(text: str, size: float = TEXT) -> float:
    """Return the width of one line of text in inches, with a little to spare for hinting."""
    font().set_size(size, 72)
    font().set_text(text, 0, flags=LoadFlags.NO_HINTING)
    return 1.03 * font().get_width_height()[0] / 64 / 72


def wrap(text: object, width: float, size: float = TEXT, lines: int = 12) -> str:
    """Return the text in lines of at most `width` inches, broken at spaces where it can be.

    Of more than `lines` lines the middle ones give way to an ellipsis.
    """
    done = [""]
    for word in plain(text).split(" "):
        joined = f"{done[-1]} {word}" if done[-1] else word
        if width_of(joined, size) <= width:
            done[-1] = joined
            continue
        done += [*pieces(word, width, size)]
    done = [line for line in done if line]
    if len(done) > lines:
        done = [*done[: lines - lines // 3 - 1], "…", *done[len(done) - lines // 3 :]]
    return "\n".join(done)


def pieces(word: str, width: float, size: float) -> list[str]:
    """Return a word cut into pieces no wider than `width` inches: after punctuation where that helps, else anywhere."""
    done = [""]
    for part in PARTS.findall(word):
        if width_of(done[-1] + part, size) <= width:
            done[-1] += part
        elif width_of(part, size) <= width:
            done.append(part)
        else:
            done += letters(part, width, size)
    return [piece for piece in done if piece]


def letters(part: str, width: float, size: float) -> list[str]:
    """Return a part cut anywhere into pieces no wider than `width` inches."""
    done = [""]
    for letter in part:
        if done[-1] and width_of(done[-1] + letter, size) > width:
            done.append("")
        done[-1] += letter
    return done


@pinned
def png(figure: Figure) -> bytes:
    """Return the figure as PNG: the same bytes for the same figure, without dates or versions, at most 200 kB.

    Colours are reduced to 256; a page of photographs that is still too large gets fewer, and then fewer pixels.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    for colours, scale in ((256, 1), (64, 1), (64, 0.75), (32, 0.5)):
        written = io.BytesIO()
        smaller = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
        smaller.quantize(colours, method=Image.Quantize.MEDIANCUT).save(written, "PNG", optimize=True)
        if written.tell() <= LARGEST_FILE:
            break
    return written.getvalue()
