"""Tests of contrasts: scipy's on random seeds, a published example, and seeds that a contrast lacks."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.contrast_tests import assessed

ORACLES = json.loads((Path(__file__).parents[2] / "oracles.json").read_text())


def test_students_sleep_is_reproduced():
    sleep = ORACLES["student_sleep"]
    found = assessed((np.array(sleep["a"]) - np.array(sleep["b"]))[:, None])
    assert found.estimate[0] == pytest.approx(sleep["pub"]["mean"])
    assert found.t[0] == pytest.approx(sleep["pub"]["t"], abs=5e-5)
    assert found.p[0] == pytest.approx(sleep["pub"]["p"], abs=5e-7)
    assert [found.low[0], found.high[0]] == pytest.approx(sleep["pub"]["ci"], abs=5e-8)
    assert found.df[0] == sleep["pub"]["df"]


def test_each_contrast_is_tested_on_the_seeds_that_it_has():
    own = np.random.default_rng(0).standard_normal((7, 4)) + 1
    own[0, 1], own[2:5, 2], own[:, 3] = np.nan, np.nan, np.nan
    found = assessed(own)
    np.testing.assert_array_equal(found.n, [7, 6, 4, 0])
    for place in range(3):
        values = own[np.isfinite(own[:, place]), place]
        alone = stats.ttest_1samp(values, 0)
        interval = alone.confidence_interval(0.95)
        exact = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=np.inf)
        assert found.p[place] == pytest.approx(alone.pvalue)
        assert (found.low[place], found.high[place]) == pytest.approx((interval.low, interval.high))
        assert found.p_exact[place] == pytest.approx(exact.pvalue)
        assert found.positive[place] == (values > 0).sum()
    assert np.isnan([found.estimate[3], found.p[3], found.p_exact[3], found.low[3]]).all()


def test_the_interval_has_the_level_that_is_asked_for():
    own = np.random.default_rng(1).standard_normal((5, 1))
    expected = stats.ttest_1samp(own[:, 0], 0).confidence_interval(0.998)
    found = assessed(own, alpha=0.002)
    assert (found.low[0], found.high[0]) == pytest.approx((expected.low, expected.high))


def test_one_seed_has_an_estimate_and_nothing_to_test():
    found = assessed(np.array([[2.0]]), 0.1)
    assert found.estimate[0] == 2 and found.n[0] == 1
    assert np.isnan([found.p[0], found.low[0], found.p_exact[0], found.p_floor[0]]).all()


def test_no_spread_and_no_floor_are_told_apart_from_no_difference():
    found = assessed(np.array([[0.0, 1.0]] * 3))
    np.testing.assert_array_equal(found.t, [0, np.inf])
    np.testing.assert_array_equal(found.p, [1, 0])
