"""Only whole seeds are compared, over epochs that all of them reached; the rest is named."""

import pandas as pd
import pytest
from designs import TWO_BY_TWO, random_values, row_of, runs_of, table_of
from scipy import stats

from analysis.reading.study import Design
from analysis.statistics.completeness import (
    common_epochs,
    compared_runs,
    complete_seeds,
    left_out,
    lost_cells,
    runs_alike,
    seeds_of_cells,
    stops,
)


def test_incomplete_seeds_are_left_out_by_name_and_not_averaged_over():
    values = random_values(TWO_BY_TWO, 5)
    runs = runs_of(TWO_BY_TWO, values)
    broken = {"dropout=false, binarize=true": (1, "diverged"), "dropout=true, binarize=false": (3, "missing")}
    for cell, (seed, status) in broken.items():
        at = runs["cell"].eq(cell) & runs["seed"].eq(seed)
        runs.loc[at, "status"] = status
        runs.loc[at, "val_accuracy"] = 123.0  # whatever stands there is not read
    assert left_out(runs) == [
        (1, {"diverged": ["dropout=false, binarize=true"]}),
        (3, {"missing": ["dropout=true, binarize=false"]}),
    ]
    kept = runs_of(TWO_BY_TWO, values[[0, 2, 4]])
    columns = ["estimate", "low", "high", "p", "pooled_f", "rho", "n"]
    expected = table_of(kept, TWO_BY_TWO)[columns]
    pd.testing.assert_frame_equal(table_of(runs, TWO_BY_TWO)[columns], expected)
    assert complete_seeds(runs) == [0, 2, 4]


def test_a_run_that_has_no_row_counts_as_missing():
    runs = runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 3)).drop(index=4)
    assert left_out(runs) == [(1, {"missing": ["dropout=true, binarize=true"]})]
    assert set(table_of(runs, TWO_BY_TWO)["n"]) == {2}


def test_a_cell_without_any_run_spoils_only_the_contrasts_over_it():
    design = Design("arms", {"arm": ("one", "two", "three")})
    values = random_values(design, 4)
    runs = runs_of(design, values)
    runs.loc[runs["arm"].eq("two"), "status"] = "diverged"
    table = table_of(runs, design)
    assert lost_cells(runs) == ["arm=two"] and left_out(runs) == []
    assert row_of(table, "two against one")["grade"] == "cannot be said"
    expected = stats.ttest_rel(values[:, 2], values[:, 0])
    assert row_of(table, "three against one")["p"] == pytest.approx(expected.pvalue)


def test_a_lost_cell_of_a_factorial_leaves_the_simple_effects_of_the_others():
    values = random_values(TWO_BY_TWO, 4)
    runs = runs_of(TWO_BY_TWO, values)
    runs.loc[runs["cell"].eq("dropout=false, binarize=true"), "status"] = "diverged"
    table = table_of(runs, TWO_BY_TWO)
    assert list(table.loc[table["kind"].eq("simple"), "contrast"]) == [
        "dropout: true → false at binarize=false",
        "binarize: false → true at dropout=true",
    ]
    simple = row_of(table, "dropout: true → false at binarize=false")
    assert simple["p"] == pytest.approx(stats.ttest_rel(values[:, 2], values[:, 0]).pvalue)
    assert set(table.loc[table["kind"].ne("simple"), "grade"]) == {"cannot be said"}


def test_a_mean_ends_where_the_first_seed_of_its_cell_stopped():
    lengths = {("a", 0): 4, ("a", 1): 2, ("b", 0): 4, ("b", 1): 3}
    rows = [(cell, seed, epoch) for (cell, seed), length in lengths.items() for epoch in range(1, length + 1)]
    kept = common_epochs(pd.DataFrame(rows, columns=["cell", "seed", "epoch"]))
    assert kept.groupby(["cell", "seed"])["epoch"].max().to_dict() == {
        ("a", 0): 2,
        ("a", 1): 2,
        ("b", 0): 3,
        ("b", 1): 3,
    }


def test_stopped_runs_are_counted_by_cell_with_median_and_range():
    runs = pd.DataFrame({"cell": list("aaaab"), "stopped": [9, None, 4, 5, None]}).astype({"stopped": "Int64"})
    assert stops(runs).to_dict("records") == [
        {"cell": "a", "stopped": 3, "runs": 4, "lowest": 4, "median": 5.0, "highest": 9}
    ]


def arms_with_a_wild_one(seeds=5):
    """Three arms; the last diverges in all seeds but one."""
    design = Design("arms", {"arm": ("one", "two", "three")})
    values = random_values(design, seeds)
    runs = runs_of(design, values)
    runs.loc[runs["arm"].eq("three") & runs["seed"].ge(1), "status"] = "diverged"
    return design, values, runs


def test_an_arm_that_diverges_in_four_of_five_seeds_costs_only_itself():
    design, values, runs = arms_with_a_wild_one()
    table = table_of(runs, design)
    row = row_of(table, "two against one")
    assert row["n"] == 5 and row["p"] == pytest.approx(stats.ttest_rel(values[:, 1], values[:, 0]).pvalue)
    lone = row_of(table, "three against one")
    assert (lone["n"], lone["grade"]) == (1, "cannot be said")
    assert lone["estimate"] == pytest.approx(values[0, 2] - values[0, 0])


def test_means_of_arms_are_over_their_own_seeds_and_answers_over_those_of_all():
    _, _, runs = arms_with_a_wild_one()
    kept = compared_runs(runs, whole_seeds=False)
    assert kept.groupby("arm")["seed"].size().to_dict() == {"one": 5, "two": 5, "three": 1}
    assert compared_runs(runs, whole_seeds=True)["seed"].unique().tolist() == [0]
    assert runs_alike(runs).groupby("arm")["seed"].size().to_dict() == {"one": 5, "two": 5}
    assert seeds_of_cells(runs).to_dict("records") == [{"cell": "arm=three", "complete": 1, "seeds": 5}]


def test_a_seed_that_a_cell_was_never_to_have_is_not_whole():
    runs = pd.DataFrame({"cell": ["a", "a", "b"], "seed": [0, 1, 0], "status": "complete"})
    assert complete_seeds(runs) == [0]
