"""Looks: the schedule, what a replay decides, and what it must not depend on."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.looks import (
    PLANNED,
    SHARES,
    Family,
    cells_to_train,
    check_budget,
    look_at,
    looks_within,
    next_look,
    peeking_error,
    replay,
)

ORACLES = json.loads((Path(__file__).parents[2] / "oracles.json").read_text())


def family(own, sesoi=0.1, squares=None, response=None, known=None):
    """A family of contrasts, (seeds, contrasts), all seeds of which have an outcome unless `known` says otherwise."""
    count = own.shape[1]
    return Family(
        own=own,
        known=np.ones(own.shape, bool) if known is None else known,
        floor=np.full(count, 1e-9),
        sesoi=np.full(count, sesoi),
        response=np.zeros(count, int) if response is None else response,
        squares=squares,
    )


def drawn(seeds, effects, sd=1.0, seed=0):
    """Normal effects of seeds around these means: (seeds, contrasts)."""
    return np.array(effects) + sd * np.random.default_rng(seed).standard_normal((seeds, len(effects)))


# ---- the schedule


def test_the_shares_of_all_looks_there_could_be_sum_to_one():
    shares = [look_at(look)[1] for look in range(1, 60)]
    assert sum(shares) == pytest.approx(1.0, abs=1e-12) and sum(shares) <= 1 + 1e-12
    assert [look_at(look) for look in range(6, 9)] == [
        (28, pytest.approx(0.05)),
        (40, pytest.approx(0.025)),
        (56, pytest.approx(0.0125)),
    ]


def test_seeds_between_two_looks_allow_the_one_before():
    assert [planned for planned, _ in looks_within(8)] == [4, 6]
    assert looks_within(3) == []
    assert [next_look(seeds) for seeds in (0, 4, 5, 9, 14, 20)] == [4, 6, 6, 14, 20, None]
    assert next_look(20, budget=28) == 28


def test_a_budget_without_a_look_is_refused_in_a_sentence():
    check_budget(9)
    check_budget(28)
    with pytest.raises(ValueError, match=r"^max_seeds must be one of 4, 6, 9, 14, 20, 28, \.\.\.; got 12\.$"):
        check_budget(12)


# ---- what is decided


def test_p_and_interval_are_those_of_the_looks_so_far():
    own = drawn(9, [0.3, 0.0], seed=3)
    table = replay(family(own)).table
    p, low, high = [], [], []
    for planned, share in zip((4, 6, 9), SHARES, strict=False):
        alone = stats.ttest_1samp(own[:planned, 0], 0)
        interval = alone.confidence_interval(1 - 0.05 * share)
        p, low, high = [*p, alone.pvalue / share], [*low, interval.low], [*high, interval.high]
    rows = table[table["contrast"].eq(0)]
    np.testing.assert_allclose(rows["p"], np.minimum(np.minimum.accumulate(p), 1))
    np.testing.assert_allclose(rows["low"], np.maximum.accumulate(low))
    np.testing.assert_allclose(rows["high"], np.minimum.accumulate(high))
    assert list(rows["planned"]) == [4, 6, 9] and list(rows["n"]) == [4, 6, 9]


def test_a_large_effect_and_none_are_decided_and_one_between_stays_open():
    own = drawn(20, [8.0, 0.0, 0.3], seed=3) * [1, 0.01, 1]
    found = replay(family(own, sesoi=0.1))
    assert list(found.last()["grade"][:2]) == ["established", "smaller than of interest"]
    assert found.decided_after[0] in PLANNED and found.decided_after[1] in PLANNED and found.open[2]


def test_a_fifth_seed_added_by_hand_changes_nothing_until_the_next_look():
    own = drawn(6, [1.0, 0.2], seed=4)
    four, five = replay(family(own[:4])), replay(family(own[:5]))
    assert four.table.equals(five.table)
    assert len(replay(family(own)).table) == 4


def test_looks_replayed_from_all_seeds_are_those_made_seed_by_seed():
    own = drawn(20, [1.0, 0.2, 0.0], seed=5)
    whole = replay(family(own)).table
    for planned in PLANNED:
        so_far = replay(family(own[:planned])).table
        assert so_far.equals(whole[whole["planned"].le(planned)].reset_index(drop=True))


def test_seeds_beyond_the_budget_are_not_looked_at():
    own = drawn(20, [0.3], seed=6)
    assert replay(family(own), budget=9).table["planned"].max() == 9


def test_what_has_been_established_stays_so():
    own = np.concatenate([np.full(4, 5.0) + np.arange(4) * 1e-3, np.full(16, -1.0)])[:, None]
    found = replay(family(own, sesoi=np.nan))
    assert found.decided_after[0] == 4 and found.last()["grade"][0] == "established"


def test_the_signs_must_agree_at_the_look_that_establishes():
    own = np.array([10.0, 10.1, 9.9, -0.001, 10, 10, 10, 10, 10])[:, None]
    assert replay(family(own, sesoi=np.nan)).decided_after[0] == 9


def test_an_arm_that_has_stopped_keeps_its_p_and_counts_in_the_correction():
    own = drawn(9, [9.0, 0.3, 0.3], seed=7)
    known = np.ones(own.shape, bool)
    known[6:, 0] = False
    own[6:, 0] = np.nan
    found = replay(family(own, known=known))
    rows = found.table
    assert list(rows["planned"][rows["contrast"].eq(0)]) == [4, 6]
    assert list(rows["planned"][rows["contrast"].eq(1)]) == [4, 6, 9]
    alone = replay(family(own[:, 1:]))
    assert found.last()["p"][1] == alone.last()["p"][0]


def test_a_diverged_seed_is_looked_at_and_a_run_to_come_is_waited_for():
    own = drawn(6, [3.0], seed=8)
    own[2] = np.nan
    waited = np.ones(own.shape, bool)
    waited[2] = False
    assert list(replay(family(own)).table["n"]) == [3, 5]
    assert replay(family(own, known=waited)).table.empty


def test_a_family_without_looks_is_all_open():
    found = replay(family(drawn(3, [1.0, 2.0])))
    assert found.table.empty and found.open.all() and found.last().empty


def test_a_factorials_early_looks_share_their_variances_response_by_response():
    own = drawn(4, [3.0] * 14, seed=9)
    response = np.repeat([0, 1], 7)
    own[:, response == 1] *= 1000
    squares = np.full(14, 0.5)
    shared = replay(family(own, squares=squares, response=response)).table
    single = replay(family(own[:, :7], squares=squares[:7])).table
    np.testing.assert_allclose(shared["p"][:7], single["p"])
    assert (shared["p"] != replay(family(own)).table["p"]).any()


def test_looks_that_have_nothing_in_common_show_the_last():
    own = np.concatenate([5 + np.arange(4) * 1e-4, np.zeros(16) + np.arange(16) * 1e-4])[:, None]
    rows = replay(family(own, sesoi=np.nan)).table
    assert (rows["low"] <= rows["high"]).all()


def test_arms_stop_one_by_one_and_a_factorial_as_a_whole():
    weights = np.array([[-1.0, 1, 0, 0], [-1, 0, 1, 0], [-1, 0, 0, 1]])
    still_open = np.array([False, True, False])
    np.testing.assert_array_equal(cells_to_train(still_open, weights, together=False), [True, False, True, False])
    assert cells_to_train(still_open, weights, together=True).all()
    assert not cells_to_train(np.zeros(3, bool), weights, together=False).any()
    assert not cells_to_train(np.zeros(3, bool), weights, together=True).any()


def test_without_any_effect_a_study_of_six_tests_errs_in_at_most_five_percent():
    random = np.random.default_rng(10)
    errors = 0
    for _ in range(100):
        own = random.standard_normal((14, 6))
        errors += replay(family(own, sesoi=np.nan)).table["grade"].eq("established").any()
    assert errors / 100 < 0.05 + 2 * np.sqrt(0.05 * 0.95 / 100)


# ---- seeds that were looked at otherwise


def test_armitages_errors_of_repeated_looks_are_reproduced():
    for looks, expected in ORACLES["armitage_looks"]["pub"].items():
        assert peeking_error(range(1, int(looks) + 1)) == pytest.approx(expected, abs=6e-4)


def test_five_then_ten_then_twenty_seeds_more_than_double_the_error():
    assert peeking_error([5, 10, 20]) == pytest.approx(0.1135, abs=1e-4)
    assert peeking_error([20, 5, 10, 10]) == peeking_error([5, 10, 20])
    assert peeking_error([5]) == pytest.approx(0.05, abs=1e-6) and peeking_error([]) == 0
