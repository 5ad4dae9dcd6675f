"""A screening from a study file, with a recipe of one's own, seeds added until it is decided: through to its report.

All but training is the program's own: what a net would come to is planted in made records.
"""

import itertools

import numpy as np
import pandas as pd
import pytest
from conftest import here, made_summary

from runner import pool, run
from runner.nets import facts_of
from runner.store import Snapshot, Store, read_study

RECIPE = """
import keras
import numpy as np


def data(scaled=False):
    x = np.arange(24.0).reshape(12, 2) / (24 if scaled else 1)
    return {"x": x, "y": x[:, 0], "validation_data": (x, x[:, 0])}


def model(data, width=2, bias=True, activation="relu"):
    hidden = keras.layers.Dense(width, activation, use_bias=bias, name="hidden")
    net = keras.Sequential([keras.Input((2,)), hidden, keras.layers.Dense(1, name="out")])
    net.compile("sgd", "mse", metrics=["mae"])
    return net


def fit(batch_size=4):
    return {"batch_size": batch_size}
"""
STUDY = """# @package _global_
recipe: mine.py
name: screened
design: screening
until: decided
max_seeds: 6
epochs: 1
analysis: {primary: [mae], sesoi: {mae: 0.01}}
hydra:
  sweeper:
    params:
      width: 2,3
      bias: true,false
      activation: relu,tanh
      scaled: false,true
      batch_size: 4,6
"""
LEVELS = {
    "width": (2, 3),
    "bias": (True, False),
    "activation": ("relu", "tanh"),
    "scaled": (False, True),
    "batch_size": (4, 6),
}
MAINS = dict(zip(LEVELS, (1.0, -2.0, 0.5, 4.0, 0.0), strict=True))
PAIRS = dict(zip(itertools.combinations(LEVELS, 2), np.linspace(-3, 3, 10), strict=True))
COMPILED = [["mae", "mean_absolute_error", "lower"], ["loss", "mean_squared_error", "lower"]]
NOISE = (0.02, -0.03, 0.01, 0.03, -0.02, 0.01)  # of a seed, in the effect of the batch size


def planted(spec):
    """The error that a run of these settings and this seed comes to."""
    values = spec["recipe"]["values"]
    sign = {key: 2 * levels.index(values[key]) - 1 for key, levels in LEVELS.items()}
    noise = NOISE[spec["seed"]] * sign["batch_size"] / 2 + spec["seed"] / 7
    mains = sum(size * sign[key] / 2 for key, size in MAINS.items())
    pairs = sum(size * sign[first] * sign[second] / 2 for (first, second), size in PAIRS.items())
    return float(20 + noise + mains + pairs)


def record(job):
    """Commit what is planted as the record of a training."""
    error = planted(job.spec)
    row = {"epoch": 1, "train_seconds": 1.0, "measure_seconds": 1.0, "cpu_seconds": 1.0}
    for score in ("", "on_", "off_", "val_"):
        row |= {f"{score}mae": error, f"{score}loss": error**2}
    row |= {"on_mae_se": 0.0, "on_loss_se": 0.0}
    told = made_summary("screened", "complete", 1) | {"compiled": COMPILED, "loss": "mean_squared_error"}
    told |= {"classes": 0, "validation": "", "train_mode": []}
    snapshot = Snapshot(1, [np.zeros(2, np.float32)], [], [row], [np.zeros(0, np.uint8)], [])
    Store(job.results_dir).commit(job.id, job.spec, snapshot, told)


@pytest.fixture(scope="module")
def screened(tmp_path_factory):
    """The study's folder, the lines of its looks, and how many trainings each look took."""
    project, trainings = tmp_path_factory.mktemp("project"), []
    (project / "mine.py").write_text(RECIPE)
    (project / "conf" / "study").mkdir(parents=True)
    (project / "conf" / "study" / "screen.yaml").write_text(STUDY)

    def train(jobs, *_):
        trainings.append(len(jobs))
        for job in jobs:
            record(job)

    facts = facts_of(made_summary("screened", "complete", 1) | {"compiled": COMPILED, "loss": "mean_squared_error"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "run_jobs", train)
        patch.setattr(run, "check", lambda jobs, keep: {job.id: facts for job in jobs})
        done = here("-m", "study=screen", f"results_dir={project / 'results'}", folder=project)
    lines = [line for line in done.stdout.splitlines() if line.startswith("after ")]
    return project / "results" / "screened", lines, trainings


def test_a_study_file_asks_for_a_screening_of_ones_own_recipe(screened):
    declaration = read_study(screened[0])
    assert (declaration["design"], declaration["recipe"]) == ("screening", "mine.py")
    assert {each["key"]: len(each["levels"]) for each in declaration["factors"]} == dict.fromkeys(LEVELS, 2)
    assert len(declaration["cells"]) == 16 and declaration["until"] == {"max_seeds": 6, "futile": False}


def test_a_screening_is_looked_at_and_goes_on_as_a_whole_until_its_budget(screened):
    _, lines, trainings = screened
    assert trainings == [16 * 4, 16 * 2]
    unit = "(validation mean absolute error)"
    assert lines == [
        f"after 4 seeds 4 of 5 contrasts decided; open: batch_size: 4 → 6 {unit}; on to 6 seeds",
        f"after 6 seeds 4 of 5 contrasts decided; open: batch_size: 4 → 6 {unit}; the budget of seeds is spent",
    ]


def test_its_report_opens_with_a_row_a_component(screened):
    opening = (screened[0] / "report.md").read_text().partition("\n## ")[0]
    rows = [line for line in opening.splitlines() if line.startswith("|")]
    assert [row.split(":")[0].strip("| ").replace("\\", "") for row in rows[2:]] == list(LEVELS)


def test_planted_mains_and_shared_pairs_are_in_its_tables(screened):
    table = pd.read_csv(screened[0] / "tables" / "effects.csv")
    table = table[table["response"].eq("val_mae")].set_index("factor")
    mains = table[table["kind"].eq("main")]
    expected = {**MAINS, "batch_size": np.mean(NOISE)}
    assert mains["estimate"].to_dict() == pytest.approx(expected, abs=1e-12)
    assert mains["grade"].to_dict() == {**dict.fromkeys(LEVELS, "established"), "batch_size": "not shown"}
    shared = table[table["kind"].eq("shared")]
    sums = {name: sum(PAIRS[tuple(pair.split(":"))] for pair in name.split(" + ")) for name in shared.index}
    assert len(sums) == 7 and shared["estimate"].to_dict() == pytest.approx(sums, abs=1e-9)


def test_its_report_names_the_question_the_looks_and_what_cannot_be_told_apart(screened):
    text = (screened[0] / "report.md").read_text()
    assert "Screening: every effect is averaged over the other components switched both ways" in text
    assert "Looked at after 4 and 6 seeds; interval and p hold over all looks" in text
    assert "The budget of 6 seeds is spent" in text and "and cannot be told apart" in text
    assert "leaving out" not in text
