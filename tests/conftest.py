"""Small data and settings that the tests share."""

import contextlib
import dataclasses
import gc
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}  # one test of each core's
os.environ.pop("COLUMNS", None)  # pytest-xdist tells its workers a width; what is printed here goes to no terminal
os.unsetenv("COLUMNS")  # nor by readline, which pytest loads and which tells the processes below, past os.environ
ROOT = Path(__file__).resolve().parent.parent
settings.register_profile("suite", deadline=None)  # a machine may be busy
settings.load_profile("suite")


LONGEST_FIRST = ("system", "runner", "analysis")  # folders; one worker runs a file whole, and short ones are to be last


def pytest_collection_modifyitems(items):
    """Begin with what takes longest."""

    def rank(item):
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=rank)


def pytest_collection_finish(session):
    """Take what is loaded out of the garbage collector's rounds: statsmodels asks for one in each correction."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def no_waiting_for_the_disk():
    """No power fails in these tests, so nothing need reach the disk; that it would is tested by name."""
    with mock.patch.object(os, "fsync", lambda descriptor: None):
        yield


SMALL_NET = [
    {"class_name": "Conv2D", "filters": 4, "kernel_size": 3, "activation": "relu", "name": "conv"},
    {"class_name": "Dropout", "rate": 0.5, "name": "drop_a"},
    {"class_name": "Flatten", "name": "flat"},
    {"class_name": "Dense", "units": 8, "activation": "relu", "name": "hidden"},
    {"class_name": "Dropout", "rate": 0.25, "name": "drop_b"},
    {"class_name": "Dense", "units": 3, "activation": "softmax", "name": "out"},
]
NOISY_NET = [
    {"class_name": "Conv2D", "filters": 4, "kernel_size": 3, "name": "conv"},
    {"class_name": "BatchNormalization", "name": "norm"},
    {"class_name": "GaussianNoise", "stddev": 0.3, "name": "noise"},
    {"class_name": "SpatialDropout2D", "rate": 0.5, "name": "maps"},
    {"class_name": "Dropout", "rate": 0.3, "name": "drop"},
    {"class_name": "Flatten", "name": "flat"},
    {"class_name": "Dense", "units": 3, "activation": "softmax", "kernel_regularizer": "l2", "name": "out"},
]


def made_arrays(images: int = 120, side: int = 8, seed: int = 0) -> dict[str, np.ndarray]:
    """Three classes of noisy bars: rows, columns, a diagonal; uint8."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, images + images // 2).astype(np.uint8)
    pixels = random.integers(0, 60, (len(labels), side, side))
    for place, label in enumerate(labels):
        at = random.integers(1, side - 1)
        if label == 0:
            pixels[place, at] += 150
        elif label == 1:
            pixels[place, :, at] += 150
        else:
            pixels[place][np.diag_indices(side)] += 150
    pixels = pixels.astype(np.uint8)
    return {
        "x_train": pixels[:images],
        "y_train": labels[:images],
        "x_test": pixels[images:],
        "y_test": labels[images:],
    }


@pytest.fixture(scope="session")
def npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of 120 training and 60 validation images, 8x8, three classes, that no test may change."""
    path = tmp_path_factory.mktemp("data") / "small.npz"
    np.savez(path, **made_arrays())
    return path


@pytest.fixture
def small_npz(npz: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copy(npz, tmp_path))


# What the built-in recipe logs, as run.json has it.
COMPILED = [["loss", "sparse_categorical_crossentropy", ""], ["accuracy", "sparse_categorical_accuracy", "higher"]]
GOOD = {  # a composed configuration, in plain containers, that can be run
    "recipe": "images",
    "dropout": True,
    "binarize": False,
    "normalize": "unit",
    "augment": False,
    "epochs": 10,
    "seed": 0,
    "batch_size": 32,
    "optimizer": "adam",
    "learning_rate": None,
    "schedule": "constant",
    "holdout": 0.1,
    "probe": 100,
    "probe_draws": 2,
    "dataset": {"name": "digits", "path": None, "classes": 10},
    "model": {"layers": [{"class_name": "Dropout", "rate": 0.5}, {"class_name": "Dense", "units": 10}]},
    "name": None,
    "design": "factorial",
    "until": None,
    "max_seeds": 20,
    "dry_run": False,
    "results_dir": "results",
    "workers": None,
    "workers_per_gpu": 1,
    "threads": 1,
    "deterministic": False,
    "detach": False,
    "jobs": None,
    "analysis": {"better": {}, "sesoi": {}, "primary": None, "window": "auto", "figures": ["png"]},
    "arms": None,
    "baseline": None,
    "against": None,
    "reported": None,
}


def small_spec(layers=None, seed=0, data="tested", measuring=None, **values):
    """The spec of a small trajectory on the small dataset; `values` replace those of the recipe's keys."""
    layers = SMALL_NET if layers is None else layers
    standing = {
        "dataset": {"classes": 3},
        "binarize": False,
        "normalize": "unit",
        "augment": False,
        "model": {"layers": layers, "without": []},
        "dropout": True,
        "optimizer": "adam",
        "learning_rate": 0.01,
        "schedule": "constant",
        "batch_size": 16,
    }
    return {
        "schema": 2,
        "numerics": 2,
        "recipe": {"code": "images", "values": {**standing, **values}, "data": data},
        "measuring": {"holdout": 0.2, "probe": 40, "probe_draws": 2} | (measuring or {}),
        "seed": seed,
    }


def digest(*states) -> str:
    """The sha256 of all that trajectories are: weights, slots, measured history, predictions; not the seconds."""
    found = hashlib.sha256()
    for state in states:
        for array in (*state.weights, *state.slots, *state.predictions):
            found.update(np.ascontiguousarray(array).tobytes())
        for row in state.history:
            found.update(repr({key: value for key, value in row.items() if not key.endswith("seconds")}).encode())
    return found.hexdigest()


@pytest.fixture
def store(tmp_path: Path):
    """An empty store."""
    from runner.store import Store

    made = Store(tmp_path / "results")
    made.prepare()
    return made


def command(*arguments: str, check: int | None = 0, **keywords) -> subprocess.CompletedProcess:
    """Run `python -m runner` with the arguments; fail unless it ends with the exit code `check`."""
    done = subprocess.run(
        [sys.executable, "-m", "runner", *arguments], cwd=ROOT, capture_output=True, text=True, **keywords
    )
    if check is not None:
        assert done.returncode == check, done.stdout + done.stderr
    return done


def here(*arguments: str, check: int | None = 0, folder: Path = ROOT) -> subprocess.CompletedProcess:
    """Do as `command` does inside this process, in that folder; its fork server has TensorFlow loaded already.

    For what depends neither on how the program starts nor on how it is killed: it saves the seconds
    that a program of its own takes to import everything. Figures of reports are not drawn.
    """
    from hydra.core.global_hydra import GlobalHydra
    from reports import undrawn

    from runner.__main__ import main

    out, err, code, before = io.StringIO(), io.StringIO(), 0, Path.cwd()
    GlobalHydra.instance().clear()
    with (
        mock.patch.dict(os.environ),
        mock.patch.object(sys, "argv", ["runner", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        undrawn(),
    ):
        os.chdir(folder)
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        finally:
            os.chdir(before)
    assert check is None or code == check, out.getvalue() + err.getvalue()
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


IN_TURN = """
import json, sys
from conftest import here
done = [here(*words, check=None) for words in json.load(sys.stdin)]
print(json.dumps([[each.returncode, each.stdout, each.stderr] for each in done]))
"""


def without_tensorflow(folder: Path) -> dict[str, str]:
    """The environment of a process to which importing TensorFlow or Keras is an error; `folder` is an empty one."""
    for name in ("tensorflow", "keras"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise ImportError('TensorFlow is not needed here')")
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (folder, ROOT, ROOT / "tests")))}


def in_turn(commands: Sequence[Sequence[str]], environment: dict[str, str]) -> list[subprocess.CompletedProcess]:
    """Do as `here` does with each of the commands, in one new process that has this environment."""
    done = subprocess.run(
        [sys.executable, "-c", IN_TURN],
        cwd=ROOT,
        env=environment,
        input=json.dumps(commands),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    ends = json.loads(done.stdout.splitlines()[-1])
    return [subprocess.CompletedProcess(words, *end) for words, end in zip(commands, ends, strict=True)]


def small_study(npz: Path, results: Path, *arguments: str) -> list[str]:
    """The arguments of a study of a few seconds on the small dataset, without figures; `arguments` take their place."""
    standing = {
        "dataset": "npz",
        "dataset.path": npz,
        "dataset.classes": 3,
        "model": "dense",
        "epochs": 2,
        "results_dir": results,
        "analysis.figures": "[]",
    }
    written = {word.partition("=")[0] for word in arguments}
    return ["-m", *(f"{key}={value}" for key, value in standing.items() if key not in written), *arguments]


def recorded_study(
    root: Path,
    factors: dict[str, list[str]],
    seeds: int = 3,
    epochs: int = 3,
    name: str = "made",
    lost: tuple[tuple[int, int], ...] = (),
    diverged: tuple[tuple[int, int], ...] = (),
    images: int = 40,
    effect: float = 0.02,
    noise: float = 0.002,
    stopped: tuple[tuple[int, int], ...] = (),
    answered: bool = False,
    window: int | None = None,
    figures: list[str] | None = None,
) -> Path:
    """Write a factorial study with made records, and return its folder.

    Cell k is better by `effect` for each factor that is not at its baseline; (cell, seed) pairs in
    `lost` have no record, those in `diverged` end so in their first epoch, those in `stopped` after it. `answered`
    makes validation accuracy the share of predictions that are right; `window` and `figures` are declared
    where they are given.
    """
    from runner.metrics import Compiled, register
    from runner.plan import assignments
    from runner.store import SCHEMA, Snapshot, Store, record_id

    random, store = np.random.default_rng(1), Store(root)
    store.prepare()
    labels = random.integers(0, 3, images).astype(np.uint8)
    store.save_validation("f" * 64, random.random((images, 8, 8, 1)).astype(np.float32), labels)
    cells, runs = assignments(factors, "factorial"), []
    for place, levels in enumerate(cells):
        for seed in range(seeds):
            spec = small_spec(seed=seed, layers=[str(levels)])
            run_id = record_id(spec)
            runs.append({"cell": place, "seed": seed, "epochs": epochs, "run": run_id})
            if (place, seed) in lost:
                continue
            gain = sum(effect for key in factors if levels[key] != factors[key][0])
            broken = (place, seed) in diverged
            ended = "diverged" if broken else "stopped" if (place, seed) in stopped else ""
            length = 1 if ended else epochs
            base = 0.80 + 0.01 * seed + gain + random.normal(0, noise)
            history = [made_row(epoch, base, broken) for epoch in range(1, length + 1)]
            chance = base + 0.01 * np.arange(1, length + 1)[:, None] if answered else 0.8
            right = random.random((length, images)) < chance
            if answered:
                shares = right.mean(axis=1).tolist()
                history = [row | {"val_accuracy": share} for row, share in zip(history, shares, strict=True)]
            predictions = np.where(right, labels, (labels + 1) % 3).astype(np.uint8)
            snapshot = Snapshot(length, [np.zeros(2, np.float32)], [], history, list(predictions), [])
            snapshot = dataclasses.replace(snapshot, stopped=ended == "stopped")
            store.commit(run_id, spec, snapshot, made_summary(name, ended or "complete", length, images))
    return store.write_study(
        name,
        {
            "schema": SCHEMA,
            "name": name,
            "command": "python -m runner -m made=up",
            "design": "factorial",
            "factors": [{"key": key, "levels": levels} for key, levels in factors.items()],
            "seeds": list(range(seeds)),
            "cells": [
                {"label": ", ".join(f"{key}={level}" for key, level in levels.items()), "levels": levels}
                for levels in cells
            ],
            "runs": runs,
            "inert": [],
            "epochs_shared": 0,
            "recipe": "images",
            "mode": "",
            "metrics": [metric.described() for metric in register([Compiled(*each) for each in COMPILED], {})],
            **({} if window is None else {"window": window}),
            **({} if figures is None else {"figures": figures}),
        },
    )


def made_row(epoch: int, base: float, broken: bool) -> dict[str, float]:
    """One epoch of a made history: validation accuracy is `base` and 0.01 more for each epoch."""
    accuracy, loss = base + 0.01 * epoch, 1.0 - base / 2 - 0.01 * epoch
    row = {"epoch": epoch, "accuracy": accuracy - 0.03, "loss": float("nan") if broken else loss + 0.1}
    for split, change in {"on": -0.02, "off": 0.02, "holdout": 0.01, "val": 0.0}.items():
        row |= {f"{split}_accuracy": accuracy + change, f"{split}_loss": float("nan") if broken else loss - change}
    row |= {"on_accuracy_se": 0.0001, "on_loss_se": 0.0001}
    return row | {"train_seconds": 2.0, "measure_seconds": 1.0, "cpu_seconds": 2.5}


def made_summary(study: str, status: str, epochs: int, images: int = 40) -> dict:
    """The summary of a made record of the small dataset."""
    return {
        "status": status,
        "epochs": epochs,
        "label": "made",
        "study": study,
        "numerics": 2,
        "commit": "abc",
        "data": "npz",
        "parameters": 1,
        "metrics": {},
        "timing": {"epochs": epochs, "wall_seconds": 4.0 * epochs, "cpu_seconds": 3.0, "peak_megabytes": 1},
        "examples": {"train": 96, "holdout": 24, "validation": images, "probe": 40},
        "validation": "f" * 64,
        "classes": 3,
        "train_mode": ["dropout"],
        "initial_weights": {},
        "compiled": COMPILED,
        "loss": "sparse_categorical_crossentropy",
        "explicit_seeds": [],
        "notes": [],
        "environments": [{"python": "3", "from_epoch": 1}],
    }
