"""Holm's correction is the published one."""

from unittest import mock

import numpy as np
import pytest
from designs import ORACLES
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.multitest import multipletests

from analysis.statistics.holm import holm


def test_holms_correction_is_the_published_one():
    oracle = ORACLES["holm"]
    corrected = holm(np.array(oracle["p"]))
    assert corrected == pytest.approx(oracle["pub"]["adjusted"])
    assert list(corrected < 0.05) == oracle["pub"]["reject_at_05"]


@settings(max_examples=40, deadline=None)
@given(arrays(float, st.integers(1, 12), elements=st.floats(0, 1)))
def test_holm_agrees_with_statsmodels(p):
    with mock.patch("gc.collect"):  # which statsmodels asks for, at a cost of a tenth of a second
        assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_holm_leaves_out_what_is_not_tested():
    assert holm(np.array([0.01, np.nan, 0.04])) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
