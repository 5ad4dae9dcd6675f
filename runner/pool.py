"""Trajectories -> processes: a fresh one each, as many at a time as there are cores, with progress and signals."""

import contextlib
import importlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from runner.errors import BadInput
from runner.machine import NO_GPU, gpus, slots
from runner.plan import Job
from runner.progress import Display
from runner.quiet import errors_unseen
from runner.store import Store, StoreError

PRELOADED = ["tensorflow", "keras", "sklearn.datasets", "runner.worker"]
STOPS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):
    """The user or the system asked the program to stop; `signal_number` says how."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal.Signals(signal_number).name)
        self.signal_number = signal_number

    @property
    def exit_code(self) -> int:
        """The shell's convention: 130 for SIGINT, 143 for SIGTERM."""
        return 128 + self.signal_number


def run_jobs(jobs: Iterable[Job], count: int, epochs: int, workers: int | None, workers_per_gpu: int = 1) -> list[str]:
    """Train `count` jobs, `epochs` epochs in all; return the ids of those that failed, in the order they did.

    A job that fails is written down in the store and costs only itself. Interrupted is raised, all
    workers stopped, on SIGINT or SIGTERM; a second signal ends the program at once.
    """
    with Signals() as signals:
        pool = Pool(iter(jobs), slots(workers, workers_per_gpu)[:count], signals, Display(count, epochs))
        try:
            return pool.run()
        finally:
            pool.stop()


def ask(task: str, arguments: list[Any], called: str) -> Any:
    """Return what `runner.worker.<task>` answers in a process of its own, without a GPU; BadInput where it fails.

    `called` is what the task is called in a sentence. Interrupted is raised on SIGINT or SIGTERM.
    """
    reader, writer = multiprocessing.Pipe(duplex=False)
    with Signals() as signals:
        process = start(task, arguments, writer, NO_GPU if gpus() else None)
        writer.close()
        try:
            while reader not in (ready := wait([reader, signals.reader])):
                if signals.reader in ready:
                    raise Interrupted(signals.received)
            message = receive(reader)
        finally:
            process.kill()
            process.join()
    if message is None:
        raise BadInput(f"{called} ended without an answer ({ending(process.exitcode)}).")
    if message["kind"] == "failed":
        raise BadInput(message["reason"] if message["told"] else f"{called} failed: {message['reason']}.")
    return message["result"]


# ---- processes


def start(task: str, arguments: list[Any], writer: Connection, gpu: str | None = None) -> Any:
    """Return a fresh process that runs `runner.worker.<task>`, forked from a server that has TensorFlow loaded.

    It sees the one GPU that is named, or without a name what this process sees.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    start_server()
    process = context.Process(target=enter, args=(task, arguments, writer, gpu), daemon=True)
    process.start()
    return process


def start_server() -> None:
    """Start the server that forks workers, its error stream closed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    resource_tracker.ensure_running()  # now, since it unblocks the signals when it starts
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # the server inherits it: a Ctrl-C goes to all and must not end it
    try:
        with errors_unseen():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def enter(task: str, arguments: list[Any], writer: Connection, gpu: str | None) -> None:
    """Be the worker: run the task, send what it tells, and send how it ended."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # read when TensorFlow first looks for GPUs, which is not yet
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends Ctrl-C to all; the sweep decides what stops
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        function = getattr(importlib.import_module("runner.worker"), task)
        tell = [writer.send] if task == "run_job" else []
        writer.send({"kind": "result", "result": function(*arguments, *tell)})
    except BaseException as error:
        told = isinstance(error, BadInput | StoreError)
        writer.send({"kind": "failed", "reason": reason_of(error), "told": told, "traceback": traceback.format_exc()})


def end_with_parent() -> None:
    """End this process as soon as the one that asked for it has ended, so that none is left behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def reason_of(error: BaseException) -> str:
    """Return one line that says what went wrong."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return "out of memory; lower workers= and run the same command again"
    if isinstance(error, BadInput | StoreError):
        return str(error)
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def receive(reader: Connection) -> dict[str, Any] | None:
    """Return the next message, or None where the process ended without one."""
    try:
        return reader.recv()
    except (EOFError, OSError):
        return None


def ending(exit_code: int | None) -> str:
    """Return how a process ended, in words."""
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    name = signal.Signals(-exit_code).name
    hint = ", perhaps by the system because memory ran out; lower workers= if so" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"


class Signals:
    """While open, SIGINT and SIGTERM are noted instead of raised, and `reader` becomes ready; a second one ends all."""

    def __enter__(self) -> "Signals":
        self.received = 0
        self.reader, self._writer = multiprocessing.Pipe(duplex=False)
        self._before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in STOPS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, _frame: Any) -> None:
        if self.received:
            os._exit(128 + number)
        self.received = number
        self._writer.send_bytes(b"!")

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self.reader.close()
        self._writer.close()


@dataclass
class Worker:
    """A process in training and what it last said."""

    job: Job
    process: Any
    reader: Connection
    slot: str | None = None
    epoch: int | None = None
    failure: dict[str, Any] | None = None
    finished: bool = False


class Pool:
    """Runs jobs side by side, one in a slot, until none is left."""

    def __init__(self, jobs: Iterator[Job], slots: list[str | None], signals: Signals, display: "Display") -> None:
        self.jobs, self.free, self.signals, self.display = jobs, list(slots), signals, display
        self.workers: list[Worker] = []
        self.failed: list[str] = []

    def run(self) -> list[str]:
        """Return the ids of the jobs that failed, once all have ended."""
        while self.fill() or self.workers:
            ready = wait([self.signals.reader, *(worker.reader for worker in self.workers)], timeout=1.0)
            if self.signals.reader in ready:
                raise Interrupted(self.signals.received)
            for worker in [each for each in self.workers if each.reader in ready]:
                self.hear(worker)
            self.display.refresh()
        return self.failed

    def fill(self) -> bool:
        """Start the next job where there is room; tell whether one was started."""
        if not self.free or (job := next(self.jobs, None)) is None:
            return False
        slot = self.free.pop(0)
        reader, writer = multiprocessing.Pipe(duplex=False)
        worker = Worker(job, start("run_job", [job], writer, slot), reader, slot)
        writer.close()
        self.workers.append(worker)
        return True

    def hear(self, worker: Worker) -> None:
        """Take in one message of a worker, or its end."""
        message = receive(worker.reader)
        if message is None:
            self.end(worker)
        elif message["kind"] == "training":
            worker.epoch = message["epoch"]
        elif message["kind"] == "epoch":
            self.display.advance(message["epoch"] - (worker.epoch or 0))
            worker.epoch = message["epoch"]
        elif message["kind"] == "failed":
            worker.failure = {"reason": message["reason"], "traceback": message["traceback"]}
        elif message["kind"] == "result":
            worker.finished = True

    def end(self, worker: Worker) -> None:
        """See a worker off; write down how it failed, if it did."""
        worker.process.join()
        worker.reader.close()
        self.workers.remove(worker)
        self.free.append(worker.slot)
        if not worker.finished:
            failure = worker.failure or {"reason": ending(worker.process.exitcode), "traceback": ""}
            self.failed.append(worker.job.id)
            with contextlib.suppress(OSError, StoreError):
                Store(worker.job.results_dir).save_failure(worker.job.id, {"label": worker.job.label, **failure})
            self.display.say(f"failed: {worker.job.label}: {failure['reason']}")
        self.display.run_ended(worker.job.label, worker.finished)

    def stop(self) -> None:
        """End every worker; a checkpoint is whole at any moment, so nothing is waited for."""
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            worker.process.join()
        self.display.close()
