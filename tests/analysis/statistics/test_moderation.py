"""Moderation: Smyth's estimator against its definition, and every guard."""

import dataclasses

import numpy as np
import pytest
from designs import MAE, METRICS, random_values, runs_of, table_of, two_level
from scipy import special

from analysis.reading.study import Design
from analysis.statistics.contrast_tests import assessed
from analysis.statistics.moderation import moderate, prior_of, trigamma_inverse

EVEN = np.ones(8)


def three(count):
    """Three seeds for each contrast."""
    return np.full(count, 3)


@pytest.mark.parametrize("value", [1e-8, 1e-3, 0.1, 1.0, 1.6449340668482264, 50.0, 1e9])
def test_trigamma_is_inverted(value):
    assert special.polygamma(1, trigamma_inverse(value)) == pytest.approx(value, rel=1e-6)


def test_trigamma_of_one_is_pi_squared_over_six():
    assert trigamma_inverse(np.pi**2 / 6) == pytest.approx(1.0)


def test_a_known_prior_is_recovered():
    random = np.random.default_rng(0)
    prior_df, prior_variance, df = 6.0, 4.0, 4.0
    true = prior_variance * prior_df / random.chisquare(prior_df, 20_000)
    variance, found_df = prior_of(true * random.chisquare(df, 20_000) / df, df)
    assert found_df == pytest.approx(prior_df, rel=0.1)
    assert variance == pytest.approx(prior_variance, rel=0.05)


def test_variances_that_differ_by_chance_only_have_a_prior_of_infinite_df_that_is_capped():
    random = np.random.default_rng(1)
    variance = 2.0 * random.chisquare(2, 4000) / 2
    assert prior_of(np.full(8, 3.0), 2)[1] == np.inf
    found = moderate(variance, np.ones(4000), three(4000))
    assert found.prior_df == 2 and found.df == 4
    assert found.prior_variance == pytest.approx(2.0, rel=0.1)


def test_no_variance_falls_below_the_contrasts_own():
    variance = np.array([0.01, 1, 1, 1, 1, 1, 1, 100.0])
    found = moderate(variance, EVEN, three(8))
    assert (found.variance >= variance).all()
    assert found.variance[0] > variance[0] and found.variance[-1] == variance[-1]


def test_a_tiny_variance_does_not_set_the_prior():
    variance = np.array([1e-30, 1, 1.2, 0.8, 1, 1.1, 0.9, 1])
    assert moderate(variance, EVEN, three(8)).prior_variance > 1e-3


def test_contrasts_of_other_weights_share_variance_by_their_weights():
    squares = np.array([0.5, 0.5, 0.5, 0.5, 2, 2, 2, 2])
    found = moderate(squares * 3.0, squares, three(8))
    np.testing.assert_allclose(found.variance / squares, 3.0 * np.ones(8) * found.variance[0] / squares[0] / 3.0)


@pytest.mark.parametrize(
    ("contrasts", "seeds"), [(6, 3), (8, 2), (8, 9)], ids=["six contrasts", "two seeds", "nine seeds"]
)
def test_it_is_left_alone_outside_its_bounds(contrasts, seeds):
    assert moderate(np.ones(contrasts), np.ones(contrasts), np.full(contrasts, seeds)) is None


def test_it_is_left_alone_where_contrasts_rest_on_other_seeds_or_nothing_varies():
    assert moderate(np.ones(8), EVEN, np.array([3] * 7 + [4])) is None
    assert moderate(np.zeros(8), EVEN, three(8)) is None


def test_only_a_factorials_contrasts_are_moderated():
    own = np.random.default_rng(2).standard_normal((3, 7))
    alone, shared = assessed(own), assessed(own, squares=np.full(7, 0.5))
    assert not alone.moderated.any() and (alone.df == 2).all()
    assert shared.moderated.all() and (shared.df > 2).all() and (shared.df <= 4).all()
    assert (shared.se >= alone.se * (1 - 1e-12)).all()


def test_contrasts_that_take_no_part_keep_their_own_variance():
    own = np.random.default_rng(3).standard_normal((3, 9))
    squares = np.r_[np.full(7, 0.5), np.nan, np.nan]
    found, alone = assessed(own, squares=squares), assessed(own)
    np.testing.assert_array_equal(found.moderated, squares == 0.5)
    np.testing.assert_array_equal(found.low[7:], alone.low[7:])


def moderated_in(design, seeds=3, **changed):
    """Whether the declared contrasts of a study share their variances."""
    runs = runs_of(design, random_values(design, seeds)).assign(**changed)
    table = table_of(runs, design)
    return set(table["moderated"][table["kind"].ne("simple")])


def test_two_level_factorials_of_few_seeds_share_and_no_other_designs():
    assert moderated_in(two_level("a", "b", "c")) == {True}
    assert moderated_in(two_level("a", "b", "c"), seeds=9) == {False}
    assert moderated_in(two_level("a", "b")) == {False}
    eight = tuple(str(level) for level in range(8))
    assert moderated_in(Design("factorial", {"a": eight})) == {False}
    assert moderated_in(Design("factorial", {"a": ("x", "y", "z"), "b": ("x", "y", "z")})) == {False}
    assert moderated_in(Design("arms", {"arm": eight})) == {False}
    assert moderated_in(Design("one_at_a_time", dict.fromkeys("abcdefg", ("on", "off")))) == {False}


def test_simple_effects_keep_their_own_variance():
    design = two_level("a", "b", "c")
    values = random_values(design, 5) * 1e-3 + np.array([0, 0, 0, 0, 0, 0, 0, 1.0])
    table = table_of(runs_of(design, values), design)
    simple = table["kind"].eq("simple")
    assert simple.sum() >= 7 and not table["moderated"][simple].any() and table["moderated"][~simple].all()


def test_more_than_two_primary_responses_keep_their_own_variance():
    design = two_level("a", "b", "c")
    runs = runs_of(design, random_values(design, 3), val_loss=random_values(design, 3, seed=1))
    assert table_of(runs, design)["moderated"].any()
    three = (*METRICS, dataclasses.replace(MAE, primary=True))
    more = runs.assign(val_mae=random_values(design, 3, seed=2).T.ravel())
    assert not table_of(more, design, three)["moderated"].any()
