"""What a study costs beyond training: starting workers, commands that train nothing, workers side by side.

python tests/benchmarks/overhead.py                                              about 6 minutes on 2 cores
python tests/benchmarks/overhead.py --repeats 2 --epochs 3 --images 2000         a try-out

- *start*: from asking for a worker to its first training step, for workers after the first: the
  time to the message that training begins, and by how much the first epoch's training is slower than the median
  of the later ones (its graph is made then).
- *share of life*: of a small run (embedded digits), what goes into training steps and measuring, at
  the pace of its median epoch, from asking for its worker to the end of the worker's process.
- *commands*: an up-to-date study, `--help`, a typo, a dry run; wall time to the exit.
- *parallel efficiency*: the time of an epoch (training and measuring, after the first) of a training
  alone over that of as many trainings as there are cores, each with one thread.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from statistics import median

import numpy as np
import workload
from machine import PYTHON, machine, run, table

from runner import processes
from runner.plan import Job
from runner.store import Store

SECONDS = ("train_seconds", "measure_seconds")


@dataclass
class Life:
    """A worker's life: when it was asked for, when training began and when it had ended; and its run's history."""

    job: Job
    wanted: float
    began: float = 0.0
    ended: float = 0.0
    history: dict[str, list[float]] = field(default_factory=dict)

    def start_seconds(self) -> float:
        """From asking for the worker to its first step."""
        train = self.history["train_seconds"]
        return self.began - self.wanted + train[0] - median(train[1:])

    def share(self) -> float:
        """The share of its life that training steps and measuring take."""
        return self.epoch_seconds() * len(self.history["epoch"]) / (self.ended - self.wanted)

    def epoch_seconds(self) -> float:
        """The median epoch after the first, training and measuring."""
        train, measure = (self.history[name][1:] for name in SECONDS)
        return median(first + second for first, second in zip(train, measure, strict=True))


def live(jobs: list[Job]) -> list[Life]:
    """Let the jobs' workers live side by side and return their lives; RuntimeError where one does not end well."""
    readers, lives = {}, []
    for job in jobs:
        reader, writer = multiprocessing.Pipe(duplex=False)
        lives.append(Life(job, time.perf_counter()))
        readers[reader] = (lives[-1], processes.start("run_job", [job], writer))
        writer.close()
    while readers:
        for life in lives:
            if not life.began and Store(life.job.results_dir).told(life.job.id):
                life.began = time.perf_counter()
        for reader in wait(list(readers), timeout=0.005):
            hear(readers, reader)
    for each in lives:
        record = Store(each.job.results_dir).record(each.job.id)
        if record is None:
            raise RuntimeError(f"{each.job.label} was not recorded; see {each.job.results_dir}")
        each.history = record.history
    return lives


def hear(readers: dict, reader: multiprocessing.connection.Connection) -> None:
    """Note one message of a worker, or its end."""
    life, process = readers[reader]
    if processes.receive(reader) is not None:
        return
    process.join()
    life.ended = time.perf_counter()
    reader.close()
    del readers[reader]


def job(results: Path, seed: int, epochs: int, npz: Path | None = None) -> Job:
    """Return a training of the final net on the embedded digits or the images in a file."""
    images = {} if npz is None else {"dataset": workload.dataset(npz)}
    return workload.job(results, workload.settings(seed=seed, epochs=epochs, **images))


def small_runs(results: Path, given: argparse.Namespace) -> Iterator[list[str]]:
    """Yield the rows about the start and the life of small runs, one worker at a time, the first left out."""
    lives = [live([job(results, seed, given.epochs)])[0] for seed in range(given.repeats + 1)][1:]
    yield row("from worker wanted to first step, s", [life.start_seconds() for life in lives], "at most 1.5")
    yield row("  of it until training begins, s", [life.began - life.wanted for life in lives], "")
    yield row("life of a worker, s", [life.ended - life.wanted for life in lives], "")
    title = f"share of it in steps and measuring, {given.epochs} epochs of digits"
    yield row(title, [life.share() for life in lives], "at least 0.75")


def commands(results: Path, given: argparse.Namespace) -> Iterator[list[str]]:
    """Yield the rows about commands that train nothing."""
    study = ["-m", "dropout=true,false", "seed=0,1", "epochs=1", f"results_dir={results}"]
    larger = ["-m", "dropout=true,false", "binarize=true,false", f"results_dir={results}", "dry_run=true"]
    run([*PYTHON, "-m", "runner", *study])
    for title, arguments, code, target in (
        ("an up-to-date study, s", study, 0, "at most 2"),
        ("--help, s", ["--help"], 0, "at most 1.5"),
        ("a typo, s", ["dropot=true"], 2, "at most 1.5"),
        ("a dry run, s", [*study, "dry_run=true"], 0, "at most 1.5"),
        ("a dry run of 20 runs, most to do, s", larger, 0, ""),
    ):
        taken = [run([*PYTHON, "-m", "runner", *arguments], exit_code=code) for _ in range(given.repeats)]
        yield row(title, [cost.wall_seconds for cost in taken], target)
        yield row("  processor time, s", [cost.cpu_seconds for cost in taken], "")


def side_by_side(results: Path, npz: Path, given: argparse.Namespace) -> Iterator[list[str]]:
    """Yield the rows about trainings alone and as many at once as there are cores, by turns."""
    cores, alone, together = len(os.sched_getaffinity(0)), [], []
    for turn in range(given.turns):
        seeds = [100 * turn + place for place in range(cores + 1)]
        jobs = [job(results, seed, given.long_epochs, npz) for seed in seeds]
        alone.append(live(jobs[:1])[0].epoch_seconds())
        together.append(median(life.epoch_seconds() for life in live(jobs[1:])))
    yield row("an epoch alone, s", alone, "")
    yield row(f"an epoch beside {cores - 1} more, s", together, "")
    ratios = [first / second for first, second in zip(alone, together, strict=True)]
    yield row(f"parallel efficiency on {cores} cores", ratios, "at least 0.9")


def row(title: str, values: list[float], target: str) -> list[str]:
    """Return a row of the table: median, lowest and highest."""
    return [title, f"{median(values):.2f}", f"{min(values):.2f} to {max(values):.2f}", str(len(values)), target]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="small runs, and tries of each command")
    parser.add_argument("--epochs", type=int, default=10, help="of a small run, at least 2")
    parser.add_argument("--images", type=int, default=20_000, help="training images of a training side by side")
    parser.add_argument("--long-epochs", type=int, default=3, help="epochs of a training side by side, at least 2")
    parser.add_argument("--turns", type=int, default=3, help="turns of alone and side by side")
    given = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        npz, results = Path(scratch) / "images.npz", Path(scratch) / "results"
        np.savez(npz, **workload.made(given.images, workload.VALIDATION_IMAGES * given.images // 60_000))
        rows = [
            *commands(results / "study", given),
            *small_runs(results / "small", given),
            *side_by_side(results / "long", npz, given),
        ]
    print(table(["", "median", "lowest to highest", "n", "target"], rows))


if __name__ == "__main__":
    main()
