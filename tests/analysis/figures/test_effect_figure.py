"""Effects are drawn with interval, seeds, band and grade, in the unit of their metric."""

import dataclasses

import numpy as np
import pytest
from designs import MAE, RESPONSES
from drawn import effects_of, texts

from analysis.figures import effects as figures
from analysis.figures.effects import effects
from analysis.statistics.responses import responses_of


def test_effects_have_a_zero_line_a_band_and_their_intervals():
    table, own = effects_of(["dropout: true → false", "binarize: false → true", "dropout × binarize"])
    panel = effects(table, own, RESPONSES["val_accuracy"]).axes[0]
    assert [0, 0] in [list(line.get_xdata()) for line in panel.lines]
    band = panel.patches[0].get_extents().transformed(panel.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((-0.001, 0.001))
    bars = sorted(tuple(segment[:, 0]) for bar in panel.collections for segment in bar.get_segments())
    assert bars == sorted(zip(table["low"], table["high"], strict=True))
    dots = next(line for line in panel.lines if len(line.get_xdata()) == 9)
    assert sorted(dots.get_xdata()) == sorted(own["effect"])
    assert [label.get_text() for label in panel.get_yticklabels()] == list(table["contrast"])


def test_the_interval_for_new_examples_is_a_thinner_line_named_in_the_key():
    table, own = effects_of(["a", "b"])
    wider = table.assign(new_low=table["low"] - 0.001, new_high=table["high"] + 0.001)
    figure = effects(wider, own, RESPONSES["val_accuracy"])
    bars = {
        tuple(segment[:, 0]): width
        for bar in figure.axes[0].collections
        for segment, width in zip(bar.get_segments(), bar.get_linewidths(), strict=True)
    }
    for row in wider.to_dict("records"):
        assert bars[row["new_low"], row["new_high"]] < bars[row["low"], row["high"]]
    assert "thin: 95 % interval for new examples too" in [text.get_text() for text in texts(figure)]
    plain = effects(table, own, RESPONSES["val_accuracy"])
    assert "thin: 95 % interval for new examples too" not in [text.get_text() for text in texts(plain)]


def test_effects_on_accuracy_are_in_percentage_points_and_on_loss_in_nats():
    table, own = effects_of(["a", "b"])
    figure = effects(table, own, RESPONSES["val_accuracy"])
    shown = [text.get_text() for text in texts(figure)]
    assert "effect on validation accuracy, percentage points (right is better)" in shown
    assert "smallest effect of interest: ± 0.1 percentage points" in shown
    assert figure.axes[0].xaxis.get_major_formatter().format_ticks([-0.001, 0, 0.001]) == ["−0.1", "0.0", "0.1"]
    table, own = effects_of(["a", "b"], response="val_loss", sesoi=0.005)
    figure = effects(table, own, RESPONSES["val_loss"])
    assert "smallest effect of interest: ± 0.005 nats" in [text.get_text() for text in texts(figure)]
    assert figure.axes[0].xaxis.get_major_formatter().format_ticks([-0.001, 0]) == ["−0.001", "0.000"]


@pytest.mark.parametrize(
    ("better", "label"),
    [
        ("lower", "effect on validation mean absolute error (left is better)"),
        ("neither", "effect on validation mean absolute error"),
    ],
)
def test_effects_on_a_metric_without_a_unit_are_plain_numbers(better, label):
    table, own = effects_of(["a", "b"], response="val_mae", sesoi=0.05)
    figure = effects(table, own, responses_of([dataclasses.replace(MAE, better=better)])["val_mae"])
    shown = [text.get_text() for text in texts(figure)]
    assert label in shown and "smallest effect of interest: ± 0.05" in shown


def test_a_grade_has_its_own_mark_and_the_key_names_those_that_occur():
    table, own = effects_of(["a", "b", "c"])
    figure = effects(table, own, RESPONSES["val_accuracy"])
    named = {line.get_label(): line.get_marker() for line in figure.axes[0].lines if line.get_label() in figures.GRADES}
    assert named == {"established": "o", "suggestive": "D", "not shown": "o"}
    assert [text.get_text() for text in figure.legends[0].get_texts()][:3] == list(named)
    assert len({figures.GRADES[grade] for grade in figures.GRADES}) == len(figures.GRADES)


def test_an_interval_far_wider_than_the_differences_ends_in_an_arrow():
    table, own = effects_of(["a", "b"])
    table.loc[1, ["low", "high"]] = [-0.9, 0.9]
    panel = effects(table, own, RESPONSES["val_accuracy"]).axes[0]
    assert max(np.abs(panel.get_xlim())) < 0.01
    assert [len(line.get_xdata()) for line in panel.lines if line.get_marker() in "<>"] == [1, 1]


def test_an_effect_that_would_flatten_all_others_stands_in_figures_at_the_edge():
    table, own = effects_of(list("abcdef"))
    of_e = table["contrast"].eq("e")
    table.loc[of_e, ["estimate", "low", "high"]] = [-0.3, -0.4, -0.2]
    own.loc[own["contrast"].eq("e"), "effect"] = -0.3
    figure = effects(table, own, RESPONSES["val_accuracy"])
    panel = figure.axes[0]
    assert panel.get_xlim()[0] > -0.02
    [shown] = panel.texts
    assert shown.get_text() == "−30 [−40, −20]"
    assert shown.xy == (0.0, panel.get_yticks()[4]) and shown.get_ha() == "left"
    assert "beyond the axis: estimate [95 % interval]" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_an_effect_stays_on_the_axis_where_few_others_would_gain_by_its_leaving():
    table, own = effects_of(list("abcd"))
    table.loc[0, ["estimate", "low", "high"]] = [-0.3, -0.4, -0.2]
    own.loc[own["contrast"].eq("a"), "effect"] = -0.3
    panel = effects(table, own, RESPONSES["val_accuracy"]).axes[0]
    assert panel.get_xlim()[0] < -0.4 and not panel.texts


def test_effects_of_one_seed_have_no_interval():
    table, own = effects_of(["a"], seeds=(0,), sesoi=np.nan)
    table[["low", "high"]] = np.nan
    table["grade"] = "cannot be said"
    panel = effects(table, own, RESPONSES["val_accuracy"]).axes[0]
    assert not panel.patches
    assert [line.get_xdata()[0] for line in panel.lines if line.get_marker() == "x"] == [0.002]
