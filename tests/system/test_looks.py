"""Seeds added look by look, from the command line to the report: replayed, killed and gone on with, extended."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT, here, small_study
from jobs import workers_of

from analysis.looking import look
from runner.store import Store, read_study

LOOKS = ("dropout=true,false", "epochs=1", "until=decided", "max_seeds=6", "analysis.primary=[val_loss]", "name=looks")
TABLES = ("effects", "looks")


@pytest.fixture(scope="module")
def looked(npz, tmp_path_factory):
    """The folder of a study that went on to six seeds, and the lines that its looks printed."""
    results = tmp_path_factory.mktemp("looks")
    done = here(*small_study(npz, results, *LOOKS))
    return results / "looks", [line for line in done.stdout.splitlines() if line.startswith("after ")]


def with_seeds(declaration, seeds):
    """The declaration with so many seeds."""
    return declaration | {"runs": [run for run in declaration["runs"] if run["seed"] < seeds]}


def tables_of(folder):
    return {name: (folder / "tables" / f"{name}.csv").read_bytes() for name in TABLES}


def test_the_looks_replayed_from_the_records_are_those_made_while_training(looked):
    folder, lines = looked
    declaration, store = read_study(folder), Store(folder.parent)
    assert [look(with_seeds(declaration, seeds), store).told for seeds in (4, 6)] == lines
    table = pd.read_csv(folder / "tables" / "looks.csv")
    assert table["planned"].tolist() == [4, 6] and set(table["contrast"]) == {"dropout: true → false"}
    effects = pd.read_csv(folder / "tables" / "effects.csv").set_index("response").loc["val_loss"]
    last = table.iloc[-1]
    assert effects[["n", "estimate", "p_holm", "grade"]].tolist() == last[["n", "estimate", "p_holm", "grade"]].tolist()
    assert "(validation loss)" in lines[0] and "Looked at after 4 and 6 seeds" in (folder / "report.md").read_text()


def test_what_can_never_be_smaller_than_of_interest_is_told_at_the_first_look_alone(looked):
    folder, lines = looked
    declaration, store = read_study(folder), Store(folder.parent)
    unsized = {"metrics": [{**metric, "sesoi": None} for metric in declaration["metrics"]]}
    first, second = (look(with_seeds(declaration | unsized, seeds), store).told.splitlines() for seeds in (4, 6))
    assert first[0] == lines[0] and first[1].startswith("No smallest effect of interest is known for validation loss:")
    assert len(first) == 2 and len(second) == 1


def test_a_fifth_seed_between_looks_changes_nothing_until_the_next(looked):
    folder, _ = looked
    declaration, store = read_study(folder), Store(folder.parent)
    assert look(with_seeds(declaration, 5), store) == look(with_seeds(declaration, 4), store)


def test_a_fifth_seed_trained_by_hand_waits_for_the_next_look_which_then_trains_the_sixth_alone(looked, npz, tmp_path):
    store = Store(looked[0].parent)
    for run in read_study(looked[0])["runs"]:
        if run["seed"] < 4:
            shutil.copytree(store.runs / run["run"], tmp_path / "runs" / run["run"])
    shutil.copytree(store.runs / ".validation", tmp_path / "runs" / ".validation")
    four = small_study(npz, tmp_path, *(word.replace("max_seeds=6", "max_seeds=4") for word in LOOKS))
    first = here(*four)
    before = tables_of(tmp_path / "looks")
    here(*small_study(npz, tmp_path, "dropout=true,false", "epochs=1", "seed=4", "name=by_hand"))
    again = here(*four)
    assert (again.stdout, again.stderr) == (first.stdout, "") and tables_of(tmp_path / "looks") == before
    assert looked[1][0].rpartition("; ")[0] in first.stdout  # all but what comes next
    on = here(*small_study(npz, tmp_path, *LOOKS))
    assert "[2/2]" in on.stderr and tables_of(tmp_path / "looks") == tables_of(looked[0])


def test_the_same_command_again_trains_nothing_and_remembers_the_same_reports(looked, npz):
    folder, lines = looked
    before = tables_of(folder), read_study(folder)
    again = here(*small_study(npz, folder.parent, *LOOKS))
    assert again.stderr == "" and [line for line in again.stdout.splitlines() if line.startswith("after ")] == lines
    assert (tables_of(folder), read_study(folder)) == before
    assert before[1]["reported_at"] == [{"seeds": 4, "until": True}, {"seeds": 6, "until": True}]


def test_a_study_killed_in_a_look_takes_its_workers_along_and_goes_on_to_the_same_report(looked, npz, tmp_path):
    arguments = small_study(npz, tmp_path, *LOOKS)
    declaration = read_study(looked[0])
    shutil.copytree(looked[0].parent / "runs", tmp_path / "runs")
    for run in declaration["runs"]:
        if run["seed"] >= 4:  # as many as the first look has
            shutil.rmtree(tmp_path / "runs" / run["run"])
    running = subprocess.Popen(
        [sys.executable, "-u", "-m", "runner", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with running:
        seen = ""
        for line in running.stdout:
            seen += line
            if "after 4 seeds" in seen and "[1/4]" in line:
                break
        while not (workers := workers_of(running.pid)):
            time.sleep(0.01)
        running.kill()
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        time.sleep(0.05)  # ends only if they do
    assert "after 4 seeds" in seen
    here(*arguments)
    assert tables_of(tmp_path / "looks") == tables_of(looked[0])


def test_a_study_of_a_fixed_number_that_is_extended_has_spent_its_error(looked, npz, tmp_path):
    results = looked[0].parent
    fixed = [word for word in LOOKS if not word.startswith(("until", "max_seeds", "name"))]
    for seeds in ("range(0,3)", "range(0,6)"):
        here(*small_study(npz, results, *fixed, f"seed={seeds}", "name=fixed"))
    declaration = json.loads((results / "fixed" / "study.json").read_text())
    assert declaration["reported_at"] == [{"seeds": 3, "until": False}, {"seeds": 6, "until": False}]
    assert (
        "Reported at 3 and 6 seeds, each time at the full 5 % chance of a false finding"
        in (results / "fixed" / "report.md").read_text()
    )
    here(*small_study(npz, results, *(word.replace("name=looks", "name=fixed") for word in LOOKS)))
    text = (results / "fixed" / "report.md").read_text()
    assert "Before its looks the study was reported at 3 and 6 seeds, at the full 5 %" in text
    other = small_study(npz, results, *fixed, "seed=range(0,3)", "binarize=true,false", "dry_run=true", "name=fixed")
    assert here(*other, check=2).stderr.startswith("name must be of a folder that is empty or of this same study")
    assert json.loads((results / "fixed" / "study.json").read_text())["reported_at"][0] == {"seeds": 3, "until": False}
