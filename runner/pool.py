"""Trajectories -> records: whoever runs this takes what is missing and nobody holds, as many at a time as it has slots.

Two commands on one folder, two machines that share it and a cluster's jobs are the same thing started in different
places. What another holds is passed over and looked at again at the end, so that none waits while work is left.
"""

import contextlib
import multiprocessing
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from runner.machine import slots
from runner.plan import Job
from runner.processes import Interrupted, Signals, ending, receive, start, usable_gpus
from runner.progress import Watch
from runner.store import Store, StoreError

ATTEMPTS = 2  # at a training whose process dies without a word, as one does that the system kills
STRIKES = 2  # trainings in a row that fail at once on a GPU, after which it gets no more


def run_jobs(
    jobs: Sequence[Job],
    workers: int | None,
    workers_per_gpu: int = 1,
    wanted: Callable[[], bool] = lambda: True,
    launched: bool = False,
) -> list[str]:
    """Train the jobs, here or, where another is faster, elsewhere; return the ids of those that failed.

    A job that fails is written down in the store and costs only itself; one whose process dies is tried once more.
    It ends early, all workers stopped, when the jobs are not `wanted` any more. Interrupted is raised, all workers
    stopped, on SIGINT or SIGTERM; a second signal ends the program at once. Where a launcher started this
    as one of its workers (`launched`), another watches and nothing is shown.
    """
    if not jobs:
        return []
    gpus, warning = usable_gpus()
    with Signals() as signals, Watch(Store(jobs[0].results_dir), jobs, shown=not launched) as watch:
        if warning:
            watch.display.say(warning)
        pool = Pool(jobs, slots(workers, workers_per_gpu, gpus, launched), signals, watch)
        try:
            return pool.run(wanted)
        finally:
            pool.stop()


@dataclass
class Worker:
    """A process in training and how it ended, as far as it said."""

    job: Job
    process: Any
    reader: Connection
    slot: str | None
    begun_at: int  # epochs that were behind the training when it began
    message: dict[str, Any] | None = None


class Pool:
    """Runs jobs side by side, one in a slot, until each is recorded or has failed."""

    def __init__(self, jobs: Sequence[Job], slots: Sequence[str | None], signals: Signals, watch: Watch) -> None:
        self.left, self.free, self.signals, self.watch = deque(jobs), list(slots)[: len(jobs)], signals, watch
        self.store = watch.store
        self.workers: list[Worker] = []
        self.attempts: dict[str, int] = {}
        self.strikes: dict[str | None, int] = {}
        self.retired: set[str | None] = set()  # GPUs on which trainings fail at once

    def run(self, wanted: Callable[[], bool]) -> list[str]:
        """Return the ids of the jobs that failed, once all have ended or are not `wanted` any more."""
        while (self.left or self.workers) and wanted():
            while self.free and (job := self.next_job()):
                self.begin(job)
            ready = wait([self.signals.reader, *(worker.reader for worker in self.workers)], timeout=1.0)
            if self.signals.reader in ready:
                raise Interrupted(self.signals.received)
            for worker in [each for each in self.workers if each.reader in ready]:
                self.hear(worker)
            self.watch.look()
        return self.watch.failed

    def next_job(self) -> Job | None:
        """Return the next job that is neither ended nor held by another; None where there is none for now."""
        for _ in range(len(self.left)):
            job = self.left.popleft()
            if job.id not in self.watch.left:
                continue
            record = self.store.record(job.id)
            if record is not None and record.covers(job.epochs):
                self.watch.end(job)
            elif self.store.is_held(job.id):
                self.left.append(job)
            else:
                return job
        return None

    def begin(self, job: Job) -> None:
        """Start a process that takes the job, unless another is faster."""
        slot = self.free.pop(0)
        reader, writer = multiprocessing.Pipe(duplex=False)
        process = start("run_job", [job], writer, slot)
        writer.close()
        self.workers.append(Worker(job, process, reader, slot, self.epoch_of(job)))

    def hear(self, worker: Worker) -> None:
        """Take in a worker's message, or its end."""
        message = receive(worker.reader)
        if message is None:
            self.end(worker)
        else:
            worker.message = message

    def end(self, worker: Worker) -> None:
        """See a worker off; write down how it failed, if it did, and take up again what another holds or it left."""
        worker.process.join()
        worker.reader.close()
        self.workers.remove(worker)
        job, message = worker.job, worker.message
        failed = message is None or message["kind"] == "failed"
        if not failed:
            self.strikes.pop(worker.slot, None)
        if failed and self.is_the_gpus_fault(worker):
            self.left.append(job)
            return
        if worker.slot not in self.retired:
            self.free.append(worker.slot)
        if message is None:
            self.died(job, ending(worker.process.exitcode))
        elif failed:
            self.fail(job, message["reason"], message["traceback"])
        elif not message["result"]:
            self.left.append(job)

    def epoch_of(self, job: Job) -> int:
        """Return how many epochs of the job are behind it."""
        told = self.store.told(job.id)
        return told["epoch"] if told else 0

    def is_the_gpus_fault(self, worker: Worker) -> bool:
        """Tell whether trainings in a row failed at once on the worker's GPU; then others get them."""
        slot = worker.slot
        if slot is None or self.epoch_of(worker.job) > worker.begun_at:
            self.strikes.pop(slot, None)
            return False
        self.strikes[slot] = self.strikes.get(slot, 0) + 1
        others = {*self.free, *(each.slot for each in self.workers)} - {slot}
        if self.strikes[slot] < STRIKES or not others:
            return False
        self.free = [each for each in self.free if each != slot]
        self.retired.add(slot)
        self.watch.display.say(f"GPU {slot}: {self.strikes[slot]} trainings in a row failed at once; it gets no more")
        return True

    def died(self, job: Job, how: str) -> None:
        """Try the job once more when all others are begun; another death fails it."""
        self.attempts[job.id] = self.attempts.get(job.id, 1) + 1
        if self.attempts[job.id] > ATTEMPTS:
            self.fail(job, how, "")
        else:
            self.watch.display.say(f"{job.label}: {how}; it goes on from its last whole epoch")
            self.left.append(job)

    def fail(self, job: Job, reason: str, traceback: str) -> None:
        """Write down how the job failed, where the report and other workers see it."""
        with contextlib.suppress(OSError, StoreError):
            self.store.save_failure(job.id, {"label": job.label, "reason": reason, "traceback": traceback})
        self.watch.fail(job, reason)

    def stop(self) -> None:
        """End every worker; a checkpoint is whole at any moment, so nothing is waited for."""
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            worker.process.join()
