"""Futility: the chance of a decision against simulated seeds to come."""

import numpy as np

from analysis.statistics.futility import chance_of_decision, unlikely
from analysis.statistics.looks import Family, replay


def family(own, sesoi):
    """A family of contrasts, (seeds, contrasts)."""
    count = own.shape[1]
    parts = np.full(count, 1e-9), np.full(count, sesoi), np.zeros(count, int)
    return Family(own, np.ones(own.shape, bool), *parts)


def test_an_effect_just_below_its_bar_has_a_chance_and_one_of_half_the_size_of_interest_has_none():
    random = np.random.default_rng(0)
    base = random.standard_normal(9)
    base = (base - base.mean()) / base.std(ddof=1)
    own = np.stack([0.8 + base, 0.05 + base], axis=1)
    looked = family(own, sesoi=0.1)
    chances = chance_of_decision(looked, replay(looked))
    assert chances[0] > 0.4
    assert chances[1] < 0.1
    np.testing.assert_array_equal(unlikely(chances), [False, True])


def test_nothing_is_told_before_nine_seeds_or_of_what_is_decided():
    own = np.random.default_rng(1).normal([50, 0], 1, (9, 2))
    early, late = family(own[:6], 0.1), family(own, 0.1)
    assert np.isnan(chance_of_decision(early, replay(early))).all()
    chances = chance_of_decision(late, replay(late))
    assert np.isnan(chances[0]) and np.isfinite(chances[1])


def test_no_look_left_means_no_chance():
    looked = family(np.random.default_rng(2).standard_normal((20, 1)), 0.01)
    assert chance_of_decision(looked, replay(looked))[0] == 0


def test_what_is_given_up_would_seldom_have_been_decided():
    random = np.random.default_rng(3)
    told, decided = 0, 0
    for _ in range(120):
        own = random.normal(0.35, 1, (20, 1))
        nine, all_seeds = family(own[:9], 0.1), family(own, 0.1)
        replayed = replay(nine)
        if replayed.open[0] and unlikely(chance_of_decision(nine, replayed))[0]:
            told += 1
            decided += not replay(all_seeds).open[0]
    assert told > 10
    assert decided / told < 0.25


def test_a_family_that_was_never_looked_at_has_no_chances():
    looked = family(np.zeros((3, 2)), 0.1)
    assert np.isnan(chance_of_decision(looked, replay(looked))).all()


def test_an_arm_that_diverges_in_nearly_every_seed_may_be_given_up():
    own = np.random.default_rng(4).standard_normal((9, 1))
    own[1:] = np.nan
    looked = family(own, 0.1)
    assert chance_of_decision(looked, replay(looked))[0] == 0
