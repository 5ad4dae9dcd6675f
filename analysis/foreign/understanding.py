"""Histories that other tools made -> a declaration, tidy frames, and what was understood.

Columns of `runs`, a row per run that counts, cells in the design's order, then seeds:

| column | type | unit | meaning |
|---|---|---|---|
| run | str | | id, made up from the cell and the seed |
| cell | str | | the cell's label |
| a column per factor | str | | the level's label; of arms one column, `arm` |
| seed | int | | seed, or replicate number within the cell |
| epochs | int | epochs | how far along the run is looked at; 1 where its tool gives final figures only |
| status | str | | complete, diverged, failed, unfinished |
| m, val_m | float | as logged | each metric's figures, where there are any; empty unless the run is complete |

`history` has the same columns but `status`, and `epoch` (from 1): a row per run and epoch, without rows where there are
final figures only; its text columns are categorical, in that order. Where a metric was not finite it is empty.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.foreign.cells import ARMS, Cells, cells_of
from analysis.foreign.columns import divided, seed_key, selected
from analysis.foreign.factors import Factors, factors_of
from analysis.foreign.histories import Histories, unique, varies
from analysis.foreign.looks import looks_of
from analysis.foreign.metrics import Measured, measured
from analysis.foreign.options import NAME_LENGTH, Options, checked
from analysis.foreign.refusal import Refused, listed
from analysis.foreign.replicates import Replicates, check_replicated, replicates_of
from analysis.foreign.told import Told, told
from runner.store import SCHEMA, canonical_json

_COMMAND = "python -m analysis import"


@dataclass(frozen=True)
class Understanding:
    """What files mean: a declaration as in study.json, frames as in the module's docstring, a text for people."""

    declaration: dict[str, Any]
    runs: pd.DataFrame
    history: pd.DataFrame
    text: str


def understand(histories: Histories, options: Options | None = None, command: str = _COMMAND) -> Understanding:
    """Return how histories are understood; Refused or UnknownMetric, one sentence, where they cannot be.

    `command` is what the declaration says the study was made by.
    """
    options = checked(options or Options())
    histories = divided(selected(histories, options), options)
    metrics = measured(histories.history, options, histories.undivided)
    key = seed_key(histories, options)
    factors = factors_of(histories, key, [metric.name for metric in metrics.metrics], options)
    _check_varied(factors)
    cells = cells_of(factors, options)
    required = [f"val_{metric.name}" for metric in metrics.metrics if metric.primary]
    looks = looks_of(histories, metrics.columns, required, options)
    replicates = replicates_of(histories, looks.runs, cells, key, options)
    check_replicated(looks.runs, cells, factors, replicates.kept)
    runs, places = _runs(looks.runs, cells, replicates, metrics)
    left = (*histories.notes, *factors.left, *metrics.left, *replicates.left)
    notes = (*factors.notes, *metrics.notes, *looks.notes, *replicates.notes, *_alike(runs, metrics))
    declaration = _declaration(
        histories, options, command, cells, metrics, runs, (*notes, *(f"left out: {x}" for x in left))
    )
    history = _history(looks.history, runs, places, cells, metrics)
    text = told(Told(declaration, runs, replicates.column, metrics.columns, notes, left))
    return Understanding(declaration, runs, history, text)


def _check_varied(factors: Factors) -> None:
    """Raise Refused where no key can be a factor."""
    if factors.keys and all(varies(factors.labels[name]) for name in factors.keys):
        return
    if factors.keys:
        single = [name for name in factors.keys if not varies(factors.labels[name])]
        raise Refused(f"--factors must name keys with several values; {listed(single)} has one. Leave it out.")
    if factors.apart:
        raise Refused(
            f"PATH must hold two or more runs in a cell; {listed(factors.apart)} is other in every run, so that there "
            "is a single run in every cell. Train every setting with further seeds, three or more, or name --factors."
        )
    raise Refused(
        "PATH must hold runs whose settings vary; nothing varies between these but seeds and what names a run. Give "
        "further paths, write settings into the files' names (lr=0.1,seed=3.csv), or name --factors."
    )


def _runs(
    looked: pd.DataFrame, cells: Cells, replicates: Replicates, metrics: Measured
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the rows of the runs that count, and their places among the histories' runs."""
    seeds = replicates.seed.to_numpy()
    order = np.lexsort((seeds, cells.of_run.to_numpy()))
    places = order[replicates.kept.to_numpy()[order]]
    of_run = cells.of_run.to_numpy()[places]
    names = {
        "run": [_run_id(cells.labels[cell], int(seed)) for cell, seed in zip(of_run, seeds[places], strict=True)],
        "cell": np.array(cells.labels, dtype=object)[of_run],
        **{key: [cells.cells[cell][key] for cell in of_run] for key in cells.levels},
        "seed": seeds[places],
    }
    shown = looked.iloc[places].reset_index(drop=True)
    columns = {name: shown[name] for name in _columns(metrics)}
    return pd.DataFrame(names | {"epochs": shown["epochs"], "status": shown["status"]} | columns), places


def _columns(metrics: Measured) -> list[str]:
    """Return our columns that there are, metric by metric: `m`, `val_m`."""
    both = [name for metric in metrics.metrics for name in (metric.name, f"val_{metric.name}")]
    return [name for name in both if name in metrics.columns]


def _run_id(cell: str, seed: int) -> str:
    return hashlib.sha256(canonical_json([cell, seed]).encode()).hexdigest()[:24]


def _history(
    looked: pd.DataFrame, runs: pd.DataFrame, places: np.ndarray, cells: Cells, metrics: Measured
) -> pd.DataFrame:
    """Return a row per run and epoch as far as the run is looked at."""
    keys = ["run", "cell", *cells.levels, "seed", "epochs"]
    new_places = np.full(int(max(places.max(initial=0), looked["run"].max() if len(looked) else 0)) + 1, -1)
    new_places[places] = np.arange(len(places))
    to_run = new_places[looked["run"].to_numpy(dtype="int64")]
    epochs = looked["epoch"].to_numpy()
    until = runs["epochs"].to_numpy()
    kept = (to_run >= 0) & (epochs <= until[to_run])
    order = np.flatnonzero(kept)[np.argsort(to_run[kept], kind="stable")]
    texts = {key: pd.Categorical(runs[key], unique(runs[key])) for key in keys if runs[key].dtype.kind not in "iuf"}
    typed = runs[keys].assign(**texts)
    frame = typed.take(to_run[order]).reset_index(drop=True)
    values = {name: looked[name].to_numpy()[order] for name in _columns(metrics)}
    finite = {name: np.where(np.isinf(column), np.nan, column) for name, column in values.items()}
    return pd.concat([frame.assign(epoch=epochs[order].astype("int64")), pd.DataFrame(finite)], axis=1)


def _alike(runs: pd.DataFrame, metrics: Measured) -> tuple[str, ...]:
    """Return what is said of runs of one cell that agree in every figure, so that their seeds do nothing."""
    complete = runs[runs["status"].eq("complete")]
    again = complete.duplicated(["cell", *_columns(metrics)])
    if not again.any():
        return ()
    return (f"{int(again.sum())} of {len(complete)} complete runs agree with another of their cell in every figure",)


def _declaration(
    histories: Histories,
    options: Options,
    command: str,
    cells: Cells,
    metrics: Measured,
    runs: pd.DataFrame,
    notes: Iterable[str],
) -> dict[str, Any]:
    """Return what study.json says, and two keys of imported studies: `source` and `paired`."""
    places = {label: place for place, label in enumerate(cells.labels)}
    rows = zip(runs["run"], runs["cell"], runs["seed"], runs["epochs"], strict=True)
    declaration = {
        "schema": SCHEMA,
        "name": options.name or _name(cells.levels),
        "command": command,
        "design": cells.design,
        "mode": "",
        "recipe": "imported",
        "source": histories.source,
        "paired": options.pair == "seed",
        "factors": [{"key": key, "levels": list(levels)} for key, levels in cells.levels.items()],
        "cells": [{"label": label, "levels": levels} for label, levels in zip(cells.labels, cells.cells, strict=True)],
        "runs": [
            {"run": run, "cell": places[cell], "seed": int(seed), "epochs": int(epochs)}
            for run, cell, seed, epochs in rows
        ],
        "seeds": sorted({int(seed) for seed in runs["seed"]}),
        "metrics": [metric.described() for metric in metrics.metrics],
        "inert": [],
        "epochs_shared": 0,
        "notes": list(notes),
    }
    if cells.design == ARMS:
        declaration["comparisons"] = [[label, cells.labels[0]] for label in cells.labels[1:]]
    return declaration


def _name(levels: dict[str, tuple[str, ...]]) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", "_x_".join(levels))[:NAME_LENGTH].strip(".-")
    return name if name and name != "arm" else "imported"
