"""One t-interval, the same for a list, for groups, and for any number of means at once."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.intervals import half_width, interval, intervals_of


@pytest.mark.parametrize(("values", "expected"), [([], (np.nan,) * 3), ([2.0], (2.0, np.nan, np.nan))])
def test_too_few_values_have_no_interval(values, expected):
    np.testing.assert_equal(interval(np.array(values)), expected)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=8))
def test_the_interval_is_students(values):
    mean, low, high = interval(np.array(values))
    expected = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values)) if np.std(values) else None
    assert mean == pytest.approx(np.mean(values))
    assert (low, high) == pytest.approx(expected or (mean, mean), abs=1e-12)


def test_the_intervals_of_groups_are_those_of_their_values_and_nothing_is_averaged_over_what_is_there():
    frame = pd.DataFrame({"cell": list("aaabbc"), "x": [1.0, 2, 4, 1, np.nan, 5]})
    found = intervals_of(frame.groupby("cell")[["x"]])
    for cell in "abc":
        values = frame["x"][frame["cell"].eq(cell)].to_numpy()
        assert [found[end].loc[cell, "x"] for end in ("", "_low", "_high")] == pytest.approx(
            interval(values), nan_ok=True
        )
    assert found["_n"]["x"].tolist() == [3, 1, 1]


def test_half_a_width_has_the_shape_of_its_standard_deviations():
    n = np.array([[1, 2], [5, 2]])
    found = half_width(np.ones((2, 2)), n)
    assert found[1, 0] == pytest.approx(stats.t.ppf(0.975, 4) / np.sqrt(5)) and np.isnan(found[0, 0])
    assert found[0, 1] == found[1, 1] == pytest.approx(12.7062 / np.sqrt(2), rel=1e-5)
