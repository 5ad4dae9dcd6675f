"""A study's folder -> its declaration and what its records hold, as frames."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.reading.columns import TIMES, metric_columns
from analysis.reading.frames import RUN_COLUMNS, history_frame, runs_frame
from runner.metrics import Metric, read_metrics
from runner.store import Record, Store, StoreError, canonical_json, read_study

BUILT_IN = "images"  # the recipe that trains image classifiers
_SUMMARY = (  # of run.json, for the report
    *("status", "epochs", "study", "commit", "data", "examples", "environments"),
    *("validation", "classes", "train_mode"),
)


@dataclass(frozen=True)
class Design:
    """What was declared: `kind`, every factor with its levels (baseline first), and for arms the pairs to compare.

    `mode` is leave-one-out or add-one where components are switched one at a time, else "".
    """

    kind: str
    factors: dict[str, tuple[str, ...]]
    comparisons: tuple[tuple[str, str], ...] = ()
    mode: str = ""


@dataclass(frozen=True)
class Study:
    """A study's declaration and what its records hold, as frames.

    `records` are lean (see `_lean`), so that ten thousand fit; of their predictions `predictions` has
    those that runs look at: (run, epochs) -> the class given to every validation example, (examples,) whole numbers.
    """

    declaration: dict[str, Any]
    design: Design
    metrics: tuple[Metric, ...]  # primary ones first
    runs: pd.DataFrame
    history: pd.DataFrame
    records: dict[str, Record]
    store: Store
    predictions: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)
    quarantined: list[tuple[str, str]] = field(default_factory=list)
    other_end: pd.DataFrame | None = None  # as `runs`: of leave-one-out the add-one runs, and the reverse

    @property
    def factors(self) -> list[str]:
        """The factors' keys."""
        return list(self.design.factors)

    @property
    def cells(self) -> list[str]:
        """The cells' labels, baseline first."""
        return [cell["label"] for cell in self.declaration["cells"]]

    @property
    def primary(self) -> tuple[Metric, ...]:
        """The metrics of the corrected family; the first decides where one metric has to."""
        return tuple(metric for metric in self.metrics if metric.primary) or self.metrics[:1]

    @property
    def example(self) -> str:
        """What one example of the data is called."""
        return "image" if self.declaration.get("recipe") == BUILT_IN else "example"

    def validation(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return inputs and labels of the validation set, None where runs had different ones or none is kept."""
        keys = {record.summary.get("validation", "") for record in self.records.values()}
        key = keys.pop() if len(keys) == 1 else ""
        return self.store.validation(key) if key else None


def study_in(folder: Path, store: Store | None = None) -> Study:
    """Return the study declared in `folder`; `store` is the one around it, where it is open already."""
    declaration = read_study(folder)
    store = store or Store(folder.absolute().parent)
    metrics = _told_apart(read_metrics(declaration["metrics"]))
    columns = metric_columns(metrics)
    _refuse_clashes(columns, [factor["key"] for factor in declaration["factors"]])
    ids = list(dict.fromkeys(run["run"] for run in declaration["runs"]))
    records, predictions = _read_records(declaration, store)
    failures = {run_id: failure for run_id in ids if (failure := store.failure(run_id)) is not None}
    return Study(
        declaration=declaration,
        design=design_of(declaration),
        metrics=metrics,
        runs=runs_frame(declaration, records, failures, columns),
        history=history_frame(declaration, records, columns),
        records=records,
        store=store,
        predictions=predictions,
        failures=failures,
        quarantined=store.quarantined(set(ids)),
        other_end=_other_end(declaration, store, columns),
    )


def design_of(declaration: dict[str, Any]) -> Design:
    """Return the design that a declaration holds."""
    return Design(
        declaration["design"],
        {factor["key"]: tuple(factor["levels"]) for factor in declaration["factors"]},
        tuple(tuple(pair) for pair in declaration.get("comparisons", ())),
        declaration.get("mode", ""),
    )


def _refuse_clashes(columns: list[str], factors: list[str]) -> None:
    """Raise StoreError where two columns of a frame would have one name."""
    taken = [*columns, *TIMES, *factors, *RUN_COLUMNS]
    twice = next((name for name in columns if taken.count(name) > 1), None)
    if twice:
        raise StoreError(
            f"a metric must not have the name of a factor, or of another column of the runs; got {twice!r} twice. "
            "Give the metric another name in the recipe and run the command again."
        )


def _told_apart(metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    """Return the metrics, those that share a label called by their names, so that a sentence says which is meant."""
    metrics = list(metrics)
    labels = [metric.label for metric in metrics]
    return tuple(
        replace(each, label=each.name.replace("_", " ")) if labels.count(each.label) > 1 else each for each in metrics
    )


def _other_end(declaration: dict[str, Any], store: Store, columns: list[str]) -> pd.DataFrame | None:
    """Return the runs of the other end of a one-at-a-time design, None where the study declares none."""
    if "other_end" not in declaration:
        return None
    other = declaration["other_end"]
    found = {run["run"]: store.record(run["run"]) for run in other["runs"]}
    return runs_frame(other, {run_id: record for run_id, record in found.items() if record is not None}, {}, columns)


def _read_records(
    declaration: dict[str, Any], store: Store
) -> tuple[dict[str, Record], dict[tuple[str, int], np.ndarray]]:
    """Return the declared runs' records by id, and the predictions that the runs look at."""
    looked_at: dict[str, set[int]] = {}
    for run in declaration["runs"]:
        looked_at.setdefault(run["run"], set()).add(run["epochs"])
    records, predictions, parts = {}, {}, {}
    for run_id, epochs in looked_at.items():
        record = store.record(run_id)
        if record is not None:
            predictions |= {(run_id, number): _predicted(record, number) for number in epochs if record.covers(number)}
            records[run_id] = _lean(record, parts)
    return records, predictions


def _predicted(record: Record, epochs: int) -> np.ndarray:
    return record.predictions[min(epochs, record.epochs) - 1].copy()


def _lean(record: Record, parts: dict[str, Any]) -> Record:
    """Return the record as a report needs it: without spec and predictions, what others have too kept once in `parts`.

    The spec is opaque here: what a report says of a record stands in its summary.
    """

    def shared(value: Any) -> Any:
        return parts.setdefault(canonical_json(value), value)

    return replace(
        record,
        spec={},
        summary={key: shared(record.summary[key]) for key in _SUMMARY if key in record.summary},
        history={name: np.array(column) for name, column in record.history.items()},
        predictions=np.empty((0, 0), np.uint8),
    )


def predictions_of(study: Study, runs: pd.DataFrame) -> np.ndarray:
    """Return the class each of these runs gives every validation example after its last epoch: (runs, examples)."""
    epochs = runs["epochs"].astype(int)
    return np.stack([study.predictions[run, epoch] for run, epoch in zip(runs["run"], epochs, strict=True)])
