"""Effects: published numbers, statsmodels and scipy on random designs, and what must hold at the edges."""

import numpy as np
import pandas as pd
import pytest
from designs import (
    ORACLES,
    RESPONSES,
    TWO_BY_TWO,
    declared_rows,
    random_values,
    row_of,
    runs_of,
    table_of,
    two_level,
    with_sesoi,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import AnovaRM, anova_lm
from statsmodels.stats.multitest import multipletests

from analysis.reading.study import Design
from analysis.statistics.effects import COLUMNS, effects
from analysis.statistics.grades import GRADES
from analysis.statistics.responses import responses_of


def yates_values(cells, names):
    """Values in standard order, the first factor fastest, as (cells,) with the last factor fastest."""
    return np.asarray(cells, float).reshape((2,) * len(names)).transpose().ravel()


# ---- published numbers


def test_the_unreplicated_pilot_plant_has_the_published_effects():
    oracle = ORACLES["bhh_pilot_plant"]
    values = yates_values(oracle["y"], "ABC")
    table = table_of(runs_of(two_level("A", "B", "C"), [values]), two_level("A", "B", "C"))
    found = {term.replace(":", ""): estimate for term, estimate in zip(table["term"], table["estimate"], strict=True)}
    assert found == pytest.approx(oracle["pub"]["effects"])
    assert values.mean() == oracle["pub"]["mean"]
    assert set(table["grade"]) == {"cannot be said"}


def test_the_replicated_plasma_etch_has_the_published_effects_and_sums_of_squares():
    oracle = ORACLES["montgomery_plasma_etch"]
    design = two_level("A", "B", "C")
    values = [yates_values(cells, "ABC") for cells in zip(*oracle["cells_rep"], strict=True)]
    table = table_of(runs_of(design, values), design)
    found = dict(zip(table["term"].str.replace(":", ""), table["estimate"], strict=True))
    assert found == pytest.approx(oracle["pub"]["effects"])
    published = {term: size for term, size in oracle["pub"]["SS"].items() if term in found}
    squares = {term: np.size(values) * found[term] ** 2 / 4 for term in published}
    assert squares == pytest.approx(published, abs=0.006) and len(published) == 3


def test_students_sleep_data_have_the_published_paired_test():
    oracle = ORACLES["student_sleep"]
    design = Design("arms", {"arm": ("b", "a")}, (("a", "b"),))
    row = row_of(table_of(runs_of(design, np.column_stack([oracle["b"], oracle["a"]])), design), "a against b")
    published = oracle["pub"]
    assert row["t"] == pytest.approx(published["t"], abs=6e-5)
    assert (row["df"], row["n"]) == (published["df"], 10)
    assert row["p"] == pytest.approx(published["p"], abs=6e-7)
    assert [row["low"], row["high"]] == pytest.approx(published["ci"], abs=6e-8)
    assert row["estimate"] == pytest.approx(published["mean"])


# ---- other people's programs on random designs


@pytest.mark.parametrize("factors", [("a",), ("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize("n", [3, 6])
def test_two_level_effects_agree_with_repeated_measures_anova(factors, n):
    design = two_level(*factors)
    runs = runs_of(design, random_values(design, n, seed=n))
    expected = AnovaRM(runs, "val_accuracy", "seed", within=list(factors)).fit().anova_table
    table = declared_rows(runs, design).set_index("term")
    assert list(table.index) == list(expected.index)
    assert table["d_z"].to_numpy() ** 2 * n == pytest.approx(expected["F Value"].to_numpy())
    if table["moderated"].any():  # then the variances are shared, and are those of `moderation`'s tests
        assert factors == ("a", "b", "c") and (table["t"].abs() <= table["d_z"].abs() * np.sqrt(n) + 1e-12).all()
    else:
        assert table["p"].to_numpy() == pytest.approx(expected["Pr > F"].to_numpy())


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
    table = table_of(runs_of(design, values), design)
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
    [row] = table_of(runs_of(declared, values), declared).to_dict("records")
    assert (row["contrast"], row["kind"], row["level"], row["baseline"]) == (
        "three against two",
        "comparison",
        "three",
        "two",
    )
    assert row["estimate"] == pytest.approx((values[:, 2] - values[:, 1]).mean())
    bare = Design("arms", arms)
    assert list(table_of(runs_of(bare, values), bare)["contrast"]) == ["two against one", "three against one"]


# ---- the edges


def test_a_factor_that_is_inert_is_not_tested_and_not_in_the_family():
    random = np.random.default_rng(0)
    base = random.normal(0.9, 0.01, (5, 2))
    values = np.repeat(base, 2, axis=1)  # binarize changes nothing
    runs = runs_of(TWO_BY_TWO, values)
    table = table_of(runs.assign(run=runs["dropout"] + runs["seed"].astype(str)), TWO_BY_TWO)
    for contrast in ("binarize: false → true", "dropout × binarize"):
        row = row_of(table, contrast)
        assert row["grade"] == "inert"
        assert (row["estimate"], row["low"], row["high"], row["se"]) == (0, 0, 0, 0)
        assert np.isnan([row["t"], row["p"], row["p_exact"], row["p_holm"]]).all()
    tested = row_of(table, "dropout: true → false")
    assert tested["p_holm"] == tested["p"]
    alone = Design("factorial", {"dropout": ("true", "false")})
    assert tested["pooled_f"] == pytest.approx(table_of(runs_of(alone, base), alone)["pooled_f"].iloc[0])
    assert tested["variance_ratio"] == pytest.approx(table_of(runs_of(alone, base), alone)["variance_ratio"].iloc[0])


def test_runs_of_their_own_that_tie_in_every_seed_are_tested_and_show_nothing():
    values = np.repeat(np.random.default_rng(0).integers(900, 950, (5, 2)) / 1000, 2, axis=1)
    table = table_of(runs_of(TWO_BY_TWO, values), TWO_BY_TWO, with_sesoi(accuracy=0.0001), examples=1000)
    row = row_of(table, "binarize: false → true")
    assert (row["p"], row["p_holm"], row["grade"]) == (1, 1, "not shown") and row["floored"]
    assert row["high"] == pytest.approx(stats.t.isf(0.025, 4) * 0.001 / np.sqrt(5))
    wide = table_of(runs_of(TWO_BY_TWO, values), TWO_BY_TWO, with_sesoi(accuracy=0.01), examples=1000)
    assert row_of(wide, "binarize: false → true")["grade"] == "smaller than of interest"


@pytest.mark.parametrize(
    ("n", "examples_more", "grade"),
    [
        (2, 123, "suggestive"),
        (3, 12, "established"),
        (5, 1, "not shown"),
        (5, 500, "established"),
        (10, 1, "established"),
    ],
)
def test_the_same_difference_in_every_seed_is_judged_by_the_step_of_one_example(n, examples_more, grade):
    design = two_level("a")
    values = np.linspace(0.3, 0.4, n)[:, None] + np.array([0.0, examples_more / 1000])
    row = row_of(table_of(runs_of(design, values), design, examples=1000), "a: - → +")
    assert row["floored"] and row["se"] == pytest.approx(0.001 / np.sqrt(n))
    assert row["t"] == pytest.approx(examples_more * np.sqrt(n))
    assert row["grade"] == grade


@pytest.mark.parametrize("n", [0, 1])
def test_below_two_seeds_nothing_can_be_said(n):
    runs = runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 2))
    runs.loc[runs["seed"].ge(n) & runs["cell"].eq(runs["cell"].iloc[-1]), "status"] = "missing"
    runs.loc[3, "status"] = "failed"
    table = table_of(runs, TWO_BY_TWO)
    assert set(table["grade"]) == {"cannot be said"}
    assert table[["se", "t", "p", "p_exact", "p_holm", "pooled_f"]].isna().all(axis=None)


def test_two_seeds_give_an_interval_on_one_degree_of_freedom():
    design = two_level("a")
    row = row_of(table_of(runs_of(design, [[0.0, 0.1], [0.0, 0.3]]), design), "a: - → +")
    assert (row["df"], row["p_floor"]) == (1, 0.5)
    half = 12.706204736 * 0.1
    assert [row["low"], row["high"]] == pytest.approx([0.2 - half, 0.2 + half])


def test_a_value_that_is_not_finite_leaves_the_seed_out_for_that_response_only():
    values = random_values(TWO_BY_TWO, 4)
    losses = random_values(TWO_BY_TWO, 4, seed=9)
    losses[2, 1], losses[3, 0] = np.nan, np.inf
    table = table_of(runs_of(TWO_BY_TWO, values, val_loss=losses), TWO_BY_TWO)
    assert set(table.loc[table["response"].eq("val_loss"), "n"]) == {2}
    assert set(table.loc[table["response"].eq("val_accuracy"), "n"]) == {4}


def test_simple_effects_are_given_where_an_interaction_shows():
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.001, (6, 4)) + random.normal(0, 0.01, (6, 1))
    clear = table_of(runs_of(TWO_BY_TWO, 0.9 + noise + np.array([0, 0, -0.03, 0])), TWO_BY_TWO)
    simple = clear[clear["kind"].eq("simple")]
    assert list(simple["contrast"]) == [
        "dropout: true → false at binarize=false",
        "dropout: true → false at binarize=true",
        "binarize: false → true at dropout=true",
        "binarize: false → true at dropout=false",
    ]
    assert simple["p_holm"].to_numpy() == pytest.approx(multipletests(simple["p"], method="holm")[1])
    assert list(simple["grade"]) == ["established", "not shown", "not shown", "established"]
    likely = 0.9 + np.outer([0.004, 0.012, 0.002, 0.016, 0.006], [0, 0, 0, 1])
    likely = table_of(runs_of(TWO_BY_TWO, likely), TWO_BY_TWO)
    assert row_of(likely, "dropout × binarize")["grade"] == "suggestive"
    assert list(likely.loc[likely["kind"].eq("simple"), "contrast"]) == list(simple["contrast"])
    plain = table_of(runs_of(TWO_BY_TWO, 0.9 + noise + np.array([0, 0, -0.03, -0.03])), TWO_BY_TWO)
    assert not plain["kind"].eq("simple").any()


def test_half_the_difference_of_the_simple_effects_is_the_interaction():
    values = 0.9 + np.random.default_rng(0).normal(0, 1e-4, (6, 4)) + np.array([0, 0, -0.03, 0.01])
    table = table_of(runs_of(TWO_BY_TWO, values), TWO_BY_TWO)
    at_false = row_of(table, "dropout: true → false at binarize=false")["estimate"]
    at_true = row_of(table, "dropout: true → false at binarize=true")["estimate"]
    assert row_of(table, "dropout × binarize")["estimate"] == pytest.approx((at_true - at_false) / 2)
    assert row_of(table, "dropout: true → false")["estimate"] == pytest.approx((at_true + at_false) / 2)


def test_the_family_is_all_terms_of_the_primary_responses_and_nothing_else():
    columns = {name: random_values(TWO_BY_TWO, 5, seed) for seed, name in enumerate(("val_loss", "gap_accuracy"), 1)}
    table = table_of(runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 5), **columns), TWO_BY_TWO)
    family = table[table["primary"]]
    assert len(family) == 6 and set(family["response"]) == {"val_accuracy", "val_loss"}
    assert family["p_holm"].to_numpy() == pytest.approx(multipletests(family["p"], method="holm")[1])
    rest = table[table["response"].eq("gap_accuracy")]
    assert rest["p_holm"].isna().all() and not rest["grade"].eq("established").any()


def test_an_exploratory_response_that_nobody_measured_has_no_rows():
    values = random_values(TWO_BY_TWO, 3)
    table = table_of(runs_of(TWO_BY_TWO, values, gap_loss=np.full((3, 4), np.nan)), TWO_BY_TWO)
    assert set(table["response"]) == {"val_accuracy"}


def test_large_designs_are_read_up_to_interactions_of_three():
    small, large = two_level(*"abcde"), two_level(*"abcdef")
    assert table_of(runs_of(small, random_values(small, 2)), small)["term"].str.count(":").max() == 4
    assert table_of(runs_of(large, random_values(large, 2)), large)["term"].str.count(":").max() == 2


def test_every_seeds_own_effect_averages_to_the_estimate():
    values = 0.9 + np.random.default_rng(0).normal(0, 1e-4, (6, 4)) + np.array([0, 0, -0.03, 0.01])
    runs = runs_of(TWO_BY_TWO, values)
    table, own = effects(runs, TWO_BY_TWO, RESPONSES)
    means = own.groupby("contrast")["effect"].mean()
    assert means[table["contrast"]].to_numpy() == pytest.approx(table["estimate"].to_numpy())
    assert len(own) == 6 * len(table)
    first = own[own["contrast"].eq("dropout: true → false") & own["seed"].eq(0)]["effect"].item()
    assert first == pytest.approx(values[0, 2:].mean() - values[0, :2].mean())


def test_every_effect_has_its_seeds_whatever_the_smallest_effect_of_interest():
    values = 0.9 + np.outer([0.004, 0.012, 0.002, 0.016, 0.006], [0, 0, 0, 1])
    runs = runs_of(TWO_BY_TWO, values)  # a suggestive interaction, which a large sesoi turns into a small one
    grades = {}
    for sesoi in (0.001, 0.1):
        found = effects(runs, TWO_BY_TWO, responses_of(with_sesoi(accuracy=sesoi)))
        assert set(found.seeds["contrast"]) == set(found.table["contrast"])
        assert len(found.seeds) == 5 * len(found.table)
        grades[sesoi] = row_of(found.table, "dropout × binarize")["grade"]
    assert grades == {0.001: "suggestive", 0.1: "smaller than of interest"}


def test_without_a_smallest_effect_of_interest_nothing_is_graded_as_small():
    own = np.array([0.0002, -0.0001, 0.0001, -0.0002, 0.0001])
    values = np.column_stack([np.zeros(5), own])
    row = row_of(table_of(runs_of(two_level("a"), values), two_level("a"), with_sesoi(accuracy=None)), "a: - → +")
    assert row["grade"] == "not shown" and np.isnan(row["sesoi"]) and pd.isna(row["sesoi_seeds_high"])
    row = row_of(table_of(runs_of(two_level("a"), values), two_level("a")), "a: - → +")
    assert row["grade"] == "smaller than of interest"


def test_the_order_of_the_rows_does_not_matter():
    runs = runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 5))
    shuffled = runs.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(table_of(shuffled, TWO_BY_TWO), table_of(runs, TWO_BY_TWO))


def test_awkward_names_of_factors_and_levels_are_only_names():
    design = Design("factorial", {"C": ("a:b", "a|b"), "np.exp(x)": ("×", " at ")})
    table = table_of(runs_of(design, random_values(design, 3)), design)
    assert list(table["contrast"]) == ["C: a:b → a|b", "np.exp(x): × →  at ", "C × np.exp(x)"]


def test_a_level_that_was_not_declared_is_refused():
    runs = runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 2))
    runs.loc[0, "dropout"] = "maybe"
    with pytest.raises(ValueError, match=r"^dropout must be one of true, false in every run; got maybe\.$"):
        table_of(runs, TWO_BY_TWO)


def test_two_rows_of_one_run_are_refused():
    runs = runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 2))
    with pytest.raises(ValueError, match="runs must hold one row per cell and seed; got some twice"):
        table_of(pd.concat([runs, runs.iloc[:1]]), TWO_BY_TWO)


def test_a_cell_outside_a_one_at_a_time_design_is_refused():
    runs = runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 2))
    with pytest.raises(ValueError, match="runs must differ from the baseline in one factor at a time"):
        table_of(runs, Design("one_at_a_time", TWO_BY_TWO.factors))


def test_a_study_without_a_factor_has_an_empty_table_with_all_columns():
    design = Design("factorial", {})
    table = table_of(runs_of(design, [[0.9], [0.8]]), design)
    assert table.empty and list(table.columns) == list(COLUMNS)


values_of_any_kind = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3).map(lambda value: round(value, 3)))


@settings(max_examples=60, deadline=None)
@given(arrays(float, st.tuples(st.integers(1, 7), st.just(4)), elements=values_of_any_kind))
def test_whatever_the_values_p_keeps_its_floor_and_every_row_its_grade(values):
    for row in table_of(runs_of(TWO_BY_TWO, values), TWO_BY_TWO).to_dict("records"):
        assert row["grade"] in GRADES
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
