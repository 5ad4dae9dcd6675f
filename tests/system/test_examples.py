"""The examples, and recipes of one's own as their authors use them: trained, stopped, changed, mistaken."""

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from conftest import ROOT, here

from analysis import read
from runner.store import Store

EXAMPLES = {  # a small study, how many trainings that is, and the head of a column of its table
    "diabetes": (["loss=huber", "epochs=3", "seed=0"], 1, "validation mean absolute error"),
    "texts": (["net=lstm,attention", "examples=200", "epochs=1", "seed=0"], 2, "validation accuracy, %"),
    "own_step": (["adversarial=true", "epochs=1", "seed=0"], 1, "validation accuracy, %"),
    "augmented": (["augment=true", "epochs=1", "seed=0"], 1, "validation accuracy, %"),
    "breast_cancer": (
        ["weighted=false,true", "epochs=3", "analysis.primary=[AUC,recall]", "seed=0"],
        2,
        "validation AUC",
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_trains_reports_in_its_unit_and_trains_nothing_twice(name, tmp_path):
    arguments, trainings, head = EXAMPLES[name]
    words = ["-m", f"recipe=examples/{name}.py", *arguments, "name=study", f"results_dir={tmp_path}"]
    first, again = here(*words), here(*words)
    assert head in first.stdout and f"[{trainings}/{trainings}]" in first.stderr
    assert again.stdout == first.stdout and again.stderr == ""
    text = (tmp_path / "study" / "report.md").read_text()
    assert (", % |" in text or "percentage points" in text) == ("%" in head)
    assert read(tmp_path / "study").runs["status"].eq("complete").all()


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_short_and_opens_with_its_command(name):
    text = (ROOT / "examples" / f"{name}.py").read_text()
    assert len(text.splitlines()) <= 60
    assert f"python -m runner -m recipe=examples/{name}.py" in text


def test_an_example_that_is_killed_goes_on_bit_identically(tmp_path):
    words = ["recipe=examples/own_step.py", "adversarial=true", "epochs=3"]
    command = [sys.executable, "-m", "runner", *words, f"results_dir={tmp_path / 'a'}"]
    killed = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    while not list((tmp_path / "a" / "runs" / ".work").glob("*/checkpoint.npz")):
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not list((tmp_path / "a" / "runs").glob("[!.]*"))
    for folder in ("a", "b"):
        here(*words, f"results_dir={tmp_path / folder}")
    stores = [Store(tmp_path / folder) for folder in ("a", "b")]
    [run_id] = {path.name for store in stores for path in store.runs.glob("[!.]*")}
    ours, theirs = (store.record(run_id) for store in stores)
    assert ours.predictions.tobytes() == theirs.predictions.tobytes()
    for column, values in ours.history.items():
        assert column.endswith("seconds") or values == theirs.history[column], column
    weights = [store.snapshot(run_id).weights for store in stores]
    assert all(left.tobytes() == right.tobytes() for left, right in zip(*weights, strict=True))


# ---- a project of one's own

MINE = """
    import csv
    from pathlib import Path

    import keras
    import numpy as np

    import helpers

    def data(noise=0.0, seed=0):
        table = csv.reader(open(Path(__file__).parent / "table.csv"))
        rows = np.array([[float(each) for each in row] for row in table])
        x, y = rows[:, :3], rows[:, 3]
        return {"x": x, "y": y, "validation_data": (x[:20], y[:20])}

    def model(data, width=4):
        hidden = keras.layers.Dense(width, name="hidden")
        net = keras.Sequential([keras.Input((3,)), hidden, keras.layers.Dense(1, name="out")])
        net.compile(keras.optimizers.SGD(helpers.RATE), "mse", metrics=["mae"])
        return net
"""


@pytest.fixture
def project(tmp_path):
    import numpy as np

    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3))
    np.savetxt(tmp_path / "table.csv", np.column_stack([x, x.sum(axis=1)]), delimiter=",")
    (tmp_path / "helpers.py").write_text("RATE = 0.01\n")
    (tmp_path / "mine.py").write_text(textwrap.dedent(MINE))
    return tmp_path


def runs_of(project):
    return {path.name for path in (project / "results" / "runs").glob("[!.]*")}


def single(project, *more, check=0):
    return here(f"recipe={project / 'mine.py'}", "epochs=1", f"results_dir={project / 'results'}", *more, check=check)


def edited(project, name, before, after):
    path = project / name
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_a_run_is_its_code_its_data_and_its_values_and_nothing_else(project):
    def recorded():
        [done] = re.findall(r"; (\d) runs? done", single(project, "width=4", "dry_run=true").stdout)
        return done == "1"

    assert not recorded()
    single(project)
    assert recorded() and len(runs_of(project)) == 1
    edited(project, "mine.py", "def model(data, width=4):\n", 'def model(data, width=4):\n    """A net."""  # so\n')
    assert recorded()  # a docstring and a comment
    edited(project, "mine.py", "width=4", "width=5")
    assert recorded()  # another default, the same value
    for name, before, after in (
        ("helpers.py", "0.01", "0.02"),
        ("mine.py", '"mse"', '"mae"'),
        ("table.csv", "-1.", "-2."),
    ):
        kept = (project / name).read_text()
        edited(project, name, before, after)
        assert not recorded(), name
        (project / name).write_text(kept)
    assert recorded()


def test_an_argument_that_no_function_reads_is_found_out(project):
    edited(project, "mine.py", "width=4", "width=4, depth=1")
    here("-m", f"recipe={project / 'mine.py'}", "epochs=1", "seed=0", "depth=1,2", f"results_dir={project / 'results'}")
    assert len(runs_of(project)) == 1
    assert "depth changes nothing here" in (project / "results" / "depth" / "report.md").read_text()


def test_numbers_that_are_not_finite_are_told_before_anything_trains(project):
    edited(project, "mine.py", "x, y = rows[:, :3]", "rows[40, 1] = float('nan')\n    x, y = rows[:, :3]")
    done = here("-m", f"recipe={project / 'mine.py'}", "width=3,4", "dry_run=true", f"results_dir={project / 'r'}")
    assert "Of the numbers in the training data 1 are not finite" in done.stdout
    assert "in the validation data" not in done.stdout


def test_the_data_of_each_seed_are_made_with_it(project):
    edited(project, "mine.py", "x, y = rows[:, :3]", "rows[:, 0] += seed\n    x, y = rows[:, :3]")
    here("-m", f"recipe={project / 'mine.py'}", "epochs=1", "seed=0,1", f"results_dir={project / 'results'}")
    digests = {Store(project / "results").record(run).spec["recipe"]["data"] for run in runs_of(project)}
    assert len(digests) == 2


MISTAKES = {
    "a name": ("helpers.RATE", "helpers.RAT", "mine.py, line 19, in model: net.compile("),
    "a wrong shape": ("keras.Input((3,))", "keras.Input((4,))", "mine.py cannot be trained: ValueError: "),
    "labels that no loss takes": (
        "rows[:, 3]",
        "rows[:, 3].astype(str)",
        "mine.py cannot be trained: UnimplementedError: Cast string to float is not supported\n",
    ),
    "no compile": (
        'net.compile(keras.optimizers.SGD(helpers.RATE), "mse", ',
        "dict(",
        "model must return a compiled model;",
    ),
    "an error in data": (
        "rows[:, 3]",
        "rows[:, 4]",
        "mine.py, line 13, in data: x, y = rows[:, :3], rows[:, 4] raised Index",
    ),
    "an import": (
        "import helpers",
        "import helper",
        "mine.py, line 8, in <module>: import helper raised ModuleNotFound",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_recipe_is_told_by_its_own_line_before_anything_trains(mistake, project):
    before, after, sentence = MISTAKES[mistake]
    edited(project, "mine.py", before, after)
    done = single(project, check=2)
    assert done.stderr.startswith(sentence), done.stderr
    assert "Traceback" not in done.stderr and "runner/" not in done.stderr and done.stderr.count("\n") == 1
    assert runs_of(project) == set()


def test_a_module_that_is_loaded_in_a_hidden_way_is_refused(project):
    edited(project, "mine.py", "import helpers", "import importlib\nhelpers = importlib.import_module('helpers')")
    done = single(project, check=2)
    assert "mine.py must import helpers.py by an import statement" in done.stderr


def test_a_dry_run_tells_what_is_shared_and_writes_nothing(project):
    shifting = "*([keras.layers.Dense(3)] if width > 4 else []), keras.layers.Dense(1)"
    edited(project, "mine.py", 'keras.layers.Dense(1, name="out")', shifting)
    words = ["-m", f"recipe={project / 'mine.py'}", "width=3,5", "dry_run=true"]
    done = here(*words, f"results_dir={project / 'results'}")
    assert "10 runs of 10 trainings; 0 runs done" in done.stdout
    assert "width=5: 0 of 3 initial weights are shared with the baseline; give name= to the layers of" in done.stdout
    assert not (project / "results").exists()


def test_studies_of_ones_own_lie_in_conf_of_the_working_folder(project):
    (project / "conf" / "study").mkdir(parents=True)
    arms = "# @package _global_\nrecipe: mine.py\nname: arms\nepochs: 1\narms: {plain: [], wide: [width=8]}\n"
    (project / "conf" / "study" / "widths.yaml").write_text(arms)
    done = here("-m", "study=widths", "seed=0", folder=project)
    assert [line.split()[0] for line in done.stdout.splitlines()[1:3]] == ["plain", "wide"]
    assert Path(project / "results" / "arms" / "report.md").exists()
    shutil.rmtree(project / "results")
