"""Panels, titles, key and side texts -> a page, as high as its text needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from analysis.figures.text import lines_in, width_of, wrap

PAGE = 7.5  # inches wide
DPI = 130
LINE = 0.128  # inches from one line of TEXT to the next
KEY_TEXT = 3.1  # inches at most of a line in a key
TITLE_LINES = 8


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


def lay_out(page: Page) -> tuple[Figure, list[Axes]]:
    """Return a figure as high as its text needs, and its panels in reading order."""
    figure = Figure(figsize=(page.width, 1), dpi=DPI)
    legend, key = _draw_key(figure, page)
    count = -(-len(page.titles) // page.columns)
    up = wrap(page.up, count * (page.height + page.bottom))
    left = page.left + (0.06 + LINE * lines_in(up) if up else 0)
    across = wrap(page.across, page.width - left - 0.2)
    step = (page.width - left * page.share) / page.columns
    rows = _title_rows(page, step - left * (not page.share) - 0.2)
    top, below = 0.08 + key * (not page.key_below), 0.06 + LINE * lines_in(across) + key * page.key_below
    height = top + sum(_room_above(row) + page.height + page.bottom for row in rows) + below
    figure.set_size_inches(page.width, height)
    panels = _place_panels(figure, page, rows, (left, height - top), step)
    middle = (height - top - _room_above(rows[0]) + below + page.bottom) / 2
    _write(figure, (page.width + left - 0.14) / 2, below - 0.02, across, ha="center", va="top")
    _write(figure, 0.06, middle, up, rotation=90, va="center", ha="left")
    if legend:
        legend.set_bbox_to_anchor((0.06 / page.width, (key if page.key_below else height - 0.06) / height))
    return figure, panels


def _title_rows(page: Page, room: float) -> list[list[str]]:
    """Return the titles of each row of panels, wrapped to `room` inches."""
    titles = [wrap(title, room, lines=TITLE_LINES) for title in page.titles]
    return [titles[start : start + page.columns] for start in range(0, len(titles), page.columns)]


def _room_above(row: list[str]) -> float:
    return max(LINE * lines_in(title) + (0.08 if title else 0.04) for title in row)


def _place_panels(
    figure: Figure, page: Page, rows: list[list[str]], corner: tuple[float, float], step: float
) -> list[Axes]:
    """Add the panels, `step` inches apart from the upper left `corner`; without a shared axis each has numbers."""
    panels: list[Axes] = []
    left, y = corner
    for row in rows:
        y -= _room_above(row) + page.height
        for column, title in enumerate(row):
            box = (left + step * column, y, step - left * (not page.share) - 0.14, page.height)
            panels.append(_add_panel(figure, box, panels[0] if panels and page.share else None, title))
            panels[-1].tick_params(labelleft=column == 0 or not page.share)
        y -= page.bottom
    return panels


def _add_panel(figure: Figure, box: tuple[float, float, float, float], first: Axes | None, title: str) -> Axes:
    """Add a panel at `box` (left, bottom, width, height in inches) under its title, sharing `first`'s values."""
    width, height = figure.get_size_inches()
    panel = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height), sharey=first)
    panel.tick_params(length=0, pad=2.5)
    _write(figure, box[0], box[1] + box[3] + 0.07, title, ha="left", va="baseline")
    return panel


def _write(figure: Figure, x: float, y: float, text: str, **look: Any) -> None:
    """Write text at a place in inches from the lower left corner."""
    width, height = figure.get_size_inches()
    if text:
        figure.text(x / width, y / height, text, linespacing=1.15, **look)


def _draw_key(figure: Figure, page: Page) -> tuple[Legend | None, float]:
    """Draw the key of the page in as many columns as its texts allow; return it and the inches it takes."""
    if not page.key:
        return None, 0.0
    texts = [wrap(text, min(KEY_TEXT, page.width - 0.6), lines=6) for text, _ in page.key]
    legend = figure.legend(
        [handle for _, handle in page.key],
        [" "] * len(texts),  # set below, since matplotlib leaves out texts that start with an underscore
        ncols=_key_columns(texts, page.width - 0.12),
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


def _key_columns(texts: list[str], room: float) -> int:
    """Return in how many columns the texts of a key fit into `room` inches, shared out as matplotlib does."""
    widths = np.array([0.55 + max(width_of(line) for line in text.split("\n")) for text in texts])
    for rows in range(1, len(texts)):
        columns = -(-len(texts) // rows)
        if sum(part.max() for part in np.array_split(widths, columns)) <= room:
            return columns
    return 1


def sheet(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure whose one axes counts inches from the top left corner."""
    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    page = figure.add_axes((0, 0, 1, 1))
    page.set_axis_off()
    return figure, page


def columns_for(panels: int) -> int:
    """Return how many panels stand beside one another."""
    return {1: 1, 2: 2, 4: 2, 3: 3, 5: 3, 6: 3, 9: 3}.get(panels, 4)


def height_for(panels: int) -> float:
    """Return the height of a panel in inches; smaller where there are many."""
    return {1: 2.6, 2: 2.1, 3: 1.6}.get(columns_for(panels), 1.25)
