"""Missed images -> a page of them, each with what the runs said."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.page import sheet
from analysis.figures.style import SMALL, pinned
from analysis.figures.text import drawn, lines_in, wrap

SHOWN = 24  # images on the page


@pinned
def gallery(missed: pd.DataFrame, images: np.ndarray | Mapping[int, np.ndarray]) -> Figure:
    """Draw the first 24 images of `missed` with their true label, what the runs said, and how many missed them.

    `images` holds them by example: (height, width) or (height, width, 1 or 3), bytes or shares.
    """
    shown = missed.head(SHOWN).reset_index(drop=True)
    columns, side, room = min(6, max(2, len(shown))), 0.95, 1.23
    captions = [_caption(row, room - 0.12) for _, row in shown.iterrows()]
    rows = [captions[start : start + columns] for start in range(0, len(captions), columns)]
    heights = [side + 0.16 + 0.11 * max(lines_in(text) for text in row) for row in rows]
    width, height = columns * room + 0.12, sum(heights) + 0.08 if rows else 0.5
    figure, page = sheet(width, height)
    if not rows:
        page.text(0.12, height / 2, "No validation image is missed.", va="center")
    for place, text in enumerate(captions):
        x, y = 0.12 + room * (place % columns), 0.08 + sum(heights[: place // columns])
        _draw_image(page, images[int(shown["example"][place])], (x, y), side)
        page.text(x, y + side + 0.05, text, va="top", fontsize=SMALL, linespacing=1.2)
    page.set(xlim=(0, width), ylim=(height, 0))
    return figure


def _caption(row: pd.Series, room: float) -> str:
    """Return what stands under an image of the gallery."""
    lines = [
        f"true {drawn(row['label'])}",
        f"said {drawn(row['answers'])}",
        f"missed by {row['missed_by']} of {row['runs']}",
        f"image {row['example']}",
    ]
    return "\n".join(wrap(line, room, SMALL, lines=4) for line in lines)


def _draw_image(page: Axes, image: np.ndarray, corner: tuple[float, float], side: float) -> None:
    """Draw one image into a square of `side` inches from its upper left `corner`, grey or in colour."""
    shares = image.astype(np.float32) / (255 if image.dtype == np.uint8 else 1)
    colour = shares.ndim == 3 and shares.shape[-1] == 3
    drawn = shares if colour else shares.reshape(*shares.shape[:2], -1)[..., 0]
    pixel, (x, y) = side / max(drawn.shape[:2]), corner
    extent = (x, x + pixel * drawn.shape[1], y + pixel * drawn.shape[0], y)
    look: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 1, "interpolation": "nearest"}
    page.imshow(drawn.clip(0, 1), extent=extent, aspect="auto", **look)
