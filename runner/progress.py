"""What the store tells of trainings while they go on, whoever trains them -> live progress on the terminal."""

import io
import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

from tqdm import tqdm

from runner.contents import stamp
from runner.machine import host
from runner.plan import Job
from runner.store import Store, plain


class Watch:
    """Trainings until the store answers for each: done, failed, or going on somewhere.

    `left` are those that have not ended, `failed` the ids of those that failed since it was made, in the order they
    were seen to.
    """

    def __init__(self, store: Store, jobs: Sequence[Job], shown: bool = True) -> None:
        self.store = store
        self.left = {job.id: job for job in jobs}
        self.failed: list[str] = []
        self._where: dict[str, str] = {}
        self._epochs = {job.id: int(min(max(store.reached(job.id), self._told(job)), job.epochs)) for job in jobs}
        self._before = {job.id: (None, self._ends(job.id)[1]) for job in jobs}  # a record counts whenever it came
        left = sum(job.epochs - self._epochs[job.id] for job in jobs)
        self.display = Display(len(jobs), left, sys.stderr if shown else io.StringIO())

    def look(self) -> None:
        """Take in what the store tells by now."""
        at_work = self.store.at_work()
        for job in list(self.left.values()):
            before, now = self._before[job.id], self._ends(job.id)
            self._before[job.id] = now
            if now[0] not in (None, before[0]) and self.store.reached(job.id) >= job.epochs:
                self.end(job)
            elif now[1] not in (None, before[1]):
                self.fail(job, (self.store.failure(job.id) or {"reason": "not known"})["reason"])
            elif job.id in at_work:
                self._go_on(job, self._told(job))
        self.display.running({self._where[run_id] for run_id in self.left if run_id in self._where})

    def end(self, job: Job) -> None:
        """Count a training that is recorded, once."""
        if self.left.pop(job.id, None) is not None:
            self._go_on(job, job.epochs)
            self.display.run_ended(job.label, self._where.get(job.id, ""))

    def fail(self, job: Job, reason: str) -> None:
        """Count a training that failed, once, and tell why."""
        if self.left.pop(job.id, None) is not None:
            self.failed.append(job.id)
            self.display.say(f"failed: {job.label}: {reason}")
            self.display.run_ended(job.label, "", well=False)

    def _told(self, job: Job) -> int:
        """Return how many epochs the store tells that the training has behind it; remember where it goes on."""
        told = self.store.told(job.id)
        if told is None:
            return 0
        self._where[job.id] = told["host"]
        return min(told["epoch"], job.epochs)

    def _go_on(self, job: Job, epoch: int) -> None:
        self.display.advance(max(epoch - self._epochs[job.id], 0))
        self._epochs[job.id] = max(epoch, self._epochs[job.id])

    def _ends(self, run_id: str) -> tuple[Any, Any]:
        """Return what tells one record, and one failure, from a later one; None where there is none."""
        return stamp(str(self.store.runs / run_id / "run.json")), stamp(str(self.store.work(run_id) / "failure.json"))

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_: object) -> None:
        self.display.close()


class Display:
    """Live progress on the terminal: epochs done, time left; plain lines where there is no terminal."""

    def __init__(self, runs: int, epochs: int, stream: TextIO) -> None:
        self.runs, self.epochs, self.stream = runs, epochs, stream
        self.ended, self.done = 0, 0
        self.started = self.advanced = time.perf_counter()
        self.live = stream.isatty()
        self.bar = tqdm(
            total=epochs,
            unit="epoch",
            file=stream,
            disable=not self.live,
            bar_format="{desc} {bar} {n_fmt}/{total_fmt} epochs, {elapsed} so far{postfix}",
            desc=f"0/{runs} trainings",
        )

    def advance(self, epochs: int) -> None:
        """Count epochs that were trained."""
        if epochs:
            self.done += epochs
            self.advanced = time.perf_counter()
            self.bar.update(epochs)

    def seconds_left(self) -> float | None:
        """Return how long the rest takes at the pace so far, less what has gone by since an epoch ended; or None."""
        if not self.done:
            return None
        pace = (self.advanced - self.started) / self.done
        return max(pace * (self.epochs - self.done) - (time.perf_counter() - self.advanced), 0.0)

    def running(self, hosts: set[str]) -> None:
        """Let the clock go on between epochs, and tell on how many machines they are trained where it is not this."""
        elsewhere = f" on {len(hosts)} machines" if len(hosts) > 1 else ""
        left = self.seconds_left()
        self.bar.set_description(f"{self.ended}/{self.runs} trainings{elsewhere}", refresh=False)
        self.bar.set_postfix_str("" if left is None else f"about {duration(left)} left", refresh=False)
        self.bar.refresh()

    def run_ended(self, label: str, where: str, well: bool = True) -> None:
        """Count a training that ended; `where` is the machine that it was trained on, where that is known."""
        self.ended += 1
        if not self.live and well:
            spent, left = time.perf_counter() - self.started, self.seconds_left() or 0.0
            elsewhere = f" on {where}" if where not in ("", host()) else ""
            self.say(
                f"[{self.ended}/{self.runs}] {label}: done{elsewhere}; {spent:.0f} s so far, about {left:.0f} s left"
            )

    def say(self, line: str) -> None:
        """Print a line without disturbing the bar; nothing in it steers the terminal."""
        tqdm.write(plain(line), file=self.stream)

    def close(self) -> None:
        """Leave the terminal clean."""
        self.bar.close()


def duration(seconds: float) -> str:
    """Return seconds as `40 s`, `3 min`, `2 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
