"""Studies of recipes of a user's own, with made records: any metrics, any scores, classes or none."""

import dataclasses
from pathlib import Path

import numpy as np
from conftest import made_summary, small_spec

from runner.metrics import Compiled, register
from runner.store import SCHEMA, Snapshot, Store, record_id

EPOCHS = 6
WIDTHS = ("64", "128")
REGRESSION = (Compiled("loss", "huber"), Compiled("mae", "mean_absolute_error"))
SCORES = {"": 0.06, "on_": 0.04, "off_": -0.02, "holdout_": 0.0, "val_": 0.01}  # by which a score lies off the rest
TIMES = {"train_seconds": 2.0, "measure_seconds": 1.0, "cpu_seconds": 2.5}


def scores_of(metrics, width, seed, epoch, measured):
    """One epoch's row: errors fall from epoch to epoch and are lower at width 128, what is better high rises."""
    random = np.random.default_rng([int(width), seed, epoch])
    row = {"epoch": epoch}
    for metric in metrics:
        error = 0.5 / epoch + (0.1 if width == "64" else 0.0) + 0.01 * seed + random.normal(0, 0.002)
        for score in ("", *measured, "val_"):
            shifted = error + SCORES[score] * random.normal(1, 0.1)
            row[score + metric.name] = 1 - shifted if metric.better == "higher" else 10 * shifted
        if "on_" in measured:
            row[f"on_{metric.name}_se"] = 0.001
    return row | TIMES


def recorded_recipe(
    root: Path,
    compiled=REGRESSION,
    analysis=None,
    seeds=5,
    measured=("on_", "off_"),
    stopped=None,
    answers=None,
    inputs=None,
    train_mode=("dropout",),
    **declared,
) -> Path:
    """Write a study of the widths 64 and 128 with made records; return its folder.

    `measured` are the scores beside logged and validation; `stopped` is {(width, seed): epoch}; `answers` gives labels
    and (epochs, examples) predictions of a run by (width, seed), `inputs` the validation inputs, `declared` more keys
    of study.json.
    """
    store = Store(root)
    store.prepare()
    metrics = register(
        compiled, analysis if analysis is not None else {"sesoi": {"mae": 0.05}, "primary": ["mae", "loss"]}
    )
    runs, labels, classes = [], None, 0
    for place, width in enumerate(WIDTHS):
        for seed in range(seeds):
            length = (stopped or {}).get((width, seed), EPOCHS)
            history = [scores_of(metrics, width, seed, epoch, measured) for epoch in range(1, length + 1)]
            predictions = np.zeros((length, 0), np.uint8)
            if answers:
                labels, predictions = answers(width, seed)
                classes, predictions = int(labels.max()) + 1, predictions[:length]
            spec = small_spec(seed=seed, layers=[width])
            run_id = record_id(spec)
            runs.append({"cell": place, "seed": seed, "epochs": EPOCHS, "run": run_id})
            snapshot = Snapshot(length, [np.zeros(2, np.float32)], [], history, list(predictions), [])
            snapshot = dataclasses.replace(snapshot, stopped=length < EPOCHS)
            summary = made_summary("mine", "stopped" if length < EPOCHS else "complete", length)
            summary |= {"data": "mine.py", "classes": classes, "validation": "e" * 64 if answers else ""}
            store.commit(run_id, spec, snapshot, summary | {"train_mode": list(train_mode)})
    if answers:
        store.save_validation("e" * 64, np.zeros((len(labels), 0), np.float32) if inputs is None else inputs, labels)
    return store.write_study(
        "mine",
        {
            "schema": SCHEMA,
            "name": "mine",
            "command": "python -m runner -m recipe=mine.py width=64,128",
            "design": "factorial",
            "factors": [{"key": "width", "levels": list(WIDTHS)}],
            "seeds": list(range(seeds)),
            "cells": [{"label": f"width={width}", "levels": {"width": width}} for width in WIDTHS],
            "runs": runs,
            "inert": [],
            "epochs_shared": 0,
            "recipe": "mine.py",
            "mode": "",
            "metrics": [metric.described() for metric in metrics],
            **declared,
        },
    )
