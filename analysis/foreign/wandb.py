"""W&B's exports -> histories: charts, history dumps, and the table of runs beside them, which has the settings.

A chart's CSV has `Step`, then `<run> - <metric>` with `...__MIN` and `...__MAX` for every run; where those differ from
the value, the chart was of groups, and the runs' own values are lost. A dump has `_step`, `_runtime`, `_timestamp` and
the metrics, a file per run or with a column that names it. The table of runs has `Name`, `State` and a column per key.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.foreign.epochs import by_epoch, whole
from analysis.foreign.files import TABLES, Tree, header, read_table
from analysis.foreign.histories import EPOCHS, STEPS, Histories, Run, from_path, gather, plain
from analysis.foreign.names import is_known
from analysis.foreign.refusal import Refused, listed

SOURCE = "W&B exports"
_RUN_NAMES = ("Name", "name", "run_name", "run", "run_id", "ID", "id")  # columns that name a run, best first
_STATES = {"finished": "complete", "failed": "failed", "crashed": "failed", "killed": "failed"}  # else unfinished
_OF_TABLE = {"State", "Created", "Runtime", "User", "Tags", "Notes", "End Time", "Sweep", "Hostname", "ID", "Updated"}


def find(tree: Tree) -> list[Path]:
    """Return the charts and dumps."""
    return [path for path in tree.tables if _kind(path) in ("chart", "dump")]


def read(places: list[Path], tree: Tree) -> Histories:
    """Return the runs, in the order in which charts and dumps name them, with the settings of the table beside."""
    histories: dict[str, list[pd.DataFrame]] = {}
    own: dict[str, dict[str, Any]] = {}
    by_epochs = []
    for path in places:
        frame = read_table(path)
        for name, history, config in _chart(frame, path) if _kind(path) == "chart" else _dump(frame, path):
            histories.setdefault(name, []).append(history)
            own[name] = own.get(name, {}) | config
            by_epochs.append(bool(history.attrs.get("by_epoch")))
    settings = _run_tables(places)
    if not settings and not any(own.values()):
        raise Refused(
            f"PATH must hold the table of runs beside {places[0].name}, since a W&B export of charts or histories has "
            "neither seed nor configuration; got none. Export the runs table as CSV into the same folder."
        )
    missing = [name for name in histories if settings and name not in settings]
    if missing:
        raise Refused(
            f"The table of runs must have a row for every run of the charts; it has none for {listed(missing)}. "
            "Export the table without filters."
        )
    runs = []
    for name, parts in histories.items():
        config, status = settings.get(name, ({}, "complete"))
        history = _side_by_side(parts, name)
        results = {key for key in config if key in history or is_known(key)}  # the table's own last figures
        settings_of_run = {key: value for key, value in config.items() if key not in results}
        runs.append(Run(name, own[name] | settings_of_run, history, status))
    return gather(SOURCE, runs, counts=EPOCHS if all(by_epochs) else STEPS)


def _kind(path: Path) -> str:
    """Return what a table is by its header: chart, dump, table, or nothing of W&B's."""
    names = header(path)
    if any(re.fullmatch(r".+ - .+__(MIN|MAX)", name) for name in names):
        return "chart"
    if {"Name", "name"} & set(names) and _OF_TABLE & set(names):
        return "table"
    return "dump" if "_step" in names and {"_runtime", "_timestamp"} & set(names) else ""


def _run_tables(places: list[Path]) -> dict[str, tuple[dict[str, Any], str]]:
    """Return settings and status by the run's name and id, from the tables in the folders of the exports."""
    folders = dict.fromkeys(path.parent for path in places)
    beside = (path for folder in folders for path in sorted(folder.iterdir()) if path.suffix.lower() in TABLES)
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for path in beside:
        if _kind(path) == "table":
            frame = read_table(path)
            names = [name for name in ("Name", "name", "ID", "id") if name in frame]
            for row in frame.to_dict("records"):
                config = {
                    key: plain(value) for key, value in row.items() if key not in _OF_TABLE and not pd.isna(value)
                }
                state = str(row.get("State", "finished"))
                for name in names:
                    config.pop(name, None)
                    found[str(row[name])] = (config, _STATES.get(state.lower(), "unfinished"))
    return found


def _chart(frame: pd.DataFrame, path: Path) -> list[tuple[str, pd.DataFrame, dict[str, Any]]]:
    """Return each run's history in a chart; Refused where the chart shows groups."""
    axis = frame.columns[0]
    by_epoch_axis = axis.lower().split("/")[-1] == "epoch"
    found: list[tuple[str, pd.DataFrame, dict[str, Any]]] = []
    for name in frame.columns[1:]:
        if " - " not in name or name.endswith(("__MIN", "__MAX")):
            continue
        _check_single(frame, name, path)
        run, metric = name.split(" - ", 1) if name.count(" - ") == 1 else name.rsplit(" - ", 1)
        if metric == "_step":
            continue
        there = frame[frame[name].notna()]
        history = pd.DataFrame({"epoch": whole(there[axis], str(path)), metric: there[name]}).reset_index(drop=True)
        history.attrs["by_epoch"] = by_epoch_axis
        found.append((run, history, {}))
    return found


def _check_single(frame: pd.DataFrame, name: str, path: Path) -> None:
    for end in ("__MIN", "__MAX"):
        other = f"{name}{end}"
        if other in frame and not frame[name].equals(frame[other].astype(frame[name].dtype)):
            raise Refused(
                f"{path} must hold runs one by one; it is aggregated already, since {other} differs from {name}: the "
                "chart showed groups or was smoothed. Ungroup the runs in W&B and export the chart again."
            )


def _dump(frame: pd.DataFrame, path: Path) -> list[tuple[str, pd.DataFrame, dict[str, Any]]]:
    """Return each run's history in a dump, with the settings that its rows or the file's name give."""
    column = next((name for name in _RUN_NAMES if name in frame), None)
    groups = frame.groupby(column, sort=False) if column else [(path.stem, frame)]
    return [_dumped(str(name), rows, column, path) for name, rows in groups]


def _dumped(name: str, rows: pd.DataFrame, column: str | None, path: Path) -> tuple[str, pd.DataFrame, dict[str, Any]]:
    hidden = [each for each in rows if each.startswith("_") or each == column]
    settings = [each for each in rows if each.startswith("config.") or rows[each].dtype.kind not in "iuf"]
    config = {
        each.removeprefix("config."): plain(rows[each].dropna().iloc[0])
        for each in settings
        if each != column and len(rows[each].dropna().unique()) == 1
    }
    left = rows.drop(columns=[*hidden, *(each for each in settings if each not in hidden)])
    if "epoch" in left:
        history = by_epoch(left, str(path))
    else:
        there = left.notna().any(axis=1)
        history = left[there].assign(epoch=whole(rows.loc[there, "_step"], str(path))).reset_index(drop=True)
    history.attrs["by_epoch"] = "epoch" in left
    return name, history, from_path(path) | config


def _side_by_side(parts: list[pd.DataFrame], name: str) -> pd.DataFrame:
    """Return the metrics of several charts as one history; a metric that came twice must be the same."""
    columns: dict[str, pd.Series] = {}
    for part in parts:
        for metric in part.columns.drop("epoch"):
            series = part.set_index("epoch")[metric]
            if metric in columns and not columns[metric].equals(series):
                raise Refused(
                    f"PATH must hold a run's {metric} once; got it twice with other values for run {name!r}. Keep one "
                    "of the exports, and give runs of one name distinct names in W&B."
                )
            columns[metric] = series
    frame = pd.DataFrame(columns).sort_index().astype(float)
    return frame.where(~np.isinf(frame), np.inf).rename_axis("epoch").reset_index()
