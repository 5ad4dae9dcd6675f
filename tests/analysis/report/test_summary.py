"""How a report opens: the answer, the conditions it holds under, and the choices at a glance."""

import dataclasses
import re

import pytest
from conftest import recorded_study
from recipes import recorded_recipe
from reports import written

from analysis import read
from analysis.reading.study import design_of
from analysis.report.summary import conditions

FACTORS = {"dropout": ["true", "false"], "binarize": ["true", "false"]}


def opening(folder):
    return written(folder)[0].split("\n## ")[0].strip().split("\n\n")


def test_a_report_opens_with_answer_conditions_and_choices(tmp_path):
    title, answer, conditions, table = opening(recorded_study(tmp_path, FACTORS, seeds=5, images=1000))
    assert title == "# made"
    assert re.fullmatch(
        r"\*\*Changing (\w+) from true to false raises validation accuracy by [\d.]+ percentage points; \w+ matters "
        r"too\. Best cell: dropout=false, binarize=false, [\d.]+ %\.\*\*",
        answer,
    )
    assert conditions == "After 3 epochs of npz; factorial, 4 cells × 5 seeds, matched; validated on 1,000 images."
    head, _, *rows = table.splitlines()
    assert head == "| choice | validation accuracy, percentage points | validation loss, nats |"
    assert re.fullmatch(
        r"\| dropout: true → false \| \*\*\+[\d.]+\*\* \\\[[\d.]+, [\d.]+\\\] established \| "
        r"\*\*−[\d.]+\*\* \\\[−[\d.]+, −[\d.]+\\\] established \|",
        rows[0],
    )
    assert len(rows) == 3 and "**" not in rows[2]


def test_the_page_opens_the_same_way(tmp_path):
    folder = recorded_study(tmp_path, FACTORS, seeds=5, images=1000)
    opening(folder)
    box = re.search(r'<div class="answer">(.*?)</div>\n<h2', (folder / "report.html").read_text(), re.DOTALL)[1]
    assert box.strip().startswith("<p><strong>Changing ") and box.count("<table>") == 1


def test_missing_runs_are_told_before_the_conditions(tmp_path):
    folder = recorded_study(tmp_path, FACTORS, seeds=5, lost=((0, 1), (1, 4)), diverged=((2, 3),))
    assert opening(folder)[2] == (
        "Incomplete: of 20 runs 2 missing and 1 diverged, 2 of 5 seeds compared. "
        "After 3 epochs of npz; factorial, 4 cells × 5 seeds, matched; validated on 40 images."
    )


def test_a_cell_without_runs_is_told_and_the_best_is_of_the_complete_ones(tmp_path):
    lost = tuple((3, seed) for seed in range(3))
    _, answer, conditions, *_ = opening(recorded_study(tmp_path, FACTORS, seeds=3, lost=lost))
    assert "1 cell without any complete run" in conditions and "complete cell: " in answer


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_claim_nothing(tmp_path, seeds):
    found = opening(recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=seeds))
    assert found[1].startswith("**No choice ") and len(found) == 2 + seeds


def test_a_recipe_of_ones_own_is_told_in_its_metrics_window_and_weights(tmp_path):
    weights = [{"cell": "width=128", "random": 9, "shared": 8, "apart": ["dense_1/kernel"], "resized": []}]
    folder = recorded_recipe(tmp_path, initial_weights=weights, window=3)
    _, answer, conditions, table = opening(folder)
    assert answer.startswith("**Changing width from 64 to 128 lowers validation mean absolute error by ")
    assert conditions == (
        "After 6 epochs of mine.py; factorial, 2 cells × 5 seeds, matched but for initial weights of 1 cell; validated "
        "on 40 examples; figures are means of the last 3 epochs."
    )
    assert table.startswith("| choice | validation mean absolute error | validation loss |")


@pytest.mark.parametrize(("paired", "said"), [(False, "runs, unpaired"), (True, "seeds, paired by seed")])
def test_an_imported_study_is_called_matched_by_nobody_and_its_runs_are_counted_by_cell(tmp_path, paired, said):
    study = read(recorded_recipe(tmp_path))
    declaration = study.declaration | {"paired": paired, "runs": study.declaration["runs"][:-2]}
    study = dataclasses.replace(study, declaration=declaration, design=design_of(declaration))
    assert conditions(study).startswith(f"After 6 epochs of mine.py; factorial, 2 cells × 3 to 5 {said}; ")
