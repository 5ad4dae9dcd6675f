"""A row per cell, mean curves, and the best cell by its metric's direction."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from conftest import recorded_study
from designs import ACCURACY, LOSS, METRICS
from scipy import stats

from analysis import read
from analysis.statistics.cells import best_cell, cells_frame, curve_means, shown_cells
from analysis.statistics.completeness import complete_seeds
from analysis.statistics.intervals import interval

FACTORS = {"dropout": ["true", "false"], "binarize": ["true", "false"]}


def test_a_cell_without_any_complete_run_takes_no_others_along(tmp_path):
    study = read(recorded_study(tmp_path, FACTORS, diverged=((3, 0), (3, 1), (3, 2))))
    cells = cells_frame(study.runs, study.factors, study.metrics)
    assert complete_seeds(study.runs) == [0, 1, 2] and cells["n"].tolist() == [3, 3, 3, 0]
    assert pd.isna(cells["val_accuracy"].iloc[3])


def test_a_cells_interval_is_students_over_seeds(tmp_path):
    study = read(recorded_study(tmp_path, FACTORS, seeds=5))
    cells = cells_frame(study.runs, study.factors, study.metrics)
    values = study.runs[study.runs["cell"] == cells["cell"][1]]["val_loss"].to_numpy(float)
    low, high = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    row = cells.iloc[1]
    assert row["val_loss"] == pytest.approx(values.mean())
    assert (row["val_loss_low"], row["val_loss_high"]) == pytest.approx((low, high))


def test_curve_means_are_those_of_the_runs(tmp_path):
    study = read(recorded_study(tmp_path, FACTORS, seeds=4))
    means = curve_means(study.history, study.metrics).set_index(["cell", "epoch", "metric"])
    cell = study.cells[2]
    own = study.history[study.history["cell"].eq(cell) & study.history["epoch"].eq(2)]["loss"].to_numpy(float)
    row = means.loc[(cell, 2, "loss")]
    assert tuple(row[["mean", "low", "high"]]) == pytest.approx(interval(own)) and row["n"] == 4


def test_one_seed_gives_curves_without_intervals(tmp_path):
    study = read(recorded_study(tmp_path, FACTORS, seeds=1))
    means = curve_means(study.history, study.metrics)
    assert means["mean"].notna().all() and means["low"].isna().all()


def test_the_best_cell_is_the_one_in_the_metrics_better_direction():
    cells = pd.DataFrame({"cell": list("abc"), "val_accuracy": [0.9, 0.8, np.nan], "val_loss": [0.3, 0.2, np.nan]})
    assert best_cell(cells, ACCURACY) == "a" and best_cell(cells, LOSS) == "b"
    assert best_cell(cells, dataclasses.replace(LOSS, better="neither")) is None
    assert best_cell(cells.tail(1), ACCURACY) is None


@pytest.mark.parametrize("metric", METRICS)
def test_of_many_cells_the_best_and_worst_are_shown_in_either_direction(metric):
    values = np.random.default_rng(0).permutation(30) / 30.0
    cells = pd.DataFrame({"cell": [str(place) for place in range(30)], f"val_{metric.name}": values})
    order = np.argsort(values)
    assert set(shown_cells(cells, metric)) == {"0", *(str(place) for place in (*order[:5], *order[-5:]))}
