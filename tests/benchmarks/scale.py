"""Studies of thousands of runs: what planning one takes, and reading its records and writing its report.

python tests/benchmarks/scale.py                       about 8 minutes on 2 cores
python tests/benchmarks/scale.py --runs 200 400        a try-out
python tests/benchmarks/scale.py --runs 1000 --profile tottime    where the report's time goes

The study crosses dropout, binarize, normalize, optimizer (5 levels) and as many batch sizes as the
number of runs needs, with 5 seeds; `--grow seeds` keeps 40 cells and takes more seeds instead. It
is planned by the command line (`dry_run=true`) over an empty results folder; then every run gets a
made record, in the program's own format: 30 epochs of a plausible history, the classes given to 500
validation images at every epoch, weights of a few bytes. From these `python -m analysis` writes the
report, and the study's own command finds everything up to date; the store is pruned, and the report
stays the same to the byte. Each is a process of its own: wall
time, processor time, peak memory.
"""

import argparse
import hashlib
import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import workload
from machine import PYTHON, Cost, machine, run, table

from runner.contents import Contents
from runner.images.choices import image_recipe
from runner.metrics import Compiled, register
from runner.numerics import VERSION
from runner.plan import Cell, Declared, Plan, assignments, declaration, make_plan
from runner.settings import run_settings
from runner.store import Snapshot, Store, canonical_json

EPOCHS, SEEDS, FEW_CELLS = 30, 5, 40
PROFILE_SHOWN = 12_000  # characters
COMPILED = [
    Compiled("loss", "sparse_categorical_crossentropy"),
    Compiled("accuracy", "sparse_categorical_accuracy", "higher"),
]
OPTIMIZERS = ["adam", "sgd", "rmsprop", "nadam", "adamw"]


def factors(runs: int, grow: str) -> dict[str, list[Any]]:
    """Return each factor's levels; with `grow` cells there are as many batch sizes as the number of runs needs."""
    sizes = max(2, runs // SEEDS // FEW_CELLS) if grow == "cells" else 1
    return {
        "dropout": [True, False],
        "binarize": [False, True],
        "normalize": ["unit", "column_l2"],
        "optimizer": OPTIMIZERS,
        "batch_size": [16 + place for place in range(sizes)],
    }


def arguments(levels: dict[str, list[Any]], seeds: int, results: Path) -> list[str]:
    """Return the study's command line."""
    axes = [f"{key}={','.join(map(label, each))}" for key, each in levels.items()]
    return ["-m", *axes, f"seed=range(0,{seeds})", f"epochs={EPOCHS}", "name=large", f"results_dir={results}"]


def label(level: Any) -> str:
    """Return a level as the command line has it."""
    return level if isinstance(level, str) else canonical_json(level)


def plan(levels: dict[str, list[Any]], seeds: int) -> Plan:
    """Return the plan that the command line makes."""
    labels = {key: tuple(map(label, each)) for key, each in levels.items()}
    return make_plan(labels, "factorial", declared(levels, seeds), Contents(Store("unread", changes=False)))


def declared(levels: dict[str, list[Any]], seeds: int) -> Iterator[Declared]:
    """Yield every run, as the sweeper does."""
    base = workload.configuration(f"epochs={EPOCHS}")
    places = {key: list(map(str, range(len(each)))) for key, each in levels.items()}
    for cell in assignments(places, "factorial"):
        chosen = {key: levels[key][int(place)] for key, place in cell.items()}
        settings = run_settings(base | chosen, image_recipe())
        for seed in range(seeds):
            yield Declared(Cell({key: label(each) for key, each in chosen.items()}), replace(settings, seed=seed))


# ---- made records


def build(levels: dict[str, list[Any]], seeds: int, results: Path) -> None:
    """Write a record for every run of the study, and study.json."""
    study = plan(levels, seeds)
    random, store = np.random.default_rng(0), Store(results)
    store.prepare()
    digits = workload.embedded_digits()
    images, labels = digits["x_test"][..., None] / np.float32(255), digits["y_test"]
    key = hashlib.sha256(labels.astype(np.int64).tobytes()).hexdigest()
    store.save_validation(key, images, labels.astype(np.int64))
    synced, os.fsync = os.fsync, lambda _: None  # made records need not outlive a power cut
    try:
        for each in study.trajectories.values():
            snapshot = made_snapshot(each.spec, labels, random)
            store.commit(each.id, each.spec, snapshot, made_summary(key, snapshot))
    finally:
        os.fsync = synced
    told = {"recipe": "images", "metrics": [metric.described() for metric in register(COMPILED, {})]}
    store.write_study("large", declaration(study, "large", "python -m runner -m") | told)


def made_snapshot(spec: dict[str, Any], labels: np.ndarray, random: np.random.Generator) -> Snapshot:
    """Return a trajectory's end: accuracy rises to a height that its settings and its seed have a part in."""
    height = 0.97 + 0.01 * spec["recipe"]["values"]["binarize"] + 0.002 * (spec["seed"] % 5) + random.normal(0, 0.002)
    history, predictions = [], []
    for epoch in range(1, EPOCHS + 1):
        accuracy = height - 0.3 * 0.8**epoch + random.normal(0, 0.001)
        history.append(made_row(epoch, accuracy, random))
        right = random.random(len(labels)) < accuracy
        predictions.append(np.where(right, labels, (labels + 1) % 10).astype(np.uint8))
    environment = {"python": "3", "processor": "made", "from_epoch": 1}
    return Snapshot(EPOCHS, [np.zeros(2, np.float32)], [], history, predictions, [environment])


def made_row(epoch: int, accuracy: float, random: np.random.Generator) -> dict[str, float]:
    """Return an epoch of a history."""
    row = {"epoch": epoch, "accuracy": accuracy - 0.01, "loss": 1.1 - accuracy}
    for split, change in {"on": -0.01, "off": 0.01, "holdout": 0.001, "val": 0.0}.items():
        moved = accuracy + change + random.normal(0, 0.0005)
        row |= {f"{split}_accuracy": moved, f"{split}_loss": 1.05 - moved}
    row |= {"on_accuracy_se": 0.0003, "on_loss_se": 0.0003}
    return row | {"train_seconds": 20.0, "measure_seconds": 4.0, "cpu_seconds": 24.0}


def made_summary(validation: str, snapshot: Snapshot) -> dict[str, Any]:
    """Return what run.json holds beside what the store adds."""
    return {
        "status": "complete",
        "epochs": EPOCHS,
        "label": "made",
        "study": "large",
        "numerics": VERSION,
        "commit": "made",
        "data": "digits",
        "parameters": 122_922,
        "metrics": snapshot.history[-1],
        "timing": {"epochs": EPOCHS, "wall_seconds": 24.5 * EPOCHS, "cpu_seconds": 25.0, "peak_megabytes": 900},
        "examples": {"train": 1167, "holdout": 130, "validation": 500, "probe": 1167},
        "validation": validation,
        "classes": 10,
        "train_mode": ["dropout"],
        "initial_weights": {},
        "compiled": [[each.name, each.kind, each.better] for each in COMPILED],
        "loss": COMPILED[0].kind,
        "explicit_seeds": [],
        "notes": [],
        "environments": snapshot.environments,
    }


# ---- what it takes


def measure(runs: int, given: argparse.Namespace, scratch: Path) -> list[list[str]]:
    """Return the rows about a study of so many runs."""
    levels, empty, results = factors(runs, given.grow), scratch / f"empty-{runs}", scratch / f"results-{runs}"
    cells = len(assignments({key: list(map(label, each)) for key, each in levels.items()}, "factorial"))
    seeds = max(1, runs // cells)
    command = [*PYTHON, "-m", "runner"]
    planning = run([*command, *arguments(levels, seeds, empty), "dry_run=true"])
    process = multiprocessing.get_context("spawn").Process(target=build, args=(levels, seeds, results))
    process.start()  # of its own, so that this one stays small: a command's peak counts from the size of its parent
    process.join()
    size = f"{cells * seeds:,} = {cells:,} x {seeds}"
    profiled = ["-m", "cProfile", "-s", given.profile] if given.profile else []
    report = run([*PYTHON, *profiled, "-m", "analysis", str(results / "large")])
    if profiled:
        print(report.output[report.output.index("function calls") :][:PROFILE_SHOWN])
    whole = run([*command, *arguments(levels, seeds, results)])
    again = run([*command, *arguments(levels, seeds, results)])
    before = (results / "large" / "report.md").read_bytes()
    pruning = run([*command, "prune", f"results_dir={results}", "--delete"])
    pruned = run([*PYTHON, "-m", "analysis", str(results / "large")])
    if (results / "large" / "report.md").read_bytes() != before:
        raise RuntimeError("the report of the pruned store is another")
    targets = ("at most 10 s, 500 MB", "at most 30 s, 1,024 MB", "", "", "at most 20 s", "")
    titles = (
        *("plan", "read records, write report", "the study's command, report to write", "the same, up to date"),
        *("prune", "read pruned records, write report"),
    )
    costs = (planning, report, whole, again, pruning, pruned)
    return [line(size, *each) for each in zip(titles, costs, targets, strict=True)]


def line(size: str, title: str, cost: Cost, target: str) -> list[str]:
    """Return a row of the table."""
    seconds = (f"{cost.wall_seconds:.1f}", f"{cost.cpu_seconds:.1f}")
    return [size, title, *seconds, f"{cost.peak_megabytes:.0f}", target]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=[1_000, 3_000, 10_000], help="sizes of the study")
    parser.add_argument("--grow", choices=("cells", "seeds"), default="cells", help="what a larger study has more of")
    parser.add_argument("--profile", choices=("tottime", "cumtime"), help="print where the report's time goes")
    given = parser.parse_args()
    print(machine())
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for runs in given.runs:
            rows += measure(runs, given, Path(scratch))
    print(table(["runs = cells x seeds", "", "wall, s", "processor, s", "peak memory, MB", "target"], rows))
    print(f"n = 1 each; {EPOCHS} epochs a run, 500 validation images, made records on {tempfile.gettempdir()}")


if __name__ == "__main__":
    main()
