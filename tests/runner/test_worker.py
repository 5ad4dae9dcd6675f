"""What a worker makes of a trajectory: what it records beside the numbers, and that a stopped one is not trained on."""

import hashlib
import shutil
from dataclasses import replace

import numpy as np
from conftest import COMPILED, made_arrays
from jobs import job_on

from runner import pool, processes
from runner.numerics import VERSION
from runner.store import Store


def test_a_trajectory_that_was_stopped_before_its_commit_is_recorded_and_not_trained_on(small_npz, tmp_path):
    store, short = Store(tmp_path / "results"), job_on(small_npz, tmp_path / "results", epochs=1)
    store.prepare()
    pool.run_jobs([short], 1)
    trained = store.snapshot(short.id)
    shutil.rmtree(store.runs / short.id)
    store.save_snapshot(short.id, replace(trained, stopped=True))
    longer = replace(short, epochs=3)
    for _ in range(2):
        assert pool.run_jobs([longer], 1) == []
        record = store.record(short.id)
        assert (record.summary["status"], record.epochs, record.covers(3)) == ("stopped", 1, True)
        assert store.snapshot(short.id).stopped


def test_a_record_says_what_it_was_trained_on_and_what_it_logs(small_npz, tmp_path):
    store, job = Store(tmp_path / "results"), job_on(small_npz, tmp_path / "results")
    store.prepare()
    pool.run_jobs([job], 1)
    summary = store.record(job.id).summary
    told = ("data", "examples", "validation", "classes", "train_mode", "compiled", "loss", "explicit_seeds", "notes")
    labels = made_arrays()["y_test"].astype(np.int64)
    assert {key: summary[key] for key in told} == {
        "data": "npz",
        "examples": {"train": 96, "holdout": 24, "validation": 60, "probe": 40},
        "validation": hashlib.sha256(job.spec["recipe"]["data"].encode() + labels.tobytes()).hexdigest(),
        "classes": 3,
        "train_mode": ["dropout"],
        "compiled": COMPILED,
        "loss": "sparse_categorical_crossentropy",
        "explicit_seeds": [],
        "notes": [],
    }
    assert (summary["numerics"], summary["parameters"]) == (VERSION, 4 * 10 + 8 * (144 + 1) + 3 * (8 + 1))
    shapes = {path: fingerprint.partition(":")[0] for path, fingerprint in summary["initial_weights"].items()}
    assert shapes == {"conv/kernel": "3x3x1x4", "hidden/kernel": "144x8", "out/kernel": "8x3"}


def test_a_file_that_changes_while_a_study_runs_is_not_trained_on(small_npz, tmp_path):
    store, job = Store(tmp_path / "results"), job_on(small_npz, tmp_path / "results")
    store.prepare()
    np.savez(small_npz, **made_arrays(seed=1))
    assert pool.run_jobs([job], 1) == [job.id]
    digest = job.spec["recipe"]["data"][:12]
    assert f"dataset=npz must have the content {digest}...; got " in store.failure(job.id)["reason"]
    assert store.record(job.id) is None


def types_in(value):
    """The types of a value and of all that is in it."""
    inside = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return {type(value)}.union(*map(types_in, inside))


def test_what_the_check_answers_are_plain_values_which_are_read_without_tensorflow(small_npz, tmp_path):
    answer = processes.ask("check_jobs", [[job_on(small_npz, tmp_path)], False], "the check")
    assert answer["nets"] and types_in(answer) <= {dict, list, str, int, float, bool, type(None)}
