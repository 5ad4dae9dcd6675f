"""Trainings -> workers that a launcher of Hydra's starts elsewhere, watched in the store until none is left.

The list of trainings lies in the store, this command's alone and named by the digest of its content; a worker is told
that name, takes what it finds there as any other worker does (`pool`), and ends when the list is gone. So the launcher
is asked for nothing but to start `workers` jobs, and what becomes of one of them costs no more than the epoch that it
was in.
"""

import contextlib
import dataclasses
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from runner.plan import Job
from runner.pool import run_jobs
from runner.processes import Interrupted, Signals
from runner.progress import Watch
from runner.slurm import Queue
from runner.store import Store

Launch = Callable[[list[list[str]]], Any]  # what starts a job for each list of overrides and waits for them
PATIENCE = 10  # looks, a second each, without a worker, after which one that broke is believed to have left none
JOIN_SECONDS = 10


def launch(
    start: Launch, jobs: Sequence[Job], store: Store, workers: int, folder: Path, workers_per_gpu: int = 1
) -> None:
    """Let `start` start `workers` jobs that train these; return when all have ended, or no worker is left.

    `folder` is where the launcher keeps its own files of this command. Interrupted is raised on SIGINT or SIGTERM.
    However it ends, its workers end too, those that wait in a queue included.
    """
    from hydra.core.override_parser.types import Quote, QuotedString

    if not jobs:
        return
    key = store.save_jobs([dataclasses.asdict(job) for job in jobs])
    root = QuotedString(str(store.root), Quote.single).with_quotes()
    overrides = [f"jobs={key}", f"results_dir={root}", f"workers_per_gpu={workers_per_gpu}"]
    engine = Engine(start, [overrides] * min(workers, len(jobs)), Queue(folder))
    with Signals() as signals, Watch(store, jobs) as watch:
        try:
            watch_over(engine, watch, signals, key)
        finally:
            store.forget_jobs(key)
            engine.queue.cancel()
            engine.join()
            with contextlib.suppress(OSError):
                folder.rmdir()  # where the launcher kept nothing
        if engine.error is not None:
            watch.display.say(f"hydra/launcher ended early: {engine.error}")
        if watch.left:
            watch.display.say(f"no worker is left; {len(watch.left)} of {len(jobs)} trainings are not done")


def watch_over(engine: "Engine", watch: Watch, signals: Signals, key: str) -> None:
    """Look until every training has ended, or nobody is left who could take one."""
    alone = 0
    while watch.left:
        if wait([signals.reader], timeout=1.0):
            raise Interrupted(signals.received)
        watch.look()
        held = any(watch.store.is_held(run_id) for run_id in watch.left)
        alone = 0 if held or watch.store.has_workers(key) or engine.is_at_work() else alone + 1
        if alone > (PATIENCE if engine.error else 1):
            return


def work(key: str, results_dir: str, workers_per_gpu: int) -> None:
    """Be one of the workers: train what the list under the key names, as many at a time as this machine has slots."""
    store = Store(results_dir)
    found = store.jobs(key)
    if found is None:
        print(f"jobs={key[:12]} are not asked for any more, or {store.root} is another folder here.")
        return
    with store.at_work_on(key):
        jobs = [Job(**job) for job in found]
        failed = run_jobs(jobs, None, workers_per_gpu, lambda: store.are_wanted(key), launched=True)
    if not failed:
        store.forget_jobs(key)  # for a command that was killed and could not


class Engine:
    """A launcher at work in a thread, since it returns only when all that it started has ended.

    The thread stays until the program ends: with it would end what the launcher keeps running for the next look, as
    Ray's processes do with the thread that started them (PR_SET_PDEATHSIG), and a minute later Ray ends the program.
    """

    def __init__(self, start: Launch, overrides: list[list[str]], queue: Queue) -> None:
        self.error: str | None = None
        self.queue = queue
        self._returned = threading.Event()
        threading.Thread(target=self._run, args=(start, overrides), daemon=True).start()

    def _run(self, start: Launch, overrides: list[list[str]]) -> None:
        try:
            raised = [error for each in start(overrides) or () if (error := raised_in(each)) is not None]
        except BaseException as error:
            raised = [error]
        if raised:
            self.error = f"{type(raised[0]).__name__}: {raised[0]}"
        self._returned.set()
        threading.Event().wait()

    def is_at_work(self) -> bool:
        """Tell whether the launcher still waits for what it started, and some of it may still come."""
        return not self._returned.is_set() and not self.queue.is_empty()

    def join(self) -> None:
        """Wait for the launcher to see its jobs end, as they do at once."""
        self._returned.wait(JOIN_SECONDS)


def raised_in(returned: Any) -> BaseException | None:
    """Return what a launched worker raised, as the launcher returns it, or None."""
    error = getattr(returned, "_return_value", None)
    return error if isinstance(error, BaseException) else None


class Detached(Exception):
    """The command goes on in the background; the message says how to look again."""


def leave(arguments: Sequence[str], store: Store) -> str:
    """Start the command of these arguments again, in the background; return what its user needs to know."""
    log = store.runs / ".jobs" / "detached.log"
    words = [word for word in arguments if word.lstrip("+").partition("=")[0] != "detach"] + ["detach=false"]
    with open(log, "ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "runner", *words],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return (
        f"The study goes on in the background as process {process.pid} and writes to {log}. "
        "The same command without detach=true shows how far it is, and the report in the end; "
        f"kill {process.pid} stops it."
    )
