"""Seeds that are needed: statsmodels at any level, and the range that a spread from few seeds leaves."""

import numpy as np
import pandas as pd
import pytest
from designs import row_of, runs_of, table_of, two_level, with_sesoi
from statsmodels.stats.power import TTestPower

from analysis.statistics.power import detectable_effects, seeds_needed, seeds_range, spread_interval


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 6, 0.05 / 26])
@pytest.mark.parametrize("d_z", [0.25, 0.5, 1.0, 1.7, 2.2])
def test_seeds_are_statsmodels_rounded_up_and_at_least_three(alpha, d_z):
    needed = int(seeds_needed(np.array([d_z]), alpha)[0])
    power = TTestPower()
    assert power.power(d_z, needed, alpha) >= 0.8
    assert needed == 3 or power.power(d_z, needed - 1, alpha) < 0.8


def test_ever_more_seeds_meet_the_approximation_without_a_jump():
    needed = seeds_needed(np.linspace(0.3, 0.1, 400), 0.05 / 26)
    assert (np.diff(needed) >= 0).all() and needed[0] < 200 < needed[-1]


def test_no_effect_and_no_spread_have_no_number():
    assert np.isnan(seeds_needed(np.array([0.0, np.nan, np.inf]))).all()
    assert seeds_needed(np.array([1e-9]))[0] == 1_000_000


def test_the_interval_of_a_spread_is_chi_squareds():
    low, high = spread_interval(np.array([1.0, 1.0, 1.0]), np.array([2, 3, 10]))
    assert np.isnan([low[0], high[0]]).all()
    assert (low[1], high[1]) == (pytest.approx(0.5207, abs=1e-4), pytest.approx(6.2847, abs=1e-4))
    assert (low[2], high[2]) == (pytest.approx(0.6878, abs=1e-4), pytest.approx(1.8256, abs=1e-4))


def test_the_range_is_wider_for_fewer_seeds_and_higher_for_more_tests():
    effect, sd, n = np.array([1.0, 1.0, 1.0]), np.ones(3), np.array([2, 3, 10])
    least, most = seeds_range(effect, sd, n, 6)
    assert np.isnan([least[0], most[0]]).all()
    assert least[1] < least[2] < most[2] < most[1]
    more_least, more_most = seeds_range(effect, sd, n, 26)
    assert more_least[2] > least[2] and more_most[2] > most[2]


def test_the_upper_end_keeps_its_promise():
    random = np.random.default_rng(0)
    seeds, effect, tests = 5, 0.8, 6
    own = effect + random.standard_normal((seeds, 400))
    _, most = seeds_range(np.full(400, effect), own.std(axis=0, ddof=1), np.full(400, seeds), tests)
    enough = seeds_needed(np.array([effect]), 0.05 / tests)[0]
    assert (most >= enough).mean() > 0.95


@pytest.mark.parametrize(("n", "published"), [(3, 3.26), (5, 1.68), (10, 1.00)])
def test_the_detectable_effect_is_the_published_one(n, published):
    assert round(detectable_effects()[n - 3], 2) == published
    needed = seeds_needed(np.array([published + 0.01, published - 0.02]))
    assert needed[0] == n and needed[1] == n + 1


def test_the_table_has_the_range_of_its_family_and_none_from_two_seeds():
    design = two_level("a")
    values = np.array([[0.0, 0.3], [0.0, 0.1], [0.0, 0.2]])
    row = row_of(table_of(runs_of(design, values), design, with_sesoi(accuracy=0.168)), "a: - → +")
    least, most = seeds_range(np.array([0.2, 0.168]), np.array([0.1, 0.1]), np.array([3, 3]), 1)
    assert [row["seeds_low"], row["sesoi_seeds_low"]] == list(least)
    assert [row["seeds_high"], row["sesoi_seeds_high"]] == list(most)
    two = row_of(table_of(runs_of(design, values[:2]), design), "a: - → +")
    assert pd.isna([two["seeds_low"], two["seeds_high"], two["sesoi_seeds_high"]]).all()
