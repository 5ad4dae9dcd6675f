"""Unpaired contrasts: scipy's and statsmodels's numbers, Satterthwaite by hand, cells of few runs."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from designs import ACCURACY, TWO_BY_TWO, responses_of
from scipy import sparse, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from analysis.reading.study import Design
from analysis.statistics.effects import effects
from analysis.statistics.grades import grades, least_p
from analysis.statistics.unpaired import assessed_apart

WELCH = sparse.csr_array(np.array([[-1.0, 1.0]]))
ARM_NAMES = tuple(f"net_{place}" for place in range(35))
MANY_ARMS = Design("arms", {"arm": ARM_NAMES}, tuple((arm, ARM_NAMES[0]) for arm in ARM_NAMES[1:]), paired=False)
FACTORIAL = dataclasses.replace(TWO_BY_TWO, paired=False)


def side_by_side(*cells):
    """The cells' runs as columns, NaN below the last run of each."""
    return pd.DataFrame({place: pd.Series(np.asarray(runs, float)) for place, runs in enumerate(cells)}).to_numpy(float)


def frame(cells, status="complete"):
    """A frame of runs from levels -> accuracies; seeds are numbered on over all cells, so that none is shared."""
    rows = [(levels, value) for levels, values in cells.items() for value in values]
    return pd.DataFrame(
        [
            {
                "run": str(seed),
                "cell": str(levels),
                **dict(levels),
                "seed": seed,
                "status": status,
                "val_accuracy": value,
            }
            for seed, (levels, value) in enumerate(rows)
        ]
    )


def test_35_arms_of_15_runs_have_scipys_welch_tests_and_statsmodels_holm():
    random = np.random.default_rng(3)
    runs = {
        ((("arm", arm),)): 0.8 + random.normal(0.001 * place, 0.002 + 0.0005 * place, 15)
        for place, arm in enumerate(ARM_NAMES)
    }
    table = effects(frame(runs), MANY_ARMS, responses_of([ACCURACY])).table
    first, *others = runs.values()
    expected = [stats.ttest_ind(other, first, equal_var=False) for other in others]
    intervals = [each.confidence_interval(0.95) for each in expected]
    np.testing.assert_allclose(table["t"], [each.statistic for each in expected], rtol=1e-9)
    np.testing.assert_allclose(table["p"], [each.pvalue for each in expected], rtol=1e-9)
    np.testing.assert_allclose(table["df"], [each.df for each in expected], rtol=1e-9)
    np.testing.assert_allclose(table[["low", "high"]], [(each.low, each.high) for each in intervals], rtol=1e-9)
    corrected = multipletests([each.pvalue for each in expected], method="holm")[1]
    np.testing.assert_allclose(table["p_holm"], corrected, rtol=1e-9)
    assert (table["n"] == 15).all() and 5 < table["grade"].eq("established").sum() < 34
    assert (table["grade"].eq("established") == (table["p_holm"] < 0.05)).all()
    empty = ["p_exact", "p_floor", "rho", "variance_ratio", "pooled_p", "positive", "negative"]
    assert table[empty].isna().all(axis=None)


def test_a_factorial_of_unequal_cells_has_each_cells_own_variance():
    random = np.random.default_rng(4)
    sizes, spreads = (3, 5, 9, 15), (0.01, 0.03, 0.005, 0.02)
    combinations = itertools.product(*FACTORIAL.factors.values())
    runs = {
        tuple(zip(FACTORIAL.factors, levels, strict=True)): random.normal(0.9, spread, size)
        for levels, size, spread in zip(combinations, sizes, spreads, strict=True)
    }
    found = effects(frame(runs), FACTORIAL, responses_of([ACCURACY]))
    table = found.table.set_index("contrast")
    means, variances = (np.array([how(each) for each in runs.values()]) for how in (np.mean, lambda x: x.var(ddof=1)))
    for contrast, weights in {
        "dropout: true → false": [-0.5, -0.5, 0.5, 0.5],
        "binarize: false → true": [-0.5, 0.5, -0.5, 0.5],
        "dropout × binarize": [0.5, -0.5, -0.5, 0.5],
    }.items():
        each = np.array(weights) ** 2 * variances / sizes
        df = each.sum() ** 2 / (each**2 / (np.array(sizes) - 1)).sum()
        t = (weights * means).sum() / np.sqrt(each.sum())
        row = table.loc[contrast]
        assert [row["t"], row["df"], row["p"]] == pytest.approx([t, df, 2 * stats.t.sf(abs(t), df)])
        assert row["n"] == 3
    np.testing.assert_allclose(table["p_holm"], multipletests(table["p"], method="holm")[1])
    assert found.seeds.empty


def test_two_arms_of_unequal_size_are_statsmodels_welch_test():
    random = np.random.default_rng(5)
    first, second = random.normal(0, 1, 4), random.normal(2, 5, 11)
    found = assessed_apart(side_by_side(first, second), WELCH)
    t, p, df = CompareMeans(DescrStatsW(second), DescrStatsW(first)).ttest_ind(usevar="unequal")
    low, high = CompareMeans(DescrStatsW(second), DescrStatsW(first)).tconfint_diff(usevar="unequal")
    assert [found.t[0], found.p[0], found.df[0]] == pytest.approx([t, p, df])
    assert [found.low[0], found.high[0]] == pytest.approx([low, high])
    assert found.sd[0] == pytest.approx(np.sqrt(first.var(ddof=1) + second.var(ddof=1)))


def test_a_cell_of_one_run_has_an_estimate_and_one_of_none_has_nothing():
    weights = sparse.csr_array(np.array([[-1.0, 1, 0], [-1, 0, 1], [0, -1, 1]]))
    found = assessed_apart(side_by_side([1.0, 2, 3], [5.0], []), weights)
    np.testing.assert_array_equal(found.n, [1, 0, 0])
    np.testing.assert_array_equal(found.estimate, [3, np.nan, np.nan])
    assert np.isnan([*found.p, *found.se, *found.low]).all()


def test_a_spread_finer_than_a_step_is_a_step_in_all_cells_alike():
    found = assessed_apart(side_by_side([1.0] * 3, [2.0] * 3), WELCH, floor=0.5)
    assert found.sd[0] == 0 and found.floored[0]
    assert found.se[0] == pytest.approx(0.5 / np.sqrt(3)) and found.df[0] == pytest.approx(4)
    one_still = assessed_apart(side_by_side([1.0] * 3, [2.0, 2.3, 2.6]), WELCH, floor=0.5)
    lift = (0.25 - 0.09) / 2
    assert one_still.se[0] == pytest.approx(0.5 / np.sqrt(3))
    expected = 0.25**2 / ((lift**2 + (0.09 + lift) ** 2) / 2)
    assert one_still.df[0] == pytest.approx(expected)


def test_no_spread_and_no_floor_are_told_apart_from_no_difference():
    apart = assessed_apart(side_by_side([1.0] * 3, [2.0] * 3), WELCH)
    same = assessed_apart(side_by_side([1.0] * 3, [1.0] * 3), WELCH)
    assert (apart.t[0], apart.p[0], same.t[0], same.p[0]) == (np.inf, 0, 0, 1)


def test_numbers_of_seeds_do_not_matter():
    random = np.random.default_rng(6)
    runs = frame({(("arm", arm),): random.normal(0.9, 0.01, 5) for arm in ARM_NAMES})
    shared = runs.assign(seed=np.tile(np.arange(5), len(ARM_NAMES)))
    one, other = (effects(each, MANY_ARMS, responses_of([ACCURACY])).table for each in (runs, shared))
    pd.testing.assert_frame_equal(one, other)


def test_below_ten_runs_the_smallest_cells_degrees_of_freedom_must_bear_it_out():
    t = np.array([6.0, 3.0])
    n = np.array([3, 3])
    p_holm = np.array([0.004, 0.04])
    by_hand = 2 * stats.t.sf(t, 2)
    np.testing.assert_allclose(least_p(n, t, p_holm), [2 * by_hand[0], max(2 * by_hand[0], by_hand[1])])
    row = {"low": 1.0, "high": 2.0, "p_exact": np.nan, "positive": np.nan, "negative": np.nan, "moderated": False}
    table = pd.DataFrame([row | {"n": 3, "t": size, "p_holm": 0.01, "sesoi": np.nan} for size in (9.0, 4.0)])
    assert list(grades(table)) == ["established", "suggestive"]
    assert list(grades(table.assign(n=10))) == ["established", "established"]


def test_the_seeds_that_it_takes_are_told_from_the_spread_of_one_run_a_cell():
    random = np.random.default_rng(7)
    runs = {(("arm", arm),): random.normal(0.9, 0.01, 15) for arm in ARM_NAMES}
    table = effects(frame(runs), MANY_ARMS, responses_of([ACCURACY])).table
    spread = [np.sqrt(np.var(each, ddof=1) + np.var(runs[(("arm", "net_0"),)], ddof=1)) for each in runs.values()][1:]
    np.testing.assert_allclose(table["sd"], spread)
    assert (table["sesoi_seeds_low"] <= table["sesoi_seeds_high"]).all()
