"""Records as tidy frames: what is complete, what is compared, with which intervals."""

import numpy as np
import pandas as pd
import pytest
from conftest import recorded_study
from scipy import stats

from analysis import tables
from runner.store import Store

FACTORS = {"dropout": ["true", "false"], "binarize": ["true", "false"]}


def test_a_run_is_a_row_with_its_levels_and_last_metrics(tmp_path):
    study = tables.read(recorded_study(tmp_path, FACTORS, noise=0))
    assert len(study.runs) == 12 and len(study.history) == 36
    row = study.runs.set_index(["dropout", "binarize", "seed"]).loc[("false", "true", 2)]
    assert row["val_accuracy"] == pytest.approx(0.80 + 0.02 + 0.02 + 0.03)
    assert row["accuracy"] == pytest.approx(row["val_accuracy"] - 0.03)
    assert row["status"] == "complete" and row["epochs"] == 3 and row["train_seconds"] == 6.0


def test_only_seeds_that_are_complete_in_every_cell_are_compared(tmp_path):
    study = tables.read(recorded_study(tmp_path, FACTORS, seeds=4, lost=((1, 0),), diverged=((2, 3),)))
    assert tables.complete_seeds(study.runs) == [1, 2]
    status = study.runs.set_index(["cell", "seed"])["status"]
    assert status.loc[("dropout=true, binarize=false", 0)] == "missing"
    assert status.loc[("dropout=false, binarize=true", 3)] == "diverged"
    assert tables.cells_frame(study.runs, study.factors)["n"].tolist() == [2, 2, 2, 2]


def test_a_diverged_run_has_no_metrics(tmp_path):
    study = tables.read(recorded_study(tmp_path, FACTORS, diverged=((0, 0),)))
    row = study.runs.iloc[0]
    assert row["status"] == "diverged" and pd.isna(row["val_accuracy"]) and pd.isna(row["val_loss"])


def test_a_cell_without_any_complete_run_takes_no_others_along(tmp_path):
    study = tables.read(recorded_study(tmp_path, FACTORS, diverged=((3, 0), (3, 1), (3, 2))))
    cells = tables.cells_frame(study.runs, study.factors)
    assert tables.complete_seeds(study.runs) == [0, 1, 2] and cells["n"].tolist() == [3, 3, 3, 0]
    assert pd.isna(cells["val_accuracy"].iloc[3])


def test_a_cells_interval_is_students_over_seeds(tmp_path):
    study = tables.read(recorded_study(tmp_path, FACTORS, seeds=5))
    cells = tables.cells_frame(study.runs, study.factors)
    values = study.runs[study.runs["cell"] == cells["cell"][1]]["val_loss"].to_numpy(float)
    low, high = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    row = cells.iloc[1]
    assert row["val_loss"] == pytest.approx(values.mean())
    assert (row["val_loss_low"], row["val_loss_high"]) == pytest.approx((low, high))


@pytest.mark.parametrize(("values", "expected"), [([], (np.nan,) * 3), ([2.0], (2.0, np.nan, np.nan))])
def test_too_few_values_have_no_interval(values, expected):
    np.testing.assert_equal(tables.interval(np.array(values)), expected)


def test_curve_means_are_those_of_the_runs(tmp_path):
    study = tables.read(recorded_study(tmp_path, FACTORS, seeds=4))
    means = tables.curve_means(study.history).set_index(["cell", "epoch", "metric"])
    cell = study.cells[2]
    own = study.history[study.history["cell"].eq(cell) & study.history["epoch"].eq(2)]["loss"].to_numpy(float)
    row = means.loc[(cell, 2, "loss")]
    assert tuple(row[["mean", "low", "high"]]) == pytest.approx(tables.interval(own)) and row["n"] == 4


def test_one_seed_gives_curves_without_intervals(tmp_path):
    means = tables.curve_means(tables.read(recorded_study(tmp_path, FACTORS, seeds=1)).history)
    assert means["mean"].notna().all() and means["low"].isna().all()


def test_predictions_are_those_after_each_runs_last_epoch(tmp_path):
    study = tables.read(recorded_study(tmp_path, FACTORS))
    found = tables.predictions(study, study.runs.iloc[[4]])
    recorded = Store(tmp_path).record(study.runs["run"][4])
    assert found.shape == (1, 40) and (found[0] == recorded.predictions[2]).all()
    assert len(study.predictions) == 12 and study.records[recorded.id].predictions.size == 0
