"""The machine that a benchmark runs on, what a command costs on it, and the tables that benchmarks print."""

import ctypes
import importlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = [sys.executable]
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """What a command took; processor time is that of all its processes, also of those it left behind."""

    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: float  # of its largest process
    output: str


def run(command: Sequence[str], folder: Path = ROOT, exit_code: int = 0) -> Cost:
    """Run a command to its end and return what it took; RuntimeError where it ends with another exit code."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what it leaves behind becomes a child of this process
    with tempfile.TemporaryFile("w+") as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said, start_new_session=True)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read()
    usages = [usage, *left_behind(process.pid)]
    if process.returncode != exit_code:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    cpu = sum(each.ru_utime + each.ru_stime for each in usages)
    return Cost(wall, cpu, max(each.ru_maxrss for each in usages) / 1024, output)


def left_behind(group: int) -> list:
    """Wait for what is left of a process group and return the resources that each process has used."""
    found = []
    while True:
        try:
            found.append(os.wait4(-group, 0)[2])
        except ChildProcessError:
            return found


def machine() -> str:
    """Return the processor, its cores, and the versions that numbers depend on."""
    packages = ("tensorflow", "keras", "numpy", "pandas", "hydra-core")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return (
        f"machine: {processor()}, {cores} cores, {platform.system()}, Python {platform.python_version()}, {versions}; "
        f"load at the start {load:.1f}"
    )


def processor() -> str:
    """Return the processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def import_tensorflow(threads: int | None) -> None:
    """Import TensorFlow, unheard (it greets whatever it is told), and let an operation use so many threads or all."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        importlib.import_module("keras")
        tensorflow = importlib.import_module("tensorflow")
        if threads is not None:
            tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
            tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        tensorflow.constant(0)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
