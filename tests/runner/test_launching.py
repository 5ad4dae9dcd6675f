"""A launcher is asked for nothing but to start workers; what becomes of them is seen in the store."""

import ctypes
import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import ROOT
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus
from jobs import job_on

from runner import launching
from runner.errors import BadInput
from runner.images.choices import image_recipe
from runner.launching import launch, leave
from runner.processes import Interrupted
from runner.recipe import CONF, schema_of
from runner.settings import StudySchema
from runner.store import Store

PR_SET_PDEATHSIG = 1  # of prctl: the signal that a process gets when the thread that started it ends


class Cluster:
    """Starts a process for each list of overrides, as an engine's node would, in another folder; waits for all."""

    def __init__(self, folder):
        self.folder, self.nodes = folder, []

    def __call__(self, overrides):
        words = [sys.executable, "-m", "runner"]
        with_program = os.environ | {"PYTHONPATH": str(ROOT)}
        self.nodes = [
            subprocess.Popen([*words, *each], cwd=self.folder, env=with_program, start_new_session=True)
            for each in overrides
        ]
        for node in self.nodes:
            node.wait()


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "it's a \\folder")
    made.prepare()
    return made


def test_workers_elsewhere_share_the_work_and_one_that_is_killed_costs_its_epoch(small_npz, store, tmp_path, capfd):
    jobs = [job_on(small_npz, store.root, epochs=20, seed=seed) for seed in range(2)]
    cluster = Cluster(tmp_path)

    def kill_one():
        while not (told := [found for job in jobs if (found := store.told(job.id)) and found["epoch"]]):
            time.sleep(0.02)
        parent = int(Path(f"/proc/{told[0]['pid']}/stat").read_text().rpartition(")")[2].split()[1])
        [node] = [each for each in cluster.nodes if os.getpgid(each.pid) == os.getpgid(parent)]
        os.killpg(node.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    launch(cluster, jobs, store, 2, store.engine)
    killer.join()
    assert sorted(node.returncode for node in cluster.nodes) == [-signal.SIGKILL, 0]
    for job in jobs:
        assert store.record(job.id).epochs == 20
        log = (store.runs / job.id / "run.log").read_text().splitlines()
        assert 19 <= sum(line.startswith("epoch=") for line in log) <= 20  # one is lost between checkpoint and line
    assert not list((store.runs / ".jobs").glob("*.json"))
    said = capfd.readouterr().err
    assert "[2/2] " in said and "no worker is left" not in said


def test_where_no_worker_is_left_that_is_said_and_nothing_is_waited_for(small_npz, store, monkeypatch, capfd):
    monkeypatch.setattr(launching, "PATIENCE", 1)

    def breaks(overrides):
        raise RuntimeError("no queue of that name")

    launch(breaks, [job_on(small_npz, store.root)], store, 3, store.engine)
    launch(lambda overrides: store.engine.mkdir(), [job_on(small_npz, store.root)], store, 3, store.engine)
    assert not store.engine.exists()  # the launcher kept nothing there
    said = capfd.readouterr().err
    assert said.count("no worker is left; 1 of 1 trainings are not done") == 2
    assert said.count("hydra/launcher ended early: RuntimeError: no queue of that name") == 1


def test_a_worker_gets_what_it_needs_and_what_it_raises_is_told(small_npz, store, monkeypatch, capfd):
    monkeypatch.setattr(launching, "PATIENCE", 1)
    started = []

    def fails(overrides):
        started.extend(overrides)
        return [run_and_return(BadInput("TMPDIR must be a shorter path."))]

    launch(fails, [job_on(small_npz, store.root)], store, 2, store.engine, workers_per_gpu=4)
    assert len(started) == 1 and started[0][2] == "workers_per_gpu=4"
    assert "hydra/launcher ended early: BadInput: TMPDIR must be a shorter path." in capfd.readouterr().err


def run_and_return(error):
    """What Hydra hands back of a job that raised the error."""
    returned = JobReturn()
    returned.status, returned.return_value = JobStatus.FAILED, error
    return returned


@pytest.mark.parametrize("word", ["detach=true", "++detach=true", "name=mine"])
def test_what_goes_on_in_the_background_does_not_detach_again(store, monkeypatch, word):
    started = []
    monkeypatch.setattr(launching.subprocess, "Popen", lambda words, **_: started.append(words) or Started())
    assert "The study goes on in the background as process 7" in leave(["-m", word, "dropout=true,false"], store)
    kept = [word] if word.startswith("name") else []
    assert started[0][3:] == ["-m", *kept, "dropout=true,false", "detach=false"]


class Started:
    pid = 7


def test_an_interrupted_command_lets_its_workers_end_and_takes_what_waits_out_of_the_queue(
    small_npz, store, tmp_path, monkeypatch
):
    jobs = [job_on(small_npz, store.root, epochs=100_000)]
    cluster, cancelled = Cluster(tmp_path), []
    monkeypatch.setattr(launching.Queue, "cancel", lambda queue: cancelled.append(queue.folder))

    def interrupt():
        while not (told := store.told(jobs[0].id)) or not told["epoch"]:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(Interrupted, match=r"^SIGINT$"):
        launch(cluster, jobs, store, 1, store.engine)
    thread.join()
    assert [node.wait() for node in cluster.nodes] == [0]
    assert store.snapshot(jobs[0].id).epoch > 0 and not store.is_held(jobs[0].id)
    assert cancelled == [store.engine]


def test_a_worker_that_starts_when_nothing_is_asked_for_any_more_says_so(store, capsys):
    launching.work("0" * 64, str(store.root), 1)
    assert "000000000000 are not asked for any more" in capsys.readouterr().out


def test_workers_of_a_command_that_was_killed_forget_its_list_when_all_is_done(small_npz, store):
    job = job_on(small_npz, store.root)
    key = store.save_jobs([dataclasses.asdict(job)])
    launching.work(key, str(store.root), 1)
    assert store.record(job.id) and not store.are_wanted(key)


def test_each_command_has_a_folder_of_its_own_for_what_its_launcher_keeps(tmp_path):
    ConfigStore.instance().store("schema", node=schema_of(image_recipe(), StudySchema))
    with initialize_config_dir(str(CONF), version_base="1.3"):
        configs = [compose("config", [f"results_dir={tmp_path}"], return_hydra_config=True) for _ in range(2)]
    first, second = (Path(config.hydra.sweep.dir) for config in configs)
    assert first != second and first.parent == second.parent == Store(tmp_path).engine


def test_what_a_launcher_keeps_running_outlives_its_work_though_it_ends_with_its_thread(small_npz, store):
    kept = []

    def starts_a_server(overrides):
        def end_with_thread():
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

        kept.append(subprocess.Popen(["sleep", "1000"], preexec_fn=end_with_thread))

    launch(starts_a_server, [job_on(small_npz, store.root)], store, 1, store.engine)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            kept[0].wait(0.5)
    finally:
        kept[0].kill()
        kept[0].wait()
