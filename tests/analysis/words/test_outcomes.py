"""What stood in the way, and what a design leaves open, is said before any effect."""

import numpy as np
import pandas as pd
import pytest
from designs import TWO_BY_TWO, runs_of
from planted import ONE, planted, texts, told

from analysis.reading.study import Design


def test_an_incomplete_seed_is_left_out_by_name():
    runs = runs_of(TWO_BY_TWO, planted(TWO_BY_TWO, [0, 0, -0.01, -0.01]))
    runs.loc[runs["cell"].eq("dropout=false, binarize=true") & runs["seed"].eq(3), "status"] = "missing"
    found = told(TWO_BY_TWO, runs)
    assert texts(found)[:2] == [
        "Incomplete: there is no run for 1 of 5 seeds at dropout=false, binarize=true (seed 3).",
        "Incomplete: seed 3 (missing at dropout=false, binarize=true) is left out of all comparisons; "
        "4 of 5 seeds remain.",
    ]
    assert "n = 4 seeds" in found[2].text


def test_a_diverged_arm_is_an_outcome():
    runs = runs_of(TWO_BY_TWO, planted(TWO_BY_TWO, [0, 0, -0.01, -0.01]))
    runs.loc[runs["cell"].eq("dropout=false, binarize=true") & runs["seed"].isin([1, 4]), "status"] = "diverged"
    found = told(TWO_BY_TWO, runs)
    assert texts(found)[:2] == [
        "Outcome: training diverged in 2 of 5 seeds at dropout=false, binarize=true (seeds 1 and 4).",
        "Incomplete: seed 1 (diverged at dropout=false, binarize=true) and seed 4 (diverged at dropout=false, "
        "binarize=true) are left out of all comparisons; 3 of 5 seeds remain.",
    ]


def test_an_arm_that_always_diverges_is_named_and_the_others_are_compared():
    design = Design("arms", {"arm": ("one", "two", "three")})
    runs = runs_of(design, planted(design, [0, 0, 0.02]))
    runs.loc[runs["arm"].eq("two"), "status"] = "diverged"
    found = told(design, runs)
    assert texts(found)[:2] == [
        "Outcome: training diverged in 5 of 5 seeds at arm=two (seeds 0, 1, 2, 3 and 4).",
        "Cannot be said: arm=two has no complete run, so no contrast that involves it can be computed.",
    ]
    assert [finding.contrast for finding in found[2:]] == ["three against one"]
    assert found[2].text.startswith("Established: three instead of one raises validation accuracy by 2.000 percentage")


def test_a_run_that_failed_is_incomplete_not_an_outcome():
    runs = runs_of(ONE, planted(ONE, [0, -0.01]))
    runs.loc[0, "status"] = "failed"
    assert texts(told(ONE, runs))[0] == "Incomplete: training failed in 1 of 5 seeds at dropout=true (seed 0)."


def test_a_loss_that_is_not_finite_leaves_the_seed_out_of_that_response_by_name():
    losses = planted(ONE, [0, 0.03], base=0.2)
    losses[2, 1] = np.inf
    found = told(ONE, runs_of(ONE, planted(ONE, [0, -0.01]), val_loss=losses))
    assert found[0].text == (
        "Incomplete: for validation loss, seed 2 is left out, since a cell has no finite value there."
    )
    assert "n = 5 seeds" in found[1].text and "n = 4 seeds" in found[2].text


def test_runs_that_a_callback_stopped_are_an_outcome_with_median_and_range():
    runs = runs_of(ONE, planted(ONE, [0, -0.01]))
    stopped = {"dropout=true": [4, None, 9, 5, None], "dropout=false": [7] * 5}
    runs["stopped"] = pd.array([stopped[cell][seed] for cell, seed in zip(runs["cell"], runs["seed"], strict=True)])
    assert texts(told(ONE, runs))[0] == (
        "Outcome: a callback stopped training early in 3 of 5 seeds at dropout=true (after 4 to 9 epochs, median 5); "
        "5 of 5 seeds at dropout=false (after 7 epochs)."
    )


def test_one_seed_cannot_tell_a_difference_from_a_new_seed():
    assert texts(told(TWO_BY_TWO, runs_of(TWO_BY_TWO, [[0.9, 0.8, 0.7, 0.95]]))) == [
        "Cannot be said: one run per cell (seed 0) cannot tell a difference between cells from that which a new seed "
        "makes; take at least 3 seeds, better 5."
    ]


def test_two_seeds_say_how_little_they_mean():
    found = told(ONE, runs_of(ONE, [[0.90, 0.80], [0.91, 0.80]]))
    assert found[0].text.startswith("Only 2 seeds: intervals reach 12.7 standard errors to either side")
    assert "nan" not in " ".join(texts(found))


def test_without_a_complete_seed_nothing_is_compared():
    runs = runs_of(ONE, [[0.9, 0.8], [0.9, 0.8]])
    runs.loc[[0, 3], "status"] = "missing"
    assert "Cannot be said: no seed is complete in every cell, so nothing is compared." in texts(told(ONE, runs))


def test_a_study_of_one_cell_has_nothing_to_compare():
    design = Design("factorial", {})
    found = told(design, runs_of(design, [[0.9], [0.8]]))
    assert texts(found) == ["Cannot be said: no factor has two levels, so there is nothing to compare."]


@pytest.mark.parametrize(
    ("levels", "name", "done"),
    [(("true", "false"), "Leave-one-out", "leaving out"), (("false", "true"), "Add-one", "adding")],
)
def test_switches_changed_one_at_a_time_are_called_by_their_name(levels, name, done):
    design = Design("one_at_a_time", {"dropout": levels, "augment": levels}, mode=name.lower())
    found = told(design, runs_of(design, planted(design, [0, -0.01, 0])))
    assert found[0].text.startswith(f"{name}: all components are ")
    assert found[1].text.startswith(f"Established: {done} dropout lowers validation accuracy by 1.000 percentage")


def test_other_factors_changed_one_at_a_time_say_that_interactions_stay_open():
    design = Design("one_at_a_time", {"dropout": ("true", "false"), "optimizer": ("adam", "sgd")})
    found = told(design, runs_of(design, planted(design, [0, -0.01, 0])))
    assert found[0].text.endswith("so how the factors act together cannot be said.")


def test_an_arm_that_diverges_is_told_and_silences_no_other():
    design = Design("arms", {"arm": ("one", "two", "three")})
    values = planted(design, [0, -0.01, 0])
    runs = runs_of(design, values)
    runs.loc[runs["arm"].eq("three") & runs["seed"].ge(1), "status"] = "diverged"
    found = texts(told(design, runs))
    assert found[0] == "Outcome: training diverged in 4 of 5 seeds at arm=three (seeds 1, 2, 3 and 4)."
    assert found[1] == (
        "Incomplete: a comparison rests on the seeds that both of its cells completed (1 of 5 seeds at arm=three); "
        "other comparisons keep all theirs."
    )
    assert found[2].startswith("Established: two instead of one lowers validation accuracy by 1.00")
    assert not any("left out of all comparisons" in text for text in found)
