"""The tables beside a study.json -> the parts that a report is made of, on a clean clone as after an import.

What names a run is taken from the declaration, whose runs the tables hold in its order: labels keep every letter.
tables/records.json has what records say of themselves, trainings with the same words together; tables/predictions.npz
what runs answer (`analysis.reading.answers`).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.reading.answers import read_answered
from analysis.reading.columns import TIMES
from analysis.reading.csv_files import read_csv, spreadsheet
from analysis.reading.frames import last_columns, run_keys
from analysis.reading.parts import Parts
from runner.store import StoreError

SOURCES = ("runs.csv", "history.csv", "other_end.csv", "records.json", "predictions.npz")  # what is read here
STATUSES = ("complete", "diverged", "failed", "missing", "unfinished")
Summaries = Mapping[str, Mapping[str, Any]]


def from_tables(declaration: dict[str, Any], folder: Path, columns: Sequence[str], window: int) -> Parts:
    """Return what the tables in `folder` hold of the declared runs; StoreError where they are of other runs."""
    other = folder / "other_end.csv"
    there = "other_end" in declaration and other.exists()
    return Parts(
        runs=_read_runs(declaration, folder / "runs.csv", columns, window),
        history=_read_history(declaration, folder / "history.csv", columns),
        summaries=_read_summaries(declaration, folder / "records.json"),
        answered=read_answered(folder / "predictions.npz"),
        tables=True,
        other_end=_read_runs(declaration["other_end"], other, columns, window) if there else None,
    )


def _types(columns: Sequence[str]) -> dict[str, str]:
    return {"run": "category", "cell": "category", "seed": "int64", **dict.fromkeys((*columns, *TIMES), "float64")}


def _read_runs(declaration: dict[str, Any], path: Path, columns: Sequence[str], window: int) -> pd.DataFrame:
    """Return a row per declared run, as `analysis.reading.frames` documents it."""
    measured = [*columns, *last_columns(columns, window)]
    found = read_csv(path, {"status": "str", "stopped": "Int64", **_types(measured)})
    keys = pd.DataFrame([run_keys(declaration, run) for run in declaration["runs"]])
    found = _filled(found, {"stopped": pd.NA, "status": ""})
    rows = np.arange(len(keys))
    if len(found) != len(keys) or not _of(declaration, found, rows) or not found["status"].isin(STATUSES).all():
        raise _of_other_runs(path)
    figures = [name for name in (*measured, *TIMES) if name in found]
    return pd.concat([keys, found[["status", "stopped", *figures]].astype({"stopped": "Int64"})], axis=1)


def _filled(found: pd.DataFrame, values: Mapping[str, Any]) -> pd.DataFrame:
    """Return the frame with columns that an earlier version did not write."""
    return found.assign(**{name: value for name, value in values.items() if name not in found})


def _of(declaration: dict[str, Any], found: pd.DataFrame, rows: np.ndarray) -> bool:
    """Tell whether the rows found are those of the declared runs at the places `rows`: record, cell and seed."""
    if not {"run", "cell", "seed"} <= set(found):
        return False
    runs = declaration["runs"]
    ids = {run_id: place for place, run_id in enumerate(dict.fromkeys(run["run"] for run in runs))}
    declared = np.array([(ids[run["run"]], run["cell"], run["seed"]) for run in runs]).reshape(-1, 3)
    found_places = (_places(found["run"], ids), _places(found["cell"], _cells(declaration)), found["seed"].to_numpy())
    return all((place == expected[rows]).all() for place, expected in zip(found_places, declared.T, strict=True))


def _cells(declaration: dict[str, Any]) -> dict[str, int]:
    """Return the places of the cells by their labels as the tables have them."""
    return {spreadsheet(cell["label"]): place for place, cell in enumerate(declaration["cells"])}


def _places(column: pd.Series, known: Mapping[str, int]) -> np.ndarray:
    """Return what is known of the texts of a categorical column: (rows,) int, -1 of those that are not known."""
    of_categories = [known.get(text, -1) for text in column.cat.categories]
    return np.array([*of_categories, -1])[column.cat.codes]


def _of_other_runs(path: Path) -> StoreError:
    return StoreError(
        f"the study's tables must be of the runs that its study.json declares; {str(path)!r} is of others. "
        "Run the study's command again."
    )


def _read_history(declaration: dict[str, Any], path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return a row per run and epoch, as `analysis.reading.frames` documents it; no rows where there is no file."""
    keys = pd.DataFrame([run_keys(declaration, run) for run in declaration["runs"]])
    if not path.exists():
        return keys.iloc[:0].assign(epoch=np.empty(0, int))
    found = read_csv(path, {"epoch": "int64", **_types(columns)})
    if not {"run", "cell", "seed", "epoch"} <= set(found):
        raise _of_other_runs(path)
    place_of_run = {(run["cell"], run["seed"]): place for place, run in enumerate(declaration["runs"])}
    cell_of_row = _places(found["cell"], _cells(declaration))
    first = np.flatnonzero(found["epoch"].to_numpy() == 1)
    if len(found) and (not len(first) or first[0] != 0):
        raise _of_other_runs(path)
    lengths = np.diff([*first, len(found)])
    seeds = found["seed"].to_numpy()
    places = [place_of_run.get((int(cell_of_row[row]), int(seeds[row])), -1) for row in first]
    rows = np.repeat(np.array(places, int), lengths)
    steps = np.arange(len(found)) - np.repeat(first, lengths) + 1
    if (rows < 0).any() or not (found["epoch"].to_numpy() == steps).all() or not _of(declaration, found, rows):
        raise _of_other_runs(path)
    named = keys.take(rows).reset_index(drop=True)
    figures = [name for name in (*columns, *TIMES) if name in found]
    return pd.concat([named, found[["epoch", *figures]]], axis=1)


# ---- what records say of themselves


def summaries_bytes(summaries: Summaries) -> bytes:
    """Return tables/records.json's bytes: the trainings by what is said of them, each saying once."""
    told: dict[str, list[str]] = {}
    for run_id, summary in summaries.items():
        told.setdefault(json.dumps(summary), []).append(run_id)
    lines = [f'{{"runs": {json.dumps(runs)}, "summary": {summary}}}' for summary, runs in told.items()]
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()


def _read_summaries(declaration: dict[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    """Return the summaries in the order of the declared runs; none where an earlier version wrote no such file."""
    if not path.exists():
        return {}
    try:
        groups = json.loads(path.read_bytes())
        found = {run_id: dict(group["summary"]) for group in groups for run_id in group["runs"]}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"the study's tables must be as the program wrote them; {str(path)!r} cannot be read "
            f"({type(error).__name__}: {error}). Run the study's command again."
        ) from None
    return {run["run"]: found[run["run"]] for run in declaration["runs"] if run["run"] in found}
