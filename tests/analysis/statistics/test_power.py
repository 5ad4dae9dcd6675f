"""How many seeds show an effect: published numbers and statsmodels."""

import numpy as np
import pytest
from designs import row_of, runs_of, table_of, two_level, with_sesoi
from statsmodels.stats.power import TTestPower

from analysis.statistics.power import detectable_effects, seeds_needed


@pytest.mark.parametrize(("n", "published"), [(3, 3.26), (5, 1.68), (10, 1.00)])
def test_the_detectable_effect_is_the_published_one(n, published):
    assert round(detectable_effects()[n - 2], 2) == published
    needed = seeds_needed(np.array([published + 0.01, published - 0.02]))
    assert needed[0] == n and needed[1] == n + 1


@pytest.mark.parametrize("size", [0.05, 0.21, 0.5, 1.3, 2.5])
def test_the_seeds_needed_agree_with_statsmodels(size):
    expected = TTestPower().solve_power(size, power=0.8, alpha=0.05)
    assert seeds_needed(np.array([size]))[0] == np.ceil(expected)


def test_the_seeds_needed_are_not_defined_without_an_effect_and_bounded():
    needed = seeds_needed(np.array([0.0, np.nan, 1e-9, 100, -1.69]))
    assert needed == pytest.approx([np.nan, np.nan, 1_000_000, 2, 5], nan_ok=True)


def test_the_seeds_needed_follow_from_the_paired_spread():
    design = two_level("a")
    values = np.array([[0.0, 0.3], [0.0, 0.1], [0.0, 0.2]])
    row = row_of(table_of(runs_of(design, values), design, with_sesoi(accuracy=0.168)), "a: - → +")
    assert row["d_z"] == pytest.approx(2.0)
    assert row["seeds_needed"] == np.ceil(TTestPower().solve_power(2.0, power=0.8, alpha=0.05))
    assert row["seeds_needed_sesoi"] == np.ceil(TTestPower().solve_power(1.68, power=0.8, alpha=0.05))
