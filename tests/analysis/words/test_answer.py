"""The answer that opens a report: at most 25 words, never more than the table of effects bears out."""

import numpy as np
import pytest
from designs import HUBER, MAE, METRICS, TWO_BY_TWO, runs_of, with_sesoi
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import ONE, SEEDS, declaration_of, planted

from analysis.reading.study import Design
from analysis.statistics.effects import effects
from analysis.statistics.floors import Precision
from analysis.statistics.responses import responses_of
from analysis.words.answer import Best, answer, choices
from analysis.words.told import told_of

BEST = Best("dropout=false", ["dropout=false"], "98.1 %")


def told(design, runs, inert=(), metrics=METRICS):
    responses = responses_of(metrics)
    table = effects(runs, design, responses, Precision()).table
    return told_of(declaration_of(design, inert), table, responses)


def two(own, noise=0.0):
    """Values of the two levels of dropout that differ by `own` in each of five seeds."""
    return 0.97 + SEEDS + np.column_stack([np.zeros(5), own])


CLEAR, NONE = [-0.010, -0.011, -0.009, -0.010, -0.010], [0.010, -0.012, 0.004, -0.009, 0.006]


def test_a_planted_effect_opens_the_report_with_the_best_cell():
    assert answer(told(ONE, runs_of(ONE, two(CLEAR))), BEST) == (
        "Changing dropout from true to false lowers validation accuracy by 1.000 percentage points. "
        "Best cell: dropout=false, 98.1 %."
    )


def test_where_nothing_is_established_the_best_cell_is_best_in_name_only():
    assert answer(told(ONE, runs_of(ONE, two(NONE))), BEST) == (
        "No choice is shown to matter in 5 seeds. Nominally best cell: dropout=false, 98.1 %."
    )


def test_what_is_only_suggestive_is_called_so():
    hint = [0.004, 0.012, 0.002, 0.016, 0.006]
    runs = runs_of(TWO_BY_TWO, 0.9 + np.outer(hint, [0, 0, 1, 1]) + np.outer(NONE, [0, 1, 1, 0]) / 9)
    found = told(TWO_BY_TWO, runs)
    assert set(found.table["grade"][found.table["primary"].astype(bool)]) >= {"suggestive"}
    assert answer(found, None) == "No choice is shown to matter in 5 seeds; suggestive: dropout."


def test_equivalence_everywhere_is_an_answer():
    tiny = [0.0001, -0.0001, 0.0002, 0.0, -0.0002]
    found = told(ONE, runs_of(ONE, two(tiny)), metrics=with_sesoi(accuracy=0.01))
    assert answer(found, None) == "No choice matters: every effect is below the size of interest."


def test_an_effect_on_the_second_metric_alone_does_not_hide_the_first():
    runs = runs_of(ONE, two(NONE), val_loss=0.2 + SEEDS + np.column_stack([np.zeros(5), np.abs(CLEAR)]))
    assert answer(told(ONE, runs), BEST) == (
        "dropout: true → false raises validation loss by 0.01000 nats, but none is shown to change validation "
        "accuracy. Nominally best cell: dropout=false, 98.1 %."
    )


def test_a_clear_interaction_is_the_answer_and_its_averages_are_marked():
    found = told(TWO_BY_TWO, runs_of(TWO_BY_TWO, planted(TWO_BY_TWO, [0, 0, -0.02, 0.01])))
    assert answer(found, None) == "The effect of dropout on validation accuracy depends on binarize."
    grades = {row["contrast"]: row["val_accuracy"]["grade"] for row in choices(found).to_dict("records")}
    assert grades["dropout × binarize"] == "established"
    assert grades["dropout: true → false"] == "not interpretable alone"


def test_what_else_is_established_is_named():
    found = told(TWO_BY_TWO, runs_of(TWO_BY_TWO, planted(TWO_BY_TWO, [0, 0.01, 0.02, 0.03])))
    assert answer(found, None).startswith("Changing dropout from true to false raises validation accuracy by 2.00")
    assert answer(found, None).endswith(" percentage points; binarize matters too.")


def test_what_matters_for_another_metric_alone_is_said_of_that():
    losses = 0.2 + SEEDS + np.outer(np.abs(CLEAR), [0, 1, 0, 1])
    runs = runs_of(TWO_BY_TWO, planted(TWO_BY_TWO, [0, 0, 0.02, 0.02]), val_loss=losses)
    assert answer(told(TWO_BY_TWO, runs), None).endswith(" percentage points; binarize changes loss.")


@pytest.mark.parametrize(
    ("seeds", "sentence"),
    [
        (1, "No choice can be judged yet: one seed cannot tell an effect from the noise of seeds."),
        (2, "No choice is shown to matter in 2 seeds"),
    ],
)
def test_few_seeds_establish_nothing(seeds, sentence):
    assert answer(told(ONE, runs_of(ONE, two(CLEAR)[:seeds])), None).startswith(sentence)


def test_a_study_without_choices_or_without_complete_seeds_says_so():
    alone = Design("factorial", {"dropout": ("true",)})
    assert answer(told(alone, runs_of(alone, np.ones((3, 1)))), None) == (
        "Nothing is compared: no factor has two levels."
    )
    runs = runs_of(ONE, two(CLEAR))
    runs["status"] = np.where(runs["dropout"].eq("true") == runs["seed"].lt(3), "complete", "missing")
    assert answer(told(ONE, runs), None).startswith("Nothing can be compared: no seed is complete")
    assert answer(told(ONE, runs_of(ONE, two([0] * 5)), inert=[("dropout", "")]), None) == (
        "No choice matters here: all levels are one and the same run."
    )


def test_a_regression_is_told_in_its_own_metric():
    runs = runs_of(ONE, two(CLEAR)).rename(columns={"val_accuracy": "val_mae"})
    assert answer(told(ONE, runs, metrics=(MAE, HUBER)), None).startswith(
        "Changing dropout from true to false lowers validation mean absolute error by 0.01000"
    )


@given(st.lists(st.text(min_size=1, max_size=200), min_size=2, max_size=4, unique=True), st.text(max_size=200))
@settings(max_examples=40, deadline=None)
def test_no_name_makes_the_answer_longer_than_25_words(levels, key):
    design = Design("factorial", {key or "a": tuple(levels), "b c d e f": ("1 2 3", "4 5 6")})
    values = 0.5 + np.arange(5)[:, None] / 100 + np.arange(2 * len(levels)) / 10 + np.eye(5, 2 * len(levels)) / 1e4
    best = Best(", ".join(levels), levels, "98.1 %")
    assert len(answer(told(design, runs_of(design, values)), best).split()) <= 25


def test_many_choices_have_no_table():
    design = Design("factorial", {"a": tuple(map(str, range(14)))})
    values = 0.5 + np.arange(3)[:, None] / 100 + np.arange(14) / 10 + np.eye(3, 14) / 1e4
    assert choices(told(design, runs_of(design, values))).empty
    design = Design("factorial", {"a": tuple(map(str, range(13)))})
    assert len(choices(told(design, runs_of(design, values[:, :13])))) == 12
