"""A task of `runner.worker` -> its answer, from a fresh process that a server with TensorFlow loaded forks; signals."""

import importlib
import multiprocessing
import os
import signal
import threading
import traceback
from multiprocessing import forkserver, resource_tracker, util
from multiprocessing.connection import Connection, wait
from typing import Any

from runner.errors import BadInput
from runner.machine import NO_GPU, gpus
from runner.quiet import errors_unseen
from runner.store import StoreError

PRELOADED = ["tensorflow", "keras", "sklearn.datasets", "runner.worker"]
STOPS = (signal.SIGINT, signal.SIGTERM)
LONGEST_FOLDER = 85  # of 107 bytes that a socket's path may have, less the socket's own name
DEFAULTS = (signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler)


class Interrupted(Exception):
    """The user or the system asked the program to stop; `signal_number` says how."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number

    def __str__(self) -> str:
        return signal.Signals(self.signal_number).name

    @property
    def exit_code(self) -> int:
        """The shell's convention: 130 for SIGINT, 143 for SIGTERM."""
        return 128 + self.signal_number


def usable_gpus() -> tuple[list[str], str]:
    """Return the GPUs that trainings can have, and a sentence where that is fewer than the machine seems to give.

    TensorFlow is asked only where there is any sign of a GPU, since asking takes seconds.
    """
    given = gpus()
    if not given:
        return [], ""
    seen = ask("gpus_seen", [], "The look for GPUs", None)
    if seen >= len(given):
        return given, ""
    there = "those" if seen else "the cores"
    return given[:seen], (
        f"CUDA_VISIBLE_DEVICES or the driver gives {len(given)} GPUs, of which TensorFlow can use {seen}; trainings "
        f"run on {there}. pip install 'ablation-runner[cuda]' installs TensorFlow's build for GPUs."
    )


def ask(task: str, arguments: list[Any], called: str, gpu: str | None = NO_GPU) -> Any:
    """Return what `runner.worker.<task>` answers in a process of its own, without a GPU; BadInput where it fails.

    `called` is what the task is called in a sentence; with `gpu` None it sees the GPUs that this process sees.
    Interrupted is raised on SIGINT or SIGTERM.
    """
    reader, writer = multiprocessing.Pipe(duplex=False)
    with Signals() as signals:
        process = start(task, arguments, writer, gpu if gpus() else None)
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
    if len(os.fsencode(util.get_temp_dir())) > LONGEST_FOLDER:
        raise BadInput(
            f"TMPDIR must be a folder with a path of at most {LONGEST_FOLDER} bytes, since sockets lie in it; got "
            f"{util.get_temp_dir()!r}. Set TMPDIR to a shorter one, such as /tmp."
        )
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
        writer.send({"kind": "result", "result": function(*arguments)})
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
    """While open, SIGINT and SIGTERM are noted instead of raised, and `reader` becomes ready; a second one ends all.

    A handler that is there already is left alone: a cluster's engine knows better what its signals ask for.
    """

    def __enter__(self) -> "Signals":
        self.received = 0
        self.reader, self._writer = multiprocessing.Pipe(duplex=False)
        self._before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in STOPS:
                if signal.getsignal(number) in DEFAULTS:
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
