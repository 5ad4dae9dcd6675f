"""Floors: what seeds that differ by nothing, by one step, or by the same amount may show."""

import numpy as np
import pytest

from analysis.statistics.contrast_tests import assessed
from analysis.statistics.floors import ROUNDING, floor_of, floored, step_of


def test_a_share_moves_in_steps_of_one_example_and_a_loss_in_those_of_its_rounding():
    assert step_of(np.array([0.5, 0.7]), 200) == 1 / 200
    assert step_of(np.array([[1 / 3, np.nan], [-2.0, 1.0]]), None) == 2 * ROUNDING
    assert step_of(np.array([np.nan]), None) == 0


def test_figures_that_were_logged_with_few_decimals_are_no_finer_than_these():
    assert step_of(np.array([0.9712, 0.97, 1.0]), None) == 1e-4
    assert step_of(np.array([0.971234, 0.97]), None) == 1e-6
    assert step_of(np.array([3.0, 4.0]), None) == 1
    assert step_of(np.array([0.9712, 1 / 7]), None) == 0.9712 * ROUNDING


def test_over_a_window_the_floor_is_a_step_over_its_root():
    assert floor_of(0.01, 1) == 0.01
    assert floor_of(0.01, 4) == 0.005
    with pytest.raises(ValueError, match=r"^analysis.window must be at least 1 epoch; got 0\.$"):
        floor_of(0.01, 0)


def test_examples_below_one_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"^examples must be at least 1; got 0\.$"):
        step_of(np.zeros(1), 0)


def test_only_what_lies_below_the_floor_is_raised_and_marked():
    spread, marked = floored(np.array([0.0, 0.5, 1.0, np.nan]), 0.5)
    np.testing.assert_array_equal(spread, [0.5, 0.5, 1.0, np.nan])
    np.testing.assert_array_equal(marked, [True, False, False, False])


def test_fifty_points_in_each_of_five_seeds_show_and_one_example_more_does_not():
    fifty, one = np.full((5, 1), -0.5), np.full((5, 1), 0.01)
    far, near = assessed(fifty, 0.01), assessed(one, 0.01)
    assert far.floored.all() and far.p[0] < 1e-6 and far.high[0] < 0
    assert near.t[0] == pytest.approx(np.sqrt(5)) and near.low[0] < 0 < near.high[0]
    assert near.p[0] == pytest.approx(0.0890, abs=1e-4)  # t = 2.236 on 4 df


def test_differences_that_are_all_zero_have_an_interval_of_the_floor_and_p_of_one():
    found = assessed(np.zeros((5, 1)), 0.01)
    half = 2.776445 * 0.01 / np.sqrt(5)
    assert found.p[0] == 1 and found.p_exact[0] == 1 and found.floored.all()
    assert (found.low[0], found.high[0]) == (pytest.approx(-half, rel=1e-6), pytest.approx(half, rel=1e-6))


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("spread", [0.2, 0.5, 1.0, 5.0])
def test_counts_of_examples_err_in_at_most_five_percent(seeds, spread):
    random = np.random.default_rng([seeds, int(10 * spread)])
    mean = random.random((1, 4000))  # whole examples are counted wherever between two of them the truth lies
    counts = np.round(mean + spread * random.standard_normal((2, seeds, 4000)))
    p = assessed((counts[0] - counts[1]) / 360, 1 / 360).p
    assert (p < 0.05).mean() < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)
