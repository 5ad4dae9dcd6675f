"""The table of effects of a study that was looked at: figures over all looks, of the seeds that were looked at."""

import numpy as np
import pandas as pd
import pytest
from designs import RESPONSES, TWO_BY_TWO, random_values, row_of, runs_of

from analysis.reading.study import Design
from analysis.statistics.decided import decided
from analysis.statistics.effects import effects

ARMS = Design("arms", {"arm": ("one", "two", "three")})
OVER_LOOKS = ["n", "estimate", "low", "high", "p", "p_holm", "grade"]


def factorial(seeds, dropout=0.5):
    values = 0.5 + random_values(TWO_BY_TWO, 20) * 1e-2 + dropout * np.array([0, 0, 1, 1])
    runs = runs_of(TWO_BY_TWO, values, val_loss=random_values(TWO_BY_TWO, 20, seed=1), gap_loss=values)
    return runs[runs["seed"] < seeds]


def arms(seeds, decided_after=4):
    """Three arms; the second, whose effect is plain, stopped after so many seeds."""
    values = 0.5 + random_values(ARMS, 20, seed=5) * 0.01 + np.array([0, 3.0, 0])
    runs = runs_of(ARMS, values)
    return runs[runs["seed"].lt(seeds) & ~(runs["arm"].eq("two") & runs["seed"].ge(decided_after))]


def primary_of(found):
    return found[found["primary"].astype(bool) & found["kind"].ne("simple")].set_index(["response", "contrast"])


@pytest.mark.parametrize("runs", [factorial(4), factorial(9), arms(6), arms(9)], ids=["4", "9", "arms6", "arms9"])
def test_primary_rows_are_those_of_the_last_look(runs):
    design = TWO_BY_TWO if "dropout" in runs else ARMS
    table = primary_of(effects(runs, design, RESPONSES, budget=20).table)
    looks = decided(runs, design, RESPONSES).table.drop_duplicates(["response", "contrast"], keep="last")
    last = looks.set_index(["response", "contrast"]).loc[table.index]
    pd.testing.assert_frame_equal(table[OVER_LOOKS], last[OVER_LOOKS], check_dtype=False)


def test_intervals_over_looks_are_wider_than_those_of_a_fixed_number():
    fixed, looked = (primary_of(effects(factorial(9), TWO_BY_TWO, RESPONSES, budget=each).table) for each in (None, 20))
    assert (looked["high"] - looked["low"] > fixed["high"] - fixed["low"]).all() and (looked["p"] > fixed["p"]).all()
    assert looked["estimate"].tolist() == pytest.approx(fixed["estimate"].tolist())
    assert looked[["pooled_p", "seeds_low", "sesoi_seeds_high"]].isna().all(axis=None)


def test_a_stopped_arm_keeps_its_own_seeds_and_the_others_have_theirs():
    table = effects(arms(9), ARMS, RESPONSES, budget=20).table
    assert row_of(table, "two against one")["n"] == 4 and row_of(table, "two against one")["grade"] == "established"
    assert row_of(table, "three against one")["n"] == 9


def test_seeds_between_two_looks_change_nothing_in_what_is_tested():
    before, after = (effects(factorial(each), TWO_BY_TWO, RESPONSES, budget=20) for each in (4, 5))
    pd.testing.assert_frame_equal(primary_of(before.table), primary_of(after.table))
    assert row_of(after.table, "dropout: true → false", "gap_loss")["n"] == 5  # exploratory: of all seeds
    own = after.seeds[after.seeds["response"].eq("val_loss")]
    assert set(own["seed"]) == {0, 1, 2, 3}


def test_before_the_first_look_nothing_can_be_said():
    table = primary_of(effects(factorial(3), TWO_BY_TWO, RESPONSES, budget=20).table)
    assert set(table["grade"]) == {"cannot be said"} and table["estimate"].isna().all() and set(table["n"]) == {0}


def test_simple_effects_hold_over_all_looks_too():
    values = 0.5 + random_values(TWO_BY_TWO, 6) * 1e-3 + np.array([0, 0, 0, 0.8])
    fixed, looked = (
        effects(runs_of(TWO_BY_TWO, values), TWO_BY_TWO, RESPONSES, budget=each).table for each in (None, 20)
    )
    name = "dropout: true → false at binarize=true"
    assert row_of(looked, name)["high"] > row_of(fixed, name)["high"]
    assert row_of(looked, name)["grade"] == "established"


def test_an_inert_contrast_is_no_test_and_stays_as_it_is():
    values = np.repeat(0.5 + np.array([0, 0.3]) + random_values(TWO_BY_TWO, 4)[:, :2] * 1e-3, 2, axis=1)
    runs = runs_of(TWO_BY_TWO, values)
    runs = runs.assign(run=runs["dropout"] + runs["seed"].astype(str))
    table = effects(runs, TWO_BY_TWO, RESPONSES, budget=20).table
    assert row_of(table, "binarize: false → true")["grade"] == "inert"
    assert row_of(table, "dropout: true → false")["grade"] == "established"
