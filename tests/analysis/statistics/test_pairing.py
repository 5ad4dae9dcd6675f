"""What matched seeds bring, and the pooled analysis beside the contrasts: published numbers and linear models."""

import numpy as np
import pandas as pd
import pytest
from designs import ORACLES, TWO_BY_TWO, declared_rows, random_values, row_of, runs_of, table_of, two_level
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from analysis.statistics.pairing import scatter_alike


def npk():
    """The NPK experiment with each pair of complementary blocks of four plots as one replicate: (3, 8) yields."""
    oracle = ORACLES["r_npk"]
    frame = pd.DataFrame({name: oracle[name] for name in ("yield", "N", "P", "K")})
    block = np.arange(len(frame)) // oracle["block_size"]
    odd = frame[["N", "P", "K"]].sum(axis=1) % 2  # the same in all plots of a block, which holds half of the design
    frame["replicate"] = pd.Series(block).groupby(odd).rank("dense").astype(int)
    return frame.sort_values(["replicate", "N", "P", "K"])["yield"].to_numpy().reshape(3, 8)


def test_the_npk_experiment_has_the_published_sums_of_squares():
    design = two_level("N", "P", "K")
    table = declared_rows(runs_of(design, npk()), design).set_index("term")
    published = {term: size for term, size in ORACLES["r_npk"]["pub"]["SS"].items() if term in table.index}
    squares = {term: 24 * table.loc[term, "estimate"] ** 2 / 4 for term in published}
    assert squares == pytest.approx(published, abs=6e-4) and len(published) == 6


def test_the_npk_experiments_pooled_f_is_that_of_its_published_sums_of_squares():
    design, values, published = two_level("N", "P", "K"), npk(), ORACLES["r_npk"]["pub"]["SS"]
    signs = np.prod(np.stack(np.meshgrid(*[[-1, 1]] * 3, indexing="ij")), axis=0).ravel()
    threefold = 24 * (2 / 8 * (values @ signs).mean()) ** 2 / 4  # confounded with blocks, so not in the publication
    replicates = 8 * ((values.mean(axis=1) - values.mean()) ** 2).sum()
    error = (published["block"] + published["resid"] - replicates - threefold) / 14
    table = declared_rows(runs_of(design, values), design).set_index("term")
    for term in ("N", "P", "K", "N:P", "N:K", "P:K"):
        assert table.loc[term, "pooled_f"] == pytest.approx(published[term] / error, abs=1e-3)
        assert table.loc[term, "pooled_p"] == pytest.approx(stats.f.sf(published[term] / error, 1, 14), abs=1e-4)


def test_a_large_mean_costs_the_pooled_analysis_no_digits():
    design = two_level("N", "P", "K")
    plain, lifted = (declared_rows(runs_of(design, npk() + mean), design) for mean in (0.0, 2.0**33))
    assert lifted["pooled_f"].to_numpy() == pytest.approx(plain["pooled_f"].to_numpy(), rel=1e-5)


def test_the_pooled_analysis_agrees_with_a_linear_model_with_blocks():
    design = two_level("a", "b", "c")
    runs = runs_of(design, random_values(design, 4))
    expected = anova_lm(ols("val_accuracy ~ C(seed) + C(a) * C(b) * C(c)", runs).fit())
    table = declared_rows(runs, design)
    assert table["pooled_f"].to_numpy() == pytest.approx(expected["F"].to_numpy()[1:-1])
    assert table["pooled_p"].to_numpy() == pytest.approx(expected["PR(>F)"].to_numpy()[1:-1])
    assert set(table["pooled_df"]) == {(4 - 1) * (2**3 - 1)} == {expected["df"].iloc[-1]}
    sums = 8 * 4 * table["estimate"].to_numpy() ** 2 / 4
    assert sums == pytest.approx(expected["sum_sq"].to_numpy()[1:-1])


def test_pairing_is_measured_by_correlation_and_by_the_ratio_of_variances():
    design = two_level("a")
    values = random_values(design, 7)
    row = row_of(table_of(runs_of(design, values), design), "a: - → +")
    assert row["rho"] == pytest.approx(np.corrcoef(values.T)[0, 1])
    paired = np.var(values[:, 1] - values[:, 0], ddof=1)
    assert row["variance_ratio"] == pytest.approx(paired / values.var(axis=0, ddof=1).sum())


def test_the_correlation_is_averaged_over_the_pairs_of_cells_that_differ_in_the_factor():
    values = random_values(TWO_BY_TWO, 7)
    table = table_of(runs_of(TWO_BY_TWO, values), TWO_BY_TWO)
    r = np.corrcoef(values.T)  # cells true-false, true-true, false-false, false-true
    assert row_of(table, "dropout: true → false")["rho"] == pytest.approx((r[0, 2] + r[1, 3]) / 2)
    assert row_of(table, "binarize: false → true")["rho"] == pytest.approx((r[0, 1] + r[2, 3]) / 2)
    sides = (r[0, 1] + r[0, 2] + r[1, 3] + r[2, 3]) / 4
    assert row_of(table, "dropout × binarize")["rho"] == pytest.approx(sides)


def test_a_common_seed_makes_the_ratio_of_variances_small():
    design = two_level("a")
    seeds = np.linspace(0, 10, 6)[:, None]
    values = seeds + np.random.default_rng(0).normal(0, 0.1, (6, 2))
    row = row_of(table_of(runs_of(design, values), design), "a: - → +")
    assert row["rho"] > 0.99 and row["variance_ratio"] < 0.01


def test_the_pooled_analysis_is_flagged_where_it_disagrees():
    values = np.zeros((3, 4))
    values[:, 2:] += np.array([0.2, 1.0, 0.6])[:, None]  # paired: t = 2.6 on 2 df, p = .12
    values[:, [1, 3]] += np.array([0.0, 0.01, 0.02])[:, None]
    table = table_of(runs_of(TWO_BY_TWO, values), TWO_BY_TWO)
    row = row_of(table, "dropout: true → false")
    assert row["p"] > 0.05 > row["pooled_p"] and row["disagrees"]


@pytest.mark.parametrize("wild", [1.0, 30.0])
def test_cells_scatter_alike_unless_bartletts_test_says_otherwise(wild):
    values = np.random.default_rng(0).normal(size=(5, 6)) * [1, 1, 1, 1, 1, wild] + np.arange(5)[:, None]
    rest = values - values.mean(axis=1, keepdims=True)
    assert scatter_alike(values) == (stats.bartlett(*rest.T).pvalue >= 0.05) == (wild == 1.0)


def test_two_cells_or_two_seeds_have_nothing_to_pool():
    values = np.random.default_rng(1).normal(size=(5, 3))
    assert not scatter_alike(values[:, :2]) and not scatter_alike(values[:2])
    assert not scatter_alike(np.zeros((5, 3)))
