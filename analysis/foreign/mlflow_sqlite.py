"""MLflow's SQLite store, its default now -> histories, read by `sqlite3` without mlflow; nothing is written."""

import contextlib
import sqlite3
from pathlib import Path

import numpy as np

from analysis.foreign.files import Tree, unreadable
from analysis.foreign.histories import STEPS, Histories, Run, from_text, gather
from analysis.foreign.mlflow_files import deleted
from analysis.foreign.points import history_of

SOURCE = "MLflow SQLite store"
_STATUSES = {"FINISHED": "complete", "FAILED": "failed"}  # any other: unfinished
_ENDS = (".db", ".sqlite", ".sqlite3")
_MAGIC = b"SQLite format 3\x00"
_TABLES = {"experiments", "metrics", "params", "runs"}
_LARGEST = 1.7976931348623157e308  # what MLflow writes for infinity
_RUNS = """select run_uuid, status, runs.lifecycle_stage, experiments.name
from runs left join experiments using (experiment_id) order by start_time, run_uuid"""


def find(tree: Tree) -> list[Path]:
    """Return the databases that have MLflow's tables."""
    return [path for path in tree.files if path.suffix.lower() in _ENDS and _is_store(path)]


def read(places: list[Path], tree: Tree) -> Histories:
    """Return the runs that were not deleted, in the order in which they started."""
    runs, gone = [], 0
    for path in places:
        with contextlib.closing(_open(path)) as database:
            try:
                rows = database.execute(_RUNS).fetchall()
                active = [row for row in rows if row[2] != "deleted"]
                runs += _runs(database, active)
            except (sqlite3.Error, TypeError, ValueError) as error:  # the latter of damaged values
                raise unreadable(path, "an MLflow store", error) from None
            gone += len(rows) - len(active)
    return gather(SOURCE, runs, counts=STEPS, notes=deleted(gone))


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _is_store(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            return False
    with contextlib.closing(_open(path)) as database:
        try:
            names = {name for (name,) in database.execute("select name from sqlite_master where type = 'table'")}
        except (sqlite3.Error, UnicodeDecodeError):
            return False
    return names >= _TABLES


def _runs(database: sqlite3.Connection, rows: list[tuple[str, str, str, str]]) -> list[Run]:
    params: dict[str, dict[str, object]] = {row[0]: {"experiment": row[3]} for row in rows}
    for run, key, value in database.execute("select run_uuid, key, value from params order by key"):
        if run in params:
            params[run][key] = from_text(value)
    points: dict[str, dict[str, tuple[list[int], list[float]]]] = {row[0]: {} for row in rows}
    query = "select run_uuid, key, value, step, is_nan from metrics order by key, timestamp, step"
    for run, key, value, step, is_nan in database.execute(query):
        if run in points:
            steps, values = points[run].setdefault(key, ([], []))
            steps.append(step)
            values.append(np.inf if is_nan or abs(value) >= _LARGEST else value)
    return [
        Run(row[0], params[row[0]], history_of(points[row[0]]), _STATUSES.get(row[1], "unfinished")) for row in rows
    ]
