"""What a worker makes of a trajectory: what it records beside the numbers, and that a stopped one is not trained on."""

import shutil
from dataclasses import replace

import pytest
from conftest import small_spec
from test_pool import job_on

from runner import pool
from runner.store import Store


def test_a_trajectory_that_was_stopped_before_its_commit_is_recorded_and_not_trained_on(small_npz, tmp_path):
    store, short = Store(tmp_path / "results"), job_on(small_npz, tmp_path / "results", epochs=1)
    store.prepare()
    pool.run_jobs([short], 1, 1, 1)
    trained = store.snapshot(short.id)
    shutil.rmtree(store.runs / short.id)
    store.save_snapshot(short.id, replace(trained, stopped=True))
    longer = replace(short, epochs=3)
    for _ in range(2):
        assert pool.run_jobs([longer], 1, 3, 1) == []
        record = store.record(short.id)
        assert (record.summary["status"], record.epochs, record.covers(3)) == ("stopped", 1, True)
        assert store.snapshot(short.id).stopped


def test_a_record_says_what_it_was_trained_on_and_what_it_logs(small_npz, tmp_path):
    store, job = Store(tmp_path / "results"), job_on(small_npz, tmp_path / "results")
    store.prepare()
    pool.run_jobs([job], 1, 1, 1)
    summary = store.record(job.id).summary
    told = ("data", "examples", "validation", "classes", "train_mode", "initial_weights", "compiled", "explicit_seeds")
    assert {key: summary[key] for key in told} == {
        "data": "npz",
        "examples": {"train": 96, "holdout": 24, "validation": 60, "probe": 40},
        "validation": job.spec["dataset"]["sha256"],
        "classes": 3,
        "train_mode": ["dropout"],
        "initial_weights": {},
        "compiled": [["accuracy", "sparse_categorical_accuracy", ""], ["loss", "sparse_categorical_crossentropy", ""]],
        "explicit_seeds": [],
    }


DENSE = {"class_name": "Dense", "units": 3}


@pytest.mark.parametrize(
    ("layers", "augment", "sources"),
    [
        ([DENSE], False, []),
        ([DENSE, {"class_name": "SpatialDropout2D", "rate": 0.5}], False, ["dropout"]),
        ([DENSE], True, ["augmentation"]),
        ([{"class_name": "RandomFlip"}, DENSE], False, ["augmentation"]),
        ([{"class_name": "GaussianNoise", "stddev": 0.1}], False, ["noise"]),
        (
            [
                {"class_name": "TimeDistributed", "layer": {"class_name": "BatchNormalization"}},
                {"class_name": "Dropout"},
            ],
            True,
            ["batch against moving statistics", "dropout", "augmentation"],
        ),
    ],
)
def test_what_makes_training_mode_differ_is_named_from_the_layers(layers, augment, sources):
    from runner.worker import train_mode

    transforms = {"normalize": "unit", "binarize": False, "augment": augment}
    assert train_mode(small_spec(layers=layers, transforms=transforms)) == sources
