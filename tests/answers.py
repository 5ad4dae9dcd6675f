"""Made answers of nets that the tests of missed examples share."""

import numpy as np

from analysis.reading.study import Design

DROPOUT = Design("factorial", {"dropout": ("true", "false")})
LABELS = np.array([4, 7, 1, 4], np.uint8)
PREDICTIONS = {
    "dropout=true": np.array([[9, 7, 1, 4], [9, 7, 1, 4], [4, 7, 1, 9]], np.uint8),
    "dropout=false": np.array([[9, 7, 2, 4], [3, 7, 1, 4], [9, 7, 7, 4]], np.uint8),
}
LEVELS = {"dropout=true": {"dropout": "true"}, "dropout=false": {"dropout": "false"}}


def nets(table):
    """Two nets' answers, as a 2x2 table counts them: [[both right, first only], [second only, both wrong]]."""
    (both, first), (second, neither) = table
    one = np.repeat([0, 0, 1, 1], [both, first, second, neither]).astype(np.uint8)
    other = np.repeat([0, 1, 0, 1], [both, first, second, neither]).astype(np.uint8)
    return one[None], other[None], np.zeros(one.size, np.uint8)


def split_cells(baseline, level, runs=6):
    """Two cells of `runs` runs; the lists say how many of them miss each image."""
    labels = np.zeros(len(baseline), np.uint8)
    cells = {}
    for cell, misses in (("dropout=true", baseline), ("dropout=false", level)):
        cells[cell] = (np.arange(runs)[:, None] < np.array(misses)).astype(np.uint8)
    return cells, labels
