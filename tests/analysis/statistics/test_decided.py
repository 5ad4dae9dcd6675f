"""What a study's runs so far decide: looks from a frame of runs, arm by arm or as a whole."""

import numpy as np
import pytest
from designs import RESPONSES, TWO_BY_TWO, random_values, runs_of

from analysis.reading.study import Design
from analysis.statistics.decided import decided

ARMS = Design("arms", {"arm": ("one", "two", "three")})


def arms(seeds, effects=(0.0, 0.5, 0.0003), planned=20, sd=1e-3):
    """Runs of three arms, of which so many seeds have been trained."""
    values = 0.5 + np.array(effects) + sd * random_values(ARMS, planned, seed=3) * [1, 1, 1]
    values -= random_values(ARMS, planned, seed=3).mean(axis=0) * sd  # no effect beside the planted ones
    runs = runs_of(ARMS, values)
    runs.loc[runs["seed"].ge(seeds), "status"] = "missing"
    return runs


def test_before_the_first_look_all_is_open_and_four_seeds_are_asked_for():
    found = decided(arms(3), ARMS, RESPONSES)
    assert found.table.empty and found.seeds == 4
    assert found.cells == ["arm=one", "arm=two", "arm=three"]


def test_an_arm_that_is_decided_stops_and_the_baseline_goes_on():
    found = decided(arms(4), ARMS, RESPONSES)
    rows = found.table.set_index("contrast")
    assert rows.loc["two against one", "grade"] == "established" and not rows.loc["three against one", "decided"]
    assert found.seeds == 6 and found.cells == ["arm=one", "arm=three"]
    assert set(rows["response"]) == {"val_accuracy"}


def test_a_stopped_arm_keeps_its_decision_while_another_is_looked_at_again():
    runs = arms(6)
    runs.loc[runs["arm"].eq("two") & runs["seed"].ge(4), "status"] = "missing"
    found = decided(runs, ARMS, RESPONSES)
    assert list(found.decided_after[:1]) == [4]
    looks = found.table.groupby("contrast")["planned"].max()
    assert looks["two against one"] == 4 and looks["three against one"] == 6


def test_a_diverged_run_is_an_outcome_and_a_failed_one_is_waited_for():
    runs = arms(4)
    at = runs["arm"].eq("three") & runs["seed"].eq(1)
    runs.loc[at, "status"] = "diverged"
    assert decided(runs, ARMS, RESPONSES).table.set_index("contrast").loc["three against one", "n"] == 3
    runs.loc[at, "status"] = "failed"
    assert list(decided(runs, ARMS, RESPONSES).table["contrast"]) == ["two against one"]


def test_a_factorial_goes_on_as_a_whole_until_its_budget():
    values = 0.5 + random_values(TWO_BY_TWO, 20) * 1e-2
    runs = runs_of(TWO_BY_TWO, values, val_loss=random_values(TWO_BY_TWO, 20, seed=1))
    runs.loc[runs["seed"].ge(6), "status"] = "missing"
    found = decided(runs, TWO_BY_TWO, RESPONSES)
    assert found.seeds == 9 and len(found.cells) == 4
    assert len(found.table) == 2 * 6 and set(found.table["response"]) == {"val_accuracy", "val_loss"}
    spent = decided(runs, TWO_BY_TWO, RESPONSES, budget=6)
    assert spent.seeds is None and spent.cells == []


def test_an_inert_factor_is_not_waited_for():
    values = np.repeat(0.5 + np.array([0, 0.3]) + random_values(TWO_BY_TWO, 4)[:, :2] * 1e-3, 2, axis=1)
    runs = runs_of(TWO_BY_TWO, values)
    found = decided(runs.assign(run=runs["dropout"] + runs["seed"].astype(str)), TWO_BY_TWO, RESPONSES)
    assert list(found.table["contrast"]) == ["dropout: true → false"]
    assert found.table["decided"].all() and found.seeds is None


def test_what_is_unlikely_to_be_decided_is_given_up_only_when_asked():
    values = 0.5 + random_values(ARMS, 20, seed=5) * 0.01
    runs = runs_of(ARMS, values)
    runs.loc[runs["seed"].ge(9), "status"] = "missing"
    told, given_up = (decided(runs, ARMS, RESPONSES, futile=futile) for futile in (False, True))
    assert told.unlikely.any() and told.seeds == 14
    assert (given_up.unlikely == told.unlikely).all()
    assert (set(given_up.cells) <= set(told.cells) and len(given_up.cells) < len(told.cells)) or given_up.seeds is None


@pytest.mark.parametrize("trained", [4, 6, 9])
def test_the_order_of_the_rows_does_not_matter(trained):
    runs = arms(trained)
    shuffled = runs.sample(frac=1, random_state=0)
    assert decided(runs, ARMS, RESPONSES).table.equals(decided(shuffled, ARMS, RESPONSES).table)


def test_what_was_given_up_is_told_from_what_the_budget_left_open():
    values = 0.5 + random_values(ARMS, 20, seed=5) * 0.01
    runs = runs_of(ARMS, values)
    runs = runs[runs["seed"].lt(14)]
    stopped = runs[~(runs["arm"].eq("two") & runs["seed"].ge(9))]
    found = decided(stopped, ARMS, RESPONSES, budget=14, futile=True)
    assert found.seeds is None and found.given_up.tolist() == [True, False]
    assert not decided(stopped, ARMS, RESPONSES, budget=14).given_up.any()


def test_an_arm_that_always_diverges_costs_only_itself():
    runs = arms(4)
    runs.loc[runs["arm"].eq("three") & runs["seed"].lt(4), "status"] = "diverged"
    found = decided(runs, ARMS, RESPONSES)
    rows = found.table.set_index("contrast")
    assert rows.loc["two against one", "grade"] == "established" and rows.loc["three against one", "n"] == 0
    assert found.cells == ["arm=one", "arm=three"]
