"""The overview has all cells' mean curves, a panel a metric."""

import numpy as np
from designs import ACCURACY, METRICS
from drawn import MANY, check_legible, history_of, means_of

from analysis.figures.overview import overview
from analysis.figures.style import palette


def test_the_overview_has_every_cells_mean_in_one_panel_a_metric():
    cells = list("abcd")
    means = means_of(history_of(cells))
    figure = overview(means, palette(cells), METRICS)
    for panel, metric in zip(figure.axes, ("val_accuracy", "val_loss"), strict=True):
        for cell, line in zip(cells, panel.lines, strict=True):
            rows = means[(means["cell"] == cell) & (means["metric"] == metric)]
            assert list(line.get_ydata()) == list(rows["mean"])
        first = panel.collections[0].get_paths()[0].vertices[:, 1]
        rows = means[(means["cell"] == "a") & (means["metric"] == metric)]
        assert {*rows["low"], *rows["high"]} <= set(first)


def test_the_overview_of_many_cells_shows_intervals_of_the_last_epoch():
    means = means_of(history_of(MANY))
    panel = overview(means, palette(MANY), METRICS).axes[0]
    last = means[(means["metric"] == "val_accuracy") & (means["epoch"] == 10)]
    segments = [bar.get_segments()[0] for bar in panel.collections]
    assert [segment[0][1] for segment in segments] == list(last["low"])
    assert [segment[1][1] for segment in segments] == list(last["high"])
    places = [segment[0][0] for segment in segments]
    assert min(places) > 10 and np.diff(places).min() > 0 and max(places) < panel.get_xlim()[1]


def test_the_overview_has_as_many_panels_as_there_are_metrics_and_stays_legible():
    cells = list("abcd")
    means = means_of(history_of(cells))
    for metrics in (METRICS[:1], METRICS, (*METRICS, ACCURACY)):
        figure = overview(means, palette(cells), metrics)
        assert len(figure.axes) == len(metrics)
        assert check_legible(figure) > 4
