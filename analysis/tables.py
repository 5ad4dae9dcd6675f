"""Run records turned into tidy frames: one row per run, one row per epoch, one row per cell.

Columns of `runs` (tables/runs.csv), a row per cell and seed; metrics are those after the run's last epoch:

| column | type | unit | meaning |
|---|---|---|---|
| run | str | | id of the trajectory's record; shared by runs of one trajectory |
| cell | str | | the cell's label |
| a column per factor | str | | the level's label |
| seed | int | | replicate and block |
| epochs | int | epochs | how far along the trajectory the run looks (where it is no factor) |
| status | str | | complete, diverged, failed, missing |
| accuracy, loss | float | share, nats | as Keras logs them: means over the epoch, while the weights move |
| on_accuracy, on_loss | float | share, nats | training probe in training mode (dropout on), mean of some mask draws |
| on_accuracy_se, on_loss_se | float | share, nats | standard error of those means over mask draws |
| off_accuracy, off_loss | float | share, nats | the same images in inference mode |
| holdout_accuracy, holdout_loss | float | share, nats | images of the training file that are never trained on |
| val_accuracy, val_loss | float | share, nats | the validation set |
| train_seconds, measure_seconds | float | s | wall time of all the run's epochs |
| cpu_seconds | float | s | processor time of all the run's epochs, training and measuring |

Losses are cross-entropy without penalties. Metrics of a run that is not complete are empty.
`history` (tables/history.csv) has the same columns but `status`, and `epoch` (from 1): a row per run and epoch.
`cells` (tables/cells.csv) has a row per cell: its factors, `n` (seeds that are complete in every
cell), and for each metric `<metric>`, `<metric>_low` and `<metric>_high`: mean and 95 % t-interval over those seeds.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from runner.store import Record, Store, canonical_json, read_study

METRICS = (
    "accuracy",
    "loss",
    "on_accuracy",
    "on_loss",
    "on_accuracy_se",
    "on_loss_se",
    "off_accuracy",
    "off_loss",
    "holdout_accuracy",
    "holdout_loss",
    "val_accuracy",
    "val_loss",
)
CURVES = ("accuracy", "val_accuracy", "loss", "val_loss")
SECONDS = ("train_seconds", "measure_seconds")
TIMES = (*SECONDS, "cpu_seconds")
# Of run.json, for the report.
SUMMARY = ("status", "epochs", "study", "commit", "data", "examples", "validation", "classes", "environments")


@dataclass(frozen=True)
class Design:
    """What was declared: `kind`, every factor with its levels (baseline first), and for arms the pairs to compare."""

    kind: str
    factors: dict[str, tuple[str, ...]]
    comparisons: tuple[tuple[str, str], ...] = ()
    mode: str = ""  # what a one-at-a-time design over components is called


@dataclass(frozen=True)
class Study:
    """A study's declaration and what its records hold, as frames.

    `records` are lean (see `lean`), so that ten thousand fit; of their predictions `predictions` has
    those that runs look at: (run, epochs) -> the class given to every validation image, (images,) uint8.
    """

    declaration: dict[str, Any]
    design: Design
    runs: pd.DataFrame
    history: pd.DataFrame
    records: dict[str, Record]
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


def read(folder: Path) -> Study:
    """Return the study declared in `folder`, its records read from the store around it."""
    declaration = read_study(folder)
    store = Store(folder.absolute().parent)
    ids = list(dict.fromkeys(run["run"] for run in declaration["runs"]))
    records, predictions = read_records(declaration, store)
    failures = {run_id: failure for run_id in ids if (failure := store.failure(run_id)) is not None}
    return Study(
        declaration=declaration,
        design=Design(
            declaration["design"],
            {factor["key"]: tuple(factor["levels"]) for factor in declaration["factors"]},
            tuple(tuple(pair) for pair in declaration.get("comparisons", ())),
            declaration["mode"],
        ),
        runs=runs_frame(declaration, records, failures),
        history=history_frame(declaration, records),
        records=records,
        predictions=predictions,
        failures=failures,
        quarantined=store.quarantined(set(ids)),
        other_end=other_end_frame(declaration, store),
    )


def other_end_frame(declaration: dict[str, Any], store: Store) -> pd.DataFrame | None:
    """Return the runs of the other end of a one-at-a-time design, None where the study declares none."""
    if "other_end" not in declaration:
        return None
    other = declaration["other_end"]
    found = {run["run"]: store.record(run["run"]) for run in other["runs"]}
    return runs_frame(other, {run_id: record for run_id, record in found.items() if record is not None}, {})


def read_records(
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
            there = (number for number in epochs if number <= record.epochs)
            predictions |= {(run_id, number): record.predictions[number - 1].copy() for number in there}
            records[run_id] = lean(record, parts)
    return records, predictions


def lean(record: Record, parts: dict[str, Any]) -> Record:
    """Return the record as a report needs it: without predictions, parts that others have too kept once, in `parts`."""

    def shared(value: Any) -> Any:
        return parts.setdefault(canonical_json(value), value)

    return replace(
        record,
        spec={key: shared(value) for key, value in record.spec.items()},
        summary={key: shared(record.summary[key]) for key in SUMMARY if key in record.summary},
        history={name: np.array(column) for name, column in record.history.items()},
        predictions=np.empty((0, 0), np.uint8),
    )


def runs_frame(
    declaration: dict[str, Any], records: dict[str, Record], failures: dict[str, dict[str, Any]]
) -> pd.DataFrame:
    """Return a row per declared run, cells in plan order, then seeds."""
    rows = []
    for run in declaration["runs"]:
        record = records.get(run["run"])
        status = status_of(record, run["epochs"], run["run"] in failures)
        rows.append(run_keys(declaration, run) | {"status": status} | last_metrics(record, run["epochs"], status))
    keys = list(run_keys(declaration, declaration["runs"][0]))
    return pd.DataFrame(rows, columns=[*keys, "status", *METRICS, *TIMES])


def run_keys(declaration: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    """Return what names a run: record, cell, levels, seed, epochs."""
    cell = declaration["cells"][run["cell"]]
    named = {"run": run["run"], "cell": cell["label"], **cell["levels"], "seed": run["seed"]}
    return named if "epochs" in named else named | {"epochs": run["epochs"]}


def status_of(record: Record | None, epochs: int, failed: bool) -> str:
    """Return complete, diverged, failed or missing for a run that looks at a record after `epochs` epochs."""
    if record is not None and record.epochs >= epochs and not (record.diverged and record.epochs == epochs):
        return "complete"
    if record is not None and record.diverged:
        return "diverged"
    return "failed" if failed else "missing"


def last_metrics(record: Record | None, epochs: int, status: str) -> dict[str, float]:
    """Return the metrics after `epochs` epochs and the seconds up to there; nothing for a run that is not complete."""
    if record is None or status != "complete":
        return {}
    metrics = {name: record.history[name][epochs - 1] for name in METRICS if name in record.history}
    return metrics | {name: float(sum(record.history[name][:epochs])) for name in TIMES}


def history_frame(declaration: dict[str, Any], records: dict[str, Record]) -> pd.DataFrame:
    """Return a row per run and epoch, as far as the run looks; a diverged run's epochs up to its last."""
    names = [*run_keys(declaration, declaration["runs"][0]), "epoch", *METRICS, *TIMES]
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
    columns = {"epoch": np.concatenate([np.arange(1, length + 1) for length in lengths])}
    for name in (*METRICS, *TIMES):
        pairs = zip(looks, lengths, strict=True)
        columns[name] = np.concatenate([column_of(record, name, length) for (_, record), length in pairs])
    return frame.assign(**columns)[names]


def column_of(record: Record, name: str, length: int) -> np.ndarray:
    """Return a metric of the first epochs, NaN where the record has none of that name."""
    return record.history[name][:length] if name in record.history else np.full(length, np.nan)


def complete_seeds(runs: pd.DataFrame) -> list[int]:
    """Return the seeds that are complete in every cell that has a complete run: the only ones that are compared.

    A cell without any complete run has an outcome (it always diverges, say) and no figures to compare.
    """
    complete = runs["status"].eq("complete")
    alive = complete.groupby(runs["cell"]).transform("any")
    whole = complete[alive].groupby(runs["seed"][alive], sort=False).all()
    return [int(seed) for seed in whole.index[whole]]


def cells_frame(runs: pd.DataFrame, factors: list[str]) -> pd.DataFrame:
    """Return a row per cell: mean and 95 % t-interval of each metric over the seeds that every compared cell has."""
    metrics = [*METRICS, *TIMES]
    kept = runs[runs["status"].eq("complete") & runs["seed"].isin(complete_seeds(runs))]
    cells = runs.drop_duplicates("cell").set_index("cell")[factors]
    means = interval_frames(kept.groupby("cell", sort=False)[metrics])
    columns = [part[[metric]].add_suffix(end) for metric in metrics for end, part in means.items() if end != "_n"]
    counted = kept.groupby("cell", sort=False).size().rename("n")
    joined = cells.join([counted, *columns])
    return joined.assign(n=joined["n"].fillna(0).astype(int)).reset_index()


def interval_frames(grouped: Any) -> dict[str, pd.DataFrame]:
    """Return mean, low and high (95 % t-interval) and n of each group's columns, by the suffix of their names."""
    mean, spread, n = grouped.mean(), grouped.std(), grouped.count()
    half = spread / np.sqrt(n) * stats.t.ppf(0.975, (n - 1).where(n > 1))
    return {"": mean, "_low": mean - half, "_high": mean + half, "_n": n}


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Return mean, low and high of the 95 % t-interval; low and high are NaN below two values, all below one."""
    if len(values) == 0 or np.isnan(values).any():
        return np.nan, np.nan, np.nan
    mean = float(values.mean())
    if len(values) == 1:
        return mean, np.nan, np.nan
    half = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half


def curve_means(history: pd.DataFrame) -> pd.DataFrame:
    """Return mean and 95 % t-interval over seeds of each curve: cell, epoch, metric, mean, low, high, n; long form."""
    frames = interval_frames(history.groupby(["cell", "epoch"], sort=False, observed=True)[list(CURVES)])
    names = {"": "mean", "_low": "low", "_high": "high", "_n": "n"}
    long = {names[end]: frame.melt(ignore_index=False, var_name="metric") for end, frame in frames.items()}
    values = {name: part["value"] for name, part in long.items()}
    return long["mean"][["metric"]].assign(**values).reset_index()


def predictions(study: Study, runs: pd.DataFrame) -> np.ndarray:
    """Return the class each of these runs gives every validation image after its last epoch: (runs, images) uint8."""
    epochs = runs["epochs"].astype(int)
    return np.stack([study.predictions[run, epoch] for run, epoch in zip(runs["run"], epochs, strict=True)])
