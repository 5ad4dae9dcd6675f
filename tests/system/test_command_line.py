"""The command line as a person uses it: studies, single runs, mistakes, interruptions, other launchers."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, command, here, in_turn, made_arrays, small_study, without_tensorflow
from jobs import workers_of
from reports import undrawn

from analysis.__main__ import main as rebuild
from runner.store import Store

SWEEP = ("dropout=true,false", "binarize=true,false")


@pytest.fixture(scope="module")
def results(npz, tmp_path_factory):
    """A results folder with a finished study of 2 x 2 cells and 2 seeds, and what its command printed."""
    folder = tmp_path_factory.mktemp("study") / "results"
    done = here(*small_study(npz, folder, *SWEEP, "seed=0,1", "workers=2"))
    return folder, done


@pytest.fixture(scope="module")
def no_tensorflow(tmp_path_factory):
    """The environment of a process to which importing TensorFlow or Keras is an error."""
    return without_tensorflow(tmp_path_factory.mktemp("forbidden"))


@pytest.fixture(scope="module")
def planned(npz, no_tensorflow, tmp_path_factory):
    """How the commands of PLANNED and MISTAKES ended without TensorFlow, by their words, and their results folder."""
    folder = tmp_path_factory.mktemp("planned") / "r"
    elsewhere = [f"results_dir={folder}"]
    commands = {name: small_study(npz, folder, *words, "dry_run=true") for name, words in PLANNED.items()}
    commands |= {
        sentence: words if any("results_dir" in word for word in words) else [*words, *elsewhere]
        for sentence, words in MISTAKES.items()
    }
    return dict(zip(commands, in_turn(list(commands.values()), no_tensorflow), strict=True)), folder


def table_of(done) -> str:
    """What a study's command prints on standard output, less the path of the report."""
    return done.stdout.rpartition("report: ")[0]


def test_a_study_trains_every_cell_and_seed_and_prints_its_table(results):
    folder, done = results
    report = folder / "dropout_x_binarize" / "report.md"
    assert f"report: {report}" in done.stdout and report.is_file()
    assert len(table_of(done).strip().splitlines()) == 5
    assert "[8/8]" in done.stderr and "about 0 s left" in done.stderr
    runs = pd.read_csv(folder / "dropout_x_binarize" / "tables" / "runs.csv")
    assert len(runs) == 8 and set(runs["status"]) == {"complete"}
    assert {"dropout", "binarize", "seed", "status", "accuracy", "loss", "val_accuracy", "val_loss"} <= set(runs)
    assert runs["val_accuracy"].between(0, 1).all() and runs["loss"].gt(0).all()


def test_the_same_command_again_trains_nothing_and_imports_no_tensorflow(results, npz, no_tensorflow):
    folder, first = results
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    again = command(*small_study(npz, folder, *SWEEP, "seed=0,1", "workers=2"), env=no_tensorflow)
    assert table_of(again) == table_of(first) and again.stderr == ""
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    changed = {path.name for path in after if before.get(path) != after[path]}
    assert changed <= {"study.json"}


def test_a_study_that_shares_runs_with_another_trains_only_the_rest(results, npz):
    folder, _ = results
    done = here(*small_study(npz, folder, "dropout=true,false", "seed=0,1,2"))
    assert "[2/2]" in done.stderr and "[3/" not in done.stderr
    assert "4 trainings made or last extended by another study" in (folder / "dropout" / "report.md").read_text()


PLANNED = {
    "epochs": [*SWEEP, "epochs=2,6"],
    "spelled": ["dropout=true,True,1,yes", "learning_rate=1e-3,0.001", "seed=0,0"],
}


def test_a_dry_run_says_what_would_be_trained_and_trains_nothing(planned):
    done, folder = planned[0]["epochs"], planned[1]
    assert done.returncode == 0, done.stderr
    assert "study dropout_x_binarize_x_epochs, design factorial: 8 cells x 5 seeds" in done.stdout
    assert "40 runs of 20 trainings; 0 runs done, 20 trainings to do, 120 epochs" in done.stdout
    assert "epochs saved by sharing trainings: 40" in done.stdout
    assert "flatten_1, dense_1, dropout_1, dense_2" in done.stdout
    assert not folder.exists()


def test_help_needs_no_tensorflow(no_tensorflow):
    assert "dropout: true" in command("--help", env=no_tensorflow).stdout


def test_epochs_as_a_factor_looks_at_one_trajectory_twice(npz, tmp_path):
    here(*small_study(npz, tmp_path, "epochs=1,3", "seed=0"))
    assert len(list((tmp_path / "runs").glob("*/run.json"))) == 1
    runs = pd.read_csv(tmp_path / "epochs" / "tables" / "runs.csv")
    history = pd.read_csv(tmp_path / "epochs" / "tables" / "history.csv")
    assert runs["epochs"].tolist() == [1, 3] and len(history) == 4
    assert runs["val_loss"][0] == history["val_loss"][0] and runs["val_loss"][1] == history["val_loss"][3]


def test_trainings_that_are_extended_end_as_if_trained_in_one_go(results, npz, tmp_path):
    shutil.copytree(results[0] / "runs", tmp_path / "steps" / "runs")  # of two epochs
    for folder in ("steps", "whole"):
        done = here(*small_study(npz, tmp_path / folder, "epochs=3", "dropout=true,false", "seed=0"))
        assert "[2/2]" in done.stderr
    histories = [pd.read_csv(tmp_path / folder / "dropout" / "tables" / "history.csv") for folder in ("steps", "whole")]
    left, right = (frame.drop(columns=[name for name in frame if "seconds" in name]) for frame in histories)
    pd.testing.assert_frame_equal(left, right, check_exact=True)
    whole = sorted((tmp_path / "whole" / "runs").glob("*/checkpoint.npz"))
    assert len(whole) == 2
    for path in whole:
        with np.load(path) as one, np.load(tmp_path / "steps" / path.relative_to(tmp_path / "whole")) as other:
            for name in one.files:
                if name.startswith(("weights", "slots", "predictions")):
                    np.testing.assert_array_equal(one[name], other[name])


def test_a_toggle_that_changes_nothing_is_trained_once_and_said_so(npz, tmp_path):
    done = here(*small_study(npz, tmp_path, "model=stage_1", "dropout=true,false", "seed=0"))
    assert "dropout changes nothing here" in done.stdout and "[1/1]" in done.stderr
    assert "dropout changes nothing here" in (tmp_path / "dropout" / "report.md").read_text()


def test_levels_that_are_spelled_differently_are_one_level(planned):
    assert "1 cell x 1 seed (0)" in planned[0]["spelled"].stdout


def test_a_single_run_prints_its_metrics_and_is_recorded(npz, tmp_path):
    arguments = [word for word in small_study(npz, tmp_path, "dropout=false", "epochs=1") if word != "-m"]
    first, again = here(*arguments), here(*arguments)
    assert first.stdout == again.stdout
    lines = dict(line.split() for line in first.stdout.splitlines()[1:])
    assert {"accuracy", "loss", "val_accuracy", "val_loss", "on_accuracy", "off_accuracy"} <= set(lines)


def test_the_order_of_levels_and_neighbours_do_not_change_a_run(results, npz, tmp_path):
    here(*small_study(npz, tmp_path, "dropout=false,true", "seed=1", "workers=1"))
    whole = pd.read_csv(results[0] / "dropout_x_binarize" / "tables" / "history.csv")
    frames = [
        whole[~whole["binarize"] & whole["seed"].eq(1)].drop(columns=["binarize", "cell"]),
        pd.read_csv(tmp_path / "dropout" / "tables" / "history.csv").drop(columns="cell"),
    ]
    assert len(frames[1]) == 2 * 2  # cells, epochs
    keys = ["run", "dropout", "seed", "epoch"]
    left, right = (
        frame.drop(columns=[name for name in frame if "seconds" in name]).sort_values(keys).reset_index(drop=True)
        for frame in frames
    )
    pd.testing.assert_frame_equal(left, right, check_exact=True)


@pytest.mark.parametrize(("launcher", "run"), [("joblib", here), ("submitit_local", command)])  # it closes what is open
def test_other_launchers_train_the_same_study(results, npz, tmp_path, launcher, run):
    folder, _ = results
    words = (f"hydra/launcher={launcher}", "workers=1", "dropout=true,false", "seed=0")
    done = run(*small_study(npz, tmp_path, *words))
    runs = pd.read_csv(tmp_path / "dropout" / "tables" / "runs.csv").set_index(["run", "seed"])
    ours = pd.read_csv(folder / "dropout_x_binarize" / "tables" / "runs.csv").set_index(["run", "seed"])
    pd.testing.assert_series_equal(runs["val_loss"], ours["val_loss"].loc[runs.index], check_exact=True)
    assert "0 trainings made or last extended by another study" in (tmp_path / "dropout" / "report.md").read_text()
    assert done.stderr.count("[2/2] ") == 1 and {path.name for path in tmp_path.iterdir()} == {"dropout", "runs"}


def test_a_study_that_is_left_to_the_background_is_found_by_the_same_command(npz, tmp_path):
    arguments = small_study(npz, tmp_path, "dropout=true,false", "seed=0")
    left = command(*arguments, "detach=true")
    [told] = left.stdout.splitlines()
    assert told.startswith("The study goes on in the background as process ") and "without detach=true shows" in told
    again = here(*arguments)
    assert "report: " in again.stdout and len(list((tmp_path / "runs").glob("*/run.json"))) == 2
    log = tmp_path / "runs" / ".jobs" / "detached.log"
    while "page: " not in log.read_text():
        time.sleep(0.05)
    assert table_of(again) in log.read_text()
    trained = [path.read_text().count("\nepoch=2") for path in (tmp_path / "runs").glob("*/run.log")]
    assert trained == [1, 1]  # by one of the two each


def test_the_records_of_two_machines_copied_together_are_one_store(results, npz, tmp_path):
    there, together = tmp_path / "there", tmp_path / "together"
    here(*small_study(npz, there, "dropout=true,false", "seed=2"))
    for folder in (results[0], there):
        shutil.copytree(folder / "runs", together / "runs", dirs_exist_ok=True)
    done = here(*small_study(npz, together, "dropout=true,false", "seed=0,1,2"))
    assert done.stderr == "" and len(table_of(done).strip().splitlines()) == 3
    assert ", 1 study; 0 problems" in here("verify", f"results_dir={together}").stdout


def test_a_training_that_is_killed_goes_on_and_killed_twice_costs_only_itself_until_the_same_command(npz, tmp_path):
    arguments = small_study(npz, tmp_path, "dropout=true,false", "seed=0", "epochs=10", "workers=1")
    sweep = subprocess.Popen(
        [sys.executable, "-m", "runner", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (begun := list((tmp_path / "runs" / ".work").glob("*/checkpoint.npz"))):
        time.sleep(0.01)
    store, first, killed = Store(tmp_path), begun[0].parent.name, dict[int, int]()
    while len(killed) < 2:  # the second time when the other is done
        reached = max(killed.values(), default=0)
        told = store.told(first)
        if told and told["epoch"] > reached and told["pid"] not in killed and told["pid"] in workers_of(sweep.pid):
            os.kill(told["pid"], signal.SIGKILL)
            killed[told["pid"]] = store.snapshot(first).epoch
        time.sleep(0.01)
    out, err = sweep.communicate()
    assert sweep.returncode == 1, out + err
    once, twice = killed.values()
    assert 0 < once < twice
    assert store.failure(first)["reason"].startswith("killed by SIGKILL, perhaps by the system")
    assert "dropout=true, seed 0: killed by SIGKILL" in err and "; it goes on from its last whole epoch" in err
    assert "failed: dropout=true, seed 0: killed by SIGKILL" in err and "failed in 1 of 1 seed (0)" in out
    report = (tmp_path / "dropout" / "report.md").read_text()
    assert "killed by SIGKILL" in report and "no seed is complete in the cells that would be" in report
    assert len(list((tmp_path / "runs").glob("*/run.json"))) == 1
    again = here(*arguments)
    assert "[1/1]" in again.stderr and "failed" not in again.stdout
    assert "## What failed or is missing" not in (tmp_path / "dropout" / "report.md").read_text()


def test_a_study_is_reported_again_from_its_records_byte_for_byte(results, no_tensorflow):
    folder, _ = results
    study = folder / "dropout_x_binarize"
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    done = subprocess.run(
        [sys.executable, "-m", "analysis", str(study)], cwd=ROOT, env=no_tensorflow, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before
    assert len(before) > 5


def test_a_folder_without_a_study_is_refused_in_a_sentence(tmp_path):
    done = subprocess.run([sys.executable, "-m", "analysis", str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "must hold a study.json" in done.stderr and "Traceback" not in done.stderr


@undrawn()
def test_a_report_without_its_records_is_rebuilt_from_its_tables_and_without_those_not_lost(
    results, tmp_path, monkeypatch, capsys
):
    study = shutil.copytree(results[0] / "dropout_x_binarize", tmp_path / "study")
    before = (study / "report.md").read_text()
    monkeypatch.setattr(sys, "argv", ["analysis", str(study)])
    (study / "report.md").unlink()
    assert rebuild() == 0 and (study / "report.md").read_text() == before
    shutil.rmtree(study / "tables")
    capsys.readouterr()
    assert rebuild() == 2 and capsys.readouterr().err.count("\n") == 1
    assert (study / "report.md").read_text() == before


MISTAKES = {
    "dropuot is no key of this program. Did you mean dropout?": ["-m", "dropuot=true,false"],
    "dropout must be true or false; got 'maybe'.": ["-m", "dropout=maybe"],
    "epochs must be at least 1; got 0.": ["epochs=0"],
    "epochs must be a whole number; got 'ten'.": ["epochs=ten"],
    "learning_rate must be a finite number above 0; got nan.": ["learning_rate=nan"],
    "got 'stage_99'. Did you mean stage_9": ["model=stage_99"],
    "optimizer must be one of adagrad, adam, adamax, adamw, nadam, rmsprop, sgd; got 'adm'.": ["optimizer=adm"],
    "dropout must be true or false; got ''.": ["-m", "dropout="],
    "Every argument must have the form key=value": ["-m", "dropout=,"],
    "dataset must be one of csv, digits, fashion_mnist, folder, mnist, npz; got 'mnst'. Did you mean mnist?": [
        "dataset=mnst"
    ],
    "dataset.path must name an npz file with dataset=npz; got nothing.": ["dataset=npz"],
    "epochs must have at least one level; got none.": ["-m", "epochs=range(0)"],
    "dropout must have one value where one run is trained": ["dropout=true,false"],
    "workers must have one value in a study": ["-m", "workers=1,2"],
    "seed must be a whole number; got 'a'.": ["-m", "seed=a,b"],
    "learning_rate must list its levels": ["-m", "learning_rate=interval(0,1)"],
    "name must be a folder name": ["-m", "name=../../etc", "dropout=true,false"],
    "foo is no key of this program.": ["+foo=3"],
    "dropout must have a value; got none.": ["~dropout"],
    "dataset, model and study must each name a file": ["model=null"],
    "model.layers.99.pool_size must lead to a value": ["-m", "model.layers.99.pool_size=2,3"],
    "model.without must list layers of this model": ["model.without=[foo]"],
    "dataset.path must be left out with dataset=digits": ["dataset.path=mine.npz"],
    "model.without must be a list of layers, such as [dropout_1] or []; got 3.": ["-m", "model.without=3,4"],
    "study must be run with -m": ["study=smoke"],
    "detach must be left out of a command that trains one run; got true.": ["dropout=false", "detach=true"],
    "seed must be at least 0; got -1.": ["-m", "study=archive", "seed=-1,0"],
    "results_dir must be a folder, or one that can be made; ": ["-m", "results_dir=pyproject.toml/x", "seed=0"],
}


@pytest.mark.parametrize("sentence", MISTAKES)
def test_a_mistake_is_one_sentence_and_needs_no_tensorflow(sentence, planned):
    done, folder = planned[0][sentence], planned[1]
    assert done.returncode == 2 and sentence in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert not folder.exists()


def test_a_mistake_ends_the_program_with_code_2_and_no_traceback(no_tensorflow):
    done = command("epochs=0", check=2, env=no_tensorflow)
    assert done.stderr == "epochs must be at least 1; got 0.\n" and done.stdout == ""


MISFITS = {
    "must leave at least one pixel of its input (26, 26, 64)": ["-m", "model.layers.1.pool_size=2,30"],
    "Keras says: Could not interpret activation function identifier: sigmoi": [
        "-m",
        "model.hidden_activation=relu,sigmoi",
    ],
    "must use built-in Keras layers; got 'Conv2'. Did you mean Conv2D": ["model.layers.0.class_name=Conv2"],
}


@pytest.mark.parametrize("sentence", MISFITS)
def test_a_net_that_cannot_be_built_is_one_sentence_before_anything_trains(sentence, tmp_path):
    done = here(*MISFITS[sentence], f"results_dir={tmp_path}", "seed=0", check=2)
    assert sentence in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.glob("runs/*/run.json")) and not list(tmp_path.glob("runs/.work/*"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"x_test": None}, "Add x_test."),
        ({"y_train": np.array([None] * 120, object)}, "it is no npz file or holds pickled objects"),
        ({"x_train": np.full((120, 8, 8), np.nan, np.float32)}, "x_train must hold finite pixels"),
        ({"y_train": np.zeros(119, np.uint8)}, "y_train must have one label for each of the 120 images"),
        (
            {"x_train": np.zeros((120, 8), np.uint8)},
            "x_test must have examples of the shape of x_train, (8,); got (8, 8, 1)",
        ),
    ],
)
def test_a_broken_dataset_is_one_sentence_before_anything_trains(tmp_path, change, sentence):
    path = tmp_path / "broken.npz"
    np.savez(path, **{name: array for name, array in (made_arrays() | change).items() if array is not None})
    done = here(*small_study(path, tmp_path / "r", "dropout=true,false"), check=2)
    assert sentence in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert not list((tmp_path / "r").glob("runs/*/run.json"))


def test_flags_may_stand_behind_the_keys(npz, tmp_path):
    first, *rest = small_study(npz, tmp_path, "dropout=true,false", "dry_run=true")
    assert first == "-m" and "study dropout" in here(*rest, "-m").stdout


def test_the_readmes_layers_are_named_by_a_dry_run(tmp_path):
    done = here("-m", "dropout=true,false", "dry_run=true", f"results_dir={tmp_path}")
    assert "conv2d_1, max_pooling2d_1, dropout_1, conv2d_2" in done.stdout


def test_nothing_is_written_outside_the_results_folder(npz, tmp_path):
    def here_now():  # but for what Python, git and the tests themselves keep
        kept = {"__pycache__", ".git", ".hypothesis", ".pytest_cache"}
        return {path for path in ROOT.rglob("*") if not kept & set(path.parts)}

    before = here_now()
    here(*small_study(npz, tmp_path, "dropout=true,false", "seed=0", "epochs=1"))
    assert here_now() <= before


# ---- data in the forms that people have


def test_labels_and_classes_are_told_before_anything_trains(tmp_path):
    arrays = made_arrays()
    for part in ("train", "test"):
        arrays[f"y_{part}"] = np.array(["row", "column", "diagonal"])[arrays[f"y_{part}"]][:, None]
    np.savez(tmp_path / "named.npz", **arrays)
    done = here("-m", "dataset=npz", f"dataset.path={tmp_path / 'named.npz'}", "dropout=true,false", "dry_run=true")
    assert "named.npz: labels are numbered as classes: column is 0, diagonal is 1, row is 2" in done.stdout


def test_arrays_that_are_not_what_they_should_be_are_refused_before_anything_trains(tmp_path):
    arrays = made_arrays()
    arrays["x_train"] = (arrays["x_train"] > 100).astype(np.uint8)
    np.savez(tmp_path / "black.npz", **arrays)
    done = here(
        "-m",
        "dataset=npz",
        f"dataset.path={tmp_path / 'black.npz'}",
        "binarize=true,false",
        f"results_dir={tmp_path / 'results'}",
        check=2,
    )
    assert "got 0 to 1, and divided by 255 that would be all but black" in done.stderr
    assert not (tmp_path / "results").exists()
