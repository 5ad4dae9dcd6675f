"""Slurm is asked about the jobs of one command, as submitit writes them down, and about no others."""

import threading

import pytest
from jobs import job_on

from runner import launching, slurm
from runner.launching import launch
from runner.pool import run_jobs
from runner.slurm import Queue
from runner.store import Store


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Slurm's commands, each a script that notes its words and says what `says` holds; the notes."""
    notes, folder = tmp_path / "notes", tmp_path / "bin"
    folder.mkdir()
    for name in ("scancel", "squeue"):
        (folder / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {notes}\n. {tmp_path}/says\n')
        (folder / name).chmod(0o755)
    (tmp_path / "says").write_text("")
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr(slurm, "ASK_SECONDS", 0.0)
    return lambda: notes.read_text().splitlines() if notes.exists() else []


def submit(folder, *numbers):
    """Write what submitit writes of array jobs: a folder an array with its script, and a folder a task."""
    for number in numbers:
        for name in (number, f"{number}_0", f"{number}_1"):
            (folder / ".submitit" / name).mkdir(parents=True)
        (folder / ".submitit" / number / f"{number}_submission.sh").touch()


def test_what_one_command_has_waiting_is_cancelled_and_no_process_that_has_a_number_too(tmp_path, asked):
    submit(tmp_path / "ours", "19", "8")
    submit(tmp_path / "of another", "20")
    (tmp_path / "ours" / ".submitit" / "4711").mkdir()  # a process of submitit's local executor
    (tmp_path / "ours" / ".submitit" / ".submission_file_5eed.sh").touch()
    Queue(tmp_path / "ours").cancel()
    Queue(tmp_path / "of nobody").cancel()
    assert asked() == ["scancel --state=PENDING 19 8"]


@pytest.mark.parametrize(
    ("says", "empty"),
    [
        ("", True),
        ("echo 19", False),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", True),
        ("echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1", False),
    ],
)
def test_a_queue_is_empty_where_slurm_says_so_and_not_where_it_says_nothing(tmp_path, asked, says, empty):
    (tmp_path / "says").write_text(says)
    assert not Queue(tmp_path).is_empty() and not asked()  # nothing is submitted yet
    submit(tmp_path, "19")
    assert Queue(tmp_path).is_empty() == empty
    assert asked() == ["squeue --noheader --jobs 19"]


def test_where_there_is_no_slurm_no_queue_is_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    submit(tmp_path, "19")
    assert not Queue(tmp_path).is_empty()
    Queue(tmp_path).cancel()


def test_a_launcher_that_waits_for_cancelled_jobs_is_not_waited_for(small_npz, tmp_path, asked, monkeypatch, capfd):
    monkeypatch.setattr(launching, "JOIN_SECONDS", 0)
    store, ended = Store(tmp_path / "results"), threading.Event()
    store.prepare()

    def waits(overrides):
        submit(store.engine, "19")
        ended.wait()

    launch(waits, [job_on(small_npz, store.root)], store, 2, store.engine)
    ended.set()
    assert "no worker is left; 1 of 1 trainings are not done" in capfd.readouterr().err


def test_a_job_that_slurm_put_back_into_its_queue_is_taken_out_when_the_study_is_done(small_npz, tmp_path, asked):
    (tmp_path / "says").write_text("echo 19")
    store = Store(tmp_path / "results")
    store.prepare()
    job = job_on(small_npz, store.root)

    def preempts_one(overrides):
        submit(store.engine, "19")
        run_jobs([job], 1)

    launch(preempts_one, [job], store, 2, store.engine)
    assert store.record(job.id) and asked()[-1] == "scancel --state=PENDING 19"
