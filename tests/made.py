"""Records, a study and a store that the store's tests share."""

import hashlib
import json

import numpy as np

from runner.metrics import Metric
from runner.store import Snapshot, record_id
from runner.store.sealed import seal

SPEC = {"seed": 0, "layers": [{"class_name": "Dense", "units": 3}]}
RUN = record_id(SPEC)
ACCURACY = Metric("accuracy", "accuracy", "higher", "%", "percentage points", 100.0, 2, 0.0, 1.0, 0.001, True)
STUDY = {
    "schema": 2,
    "name": "mine",
    "command": "python -m runner -m seed=0",
    "design": "factorial",
    "factors": [{"key": "dropout", "levels": ["true", "false"]}],
    "seeds": [0],
    "cells": [{"label": f"dropout={level}", "levels": {"dropout": level}} for level in ("true", "false")],
    "runs": [{"cell": place, "seed": 0, "epochs": 2, "run": RUN} for place in (0, 1)],
    "inert": [{"factor": "dropout", "where": ""}],
    "epochs_shared": 2,
    "recipe": "images",
    "mode": "",
    "metrics": [ACCURACY.described()],
}


def snapshot(epochs=2, value=1.0):
    rows = [{"epoch": e, "accuracy": 0.1 * e, "val_loss": 1 / 3 / e, "cpu_seconds": 0.5} for e in range(1, epochs + 1)]
    return Snapshot(
        epoch=epochs,
        weights=[np.full((2, 3), value, np.float32), np.arange(4, dtype=np.float32)],
        slots=[np.array(epochs, np.int64)],
        history=rows,
        predictions=[np.array([0, 1, 2, epochs % 256], np.uint8)] * epochs,
        environments=[{"python": "3", "from_epoch": 1}],
    )


def summary(epochs=2, status="complete", **changes):
    return {
        "status": status,
        "epochs": epochs,
        "label": "made",
        "study": "mine",
        "numerics": 2,
        "commit": None,
        "data": "digits",
        "examples": {"train": 12, "holdout": 0, "validation": 4, "probe": 12},
        "validation": "d" * 64,
        "classes": 3,
        "parameters": 10,
        "train_mode": ["dropout"],
        "initial_weights": {"dense/kernel": "0123456789abcdef"},
        "compiled": [["accuracy", "sparse_categorical_accuracy", ""]],
        "loss": "sparse_categorical_crossentropy",
        "explicit_seeds": [],
        "notes": [],
        "metrics": {"accuracy": 0.2},
        "timing": {"epochs": epochs},
        "environments": [{"python": "3", "from_epoch": 1}],
    } | changes


def committed(store, epochs=2, **keywords):
    store.commit(RUN, SPEC, snapshot(epochs), summary(epochs, **keywords))
    return store.runs / RUN


def forged(store, name, content):
    """Put other content into a record's file and make run.json vouch for it."""
    folder = store.runs / RUN
    (folder / name).write_bytes(content)
    whole = json.loads((folder / "run.json").read_bytes())
    whole["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    reseal(folder, whole)


def reseal(folder, whole):
    whole.pop("seal", None)
    whole["seal"] = seal(whole)
    (folder / "run.json").write_text(json.dumps(whole))


def json_or_none(content):
    try:
        return json.loads(content)
    except ValueError:
        return None
