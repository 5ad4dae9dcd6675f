"""The gap's terms are stacked up to the net gap, whatever was measured."""

import pytest
from designs import ACCURACY, MAE
from drawn import gap_of, texts
from matplotlib.collections import PolyCollection

from analysis.figures.gap import gap


def test_the_gaps_terms_stack_away_from_zero_and_end_at_the_net_gap():
    frame = gap_of(["a", "b"])
    figure = gap(frame, ["a", "b"], ACCURACY)
    assert len(figure.axes) == 2
    stacks = [item for item in figure.axes[0].collections if isinstance(item, PolyCollection)]
    corners = [stack.get_paths()[0].vertices for stack in stacks]  # epoch 1
    assert [(corner[0, 1], corner[2, 1]) for corner in corners] == [
        (0, pytest.approx(0.02)),
        (pytest.approx(0.02), pytest.approx(0.035)),
        (0, pytest.approx(-0.01)),
        (pytest.approx(0.035), pytest.approx(0.039)),
    ]
    net = next(line for line in figure.axes[0].lines if line.get_label() == "net")
    assert list(net.get_ydata()) == list(frame[(frame["cell"] == "a") & (frame["term"] == "net")]["mean"])
    assert "gap in accuracy, percentage points" in [text.get_text() for text in texts(figure)]
    assert figure.axes[0].yaxis.get_major_formatter().format_ticks([0, 0.02]) == ["0", "2"]


def test_the_gap_over_many_epochs_is_an_area_of_the_same_heights():
    frame = gap_of(["a"], epochs=60)
    panel = gap(frame, ["a"], ACCURACY).axes[0]
    first = panel.collections[0].get_paths()[0].vertices
    assert first[:, 1].max() == pytest.approx(0.02) and first[first[:, 0] == 60][:, 1].max() == pytest.approx(0.02 / 60)


def test_the_gap_without_a_holdout_or_a_probe_names_what_there_is():
    merged = gap_of(["a"], terms=("moving_weights", "train_mode_noise", "memorisation_and_split"))
    shown = [text.get_text() for text in gap(merged, ["a"], ACCURACY).legends[0].get_texts()]
    assert "memorisation and the split difference together" in shown and len(shown) == 4
    net = gap_of(["a"])
    net = net[net["term"] == "net"]
    shown = [text.get_text() for text in gap(net, ["a"], ACCURACY).legends[0].get_texts()]
    assert shown == ["net gap: validation − training as logged"]


def test_one_cells_huge_gap_does_not_flatten_the_others():
    frame = gap_of(list("abcd"))
    frame.loc[frame["cell"] == "b", ["mean", "low", "high"]] *= 1000
    figure = gap(frame, list("abcd"), ACCURACY)
    assert figure.axes[0].get_ylim()[1] < 0.05
    assert {line.get_marker() for line in figure.axes[1].lines} >= {"^", "v"}
    assert "beyond the axis" in [text.get_text() for text in texts(figure)]


def test_the_gap_of_a_metric_without_a_unit_is_in_plain_numbers():
    figure = gap(gap_of(["a"]).assign(response="mae"), ["a"], MAE)
    assert "gap in mean absolute error" in [text.get_text() for text in texts(figure)]
    assert figure.axes[0].yaxis.get_major_formatter().format_ticks([0, 0.02]) == ["0.00", "0.02"]
