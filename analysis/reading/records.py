"""The records around a study's folder -> the parts that a report is made of."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.reading.answers import Answered, Look
from analysis.reading.columns import TIMES
from analysis.reading.frames import history_frame, runs_frame
from analysis.reading.parts import Parts
from runner.store import Record, Store, canonical_json

SUMMARY = (  # of run.json, for the report
    *("status", "epochs", "study", "commit", "data", "examples", "environments"),
    *("validation", "classes", "train_mode"),
)


def from_records(declaration: dict[str, Any], store: Store, columns: Sequence[str], window: int) -> Parts:
    """Return what the records of the declared runs hold."""
    looked_at: dict[str, set[int]] = {}
    for run in declaration["runs"]:
        looked_at.setdefault(run["run"], set()).add(run["epochs"])
    read = _Reading(store, window)
    for run_id, epochs in looked_at.items():
        record = store.record(run_id)
        if record is not None:
            read.take(record, epochs)
    failures = {run_id: failure for run_id in looked_at if (failure := store.failure(run_id)) is not None}
    return Parts(
        runs=runs_frame(declaration, read.records, failures, columns, window),
        history=history_frame(declaration, read.records, columns),
        summaries=read.summaries,
        answered=read.answered(),
        failures=failures,
        quarantined=store.quarantined(set(looked_at)),
        other_end=_other_end(declaration, store, columns, window),
    )


def _other_end(declaration: dict[str, Any], store: Store, columns: Sequence[str], window: int) -> pd.DataFrame | None:
    """Return the runs of the other end of a one-at-a-time design, None where the study declares none."""
    if "other_end" not in declaration:
        return None
    other = declaration["other_end"]
    found = {run["run"]: store.record(run["run"]) for run in other["runs"]}
    records = {run_id: record for run_id, record in found.items() if record is not None}
    return runs_frame(other, records, {}, columns, window)


class _Reading:
    """Records, read one after another so that ten thousand fit: lean ones, and the predictions that are looked at."""

    def __init__(self, store: Store, window: int) -> None:
        self.records: dict[str, Record] = {}
        self.summaries: dict[str, dict[str, Any]] = {}
        self._store, self._window = store, window
        self._predictions: dict[Look, np.ndarray] = {}
        self._right: dict[Look, np.ndarray] = {}
        self._windows: dict[Look, int] = {}
        self._sets: dict[str, tuple[np.ndarray, np.ndarray] | None] = {}  # validation sets by key, each read once
        self._shared: dict[str, Any] = {}  # parts of summaries that records have in common

    def take(self, record: Record, looks: set[int]) -> None:
        """Keep of the record what a report of these looks needs."""
        labels = self._labels(record)
        for epochs in looks:
            if record.covers(epochs):
                look, last = (record.id, epochs), min(epochs, record.epochs)
                first = max(last - self._window, 0)
                self._predictions[look] = record.predictions[last - 1].copy()
                self._windows[look] = last - first
                if labels is not None:
                    self._right[look] = _right(record.predictions[first:last] == labels, self._window)
        self.records[record.id] = replace(
            record,
            spec={},  # opaque here: what a report says of a record stands in its summary
            summary={key: record.summary[key] for key in ("status", "epochs")},
            history={name: np.array(column) for name, column in record.history.items()},
            predictions=np.empty((0, 0), np.uint8),
        )
        self.summaries[record.id] = self._summary(record, max(looks))

    def _summary(self, record: Record, longest: int) -> dict[str, Any]:
        """Return the summary, with the epochs that are used and what they took."""
        used = min(longest, record.epochs)
        seconds = {name: float(sum(record.history.get(name, [])[:used])) for name in TIMES}
        shared = {key: self._once(record.summary[key]) for key in SUMMARY if key in record.summary}
        return {**shared, "used": used, **seconds}

    def _once(self, value: Any) -> Any:
        return self._shared.setdefault(canonical_json(value), value)

    def _set(self, key: str) -> tuple[np.ndarray, np.ndarray] | None:
        if key not in self._sets:
            self._sets[key] = self._store.validation(key) if key else None
        return self._sets[key]

    def _labels(self, record: Record) -> np.ndarray | None:
        """Return the classes of the record's validation examples; None where none are kept."""
        found = self._set(record.summary.get("validation", ""))
        return None if found is None or record.predictions.shape[1] != len(found[1]) else found[1]

    def answered(self) -> Answered | None:
        """Return the answers, None where runs had different validation sets or none is kept."""
        keys = {summary.get("validation", "") for summary in self.summaries.values()}
        found = self._set(keys.pop()) if len(keys) == 1 else None
        if found is None:
            return None
        images, labels = found
        places = np.arange(len(labels))
        return Answered(labels, self._predictions, self._right, self._windows, images, places)


def _right(right: np.ndarray, window: int) -> np.ndarray:
    """Return in which share of epochs each example is answered rightly: (epochs, examples) -> (examples,).

    Bool where a study's window is one epoch.
    """
    return right[0] if window == 1 else right.mean(axis=0, dtype=np.float32)
