"""A trajectory killed at any moment and resumed in a new process ends bit-identical to one that was left alone."""

import hashlib
import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, small_study
from jobs import job_on

from runner import pool, processes
from runner.store import Store

EPOCHS = 2
MOMENTS = ("in mid-epoch", "before the checkpoint", "after the checkpoint")


def reached(job) -> int:
    """The last epoch that is on disk; 0 before the first."""
    kept = Store(job.results_dir).snapshot(job.id)
    return kept.epoch if kept else 0


def dying_job(job, moment: str, epoch: int) -> None:
    """Run the job, and end the process at once, as SIGKILL would, at a moment of an epoch."""
    from runner import worker
    from runner.training import epoch_loop

    calls_before_death = epoch - reached(job)

    def dies_after(owner, name):
        action, calls = getattr(owner, name), []

        def last(*arguments):
            result = action(*arguments)
            calls.append(name)
            if len(calls) == calls_before_death:
                os._exit(9)
            return result

        setattr(owner, name, last)

    if moment == "after the checkpoint":
        dies_after(Store, "save_snapshot")
    elif moment == "before the checkpoint":
        dies_after(epoch_loop.EpochLoop, "measure")
    else:
        order = epoch_loop.batch_order
        epoch_loop.batch_order = lambda seed, at, images: order(seed, at, images)[
            : images // 2 if at == epoch else images
        ]
        dies_after(epoch_loop.EpochLoop, "train_epoch")
    worker.run_job(job)


def ended(job, moment: str, epoch: int) -> int:
    """The exit code of a new process that runs the job and dies so."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(processes.PRELOADED)
    processes.start_server()
    process = context.Process(target=dying_job, args=(job, moment, epoch))
    process.start()
    process.join()
    return process.exitcode


def digest(job) -> str:
    """The sha256 of all that the finished trajectory left: weights, slots, history less seconds, predictions."""
    store, found = Store(job.results_dir), hashlib.sha256()
    snapshot, record = store.snapshot(job.id), store.record(job.id)
    for array in (*snapshot.weights, *snapshot.slots, record.predictions):
        found.update(np.ascontiguousarray(array).tobytes())
    found.update(repr({name: values for name, values in record.history.items() if "seconds" not in name}).encode())
    return found.hexdigest()


@pytest.fixture(scope="module")
def whole(npz, tmp_path_factory):
    """The digest of the trajectory trained in one go."""
    folder = tmp_path_factory.mktemp("whole")
    job = job_on(npz, folder, epochs=EPOCHS)
    Store(folder).prepare()
    pool.run_jobs([job], 1)
    return digest(job)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_trajectory_killed_in_every_epoch_ends_as_if_it_were_not(whole, npz, tmp_path, moment):
    Store(tmp_path).prepare()
    job = job_on(npz, tmp_path, epochs=EPOCHS)
    for epoch in range(1, EPOCHS + 1):
        assert ended(job, moment, epoch) == 9
        assert reached(job) == (epoch if moment == "after the checkpoint" else epoch - 1)
    assert pool.run_jobs([job], 1) == []
    assert digest(job) == whole


def test_commands_that_overlap_on_one_folder_train_each_run_once(npz, tmp_path):
    commands = [
        small_study(npz, tmp_path, "dropout=true,false", "seed=0"),
        small_study(npz, tmp_path, "dropout=false", "seed=0")[1:],  # a single run
    ]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "runner", *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for words in commands
    ]
    outputs = [sweep.communicate() for sweep in started]
    assert [sweep.returncode for sweep in started] == [0, 0], outputs
    records = sorted((tmp_path / "runs").glob("*/run.log"))
    assert len(records) == 2
    for log in records:
        assert len([line for line in log.read_text().splitlines() if line.startswith("epoch=")]) == 2
    assert "missing" not in (tmp_path / "dropout" / "report.md").read_text()
