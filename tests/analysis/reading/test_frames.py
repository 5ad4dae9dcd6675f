"""Records as tidy frames: what is complete, what a run looks at, and that reading starts from a folder's name."""

import subprocess
import sys

import pandas as pd
import pytest
from conftest import ROOT, recorded_study

from analysis import read
from analysis.reading.columns import metric_columns
from analysis.reading.study import predictions_of
from analysis.statistics.cells import cells_frame
from analysis.statistics.completeness import complete_seeds
from runner.store import Store

FACTORS = {"dropout": ["true", "false"], "binarize": ["true", "false"]}


def test_a_run_is_a_row_with_its_levels_and_last_metrics(tmp_path):
    study = read(recorded_study(tmp_path, FACTORS, noise=0))
    assert len(study.runs) == 12 and len(study.history) == 36
    row = study.runs.set_index(["dropout", "binarize", "seed"]).loc[("false", "true", 2)]
    assert row["val_accuracy"] == pytest.approx(0.80 + 0.02 + 0.02 + 0.03)
    assert row["accuracy"] == pytest.approx(row["val_accuracy"] - 0.03)
    assert row["status"] == "complete" and row["epochs"] == 3 and row["train_seconds"] == 6.0


def test_only_seeds_that_are_complete_in_every_cell_are_compared(tmp_path):
    study = read(recorded_study(tmp_path, FACTORS, seeds=4, lost=((1, 0),), diverged=((2, 3),)))
    assert complete_seeds(study.runs) == [1, 2]
    status = study.runs.set_index(["cell", "seed"])["status"]
    assert status.loc[("dropout=true, binarize=false", 0)] == "missing"
    assert status.loc[("dropout=false, binarize=true", 3)] == "diverged"
    assert cells_frame(study.runs, study.factors, study.metrics)["n"].tolist() == [2, 2, 2, 2]


def test_a_diverged_run_has_no_metrics(tmp_path):
    study = read(recorded_study(tmp_path, FACTORS, diverged=((0, 0),)))
    row = study.runs.iloc[0]
    assert row["status"] == "diverged" and pd.isna(row["val_accuracy"]) and pd.isna(row["val_loss"])


def test_predictions_are_those_after_each_runs_last_epoch(tmp_path):
    study = read(recorded_study(tmp_path, FACTORS))
    found = predictions_of(study.answered, study.runs.iloc[[4]])
    recorded = Store(tmp_path).record(study.runs["run"][4])
    assert found.shape == (1, 40) and (found[0] == recorded.predictions[2]).all()
    assert len(study.answered.predictions) == 12


def test_a_stopped_run_is_complete_and_looks_at_its_last_epoch(tmp_path):
    study = read(recorded_study(tmp_path, FACTORS, stopped=((1, 2),), noise=0))
    stopped = study.runs[study.runs["stopped"].notna()]
    assert stopped[["cell", "seed", "stopped", "status"]].to_dict("records") == [
        {"cell": "dropout=true, binarize=false", "seed": 2, "stopped": 1, "status": "complete"}
    ]
    assert stopped["val_accuracy"].item() == pytest.approx(0.80 + 0.02 + 0.02 + 0.01)
    assert stopped["train_seconds"].item() == 2.0
    assert len(study.history) == 11 * 3 + 1
    recorded = Store(tmp_path).record(stopped["run"].item())
    assert (predictions_of(study.answered, stopped)[0] == recorded.predictions[0]).all()


def test_a_training_that_ends_where_the_run_looks_was_not_stopped_early(tmp_path):
    study = read(recorded_study(tmp_path, FACTORS, epochs=1, stopped=((0, 0),)))
    assert study.runs["stopped"].isna().all() and study.runs["status"].eq("complete").all()


def test_a_studys_folder_may_be_named_by_text_and_its_metrics_are_known(tmp_path):
    study = read(str(recorded_study(tmp_path, FACTORS)))
    assert [metric.name for metric in study.metrics] == ["accuracy", "loss"] == [each.name for each in study.primary]
    assert set(metric_columns(study.metrics)) <= set(study.runs.columns)
    assert study.example == "image" and study.answered.labels.shape == (40,)


def test_of_records_only_what_a_report_says_of_them_is_kept(tmp_path):
    summaries = read(recorded_study(tmp_path, FACTORS)).summaries.values()
    assert {summary["used"] for summary in summaries} == {3} and not {"spec", "files", "metrics"} & set().union(
        *summaries
    )


def test_importing_the_analysis_costs_no_pandas():
    code = "import sys, analysis; print([name for name in ('pandas', 'numpy', 'tensorflow') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
