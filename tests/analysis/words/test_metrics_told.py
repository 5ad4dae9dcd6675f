"""Findings of any metric are in its own unit and direction; what is not primary is exploratory."""

import dataclasses

import numpy as np
import pytest
from designs import MAE, METRICS, runs_of, with_sesoi
from planted import ONE, SEEDS, planted, told

from analysis.reading.study import Design


def test_a_metric_without_a_unit_is_told_in_plain_numbers():
    own = np.array([-0.110, -0.111, -0.109, -0.110, -0.110])
    values = 0.97 + SEEDS + np.column_stack([np.zeros(5), own])
    runs = runs_of(ONE, values).rename(columns={"val_accuracy": "val_mae"})
    [found] = told(ONE, runs, metrics=(dataclasses.replace(MAE, primary=True),))
    assert found.text == (
        "Established: changing dropout from true to false lowers validation mean absolute error by 0.11000 "
        "(95 % interval −0.11088 to −0.10912, n = 5 seeds)."
    )


@pytest.mark.parametrize(
    ("better", "groups"),
    [
        ("lower", "1 better and 1 worse; 2 are not"),
        ("neither", "1 higher and 1 lower; 2 are not"),
    ],
)
def test_arms_are_better_or_worse_by_the_metrics_direction(better, groups):
    design = Design("arms", {"arm": tuple("abcde")})
    runs = runs_of(design, planted(design, [0, -0.02, 0.02, 0, 0])).rename(columns={"val_accuracy": "val_mae"})
    found = told(design, runs, metrics=(dataclasses.replace(MAE, primary=True, better=better),))
    assert found[0].text == (
        f"Of 4 comparisons on validation mean absolute error, established, so beyond the noise of seeds, are {groups}."
    )


def test_without_a_smallest_effect_of_interest_no_sentence_names_one():
    own = np.array([0.003, -0.004, 0.002, 0.006, -0.002])
    values = 0.97 + SEEDS + np.column_stack([np.zeros(5), own])
    [found] = told(ONE, runs_of(ONE, values), metrics=with_sesoi(accuracy=None))
    assert found.grade == "not shown" and "of interest" not in found.text


def test_a_metric_that_is_not_primary_is_exploratory():
    own = np.array([-0.110, -0.111, -0.109, -0.110, -0.110])
    values = 0.97 + SEEDS + np.column_stack([np.zeros(5), own])
    metrics = (*METRICS, dataclasses.replace(MAE, primary=False))
    found = told(ONE, runs_of(ONE, planted(ONE, [0, -0.01]), val_mae=values), metrics=metrics)
    assert found[-1].text.startswith(
        "Exploratory, suggestive: changing dropout from true to false seems to lower validation mean absolute error by "
        "0.11000 (95 % interval −0.11088 to −0.10912, n = 5 seeds)"
    )


def test_what_changes_the_gap_is_exploratory_and_told_by_its_largest_part():
    gap = 0.02 + SEEDS + np.column_stack([np.zeros(5), [-0.021, -0.019, -0.020, -0.020, -0.020]])
    parts = {"gap_accuracy_moving_weights": gap * 0.25, "gap_accuracy_train_mode_noise": gap * 0.75}
    runs = runs_of(ONE, planted(ONE, [0, -0.01]), gap_accuracy=gap, **parts)
    found = told(ONE, runs)[-1]
    assert found.grade == "suggestive"
    assert found.text == (
        "Exploratory, suggestive: dropout: true → false seems to lower the accuracy gap between validation and "
        "training by 2.000 percentage points ([−2.088, −1.912], n = 5); most from training-mode noise, −1.500."
    )
