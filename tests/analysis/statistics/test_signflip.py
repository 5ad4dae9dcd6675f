"""The sign-flip test is exact, however many seeds there are."""

import numpy as np
import pytest
from scipy import stats

from analysis.statistics import signflip
from analysis.statistics.signflip import sign_flip_p


@pytest.mark.parametrize("n", [2, 5, 8])
def test_the_sign_flip_test_agrees_with_scipys_permutation_test(n):
    own = np.random.default_rng(n).normal(0.5, 1, n)
    expected = stats.permutation_test(
        (own, np.zeros(n)), lambda a, b: (a - b).sum(), permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_p(own[:, None])[0] == pytest.approx(expected.pvalue)


def test_the_sign_flip_test_of_many_seeds_counts_every_pattern_too():
    own = np.random.default_rng(0).integers(-3, 6, (16, 4)).astype(float)  # with many ties
    counted = signflip.share_as_large(own, signflip.all_signs(16))
    assert sign_flip_p(own) == pytest.approx(counted, abs=0)
    assert sign_flip_p(np.ones((20, 1)))[0] == 2 / 2**20


def test_the_sign_flip_test_of_very_many_seeds_is_close_to_the_normal_limit():
    own = np.random.default_rng(1).normal(0.2, 1, (60, 1))
    z = own.sum() / np.sqrt((own**2).sum())
    assert sign_flip_p(own)[0] == pytest.approx(2 * stats.norm.sf(abs(z)), abs=0.01)
    assert sign_flip_p(np.ones((60, 1)))[0] == pytest.approx(1 / 100_001)
