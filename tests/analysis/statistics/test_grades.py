"""Grades: what it takes to be established, by hand."""

import numpy as np
import pandas as pd
import pytest
from designs import row_of, runs_of, table_of, two_level, with_sesoi

from analysis.statistics.contrast_tests import assessed
from analysis.statistics.grades import grades, signs_agree

SOLID = {
    "n": 5,
    "low": 0.1,
    "high": 0.3,
    "p_holm": 0.01,
    "p_exact": 0.0625,
    "positive": 5,
    "negative": 0,
    "moderated": False,
    "sesoi": 0.05,
}


def graded(**changes):
    """The grade of one solid row with these changes."""
    return grades(pd.DataFrame([SOLID | changes]))[0]


@pytest.mark.parametrize(
    ("changes", "grade"),
    [
        ({}, "established"),
        ({"low": -0.3, "high": -0.1, "positive": 0, "negative": 5}, "established"),
        ({"p_holm": 0.06}, "suggestive"),
        ({"p_holm": np.nan}, "suggestive"),
        ({"positive": 4, "negative": 1}, "suggestive"),
        ({"positive": 4}, "suggestive"),  # one seed shows no difference
        ({"n": 10, "positive": 9, "negative": 1, "p_exact": 0.004}, "established"),
        ({"n": 10, "positive": 8, "negative": 2, "p_exact": 0.04}, "established"),
        ({"n": 10, "positive": 10, "p_exact": 0.051}, "suggestive"),
        ({"n": 8, "positive": 7, "negative": 1, "p_exact": 0.02, "moderated": True}, "suggestive"),
        ({"n": 2, "positive": 2}, "suggestive"),
        ({"n": 1, "low": np.nan, "high": np.nan}, "cannot be said"),
        ({"n": 0, "low": np.nan, "high": np.nan}, "cannot be said"),
        ({"low": -0.1, "high": 0.3}, "not shown"),
        ({"low": -0.04, "high": 0.03}, "smaller than of interest"),
        ({"low": -0.04, "high": 0.03, "sesoi": np.nan}, "not shown"),
        ({"low": 0.01, "high": 0.03}, "established"),
        ({"low": 0.01, "high": 0.03, "p_holm": 0.2}, "smaller than of interest"),
    ],
)
def test_the_grade_is(changes, grade):
    assert graded(**changes) == grade


def test_no_row_has_no_grade():
    assert len(grades(pd.DataFrame([SOLID]).iloc[:0])) == 0


@pytest.mark.parametrize(("seeds", "least"), [(10, 0.70), (20, 0.97), (25, 0.99)])
def test_power_rises_with_seeds(seeds, least):
    own = 1 + np.random.default_rng(seeds).standard_normal((seeds, 400))  # d_z = 1
    found = assessed(own)
    agree = signs_agree(found.n, found.positive, found.negative, found.p_exact)
    assert (agree & (found.p < 0.05)).mean() > least


def test_the_sign_rule_errs_in_about_nine_percent_with_skewed_differences_and_the_t_test_too():
    own = np.random.default_rng(0).exponential(size=(10, 4000)) - 1
    found = assessed(own)
    agree = signs_agree(found.n, found.positive, found.negative, found.p_exact)
    assert 0.07 < (agree & (found.p < 0.05)).mean() < 0.11


@pytest.mark.parametrize(
    ("own", "sesoi", "grade"),
    [
        ([-0.012, -0.010, -0.011, -0.010, -0.011], 0.001, "established"),
        ([0.0012, 0.0010, 0.0011, 0.0010, 0.0011], 0.1, "established"),  # small as well, but shown
        ([0.010, 0.012, 0.004, 0.019, 0.002], 0.001, "suggestive"),
        ([0.010, -0.012, 0.004, -0.019, 0.020], 0.001, "not shown"),
        ([0.010, -0.012, 0.004, -0.019, 0.020], 0.1, "smaller than of interest"),
        ([0.01], 0.001, "cannot be said"),
        ([-0.5] * 5, 0.001, "established"),  # no spread at all
        ([-0.48, -0.47, -0.49, -0.50, -0.46], 0.001, "established"),
        ([-0.5] * 4 + [0.0], 0.001, "suggestive"),  # one seed without
        ([-0.5] * 2, 0.001, "suggestive"),  # two seeds establish nothing
        ([-0.5, -0.49], 0.001, "suggestive"),
    ],
)
def test_a_grade_says_no_more_than_the_evidence(own, sesoi, grade):
    design = two_level("a", "b")
    values = np.zeros((len(own), 4)) + np.random.default_rng(1).normal(0, 0.02, (len(own), 1))
    values[:, 2:] += np.array(own)[:, None]
    values[:, [1, 3]] += np.random.default_rng(2).normal(0, 0.005, (len(own), 1))  # a second test in the family
    row = row_of(table_of(runs_of(design, values), design, with_sesoi(accuracy=sesoi)), "a: - → +")
    assert row["grade"] == grade


@pytest.mark.parametrize(("n", "other"), [(9, 1), (19, 2), (30, 6)])
def test_from_six_seeds_a_few_of_the_other_sign_do_not_hide_what_the_exact_test_shows(n, other):
    own = np.full(n, 1.0) + np.linspace(0, 0.1, n)
    own[:other] = -0.01
    design = two_level("a")
    row = row_of(table_of(runs_of(design, np.column_stack([np.zeros(n), own])), design), "a: - → +")
    assert row["p_holm"] < 0.05 and row["p_exact"] < 0.05 and row["negative"] == other
    assert row["grade"] == "established"
