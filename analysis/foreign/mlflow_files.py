"""MLflow's file store, `mlruns/<experiment>/<run>/{meta.yaml,params/,metrics/,tags/}` -> histories, without mlflow.

A line of a metric's file is `timestamp value step`; older ones have no step, newer ones a data set's name and digest.
"""

from pathlib import Path
from typing import Any

import numpy as np

from analysis.foreign.files import Tree, read_settings, read_text
from analysis.foreign.histories import STEPS, Histories, Run, from_text, gather
from analysis.foreign.points import history_of
from analysis.foreign.refusal import Refused, counted

SOURCE = "MLflow file store"
_STATUSES = {"3": "complete", "FINISHED": "complete", "4": "failed", "FAILED": "failed"}  # any other: unfinished
_FIELDS = (2, 3, 5)


def find(tree: Tree) -> list[Path]:
    """Return the folders of runs, deleted ones too; an experiment's own meta.yaml has no status."""
    metas = (path for path in tree.named("meta.yaml") if ".trash" not in path.parts)
    return [path.parent for path in metas if "\nstatus:" in f"\n{read_text(path)}"]


def read(places: list[Path], tree: Tree) -> Histories:
    """Return the runs that were not deleted, in the order in which they started."""
    metas = {folder: read_settings(folder / "meta.yaml") for folder in places}
    active = [folder for folder in places if metas[folder].get("lifecycle_stage") != "deleted"]
    active.sort(key=lambda folder: _start(metas[folder]))
    files: dict[Path, dict[str, list[Path]]] = {folder: {"params": [], "metrics": []} for folder in active}
    for path in tree.files:
        owner = next((parent for parent in path.parents if parent in files), None)
        if owner is not None and (kind := path.relative_to(owner).parts[0]) in ("params", "metrics"):
            files[owner][kind].append(path)
    experiments = {folder.parent: _experiment(folder.parent) for folder in active}
    runs = [_run(folder, metas[folder], experiments[folder.parent], files[folder]) for folder in active]
    return gather(SOURCE, runs, counts=STEPS, notes=deleted(len(places) - len(active)))


def _start(meta: dict[str, Any]) -> int:
    return meta["start_time"] if isinstance(meta.get("start_time"), int) else 0


def deleted(number: int) -> tuple[str, ...]:
    """Return what is said of runs that were deleted in MLflow."""
    return (f"{counted(number, 'run')} deleted in MLflow",) if number else ()


def _experiment(folder: Path) -> str:
    path = folder / "meta.yaml"
    return str(read_settings(path).get("name", folder.name)) if path.is_file() else folder.name


def _run(folder: Path, meta: dict[str, Any], experiment: str, files: dict[str, list[Path]]) -> Run:
    params = {_name(folder / "params", path): from_text(read_text(path)) for path in files["params"]}
    points = {_name(folder / "metrics", path): _points(path) for path in files["metrics"]}
    identity = str(meta.get("run_id") or meta.get("run_uuid") or folder.name)
    status = _STATUSES.get(str(meta.get("status")), "unfinished")
    return Run(identity, {"experiment": experiment, **params}, history_of(points), status)


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _points(path: Path) -> tuple[list[int], list[float]]:
    """Return a metric's steps and values, in the order of their times; where a value is not finite, infinite."""
    lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
    for line in lines:
        if len(line) not in _FIELDS:
            raise Refused(
                f"{path} must have lines of 2, 3 or 5 fields, as MLflow writes them; got {' '.join(line)!r}. "
                "Copy the store again."
            )
    try:
        rows = sorted(((int(line[0]), int(line[2]) if len(line) > 2 else 0, float(line[1])) for line in lines), key=_at)
    except ValueError:
        raise Refused(
            f"{path} must have lines of `timestamp value step`; it has others. Copy the store again."
        ) from None
    return [row[1] for row in rows], [row[2] if np.isfinite(row[2]) else np.inf for row in rows]


def _at(row: tuple[int, int, float]) -> int:
    return row[0]
