"""A task runs in a process of its own; how it ended is said in words, and signals are noted."""

import importlib
import os
import pickle
import re
import signal
import subprocess
import sys

import pytest
from conftest import ROOT

from runner import processes


def test_a_second_signal_stops_at_once():
    program = (
        "import os, signal, time\n"
        "from runner.processes import Signals\n"
        "with Signals():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('first', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('second', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (143, "first\n")


def test_how_a_process_ended_is_said_in_words():
    assert processes.ending(3) == "exit code 3"
    assert processes.ending(-11) == "killed by SIGSEGV"
    assert processes.ending(-9).startswith("killed by SIGKILL, perhaps by the system because memory ran out")


def test_running_out_of_memory_is_named():
    assert processes.reason_of(MemoryError()).startswith("out of memory; lower workers=")
    assert processes.reason_of(ValueError("first\nsecond")) == "ValueError: first"


def test_a_worker_has_the_gpu_in_its_environment(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(processes, "end_with_parent", lambda: None)
    monkeypatch.setattr(processes.signal, "signal", lambda *_: None)
    reader, writer = processes.multiprocessing.Pipe(duplex=False)
    processes.enter("gpus_seen", [], writer, "1")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1" and reader.recv()["kind"] == "result"


@pytest.mark.parametrize(
    ("given", "seen", "usable", "told"),
    [
        (None, None, [], ""),  # TensorFlow is not asked
        ("4,5", 2, ["4", "5"], ""),
        ("4,5", 1, ["4"], "gives 2 GPUs, of which TensorFlow can use 1; trainings run on those."),
        ("0", 0, [], "gives 1 GPUs, of which TensorFlow can use 0; trainings run on the cores."),
    ],
)
def test_gpus_are_used_as_far_as_tensorflow_can_and_what_it_cannot_is_told(monkeypatch, given, seen, usable, told):
    asked = []
    monkeypatch.setattr(processes, "gpus", lambda: given.split(",") if given else [])
    monkeypatch.setattr(processes, "ask", lambda task, *rest: asked.append((task, rest[-1])) or seen)
    found, warning = processes.usable_gpus()
    assert found == usable and told in warning and bool(told) == bool(warning)
    assert asked == ([("gpus_seen", None)] if given else [])


GIVEN = {"Interrupted": (signal.SIGTERM,), "MissingArrays": (["x_test"], ["x_train"])}  # others take a sentence


def every_exception():
    """The exception classes of the program."""
    for root in (ROOT / "runner", ROOT / "analysis"):
        for path in sorted(root.rglob("*.py")):
            if re.search(r"^class \w+\(.*(Error|Exception|BadInput)\)", path.read_text(), re.MULTILINE):
                module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
                found = [each for each in vars(module).values() if isinstance(each, type)]
                yield from (
                    each for each in found if issubclass(each, Exception) and each.__module__ == module.__name__
                )


def test_every_exception_of_the_program_comes_whole_through_a_pipe_to_another_process():
    checked = set()
    for kind in every_exception():
        error = kind(*GIVEN.get(kind.__name__, ("a sentence",)))
        again = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert type(again) is kind and str(again) == str(error) and vars(again) == vars(error)
        checked.add(kind.__name__)
    assert {"Interrupted", "BadInput", "StoreError", "Detached", "Refused", "UnknownMetric"} <= checked
