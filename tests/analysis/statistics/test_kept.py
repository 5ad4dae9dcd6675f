"""Completeness: what one missing run costs in each kind of design."""

import numpy as np

from analysis.statistics.kept import kept_seeds, own_effects

ARMS = np.array([[-1.0, 1, 0, 0], [-1, 0, 1, 0], [-1, 0, 0, 1]])
NAN = np.nan


def test_an_arm_that_diverges_in_four_of_five_seeds_costs_only_itself():
    values = np.arange(20.0).reshape(5, 4) ** 2
    values[:4, 3] = NAN
    kept = kept_seeds(values, ARMS, together=False)
    np.testing.assert_array_equal(kept.sum(axis=0), [5, 5, 1])
    own = own_effects(values, ARMS, together=False)
    np.testing.assert_array_equal(own[:, 0], values[:, 1] - values[:, 0])
    np.testing.assert_array_equal(own[:, 2], [NAN, NAN, NAN, NAN, values[4, 3] - values[4, 0]])


def test_a_factorial_uses_only_seeds_that_have_every_cell():
    weights = np.array([[-1.0, -1, 1, 1], [-1, 1, -1, 1]]) / 2
    values = np.arange(12.0).reshape(3, 4)
    values[1, 2] = NAN
    np.testing.assert_array_equal(kept_seeds(values, weights, together=True), [[True] * 2, [False] * 2, [True] * 2])


def test_a_cell_without_any_run_leaves_undefined_only_the_contrasts_that_weigh_it():
    weights = np.array([[-1.0, -1, 1, 1], [-1, 1, 0, 0]])
    values = np.arange(12.0).reshape(3, 4)
    values[:, 3] = NAN
    np.testing.assert_array_equal(kept_seeds(values, weights, together=True), [[False, True]] * 3)


def test_a_baseline_that_diverges_costs_every_arm_that_seed():
    values = np.ones((4, 4))
    values[2, 0] = NAN
    assert (kept_seeds(values, ARMS, together=False).sum(axis=0) == 3).all()


def test_no_run_at_all_keeps_nothing():
    assert not kept_seeds(np.full((3, 4), NAN), ARMS, together=True).any()
