"""Run records turned into tidy frames: one row per run, one row per epoch.

Columns of `runs` (tables/runs.csv), a row per cell and seed; a metric `m` is the mean over the
run's last epochs, as many as the study's window has (one, unless more are declared), in the unit in which it is stored
(accuracy as a share):

| column | type | unit | meaning |
|---|---|---|---|
| run | str | | id of the trajectory's record; shared by runs of one trajectory |
| cell | str | | the cell's label |
| a column per factor | str | | the level's label |
| seed | int | | replicate and block |
| epochs | int | epochs | how far along the trajectory the run looks (where it is no factor) |
| status | str | | complete, diverged, failed, missing |
| stopped | int | epoch | after which a callback ended the training before the run's epochs; empty otherwise |
| m | float | m's | as Keras logs it: a mean over the epoch, while the weights move |
| on_m | float | m's | training probe in training mode (dropout on), mean of some draws |
| on_m_se | float | m's | standard error of that mean over draws |
| off_m | float | m's | the same examples in inference mode |
| holdout_m | float | m's | examples of the training file that are never trained on |
| val_m | float | m's | the validation set |
| last_m, last_on_m, ..., last_val_m | float | m's | the same after the last epoch; where the window is wider than one |
| train_seconds, measure_seconds | float | s | wall time of all the run's epochs |
| cpu_seconds | float | s | processor time of all the run's epochs, training and measuring |

What was not measured is empty, and so are all metrics of a run that is not complete. A run that a callback stopped is
complete: it looks at the last epoch there is. `history` (tables/history.csv) has the same columns but `status` and
`stopped`, and `epoch` (from 1): a row per run and epoch.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.reading.columns import TIMES
from runner.store import Record

RUN_COLUMNS = ("run", "cell", "seed", "epochs", "epoch", "status", "stopped", "n")  # of the frames, beside factors


def runs_frame(
    declaration: Mapping[str, Any],
    records: Mapping[str, Record],
    failures: Mapping[str, Any],
    columns: Sequence[str],
    window: int = 1,
) -> pd.DataFrame:
    """Return a row per declared run, cells in plan order, then seeds; `columns` are those of the metrics."""
    rows = []
    for run in declaration["runs"]:
        record = records.get(run["run"])
        status = _status_of(record, run["epochs"], run["run"] in failures)
        outcome = {"status": status, "stopped": _stopped_at(record, run["epochs"], status)}
        rows.append(run_keys(declaration, run) | outcome | _metrics(record, run["epochs"], status, (columns, window)))
    keys = list(run_keys(declaration, declaration["runs"][0]))
    frame = pd.DataFrame(rows, columns=[*keys, "status", "stopped", *columns, *last_columns(columns, window), *TIMES])
    return frame.astype({"stopped": "Int64"})


def run_keys(declaration: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what names a run: record, cell, levels, seed, epochs."""
    cell = declaration["cells"][run["cell"]]
    named = {"run": run["run"], "cell": cell["label"], **cell["levels"], "seed": run["seed"]}
    return named if "epochs" in named else named | {"epochs": run["epochs"]}


def _status_of(record: Record | None, epochs: int, failed: bool) -> str:
    """Return complete, diverged, failed or missing for a run that looks at a record after `epochs` epochs."""
    if record is not None:
        match record.summary["status"]:
            case "stopped":
                return "complete"
            case "diverged":
                return "complete" if record.epochs > epochs else "diverged"
            case "complete" if record.epochs >= epochs:
                return "complete"
    return "failed" if failed else "missing"


def _stopped_at(record: Record | None, epochs: int, status: str) -> int | None:
    return record.epochs if record is not None and status == "complete" and record.epochs < epochs else None


def last_columns(columns: Iterable[str], window: int) -> list[str]:
    """Return the columns of the last epoch alone, where the others are means over more."""
    return [f"last_{name}" for name in columns] if window > 1 else []


def _metrics(record: Record | None, epochs: int, status: str, measured: tuple[Sequence[str], int]) -> dict[str, float]:
    """Return the metrics over the window before `epochs` and the seconds up to there; nothing for no complete run."""
    if record is None or status != "complete":
        return {}
    columns, window = measured
    last = min(epochs, record.epochs)
    there = [name for name in columns if name in record.history]
    metrics = {name: _over_window(name, record.history[name][max(last - window, 0) : last]) for name in there}
    if window > 1:
        metrics |= {f"last_{name}": record.history[name][last - 1] for name in there}
    return metrics | {name: float(sum(record.history[name][:last])) for name in TIMES}


def _over_window(name: str, values: Sequence[float] | np.ndarray) -> float:
    """Return the mean of the values; of standard errors of independent draws, that of their mean."""
    values = np.asarray(values, float)
    return float(np.hypot.reduce(values) / len(values)) if name.endswith("_se") else float(values.mean())


def history_frame(
    declaration: Mapping[str, Any], records: Mapping[str, Record], columns: Sequence[str]
) -> pd.DataFrame:
    """Return a row per run and epoch, as far as the run looks; a diverged or stopped run's epochs up to its last."""
    names = [*run_keys(declaration, declaration["runs"][0]), "epoch", *columns, *TIMES]
    looks = [
        (run, record)
        for run in declaration["runs"]
        if (record := records.get(run["run"])) is not None and record.covers(run["epochs"])
    ]
    if not looks:
        return pd.DataFrame(columns=names)
    lengths = [min(run["epochs"], record.epochs) for run, record in looks]
    keys = pd.DataFrame([run_keys(declaration, run) for run, _ in looks])
    frame = keys.take(np.repeat(np.arange(len(looks)), lengths)).reset_index(drop=True)
    values = {"epoch": np.concatenate([np.arange(1, length + 1) for length in lengths])}
    for name in (*columns, *TIMES):
        pairs = zip(looks, lengths, strict=True)
        values[name] = np.concatenate([_column_of(record, name, length) for (_, record), length in pairs])
    return pd.concat([frame, pd.DataFrame(values)], axis=1)[names]


def _column_of(record: Record, name: str, length: int) -> np.ndarray:
    return np.asarray(record.history[name][:length]) if name in record.history else np.full(length, np.nan)
