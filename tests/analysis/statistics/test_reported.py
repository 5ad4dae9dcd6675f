"""Reported figures beside reproduced ones: the interval of one more run, the verdict, and text that stays text."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from conftest import recorded_study
from designs import RESPONSES
from reports import written
from scipy import stats

from analysis.report.evidence import gather
from analysis.statistics.reported import verdict
from analysis.words.reported import as_written, reported_sentence
from runner.store import Store

CELL = "dropout=true"


def study_with(tmp_path, *reported, seeds=5):
    """A made study in whose declaration the figures stand as reported."""
    folder = recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=seeds, epochs=2)
    declaration = json.loads((folder / "study.json").read_text())
    declaration.pop("seal")
    rows = [{"cell": CELL, "metric": "val_accuracy", "source": "table 1", "dataset": ""} | each for each in reported]
    return Store(tmp_path).write_study(declaration["name"], declaration | {"reported": rows})


def test_one_more_run_falls_into_the_prediction_interval_of_the_seeds(tmp_path):
    folder = study_with(tmp_path, {"value": 0.8})
    evidence = gather(folder)
    runs = evidence.study.runs
    values = runs.loc[runs["cell"].eq(CELL), "val_accuracy"].to_numpy()
    half = stats.t.ppf(0.975, 4) * values.std(ddof=1) * np.sqrt(1 + 1 / 5)
    [row] = evidence.reported.to_dict("records")
    assert (row["n"], row["reported"]) == (5, 0.8)
    assert row["run_low"] == pytest.approx(values.mean() - half, abs=1e-12)
    assert row["run_high"] == pytest.approx(values.mean() + half, abs=1e-12)
    assert row["mean"] == pytest.approx(values.mean(), abs=1e-12)


def test_a_reported_figure_lies_within_above_or_below(tmp_path):
    folder = study_with(
        tmp_path, {"value": 0.84}, {"value": 0.99}, {"value": 0.5}, {"value": 9.0, "metric": "val_loss"}
    )
    text, _ = written(folder)
    table = pd.read_csv(folder / "tables" / "reported.csv")
    assert table["verdict"].tolist() == ["within the spread", "above", "below", "above"]
    assert text.index("## Comparison") < text.index("## Reported and reproduced") < text.index("## Effects")
    assert re.search(r"\| dropout=true \| accuracy, % \| 84.00 \| .* \| 5 \| .* to .* \| within the spread \|", text)
    assert "of 3 on validation accuracy, 1 lie within it, 1 above and 1 below" in text
    assert "of 1 on validation loss, 0 lie within it, 1 above and 0 below" in text


def test_one_seed_says_nothing(tmp_path):
    folder = study_with(tmp_path, {"value": 0.84}, seeds=1)
    text, _ = written(folder)
    assert "| 1 | – | cannot be said |" in text and "nothing can be said with n = 1" in text
    assert reported_sentence(gather(folder).reported, RESPONSES) == ""


def test_a_figure_reported_on_other_data_is_not_compared(tmp_path):
    folder = study_with(tmp_path, {"value": 0.84, "dataset": "mnist"}, {"value": 0.84, "dataset": "npz"})
    assert gather(folder).reported["verdict"].tolist() == ["of another dataset", "within the spread"]


def test_bounds_belong_to_the_spread_and_equal_runs_have_a_spread_of_nothing():
    assert verdict(0.9, 0.9, 0.9) == "within the spread" == verdict(0.1, 0.1, 0.2) == verdict(0.2, 0.1, 0.2)
    assert verdict(0.9001, 0.9, 0.9) == "above" and verdict(0.8999, 0.9, 0.9) == "below"
    assert verdict(0.9, np.nan, np.nan) == "cannot be said"


def test_a_figure_is_shown_with_the_digits_it_has():
    assert as_written(98.97, 2) == "98.97" and as_written(99.0, 2) == "99.00"
    assert as_written(98.975, 2) == "98.975" and as_written(0.0318, 4) == "0.0318"


def test_a_hostile_source_is_text_everywhere(tmp_path):
    folder = study_with(tmp_path, {"value": 0.84, "source": "=1+1|<script>x</script>[a](http://b.c)\n# new"})
    text, _ = written(folder)
    row = next(line for line in text.splitlines() if "1+1" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 9
    assert not re.search(r"(?<!\\)(<script|\]\(http)", text) and "\n# new" not in text
    assert pd.read_csv(folder / "tables" / "reported.csv")["source"][0].startswith("'=1+1")


def test_a_study_without_reported_figures_has_no_such_section(tmp_path):
    folder = recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=2, epochs=1)
    assert "Reported and reproduced" not in written(folder)[0]
    assert not (folder / "tables" / "reported.csv").exists()
