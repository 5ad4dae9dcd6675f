"""Effects: published numbers, statsmodels and scipy on random designs, and what must hold at the edges."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import AnovaRM, anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from analysis import effects as effects_module
from analysis.effects import anova, detectable_effects, effects, holm, left_out, lost_cells, seed_effects, sign_flip_p
from analysis.tables import Design, complete_seeds

ORACLES = json.loads((Path(__file__).parent / "oracles.json").read_text())
TWO_BY_TWO = Design("factorial", {"dropout": ("true", "false"), "binarize": ("false", "true")})


def cells_of(design):
    """The cells of a design as tuples of levels, in the order of a plan."""
    levels = list(design.factors.values())
    if design.kind == "factorial":
        return list(itertools.product(*levels))
    first = [each[0] for each in levels]
    star = [(*first[:place], level, *first[place + 1 :]) for place, each in enumerate(levels) for level in each[1:]]
    return [tuple(first), *star]


def runs_of(design, values, **responses):
    """A frame of complete runs; `values` and the other responses are (seeds, cells)."""
    columns = {"val_accuracy": values, **responses}
    rows = []
    for place, cell in enumerate(cells_of(design)):
        named = dict(zip(design.factors, cell, strict=True))
        label = ", ".join(f"{key}={level}" for key, level in named.items())
        for seed in range(len(values)):
            measured = {name: np.asarray(column)[seed][place] for name, column in columns.items()}
            rows.append({"run": label, "cell": label, **named, "seed": seed, "status": "complete", **measured})
    return pd.DataFrame(rows)


def random_values(design, n, seed=0):
    """Normal values with a common part for each seed and another for each cell: (n, cells)."""
    random = np.random.default_rng(seed)
    cells = len(cells_of(design))
    return random.normal(size=(n, cells)) + 2 * random.normal(size=(n, 1)) + random.normal(size=cells)


def two_level(*names):
    """A factorial of factors with the levels − and +."""
    return Design("factorial", dict.fromkeys(names, ("-", "+")))


def row_of(table, contrast, response="val_accuracy"):
    """The one row of a contrast and response."""
    [row] = table[table["contrast"].eq(contrast) & table["response"].eq(response)].to_dict("records")
    return row


def declared_rows(runs, design):
    """The table without the simple effects that follow where chance makes an interaction stand out."""
    table = effects(runs, design)
    return table[table["kind"].ne("simple")].reset_index(drop=True)


def yates_values(cells, names):
    """Values in standard order, the first factor fastest, as (cells,) with the last factor fastest."""
    return np.asarray(cells, float).reshape((2,) * len(names)).transpose().ravel()


# ---- published numbers


def test_the_npk_experiment_in_incomplete_blocks_has_the_published_analysis_of_variance():
    oracle = ORACLES["r_npk"]
    frame = pd.DataFrame({name: oracle[name] for name in ("yield", "N", "P", "K")})
    frame["field"] = np.arange(len(frame)) // oracle["block_size"]
    table = anova(frame, "yield", ["N", "P", "K"], block="field").set_index("term")
    assert list(table.index) == ["block", "N", "P", "K", "N:P", "N:K", "P:K", "residual"]
    assert table.loc["residual", "df"] == oracle["pub"]["df_resid"]
    for term, published in oracle["pub"]["SS"].items():
        assert table.loc["residual" if term == "resid" else term, "ss"] == pytest.approx(published, abs=6e-4)
    for term, published in oracle["pub"]["F"].items():
        assert table.loc[term, "f"] == pytest.approx(published, abs=6e-4)
        assert table.loc[term, "p"] == pytest.approx(oracle["pub"]["p"][term], abs=6e-5)


def test_the_unreplicated_pilot_plant_has_the_published_effects():
    oracle = ORACLES["bhh_pilot_plant"]
    values = yates_values(oracle["y"], "ABC")
    table = effects(runs_of(two_level("A", "B", "C"), [values]), two_level("A", "B", "C"))
    found = {term.replace(":", ""): estimate for term, estimate in zip(table["term"], table["estimate"], strict=True)}
    assert found == pytest.approx(oracle["pub"]["effects"])
    assert values.mean() == oracle["pub"]["mean"]
    assert set(table["grade"]) == {"cannot be said"}


def test_the_replicated_plasma_etch_has_the_published_effects_and_analysis_of_variance():
    oracle = ORACLES["montgomery_plasma_etch"]
    design = two_level("A", "B", "C")
    values = [yates_values(cells, "ABC") for cells in zip(*oracle["cells_rep"], strict=True)]
    runs = runs_of(design, values)
    table = effects(runs, design)
    found = {term.replace(":", ""): estimate for term, estimate in zip(table["term"], table["estimate"], strict=True)}
    assert found == pytest.approx(oracle["pub"]["effects"])
    pooled = anova(runs, "val_accuracy", ["A", "B", "C"]).set_index("term")
    pooled.index = pooled.index.str.replace(":", "")
    for term, published in oracle["pub"]["SS"].items():
        assert pooled.loc["residual" if term == "error" else term, "ss"] == pytest.approx(published, abs=0.006)
    for term, published in oracle["pub"]["F"].items():
        assert pooled.loc[term, "f"] == pytest.approx(published, abs=0.006)


def test_students_sleep_data_have_the_published_paired_test():
    oracle = ORACLES["student_sleep"]
    design = Design("arms", {"arm": ("b", "a")}, (("a", "b"),))
    row = row_of(effects(runs_of(design, np.column_stack([oracle["b"], oracle["a"]])), design), "a against b")
    published = oracle["pub"]
    assert row["t"] == pytest.approx(published["t"], abs=6e-5)
    assert (row["df"], row["n"]) == (published["df"], 10)
    assert row["p"] == pytest.approx(published["p"], abs=6e-7)
    assert [row["low"], row["high"]] == pytest.approx(published["ci"], abs=6e-8)
    assert row["estimate"] == pytest.approx(published["mean"])


def test_holms_correction_is_the_published_one():
    oracle = ORACLES["holm"]
    corrected = holm(np.array(oracle["p"]))
    assert corrected == pytest.approx(oracle["pub"]["adjusted"])
    assert list(corrected < 0.05) == oracle["pub"]["reject_at_05"]


@pytest.mark.parametrize(("n", "published"), [(3, 3.26), (5, 1.68), (10, 1.00)])
def test_the_detectable_effect_is_the_published_one(n, published):
    assert round(detectable_effects()[n - 2], 2) == published
    needed = effects_module.seeds_needed(np.array([published + 0.01, published - 0.02]))
    assert needed[0] == n and needed[1] == n + 1


# ---- other people's programs on random designs


@pytest.mark.parametrize("factors", [("a",), ("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize("n", [3, 6])
def test_two_level_effects_agree_with_repeated_measures_anova(factors, n):
    design = two_level(*factors)
    runs = runs_of(design, random_values(design, n, seed=n))
    expected = AnovaRM(runs, "val_accuracy", "seed", within=list(factors)).fit().anova_table
    table = declared_rows(runs, design).set_index("term")
    assert list(table.index) == list(expected.index)
    assert table["t"].to_numpy() ** 2 == pytest.approx(expected["F Value"].to_numpy())
    assert table["p"].to_numpy() == pytest.approx(expected["Pr > F"].to_numpy())


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


@pytest.mark.parametrize("block", [None, "seed"])
def test_analysis_of_variance_of_more_levels_agrees_with_a_linear_model(block):
    design = Design("factorial", {"a": ("x", "y", "z"), "b": ("1", "2", "3", "4")})
    runs = runs_of(design, random_values(design, 3))
    formula = "val_accuracy ~ " + ("C(seed) + " if block else "") + "C(a) * C(b)"
    expected = anova_lm(ols(formula, runs).fit())
    table = anova(runs, "val_accuracy", ["a", "b"], block=block)
    assert table["df"].to_numpy() == pytest.approx(expected["df"].to_numpy())
    assert table["ss"].to_numpy() == pytest.approx(expected["sum_sq"].to_numpy())
    assert table["f"].to_numpy()[:-1] == pytest.approx(expected["F"].to_numpy()[:-1])
    assert table["p"].to_numpy()[:-1] == pytest.approx(expected["PR(>F)"].to_numpy()[:-1])


def test_unbalanced_data_are_fitted_in_the_order_given():
    design = two_level("a", "b")
    runs = runs_of(design, random_values(design, 3)).drop(index=[0, 1, 7])
    expected = anova_lm(ols("val_accuracy ~ C(a) * C(b)", runs).fit())
    assert anova(runs, "val_accuracy", ["a", "b"])["ss"].to_numpy() == pytest.approx(expected["sum_sq"].to_numpy())


@settings(max_examples=40, deadline=None)
@given(arrays(float, st.integers(1, 12), elements=st.floats(0, 1)))
def test_holm_agrees_with_statsmodels(p):
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_holm_leaves_out_what_is_not_tested():
    assert holm(np.array([0.01, np.nan, 0.04])) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)


def test_each_level_of_a_factor_is_tested_within_seeds_against_the_baseline_averaged_over_the_rest():
    design = Design("factorial", {"a": ("x", "y", "z"), "b": ("1", "2")})
    values = random_values(design, 6)
    table = declared_rows(runs_of(design, values), design)
    cube = values.reshape(6, 3, 2)
    expected = stats.ttest_rel(cube[:, 2].mean(axis=1), cube[:, 0].mean(axis=1))
    row = row_of(table, "a: x → z")
    assert (row["t"], row["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert [row["low"], row["high"]] == pytest.approx(list(expected.confidence_interval()))
    halved = ((cube[:, 2, 1] - cube[:, 0, 1]) - (cube[:, 2, 0] - cube[:, 0, 0])) / 2
    crossed = row_of(table, "a (x → z) × b")
    assert crossed["estimate"] == pytest.approx(halved.mean())
    assert crossed["t"] == pytest.approx(stats.ttest_1samp(halved, 0).statistic)
    assert list(table["contrast"]) == ["a: x → y", "a: x → z", "b: 1 → 2", "a (x → y) × b", "a (x → z) × b"]


def test_one_at_a_time_compares_each_cell_with_the_baseline_cell():
    design = Design("one_at_a_time", {"a": ("x", "y", "z"), "b": ("1", "2")})
    values = random_values(design, 5)
    table = effects(runs_of(design, values), design)
    assert list(table["contrast"]) == ["a: x → y", "a: x → z", "b: 1 → 2"]
    assert set(table["kind"]) == {"main"}
    for place, row in enumerate(table.to_dict("records")):
        expected = stats.ttest_rel(values[:, place + 1], values[:, 0])
        assert (row["t"], row["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    model = anova_lm(ols("val_accuracy ~ C(seed) + C(cell)", runs_of(design, values)).fit())
    assert table["pooled_df"].iloc[0] == model["df"].iloc[-1]
    error = model["mean_sq"].iloc[-1]
    assert table["pooled_f"].iloc[0] == pytest.approx(table["estimate"].iloc[0] ** 2 * 5 / 2 / error)


def test_arms_are_compared_as_declared_or_with_the_first():
    arms = {"arm": ("one", "two", "three")}
    values = random_values(Design("arms", arms), 4)
    declared = Design("arms", arms, (("three", "two"),))
    [row] = effects(runs_of(declared, values), declared).to_dict("records")
    assert (row["contrast"], row["kind"], row["level"], row["baseline"]) == (
        "three against two",
        "comparison",
        "three",
        "two",
    )
    assert row["estimate"] == pytest.approx((values[:, 2] - values[:, 1]).mean())
    bare = Design("arms", arms)
    assert list(effects(runs_of(bare, values), bare)["contrast"]) == ["two against one", "three against one"]


@pytest.mark.parametrize("n", [2, 5, 8])
def test_the_sign_flip_test_agrees_with_scipys_permutation_test(n):
    own = np.random.default_rng(n).normal(0.5, 1, n)
    expected = stats.permutation_test(
        (own, np.zeros(n)), lambda a, b: (a - b).sum(), permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_p(own[:, None])[0] == pytest.approx(expected.pvalue)


def test_the_sign_flip_test_of_many_seeds_counts_every_pattern_too():
    own = np.random.default_rng(0).integers(-3, 6, (16, 4)).astype(float)  # with many ties
    counted = effects_module.share_as_large(own, effects_module.all_signs(16))
    assert sign_flip_p(own) == pytest.approx(counted, abs=0)
    assert sign_flip_p(np.ones((20, 1)))[0] == 2 / 2**20


def test_the_sign_flip_test_of_very_many_seeds_is_close_to_the_normal_limit():
    own = np.random.default_rng(1).normal(0.2, 1, (60, 1))
    z = own.sum() / np.sqrt((own**2).sum())
    assert sign_flip_p(own)[0] == pytest.approx(2 * stats.norm.sf(abs(z)), abs=0.01)
    assert sign_flip_p(np.ones((60, 1)))[0] == pytest.approx(1 / 100_001)


@pytest.mark.parametrize("size", [0.05, 0.21, 0.5, 1.3, 2.5])
def test_the_seeds_needed_agree_with_statsmodels(size):
    expected = TTestPower().solve_power(size, power=0.8, alpha=0.05)
    assert effects_module.seeds_needed(np.array([size]))[0] == np.ceil(expected)


def test_the_seeds_needed_are_not_defined_without_an_effect_and_bounded():
    needed = effects_module.seeds_needed(np.array([0.0, np.nan, 1e-9, 100, -1.69]))
    assert needed == pytest.approx([np.nan, np.nan, 1_000_000, 2, 5], nan_ok=True)


def test_the_seeds_needed_follow_from_the_paired_spread():
    design = two_level("a")
    values = np.array([[0.0, 0.3], [0.0, 0.1], [0.0, 0.2]])
    row = row_of(effects(runs_of(design, values), design, {"accuracy": 0.168}), "a: - → +")
    assert row["d_z"] == pytest.approx(2.0)
    assert row["seeds_needed"] == np.ceil(TTestPower().solve_power(2.0, power=0.8, alpha=0.05))
    assert row["seeds_needed_sesoi"] == np.ceil(TTestPower().solve_power(1.68, power=0.8, alpha=0.05))


# ---- pairing


def test_pairing_is_measured_by_correlation_and_by_the_ratio_of_variances():
    design = two_level("a")
    values = random_values(design, 7)
    row = row_of(effects(runs_of(design, values), design), "a: - → +")
    assert row["rho"] == pytest.approx(np.corrcoef(values.T)[0, 1])
    paired = np.var(values[:, 1] - values[:, 0], ddof=1)
    assert row["variance_ratio"] == pytest.approx(paired / values.var(axis=0, ddof=1).sum())


def test_the_correlation_is_averaged_over_the_pairs_of_cells_that_differ_in_the_factor():
    values = random_values(TWO_BY_TWO, 7)
    table = effects(runs_of(TWO_BY_TWO, values), TWO_BY_TWO)
    r = np.corrcoef(values.T)  # cells true-false, true-true, false-false, false-true
    assert row_of(table, "dropout: true → false")["rho"] == pytest.approx((r[0, 2] + r[1, 3]) / 2)
    assert row_of(table, "binarize: false → true")["rho"] == pytest.approx((r[0, 1] + r[2, 3]) / 2)
    sides = (r[0, 1] + r[0, 2] + r[1, 3] + r[2, 3]) / 4
    assert row_of(table, "dropout × binarize")["rho"] == pytest.approx(sides)


def test_a_common_seed_makes_the_ratio_of_variances_small():
    design = two_level("a")
    seeds = np.linspace(0, 10, 6)[:, None]
    values = seeds + np.random.default_rng(0).normal(0, 0.1, (6, 2))
    row = row_of(effects(runs_of(design, values), design), "a: - → +")
    assert row["rho"] > 0.99 and row["variance_ratio"] < 0.01


# ---- the edges


def test_a_factor_that_is_inert_is_not_tested_and_not_in_the_family():
    random = np.random.default_rng(0)
    base = random.normal(0.9, 0.01, (5, 2))
    values = np.repeat(base, 2, axis=1)  # binarize changes nothing
    table = effects(runs_of(TWO_BY_TWO, values), TWO_BY_TWO)
    for contrast in ("binarize: false → true", "dropout × binarize"):
        row = row_of(table, contrast)
        assert row["grade"] == "no difference at all"
        assert (row["estimate"], row["low"], row["high"], row["se"]) == (0, 0, 0, 0)
        assert np.isnan([row["t"], row["p"], row["p_exact"], row["p_holm"]]).all()
    tested = row_of(table, "dropout: true → false")
    assert tested["p_holm"] == tested["p"]
    alone = Design("factorial", {"dropout": ("true", "false")})
    assert tested["pooled_f"] == pytest.approx(effects(runs_of(alone, base), alone)["pooled_f"].iloc[0])
    assert tested["variance_ratio"] == pytest.approx(effects(runs_of(alone, base), alone)["variance_ratio"].iloc[0])


@pytest.mark.parametrize(("n", "grade"), [(3, "not shown"), (5, "not shown"), (6, "established")])
def test_the_same_difference_in_every_seed_is_judged_by_the_sign_flip_test(n, grade):
    design = two_level("a")
    values = np.linspace(0.3, 0.9, n)[:, None] + np.array([0.0, 0.0123])
    row = row_of(effects(runs_of(design, values), design), "a: - → +")
    assert (row["se"], row["low"], row["high"]) == (0, row["estimate"], row["estimate"])
    assert row["p"] == row["p_exact"] == row["p_floor"] == 2 / 2**n
    assert np.isnan([row["t"], row["d_z"]]).all() and pd.isna(row["seeds_needed"])
    assert row["grade"] == grade


@pytest.mark.parametrize("n", [0, 1])
def test_below_two_seeds_nothing_can_be_said(n):
    runs = runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 2))
    runs.loc[runs["seed"].ge(n) & runs["cell"].eq(runs["cell"].iloc[-1]), "status"] = "missing"
    runs.loc[3, "status"] = "failed"
    table = effects(runs, TWO_BY_TWO)
    assert set(table["grade"]) == {"cannot be said"}
    assert table[["se", "t", "p", "p_exact", "p_holm", "pooled_f"]].isna().all(axis=None)


def test_two_seeds_give_an_interval_on_one_degree_of_freedom():
    design = two_level("a")
    row = row_of(effects(runs_of(design, [[0.0, 0.1], [0.0, 0.3]]), design), "a: - → +")
    assert (row["df"], row["p_floor"]) == (1, 0.5)
    half = 12.706204736 * 0.1
    assert [row["low"], row["high"]] == pytest.approx([0.2 - half, 0.2 + half])


def test_incomplete_seeds_are_left_out_by_name_and_not_averaged_over():
    values = random_values(TWO_BY_TWO, 5)
    runs = runs_of(TWO_BY_TWO, values)
    broken = {"dropout=false, binarize=true": (1, "diverged"), "dropout=true, binarize=false": (3, "missing")}
    for cell, (seed, status) in broken.items():
        at = runs["cell"].eq(cell) & runs["seed"].eq(seed)
        runs.loc[at, "status"] = status
        runs.loc[at, "val_accuracy"] = 123.0  # whatever stands there is not read
    assert left_out(runs) == [
        (1, "diverged at dropout=false, binarize=true"),
        (3, "missing at dropout=true, binarize=false"),
    ]
    kept = runs_of(TWO_BY_TWO, values[[0, 2, 4]])
    columns = ["estimate", "low", "high", "p", "pooled_f", "rho", "n"]
    expected = effects(kept, TWO_BY_TWO)[columns]
    pd.testing.assert_frame_equal(effects(runs, TWO_BY_TWO)[columns], expected)
    assert complete_seeds(runs) == [0, 2, 4]


def test_a_run_that_has_no_row_counts_as_missing():
    runs = runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 3)).drop(index=4)
    assert left_out(runs) == [(1, "missing at dropout=true, binarize=true")]
    assert set(effects(runs, TWO_BY_TWO)["n"]) == {2}


def test_a_value_that_is_not_finite_leaves_the_seed_out_for_that_response_only():
    values = random_values(TWO_BY_TWO, 4)
    losses = random_values(TWO_BY_TWO, 4, seed=9)
    losses[2, 1], losses[3, 0] = np.nan, np.inf
    table = effects(runs_of(TWO_BY_TWO, values, val_loss=losses), TWO_BY_TWO)
    assert set(table.loc[table["response"].eq("val_loss"), "n"]) == {2}
    assert set(table.loc[table["response"].eq("val_accuracy"), "n"]) == {4}


def test_a_cell_without_any_run_spoils_only_the_contrasts_over_it():
    design = Design("arms", {"arm": ("one", "two", "three")})
    values = random_values(design, 4)
    runs = runs_of(design, values)
    runs.loc[runs["arm"].eq("two"), "status"] = "diverged"
    table = effects(runs, design)
    assert lost_cells(runs) == ["arm=two"] and left_out(runs) == []
    assert row_of(table, "two against one")["grade"] == "cannot be said"
    expected = stats.ttest_rel(values[:, 2], values[:, 0])
    assert row_of(table, "three against one")["p"] == pytest.approx(expected.pvalue)


def test_a_lost_cell_of_a_factorial_leaves_the_simple_effects_of_the_others():
    values = random_values(TWO_BY_TWO, 4)
    runs = runs_of(TWO_BY_TWO, values)
    runs.loc[runs["cell"].eq("dropout=false, binarize=true"), "status"] = "diverged"
    table = effects(runs, TWO_BY_TWO)
    assert list(table.loc[table["kind"].eq("simple"), "contrast"]) == [
        "dropout: true → false at binarize=false",
        "binarize: false → true at dropout=true",
    ]
    simple = row_of(table, "dropout: true → false at binarize=false")
    assert simple["p"] == pytest.approx(stats.ttest_rel(values[:, 2], values[:, 0]).pvalue)
    assert set(table.loc[table["kind"].ne("simple"), "grade"]) == {"cannot be said"}


def test_simple_effects_are_given_where_an_interaction_shows():
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.001, (6, 4)) + random.normal(0, 0.01, (6, 1))
    clear = effects(runs_of(TWO_BY_TWO, 0.9 + noise + np.array([0, 0, -0.03, 0])), TWO_BY_TWO)
    simple = clear[clear["kind"].eq("simple")]
    assert list(simple["contrast"]) == [
        "dropout: true → false at binarize=false",
        "dropout: true → false at binarize=true",
        "binarize: false → true at dropout=true",
        "binarize: false → true at dropout=false",
    ]
    assert simple["p_holm"].isna().all()
    likely = 0.9 + np.outer([0.004, 0.012, 0.002, 0.016, 0.006], [0, 0, 0, 1])
    likely = effects(runs_of(TWO_BY_TWO, likely), TWO_BY_TWO)
    assert row_of(likely, "dropout × binarize")["grade"] == "suggestive"
    assert list(likely.loc[likely["kind"].eq("simple"), "contrast"]) == list(simple["contrast"])
    plain = effects(runs_of(TWO_BY_TWO, 0.9 + noise + np.array([0, 0, -0.03, -0.03])), TWO_BY_TWO)
    assert not plain["kind"].eq("simple").any()


def test_half_the_difference_of_the_simple_effects_is_the_interaction():
    values = 0.9 + np.random.default_rng(0).normal(0, 1e-4, (6, 4)) + np.array([0, 0, -0.03, 0.01])
    table = effects(runs_of(TWO_BY_TWO, values), TWO_BY_TWO)
    at_false = row_of(table, "dropout: true → false at binarize=false")["estimate"]
    at_true = row_of(table, "dropout: true → false at binarize=true")["estimate"]
    assert row_of(table, "dropout × binarize")["estimate"] == pytest.approx((at_true - at_false) / 2)
    assert row_of(table, "dropout: true → false")["estimate"] == pytest.approx((at_true + at_false) / 2)


def test_the_family_is_all_terms_of_the_primary_responses_and_nothing_else():
    columns = {name: random_values(TWO_BY_TWO, 5, seed) for seed, name in enumerate(("val_loss", "gap_accuracy"), 1)}
    table = effects(runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 5), **columns), TWO_BY_TWO)
    family = table[table["primary"]]
    assert len(family) == 6 and set(family["response"]) == {"val_accuracy", "val_loss"}
    assert family["p_holm"].to_numpy() == pytest.approx(multipletests(family["p"], method="holm")[1])
    rest = table[table["response"].eq("gap_accuracy")]
    assert rest["p_holm"].isna().all() and not rest["grade"].eq("established").any()


def test_an_exploratory_response_that_nobody_measured_has_no_rows():
    values = random_values(TWO_BY_TWO, 3)
    table = effects(runs_of(TWO_BY_TWO, values, gap_loss=np.full((3, 4), np.nan)), TWO_BY_TWO)
    assert set(table["response"]) == {"val_accuracy"}


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
    row = row_of(effects(runs_of(design, values), design, {"accuracy": sesoi}), "a: - → +")
    assert row["grade"] == grade


@pytest.mark.parametrize(("n", "other", "grade"), [(9, 1, "suggestive"), (10, 1, "established"), (19, 2, "suggestive")])
def test_nearly_every_seed_means_all_but_one_in_ten(n, other, grade):
    own = np.full(n, 1.0) + np.linspace(0, 0.1, n)
    own[:other] = -0.01
    design = two_level("a")
    row = row_of(effects(runs_of(design, np.column_stack([np.zeros(n), own])), design), "a: - → +")
    assert row["p_holm"] < 0.05 and row["negative"] == other
    assert row["grade"] == grade


def test_the_pooled_analysis_is_flagged_where_it_disagrees():
    values = np.zeros((3, 4))
    values[:, 2:] += np.array([0.2, 1.0, 0.6])[:, None]  # paired: t = 2.6 on 2 df, p = .12
    values[:, [1, 3]] += np.array([0.0, 0.01, 0.02])[:, None]
    table = effects(runs_of(TWO_BY_TWO, values), TWO_BY_TWO)
    row = row_of(table, "dropout: true → false")
    assert row["p"] > 0.05 > row["pooled_p"] and row["disagrees"]


def test_large_designs_are_read_up_to_interactions_of_three():
    small, large = two_level(*"abcde"), two_level(*"abcdef")
    assert effects(runs_of(small, random_values(small, 2)), small)["term"].str.count(":").max() == 4
    assert effects(runs_of(large, random_values(large, 2)), large)["term"].str.count(":").max() == 2


def test_every_seeds_own_effect_averages_to_the_estimate():
    values = 0.9 + np.random.default_rng(0).normal(0, 1e-4, (6, 4)) + np.array([0, 0, -0.03, 0.01])
    runs = runs_of(TWO_BY_TWO, values)
    own, table = seed_effects(runs, TWO_BY_TWO), effects(runs, TWO_BY_TWO)
    means = own.groupby("contrast")["effect"].mean()
    assert means[table["contrast"]].to_numpy() == pytest.approx(table["estimate"].to_numpy())
    assert len(own) == 6 * len(table)
    first = own[own["contrast"].eq("dropout: true → false") & own["seed"].eq(0)]["effect"].item()
    assert first == pytest.approx(values[0, 2:].mean() - values[0, :2].mean())


def test_the_order_of_the_rows_does_not_matter():
    runs = runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 5))
    shuffled = runs.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(effects(shuffled, TWO_BY_TWO), effects(runs, TWO_BY_TWO))


def test_awkward_names_of_factors_and_levels_are_only_names():
    design = Design("factorial", {"C": ("a:b", "a|b"), "np.exp(x)": ("×", " at ")})
    table = effects(runs_of(design, random_values(design, 3)), design)
    assert list(table["contrast"]) == ["C: a:b → a|b", "np.exp(x): × →  at ", "C × np.exp(x)"]


def test_a_level_that_was_not_declared_is_refused():
    runs = runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 2))
    runs.loc[0, "dropout"] = "maybe"
    with pytest.raises(ValueError, match=r"^dropout must be one of true, false in every run; got maybe\.$"):
        effects(runs, TWO_BY_TWO)


def test_two_rows_of_one_run_are_refused():
    runs = runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 2))
    with pytest.raises(ValueError, match="runs must hold one row per cell and seed; got some twice"):
        effects(pd.concat([runs, runs.iloc[:1]]), TWO_BY_TWO)


def test_a_cell_outside_a_one_at_a_time_design_is_refused():
    runs = runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 2))
    with pytest.raises(ValueError, match="runs must differ from the baseline in one factor at a time"):
        effects(runs, Design("one_at_a_time", TWO_BY_TWO.factors))


def test_a_study_without_a_factor_has_an_empty_table_with_all_columns():
    design = Design("factorial", {})
    table = effects(runs_of(design, [[0.9], [0.8]]), design)
    assert table.empty and list(table.columns) == list(effects_module.COLUMNS)


values_of_any_kind = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3).map(lambda value: round(value, 3)))


@settings(max_examples=60, deadline=None)
@given(arrays(float, st.tuples(st.integers(1, 7), st.just(4)), elements=values_of_any_kind))
def test_whatever_the_values_p_keeps_its_floor_and_every_row_its_grade(values):
    for row in effects(runs_of(TWO_BY_TWO, values), TWO_BY_TWO).to_dict("records"):
        assert row["grade"] in effects_module.GRADES
        tested = np.isfinite(row["p"])
        assert not tested or row["p_floor"] * (1 - 1e-12) <= row["p_exact"] <= 1
        assert not tested or row["kind"] == "simple" or row["p"] <= row["p_holm"] <= 1
        assert not tested or row["low"] <= row["estimate"] <= row["high"]
        assert row["positive"] + row["negative"] <= row["n"]
        assert np.isnan(row["rho"]) or -1 <= row["rho"] <= 1
        assert not np.isinf([value for value in row.values() if isinstance(value, float)]).any()


@settings(max_examples=30, deadline=None)
@given(arrays(float, (4, 4), elements=st.integers(-50, 50).map(float)), st.integers(-100, 100))
def test_what_all_cells_of_a_seed_share_changes_no_effect(values, shift):
    moved = values + shift * np.arange(4)[:, None]
    columns = ["estimate", "se", "p", "p_exact", "grade"]
    first = declared_rows(runs_of(TWO_BY_TWO, values), TWO_BY_TWO)[columns]
    second = declared_rows(runs_of(TWO_BY_TWO, moved), TWO_BY_TWO)[columns]
    pd.testing.assert_frame_equal(first, second, rtol=1e-6)
