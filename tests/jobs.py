"""Jobs on the small dataset, and the processes that train them, that tests share."""

import time
from pathlib import Path

from conftest import small_spec

from runner.images.reading import arrays_digest, read_npz
from runner.plan import Job
from runner.store import record_id


def job_on(npz: Path, results: Path, epochs: int = 1, **changes) -> Job:
    """A job on the small dataset; `changes` are those of `small_spec`."""
    spec = small_spec(data=arrays_digest(read_npz(npz)), **changes)
    source = {"recipe": "images", "dataset": "npz", "path": str(npz)}
    return Job(record_id(spec), spec, epochs, f"seed {spec['seed']}", source, "npz", str(results), 1)


def wait_for(path: Path) -> None:
    """Wait until the path exists."""
    while not path.exists():
        time.sleep(0.05)


def workers_of(parent: int) -> list[int]:
    """The processes that the parent's fork server has forked, found by their parent's parent in /proc."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    return [pid for pid, above in parents.items() if parents.get(above) == parent]
