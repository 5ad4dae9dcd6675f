"""Grades say no more than the evidence."""

import numpy as np
import pytest
from designs import row_of, runs_of, table_of, two_level, with_sesoi

from analysis.reading.study import Design


@pytest.mark.parametrize(
    ("own", "sesoi", "grade"),
    [
        ([-0.012, -0.010, -0.011, -0.010, -0.011], 0.001, "established"),
        ([0.0012, 0.0010, 0.0011, 0.0010, 0.0011], 0.1, "established"),  # small as well, but shown
        ([0.010, 0.012, 0.004, 0.019, 0.002], 0.001, "suggestive"),
        ([0.010, -0.012, 0.004, -0.019, 0.020], 0.001, "not shown"),
        ([0.010, -0.012, 0.004, -0.019, 0.020], 0.1, "smaller than of interest"),
        ([0.0] * 5, 0.001, "no difference at all"),
        ([0.01], 0.001, "cannot be said"),
    ],
)
def test_a_grade_says_no_more_than_the_evidence(own, sesoi, grade):
    design = Design("factorial", {"a": ("-", "+"), "b": ("-", "+")})
    values = np.zeros((len(own), 4)) + np.random.default_rng(1).normal(0, 0.02, (len(own), 1))
    values[:, 2:] += np.array(own)[:, None]
    values[:, [1, 3]] += np.random.default_rng(2).normal(0, 0.005, (len(own), 1))  # a second test in the family
    row = row_of(table_of(runs_of(design, values), design, with_sesoi(accuracy=sesoi)), "a: - → +")
    assert row["grade"] == grade


@pytest.mark.parametrize(("n", "other", "grade"), [(9, 1, "suggestive"), (10, 1, "established"), (19, 2, "suggestive")])
def test_nearly_every_seed_means_all_but_one_in_ten(n, other, grade):
    own = np.full(n, 1.0) + np.linspace(0, 0.1, n)
    own[:other] = -0.01
    design = two_level("a")
    row = row_of(table_of(runs_of(design, np.column_stack([np.zeros(n), own])), design), "a: - → +")
    assert row["p_holm"] < 0.05 and row["negative"] == other
    assert row["grade"] == grade
