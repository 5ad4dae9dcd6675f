"""Cells stay apart, for the colour-blind too, and look the same in every figure."""

import itertools

import numpy as np
from designs import ACCURACY, LOSS, METRICS
from drawn import history_of, means_of
from matplotlib.colors import to_hex

from analysis.figures.curves import curves
from analysis.figures.overview import overview
from analysis.figures.style import COLOURS, palette


def test_no_two_of_many_cells_look_alike():
    looks = palette([str(place) for place in range(224)])
    assert len(set(looks.values())) == 224
    assert len({(look.colour, look.line) for look in list(looks.values())[:32]}) == 32


def test_colours_stay_apart_for_the_colour_blind():
    simulated = {  # Machado, Oliveira and Fernandes 2009, severity 1, linear RGB
        "deuteranopia": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.01182, 0.04294, 0.968881],
        ],
        "protanopia": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "none": np.eye(3).tolist(),
    }
    for matrix in simulated.values():
        seen = [lab(np.asarray(matrix) @ linear(colour)) for colour in COLOURS]
        assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 12  # 2.3 is just noticeable


def linear(colour: str) -> np.ndarray:
    share = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb.clip(0, 1)
    f = np.cbrt(xyz / np.array([0.9505, 1, 1.089]))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_a_cell_has_one_colour_in_every_figure():
    cells = ["a", "b", "c"]
    history, styles = history_of(cells), palette(cells)
    page = curves(history, means_of(history), ACCURACY, styles)
    together = overview(means_of(history), styles, METRICS)
    for place, cell in enumerate(cells):
        mean = next(line for line in page.axes[place].lines if line.get_linewidth() > 1 and line.get_linestyle() == "-")
        assert to_hex(mean.get_color()) == to_hex(together.axes[0].lines[place].get_color()) == styles[cell].colour
    without = curves(history, means_of(history), LOSS, {"c": styles["c"]})
    assert to_hex(without.axes[0].lines[2].get_color()) == styles["c"].colour
