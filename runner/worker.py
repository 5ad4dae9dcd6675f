"""What a process of its own does: train one trajectory and record it; check jobs before training; digest data."""

import contextlib
import gc
import json
import os
import platform
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from runner.calling import FilesSeen, check_imports, measuring_of, parts_of, recipe_at, told
from runner.contents import stamps
from runner.errors import BadInput
from runner.machine import driver, host, instruction_set, processor_name
from runner.numerics import VERSION
from runner.plan import Job
from runner.recipe import Recipe
from runner.store import Snapshot, Store, StoreError, canonical_json
from runner.training.epoch_loop import EpochLoop, State
from runner.training.parts import call_data, data_digest, has_dataset

gc.collect()
gc.freeze()  # what is loaded is shared with all who are forked from here, and no round of theirs needs to look at it

# Variables that change the bits of a run: how TensorFlow and its libraries compute, not what they print.
VARIABLES = (
    *("TF_XLA_FLAGS", "XLA_FLAGS", "TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC", "TF_ENABLE_AUTO_MIXED_PRECISION"),
    *("ONEDNN_MAX_CPU_ISA", "ONEDNN_DEFAULT_FPMATH_MODE", "NVIDIA_TF32_OVERRIDE"),
)

keras.config.set_floatx("float32")  # whatever a user's own keras.json says
keras.config.set_image_data_format("channels_last")


def limit_threads(threads: int, deterministic: bool = False) -> None:
    """Let TensorFlow use `threads` threads an operation and one operation at a time; before the first operation.

    `deterministic` takes operations that give the same bits each time, or fail where there are none, and full
    precision in products on GPUs (no TF32).
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
        tf.config.experimental.enable_tensor_float_32_execution(False)
    for device in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(device, True)


def gpus_seen() -> int:
    """Return how many GPUs TensorFlow can use."""
    return len(tf.config.list_physical_devices("GPU"))


def run_job(job: Job) -> bool:
    """Train the job's trajectory as far as it asks, unless it is recorded; return False where another holds it."""
    limit_threads(job.threads, job.deterministic)
    store = Store(job.results_dir)
    store.prepare()
    with store.lock(job.id) as held:
        if held:
            store.recover(job.id)
            record = store.record(job.id)
            if record is None or not record.covers(job.epochs):
                with output_to(store.work(job.id) / "run.log"):
                    trained, summary = train(job, store)
                store.commit(job.id, job.spec, trained, summary)
    return held


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


def train(job: Job, store: Store) -> tuple[Snapshot, dict[str, Any]]:
    """Train on from where the trajectory stands, a checkpoint an epoch; return its end and run.json's contents."""
    started = time.perf_counter()
    recipe = recipe_at(job.source)
    with told(recipe):
        trajectory = build(recipe, job)
        environments = resume(job, store, trajectory)
        first = trajectory.state.epoch
        tell = partial(store.tell, job.id)
        here = {"host": host(), "pid": os.getpid()}
        tell({**here, "epoch": first})
        while trajectory.state.epoch < job.epochs and not (trajectory.state.stopped or trajectory.state.diverged):
            state = trajectory.run_epoch()
            store.save_snapshot(job.id, snapshot(state, environments))
            print(describe(state), flush=True)
            tell({**here, "epoch": state.epoch})
    summary = summarize(job, trajectory, environments, time.perf_counter() - started, first)
    return snapshot(trajectory.state, environments), summary


def build(recipe: Recipe, job: Job) -> EpochLoop:
    """Return the job's trajectory before its first epoch; BadInput where its code has changed since it was planned."""
    if recipe.code != job.spec["recipe"]["code"]:
        raise BadInput(
            f"{recipe.name} must stay as it is while a study runs; it has changed. Run the same command again."
        )
    parts = parts_of(recipe, job.spec, job.source, job.epochs)
    trajectory = EpochLoop(parts, job.spec["seed"], measuring_of(job.spec), job.epochs)
    check_imports(recipe)
    return trajectory


def resume(job: Job, store: Store, trajectory: EpochLoop) -> list[dict[str, Any]]:
    """Set the trajectory to the last epoch on disk, where there is one; return the environments, this one last."""
    found = store.snapshot(job.id)
    environments = [] if found is None else found.environments
    if found is not None:
        state = State(found.epoch, found.weights, found.slots, found.history, found.predictions, stopped=found.stopped)
        trajectory.resume(state)
    here = environment(job)
    if not environments or {**environments[-1], "from_epoch": 0} != {**here, "from_epoch": 0}:
        environments = [*environments, here | {"from_epoch": trajectory.state.epoch + 1}]
    return environments


def snapshot(state: State, environments: list[dict[str, Any]]) -> Snapshot:
    """Return the state as the store keeps it."""
    return Snapshot(
        state.epoch, state.weights, state.slots, state.history, state.predictions, environments, state.stopped
    )


def summarize(
    job: Job, trajectory: EpochLoop, environments: list[dict[str, Any]], seconds: float, first: int
) -> dict[str, Any]:
    """Return run.json's contents: outcome, last metrics (None where not finite), the net, timing, environments."""
    state, feeds = trajectory.state, trajectory.feeds
    last = {key: value if np.isfinite(value) else None for key, value in state.history[-1].items()}
    return {
        "status": "diverged" if state.diverged else "stopped" if state.stopped else "complete",
        "epochs": state.epoch,
        "label": job.label,
        "study": job.study,
        "numerics": VERSION,
        "commit": job.commit,
        "data": job.data,
        "parameters": int(trajectory.model.count_params()),
        "metrics": last,
        "timing": {
            "epochs": state.epoch - first,
            "wall_seconds": seconds,
            "cpu_seconds": time.process_time(),
            "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        },
        "examples": {
            "train": feeds.train.examples,
            "holdout": feeds.holdout.examples if feeds.holdout else 0,
            "validation": feeds.validation.examples,
            "probe": trajectory.probe.examples if trajectory.probe else 0,
        },
        "validation": trajectory.validation_key,
        "classes": trajectory.classes.count if trajectory.classes else 0,
        "train_mode": trajectory.train_mode,
        **facts(trajectory),
        "environments": environments,
    }


def facts(trajectory: EpochLoop) -> dict[str, Any]:
    """Return what is told of the net, as `runner.nets.Facts` has it: plain values, which any process can take in.

    A name that Keras holds may be a text of a class of ours, and reading that elsewhere would import TensorFlow.
    """
    found = {
        "compiled": [[each.name, each.kind, each.better] for each in trajectory.compiled],
        "loss": trajectory.loss,
        "initial_weights": trajectory.initial_weights,
        "explicit_seeds": trajectory.explicit_seeds,
        "notes": trajectory.notes,
        "net": trajectory.net,
    }
    return json.loads(json.dumps(found, allow_nan=False))


def describe(state: State) -> str:
    """Return the log's line for the last epoch."""
    row = state.history[-1]
    return " ".join(f"{key}={value:.6g}" for key, value in row.items())


def environment(job: Job) -> dict[str, Any]:
    """Return what, beside the code and the data, the bits of a run depend on."""
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor_name(),
        "instructions": instruction_set(),
        "threads": job.threads,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        **({"deterministic": True} if job.deterministic else {}),
        **{name.lower(): os.environ[name] for name in VARIABLES if name in os.environ},
        **gpu_environment(),
    }


def gpu_environment() -> dict[str, Any]:
    """Return what the bits of a run on GPUs depend on; their number alone where there is none."""
    devices = tf.config.list_physical_devices("GPU")
    if not devices:
        return {"gpus": 0}
    details = [tf.config.experimental.get_device_details(device) for device in devices]
    built = tf.sysconfig.get_build_info()
    return {
        "gpus": len(devices),
        "gpu": ", ".join(sorted({str(each.get("device_name", "unknown")) for each in details})),
        "driver": driver(),
        "cuda": str(built.get("cuda_version", "unknown")),
        "cudnn": str(built.get("cudnn_version", "unknown")),
        "tf32": tf.config.experimental.tensor_float_32_execution_enabled(),
    }


# ---- before training


def check_jobs(jobs: list[Job], keep: bool) -> dict[str, Any]:
    """Return `problems`, a sentence for every job that could not be trained, and `nets`, the facts of each job's net.

    Each distinct net is built once, with the first of its seeds. `keep` writes what is classified in validation into
    the store.
    """
    limit_threads(1)
    problems: dict[str, None] = {}
    nets: dict[str, Any] = {}
    distinct: dict[str, list[Job]] = {}
    for job in jobs:
        distinct.setdefault(canonical_json([{**job.spec, "seed": 0}, job.source]), []).append(job)
    remembered: dict[str, Any] = {}
    for job, *others in distinct.values():
        try:
            trajectory = checked(job, remembered)
            if keep and (examples := trajectory.validation_examples()) is not None:
                Store(job.results_dir).save_validation(*examples)
        except (BadInput, StoreError, ValueError) as error:
            problems[f"{error}{in_cell(error, job)}"] = None
            continue
        nets[job.id] = facts(trajectory)
        nets |= {other.id: {**nets[job.id], "initial_weights": {}} for other in others}
    return {"problems": list(problems), "nets": nets}


def checked(job: Job, remembered: dict[str, Any]) -> EpochLoop:
    """Return the job's trajectory, its steps looked through; the built-in recipe's data are made once for all nets."""
    recipe = recipe_at(job.source)
    with told(recipe):
        parts = parts_of(recipe, job.spec, job.source, job.epochs)
        if not parts.foreign:
            key = canonical_json([job.source, recipe.data_values(job.spec["recipe"]["values"])])
            parts = replace(parts, data=partial(remembered_data, remembered, key, parts.data))
        trajectory = EpochLoop(parts, job.spec["seed"], measuring_of(job.spec), job.epochs)
        check_imports(recipe)
        trajectory.check()
    return trajectory


def remembered_data(remembered: dict[str, Any], key: str, data: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return what `data` returns, made once for a key; only the last is kept."""
    if key not in remembered:
        remembered.clear()
        remembered[key] = data()
    return remembered[key]


def in_cell(error: Exception, job: Job) -> str:
    """Return in which cell a net could not be built, where the sentence is about the net."""
    return f" (in {job.label})" if "layer" in str(error) else ""


def digest_data(asked: list[tuple[dict[str, Any], dict[str, Any], int]]) -> list[dict[str, Any]]:
    """Return the digest of each data (source, values, seed), with the files that Python read; or a `problem`."""
    limit_threads(1)
    seen, answers = FilesSeen(), list[dict[str, Any]]()
    for source, values, seed in asked:
        recipe = recipe_at(source)
        spec = {"recipe": {"values": values, "data": ""}, "seed": seed, "measuring": {"holdout": 0.0}}
        try:
            with told(recipe):
                with seen:
                    parts = replace(parts_of(recipe, spec, source, 1), digest=None)
                    data, made = call_data(parts)
                digest = data_digest(parts, data, made)
        except BadInput as error:
            answers.append({"problem": str(error)})
            continue
        answers.append({"digest": digest, "files": stamps(seen.paths), "files_seen": not has_dataset(data)})
    return answers
