"""One trajectory in a process of its own: lock, load, train, record."""

import contextlib
import os
import platform
import resource
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from runner.data import Splits, holdout_size, load, split
from runner.model import build_model
from runner.plan import COMPILED, Job
from runner.pool import Tell, processor_name
from runner.settings import DATASETS
from runner.store import Snapshot, Store, StoreError
from runner.train import State, Trajectory, before_net, in_net

keras.config.set_floatx("float32")  # whatever a user's own keras.json says
keras.config.set_image_data_format("channels_last")


def limit_threads(threads: int) -> None:
    """Let TensorFlow use `threads` threads an operation and one operation at a time; before the first operation."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    for device in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(device, True)


def run_job(job: Job, tell: Tell) -> None:
    """Train the job's trajectory as far as it asks and record it; nothing is done where another process was first."""
    limit_threads(job.threads)
    store = Store(job.results_dir)
    store.prepare()
    tell({"kind": "waiting"})
    with store.lock(job.id):
        store.recover(job.id)
        record = store.record(job.id)
        if record is None or not record.covers(job.epochs):
            with output_to(store.work(job.id) / "run.log"):
                trained, summary = train(job, store, tell)
            store.commit(job.id, job.spec, trained, summary)


@contextlib.contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Send all that is printed meanwhile, by Python or by the libraries below it, to the log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    kept = [os.dup(1), os.dup(2)]
    with open(log, "ab") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    try:
        yield
    except Exception:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        for descriptor, before in zip((1, 2), kept, strict=True):
            os.dup2(before, descriptor)
            os.close(before)


def train(job: Job, store: Store, tell: Tell) -> tuple[Snapshot, dict[str, Any]]:
    """Train on from where the trajectory stands, a checkpoint an epoch; return its end and run.json's contents."""
    started = time.perf_counter()
    splits = read_splits(job)
    trajectory = Trajectory(job.spec, splits, job.epochs)
    stopped, environments = resume(job, store, trajectory)
    first = trajectory.state.epoch
    tell({"kind": "training", "epoch": first})
    while trajectory.state.epoch < job.epochs and not (stopped or trajectory.state.diverged):
        state = trajectory.run_epoch()
        store.save_snapshot(job.id, snapshot(state, environments))
        print(describe(state), flush=True)
        tell({"kind": "epoch", "epoch": state.epoch})
    summary = summarize(job, trajectory, environments, time.perf_counter() - started, first)
    if stopped:
        summary["status"] = "stopped"
    return replace(snapshot(trajectory.state, environments), stopped=stopped), summary


def read_splits(job: Job) -> Splits:
    """Return the images that the job trains and measures on; the rest of the dataset is let go (190 MB of MNIST)."""
    dataset, digest = load(job.dataset, job.dataset_path, DATASETS[job.dataset], job.spec["dataset"]["classes"])
    if digest != job.spec["dataset"]["sha256"]:
        raise ValueError(f"dataset.path must stay as it is while a study runs; {job.dataset_path!r} has changed.")
    return split(dataset, job.spec["seed"], job.spec["dataset"]["holdout"], *before_net(job.spec["transforms"]))


def resume(job: Job, store: Store, trajectory: Trajectory) -> tuple[bool, list[dict[str, Any]]]:
    """Set the trajectory to the last epoch on disk, where there is one.

    Return whether it was stopped there, so that no epoch follows, and the environments, this one last.
    """
    found = store.snapshot(job.id)
    environments = [] if found is None else found.environments
    if found is not None:
        trajectory.resume(State(found.epoch, found.weights, found.slots, found.history, found.predictions))
    here = environment(job.threads)
    if not environments or {**environments[-1], "from_epoch": 0} != {**here, "from_epoch": 0}:
        environments = [*environments, here | {"from_epoch": trajectory.state.epoch + 1}]
    return found is not None and found.stopped, environments


def snapshot(state: State, environments: list[dict[str, Any]]) -> Snapshot:
    """Return the state as the store keeps it."""
    return Snapshot(state.epoch, state.weights, state.slots, state.history, state.predictions, environments)


def summarize(
    job: Job, trajectory: Trajectory, environments: list[dict[str, Any]], seconds: float, first: int
) -> dict[str, Any]:
    """Return run.json's contents: outcome, last metrics (None where not finite), timing, environments."""
    state = trajectory.state
    last = {key: value if np.isfinite(value) else None for key, value in state.history[-1].items()}
    return {
        "status": "diverged" if state.diverged else "complete",
        "epochs": state.epoch,
        "label": job.label,
        "study": job.study,
        "commit": job.commit,
        "data": job.dataset,
        "parameters": int(trajectory.model.count_params()),
        "metrics": last,
        "timing": {
            "epochs": state.epoch - first,
            "wall_seconds": seconds,
            "cpu_seconds": time.process_time(),
            "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        },
        "examples": {
            "train": len(trajectory.splits.x_train),
            "holdout": len(trajectory.splits.x_holdout),
            "validation": len(trajectory.splits.x_validation),
            "probe": len(trajectory.probe_images),
        },
        "validation": job.spec["dataset"]["sha256"],
        "classes": job.spec["dataset"]["classes"],
        "train_mode": train_mode(job.spec),
        "initial_weights": {},
        "compiled": [[metric.name, metric.kind, metric.better] for metric in COMPILED],
        "explicit_seeds": [],
        "environments": environments,
    }


def train_mode(spec: dict[str, Any]) -> list[str]:
    """Return what makes training mode differ from inference mode in the net, as `runner.store` names it."""
    classes = class_names(spec["layers"])
    there = {
        "batch against moving statistics": "BatchNormalization" in classes,
        "dropout": any("Dropout" in name for name in classes),
        "augmentation": bool(spec["transforms"]["augment"]) or any(name.startswith("Random") for name in classes),
        "noise": "GaussianNoise" in classes,
    }
    return [source for source, is_there in there.items() if is_there]


def class_names(part: Any) -> set[str]:
    """Return the class names of all layers in a layer list, wrapped ones too."""
    if isinstance(part, dict):
        own = {part["class_name"]} if isinstance(part.get("class_name"), str) else set()
        return own.union(*(class_names(value) for value in part.values()))
    return set().union(*(class_names(value) for value in part)) if isinstance(part, list) else set()


def describe(state: State) -> str:
    """Return the log's line for the last epoch."""
    row = state.history[-1]
    return " ".join(f"{key}={value:.6g}" for key, value in row.items())


def environment(threads: int) -> dict[str, Any]:
    """Return what, beside the code and the data, the bits of a run depend on."""
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "threads": threads,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        "gpus": len(tf.config.list_physical_devices("GPU")),
    }


def check_jobs(jobs: list[Job]) -> list[str]:
    """Return a sentence for every job that could not be trained: its data or its net; keep the validation images.

    Each distinct dataset is read and each distinct net is built once.
    """
    limit_threads(1)
    problems = []
    for job in {(job.dataset, job.dataset_path, job.spec["dataset"]["classes"]): job for job in jobs}.values():
        try:
            dataset, digest = load(job.dataset, job.dataset_path, DATASETS[job.dataset], job.spec["dataset"]["classes"])
        except ValueError as error:
            problems.append(str(error))
            continue
        try:
            Store(job.results_dir).save_validation(digest, dataset.x_test, dataset.y_test.astype(np.uint8))
        except StoreError as error:
            problems.append(str(error))
        users = [other for other in jobs if other.spec["dataset"]["sha256"] == digest]
        problems += check_nets(users, dataset.x_train.shape[1:]) + check_holdouts(users, len(dataset.x_train))
    return list(dict.fromkeys(problems))


def check_nets(jobs: list[Job], input_shape: tuple[int, ...]) -> list[str]:
    """Return a sentence for every distinct net that does not fit the images."""
    problems, distinct = [], {}
    for job in jobs:
        distinct.setdefault(repr((job.spec["layers"], job.spec["transforms"])), job)
    for job in distinct.values():
        try:
            augmented = in_net(job.spec["transforms"])
            build_model(job.spec["layers"], input_shape, job.spec["dataset"]["classes"], 0, augmented)
        except ValueError as error:
            problems.append(f"{error} (in {job.label})")
    return problems


def check_holdouts(jobs: list[Job], images: int) -> list[str]:
    """Return a sentence where the holdout would leave nothing to train on."""
    shares = {job.spec["dataset"]["holdout"] for job in jobs}
    return [
        f"holdout must leave an image to train on; {share} of {images} images does not."
        for share in sorted(shares)
        if holdout_size(images, share) >= images
    ]
