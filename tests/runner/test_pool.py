"""Trajectories run in processes of their own: what fails costs only itself, and signals stop all."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, small_study
from jobs import job_on, workers_of

from runner import pool
from runner.errors import BadInput
from runner.machine import NO_GPU
from runner.run import check
from runner.store import Store


@pytest.fixture
def results(tmp_path):
    Store(tmp_path / "results").prepare()
    return tmp_path / "results"


BROKEN_LAYERS = [{"class_name": "Dense", "units": 3, "activation": "no such activation", "name": "out"}]


def test_a_job_that_fails_costs_only_itself_and_is_written_down(small_npz, results, capfd):
    good = [job_on(small_npz, results, seed=seed) for seed in (0, 1)]
    bad = job_on(small_npz, results, layers=BROKEN_LAYERS)
    failed = pool.run_jobs([good[0], bad, good[1]], 2)
    store = Store(results)
    assert failed == [bad.id]
    assert [store.record(job.id).epochs for job in good] == [1, 1]
    failure = store.failure(bad.id)
    assert "no such activation" in failure["reason"] and "Traceback" in failure["traceback"]
    assert "failed: seed 0: model layer 'out' (Dense) must fit" in capfd.readouterr().err


def test_records_are_the_same_whatever_ran_before_and_beside_them(small_npz, results, tmp_path):
    jobs = [job_on(small_npz, results, epochs=2, seed=seed) for seed in (0, 1)]
    pool.run_jobs(jobs, 2)
    alone = tmp_path / "alone"
    Store(alone).prepare()
    pool.run_jobs([job_on(small_npz, alone, epochs=2, seed=1)], 1)
    ours, theirs = Store(results).record(jobs[1].id), Store(alone).record(jobs[1].id)
    for name, column in ours.history.items():
        if not name.endswith("seconds"):
            assert column == theirs.history[name], name
    assert ours.predictions.tobytes() == theirs.predictions.tobytes()
    assert (
        Store(results).snapshot(jobs[1].id).weights[0].tobytes()
        == Store(alone).snapshot(jobs[1].id).weights[0].tobytes()
    )


def test_a_recorded_job_is_not_trained_again(small_npz, results):
    job = job_on(small_npz, results)
    pool.run_jobs([job], 1)
    before = (Store(results).runs / job.id / "run.json").read_bytes()
    assert pool.run_jobs([job], 1) == []
    assert (Store(results).runs / job.id / "run.json").read_bytes() == before


def test_what_another_holds_is_passed_over_and_taken_when_it_is_free(small_npz, results):
    store, jobs = Store(results), [job_on(small_npz, results, seed=seed) for seed in (0, 1)]
    with store.lock(jobs[0].id):
        sweep = threading.Thread(target=pool.run_jobs, args=(jobs, 1))
        sweep.start()
        while store.record(jobs[1].id) is None:
            time.sleep(0.02)
        assert sweep.is_alive() and store.record(jobs[0].id) is None
    sweep.join()
    assert store.record(jobs[0].id).epochs == 1


def test_what_another_trains_or_fails_meanwhile_is_taken_as_it_is(small_npz, results, capfd):
    store, jobs = Store(results), [job_on(small_npz, results, seed=seed) for seed in (0, 1, 2)]
    pool.run_jobs(jobs[:1], 1)
    moved = store.runs / jobs[0].id
    moved.rename(results / "kept")
    with store.lock(jobs[0].id), store.lock(jobs[1].id):
        found, begun = [], threading.Event()
        wanted = lambda: begun.set() or True  # noqa: E731
        sweep = threading.Thread(target=lambda: found.append(pool.run_jobs(jobs[:2], 1, wanted=wanted)))
        sweep.start()
        begun.wait()
        (results / "kept").rename(moved)
        store.save_failure(jobs[1].id, {"label": "seed 1", "reason": "out of \x1b[31mmemory", "traceback": ""})
        sweep.join()  # ends although both are held
    assert found == [[jobs[1].id]]
    assert "failed: seed 1: out of \\x1b[31mmemory" in capfd.readouterr().err


def test_work_that_is_not_wanted_any_more_stops(small_npz, results):
    job, store = job_on(small_npz, results, epochs=100_000), Store(results)
    assert pool.run_jobs([job], 1, wanted=lambda: store.told(job.id) is None) == []
    assert store.record(job.id) is None and not store.is_held(job.id)


def endless(npz: Path, folder: Path, *words: str, **keywords) -> subprocess.Popen:
    """Start a sweep that does not end by itself."""
    return subprocess.Popen(
        [sys.executable, "-m", "runner", *small_study(npz, folder / "r", "epochs=100000", *words)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **keywords,
    )


def two_workers(sweep: subprocess.Popen, folder: Path) -> list[int]:
    """Wait until two trainings of the sweep have ended an epoch; return its workers."""
    work = folder / "r" / "runs" / ".work"
    while len(list(work.glob("*/checkpoint.npz"))) < 2:
        time.sleep(0.05)
    return workers_of(sweep.pid)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_all_and_leaves_no_process(small_npz, tmp_path, number, code):
    sweep = endless(small_npz, tmp_path, "seed=0,1")
    started = two_workers(sweep, tmp_path)
    assert len(started) == 2
    sweep.send_signal(number)
    _, err = sweep.communicate(timeout=60)
    assert sweep.returncode == code, err
    assert "The same command goes on from the last whole epoch." in err
    assert "Traceback" not in err
    for pid in started:
        assert not Path(f"/proc/{pid}").exists()


def commands_below(parent: int) -> list[str]:
    """The command lines of the parent's own children."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append((entry / "cmdline").read_text())
        except (OSError, IndexError):
            continue
    return found


def test_a_ctrl_c_that_reaches_all_processes_while_tensorflow_loads_is_one_line(small_npz, tmp_path):
    sweep = endless(small_npz, tmp_path, "seed=0", start_new_session=True)
    while not any("forkserver" in words for words in commands_below(sweep.pid)):
        time.sleep(0.01)
    os.killpg(sweep.pid, signal.SIGINT)
    _, err = sweep.communicate()
    assert (sweep.returncode, len(err.splitlines())) == (130, 1), err
    assert err.startswith("Stopped by SIGINT.")


def test_data_and_nets_are_checked_before_anything_trains(small_npz, results):
    layers = [
        {"class_name": "Conv2D", "filters": 2, "kernel_size": 3, "name": "conv"},
        {"class_name": "MaxPooling2D", "pool_size": 9, "name": "pool"},
    ]
    typo = [{"class_name": "Conv2", "filters": 2, "name": "conv"}]
    with pytest.raises(BadInput) as refused:
        check([job_on(small_npz, results, layers=each) for each in (None, layers, typo, BROKEN_LAYERS)], keep=True)
    problems = str(refused.value).splitlines()
    assert len(problems) == 3
    assert "layer 'pool' (MaxPooling2D) must leave at least one pixel of its input (6, 6, 2)" in problems[0]
    assert "model.layers must use built-in Keras layers; got 'Conv2'. Did you mean Conv2D" in problems[1]
    assert "layer 'out' (Dense)" in problems[2]
    assert not list((results / "runs").glob("*/run.json"))


def test_a_check_tells_what_a_net_logs_and_keeps_the_validation_examples_for_the_report(small_npz, results):
    jobs = [job_on(small_npz, results, seed=seed) for seed in (0, 1)]
    first, second = (check(jobs, keep=False)[job.id] for job in jobs)
    assert [each.name for each in first.compiled] == ["loss", "accuracy"] == [each.name for each in second.compiled]
    assert set(first.initial_weights) == {"conv/kernel", "hidden/kernel", "out/kernel"}
    assert second.initial_weights == {}  # of a net that differs in the seed alone none is built
    kept = results / "runs" / ".validation"
    assert not list(kept.glob("*"))
    check(jobs, keep=True)
    assert len(list(kept.glob("*"))) == 1


def test_a_trajectory_sees_the_gpu_of_its_slot_and_the_next_one_takes_it_over(small_npz, results, monkeypatch):
    started, begin = [], pool.start

    def noted(task, arguments, writer, gpu=None):
        started.append(gpu)
        return begin(task, arguments, writer, NO_GPU)  # there is no GPU here to be used

    monkeypatch.setattr(pool, "start", noted)
    monkeypatch.setattr(pool, "usable_gpus", lambda: (["4", "5"], ""))
    jobs = [job_on(small_npz, results, seed=seed) for seed in range(3)]
    assert pool.run_jobs(jobs, None) == []
    assert started[:2] == ["4", "5"] and set(started[2:]) <= {"4", "5"}


def test_a_gpu_on_which_trainings_fail_at_once_gets_no_more_of_them(small_npz, results, monkeypatch, capfd):
    begin = pool.start

    def broken(task, arguments, writer, gpu=None):
        if gpu == "4":
            arguments = [replace(arguments[0], source={})]  # fails before its first epoch
        return begin(task, arguments, writer, NO_GPU)

    monkeypatch.setattr(pool, "start", broken)
    monkeypatch.setattr(pool, "usable_gpus", lambda: (["4", "5"], ""))
    jobs = [job_on(small_npz, results, seed=seed) for seed in range(5)]
    assert len(pool.run_jobs(jobs, None)) == 1
    assert "GPU 4: 2 trainings in a row failed at once; it gets no more" in capfd.readouterr().err
    assert len(list((results / "runs").glob("*/run.json"))) == 4
