"""The numbers that submitit writes down of its jobs -> whether Slurm still has any of them, or will have them no more.

Slurm is asked itself: submitit learns from Slurm's accounting alone that a job was cancelled, and where there is no
accounting it waits for ever.
"""

import math
import shutil
import subprocess
import time
from pathlib import Path

ASK_SECONDS = 20.0  # between two questions to Slurm, which many ask
FORGOTTEN = "Invalid job id"  # what Slurm says of jobs that ended long ago


class Queue:
    """The jobs that one command has handed to Slurm; none where another launcher is at work."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._empty, self._asked = False, -math.inf

    def jobs(self) -> list[str]:
        """Return the numbers of the jobs, as Slurm counts them."""
        found = (path.name.removesuffix("_submission.sh") for path in self.folder.glob(".submitit/*/*_submission.sh"))
        return sorted(number for number in found if number.isdigit())

    def cancel(self) -> None:
        """Take out of the queue what waits there, for the first time or again; a worker that has begun ends itself."""
        self._ask("scancel", "--state=PENDING", *self.jobs())

    def is_empty(self) -> bool:
        """Tell whether Slurm knew, when it was last asked, that none of the jobs waits or runs any more."""
        if time.monotonic() - self._asked >= ASK_SECONDS:
            self._asked = time.monotonic()
            told = self._ask("squeue", "--noheader", "--jobs", ",".join(self.jobs()))
            self._empty = told is not None and not told.stdout and (not told.returncode or FORGOTTEN in told.stderr)
        return self._empty

    def _ask(self, command: str, *words: str) -> subprocess.CompletedProcess[str] | None:
        """Return what a command of Slurm's says; None where there is none, or nothing to ask it about."""
        if not self.jobs() or not shutil.which(command):
            return None
        return subprocess.run([command, *words], capture_output=True, text=True, check=False)
