"""Curves show every seed, on an axis that no outlier flattens, of any metric."""

import dataclasses

import numpy as np
import pytest
from designs import ACCURACY, LOSS, METRICS
from drawn import gap_of, history_of, means_of, runs_of_numbers, texts

from analysis.figures.axes import epoch_ticks
from analysis.figures.curves import curves
from analysis.figures.gap import gap
from analysis.figures.overview import overview
from analysis.figures.style import palette


def test_curves_draw_every_seed_and_the_mean_as_they_are():
    history = history_of(["a", "b"], seeds=3, epochs=4)
    means = means_of(history)
    figure = curves(history, means, LOSS, palette(["a", "b"]))
    assert len(figure.axes) == 2
    for panel, cell in zip(figure.axes, "ab", strict=True):
        drawn = iter(panel.lines)
        for metric in ("loss", "val_loss"):
            seeds, mean = next(drawn), next(drawn)
            expected = [list(part[metric]) for _, part in history[history["cell"] == cell].groupby("seed")]
            assert runs_of_numbers(seeds.get_ydata()) == expected
            of_metric = means[(means["cell"] == cell) & (means["metric"] == metric)]
            assert list(mean.get_ydata()) == list(of_metric["mean"])
            assert list(mean.get_xdata()) == [1, 2, 3, 4]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_a_cell_that_is_not_drawn_has_no_part_in_the_axes():
    both = history_of(["a", "b"])
    both.loc[both["cell"] == "b", ["loss", "val_loss", "accuracy", "val_accuracy"]] = [3.0, 3.0, 0.1, 0.1]
    alone = both[both["cell"] == "a"]
    styles = palette(["a"])
    for metric in METRICS:
        limits = [curves(each, means_of(each), metric, styles).axes[0].get_ylim() for each in (both, alone)]
        assert limits[0] == limits[1]
    panels = [overview(means_of(each), styles, METRICS).axes for each in (both, alone)]
    assert [panel.get_ylim() for panel in panels[0]] == [panel.get_ylim() for panel in panels[1]]


def test_epochs_are_whole_numbers():
    assert epoch_ticks(1, 5) == [1]
    assert epoch_ticks(10, 10) == list(range(1, 11))
    assert epoch_ticks(10, 5) == [1, 3, 5, 7, 9]
    assert epoch_ticks(30, 7) == [1, 5, 10, 15, 20, 25, 30]
    assert epoch_ticks(100, 5) == [1, 20, 40, 60, 80, 100]


def test_a_single_epoch_is_drawn_as_points():
    history = history_of(["a"], seeds=1, epochs=1)
    panel = curves(history, means_of(history), ACCURACY, palette(["a"])).axes[0]
    assert all(line.get_marker() not in ("", "None") for line in panel.lines)


def test_a_diverged_seed_leaves_the_axis_and_the_others_fill_it():
    history = history_of(["a", "b"], epochs=6)
    bad = (history["cell"] == "a") & (history["seed"] == 1) & (history["epoch"] > 3)
    worst = history.loc[~bad, ["loss", "val_loss"]].max().max()
    history.loc[bad, "val_loss"] = [1e3, 2e5, np.nan]
    figure = curves(history, means_of(history), LOSS, palette(["a", "b"]))
    assert worst <= figure.axes[0].get_ylim()[1] <= 1.1 * worst
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "^"]
    assert sorted(x for line in marks for x in line.get_xdata()) == [4, 5, 6]
    assert not [line for line in figure.axes[1].lines if line.get_marker() == "^"]
    shown = [text.get_text().replace("\n", " ") for text in texts(figure)]
    assert "loss beyond the axis, up to 200,000 nats, or not finite" in shown


def test_a_cell_that_starts_badly_is_seen_where_it_ends():
    history = history_of(["a", "b", "c", "d"], epochs=6)
    late = history["cell"] == "d"
    for metric in ("loss", "val_loss"):
        history.loc[late, metric] = 8 / history.loc[late, "epoch"] ** 2.2
    top = curves(history, means_of(history), LOSS, palette("abcd")).axes[0].get_ylim()[1]
    assert 8 / 6**2.2 < top < 8


def test_losses_over_some_decades_get_a_logarithmic_axis_that_says_so():
    history = history_of(["a"], epochs=20)
    history["loss"] = history["val_loss"] = 2.0 ** -history["epoch"].astype(float)
    figure = curves(history, means_of(history), LOSS, palette(["a"]))
    assert figure.axes[0].get_yscale() == "log"
    assert "loss, nats (logarithmic)" in [text.get_text() for text in texts(figure)]


@pytest.mark.parametrize(("lowest", "shown"), [(2e-5, True), (1e-12, False)])
def test_a_net_that_learns_all_training_images_by_heart_stays_on_the_axis_until_its_loss_is_next_to_nothing(
    lowest, shown
):
    history = history_of(["a", "b"], epochs=20)
    history["val_loss"] = 0.2
    history["loss"] = 0.2 * (lowest / 0.2) ** ((history["epoch"] - 1) / 19)
    panel = curves(history, means_of(history), LOSS, palette(["a", "b"])).axes[0]
    low, high = panel.get_ylim()
    assert (low < lowest) == shown
    assert high > 0.2 and low > 0.2 / 1e6


def test_a_cell_without_runs_keeps_its_panel():
    history = history_of(["a"])
    figure = curves(history, means_of(history), ACCURACY, palette(["a", "gone"]))
    assert [text.get_text() for text in figure.axes[1].texts] == ["no runs"]
    nothing = history.head(0)
    assert len(curves(nothing, means_of(history).head(0), LOSS, palette("ab")).axes) == 2
    assert len(overview(means_of(history).head(0), palette("ab"), METRICS).axes) == 2
    assert [text.get_text() for text in gap(gap_of("a"), ["a", "gone"], ACCURACY).axes[1].texts] == ["no runs"]
    assert len(gap(gap_of("a").head(0), ["a", "gone"], ACCURACY).axes) == 2


def r2_of(history):
    """The history's accuracies as R², which may fall far below zero."""
    return history.rename(columns={"accuracy": "r2", "val_accuracy": "val_r2"})


R2 = dataclasses.replace(ACCURACY, name="r2", label="R²", unit="", difference_unit="", scale=1.0, low=None)


def test_a_metric_that_is_better_high_leaves_the_axis_downwards():
    history = r2_of(history_of(["a", "b", "c"], epochs=6))
    history.loc[history["cell"].eq("a") & history["epoch"].eq(1), "val_r2"] = -1234.0
    figure = curves(history, means_of(r2_of(history), ("r2", "val_r2")), R2, palette("abc"))
    assert figure.axes[0].get_ylim()[0] > 0.5
    assert [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() == "v"] == [1]
    shown = [text.get_text().replace("\\n", " ") for text in texts(figure)]
    assert "R² beyond the axis, down to −1,234" in shown and "R²" in shown


def test_a_metric_without_bounds_is_measured_from_the_best_there_is():
    history = history_of(["a", "b", "c"], epochs=6)
    history[["loss", "val_loss"]] -= 1.0
    history.loc[history["cell"].eq("a") & history["epoch"].eq(1), "val_loss"] = 1e6
    free = dataclasses.replace(LOSS, low=None)
    panel = curves(history, means_of(history), free, palette("abc")).axes[0]
    assert panel.get_yscale() == "linear" and panel.get_ylim()[1] < 0 and panel.get_ylim()[0] < history["loss"].min()


def test_where_no_direction_is_better_everything_is_shown():
    history = history_of(["a", "b"], epochs=6)
    history.loc[history["cell"].eq("a") & history["epoch"].eq(1), "val_loss"] = 50.0
    panel = curves(history, means_of(history), dataclasses.replace(LOSS, better="neither"), palette("ab")).axes[0]
    assert panel.get_ylim()[1] > 50 and not [line for line in panel.lines if line.get_marker() in ("v", "^")]
