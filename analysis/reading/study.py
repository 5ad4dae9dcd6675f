"""A study's folder -> its declaration and what its records hold, as frames."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.reading.answers import Answered
from analysis.reading.columns import TIMES, metric_columns
from analysis.reading.frames import RUN_COLUMNS
from analysis.reading.parts import Parts
from analysis.reading.records import from_records
from analysis.reading.tables import from_tables
from runner.metrics import Metric, read_metrics
from runner.store import Store, StoreError, read_study

BUILT_IN = "images"  # the recipe that trains image classifiers, and those of tables
IMAGE = "×"  # in the shape of an example that is no row of a table


@dataclass(frozen=True)
class Design:
    """What was declared: `kind`, every factor with its levels (baseline first), and for arms the pairs to compare.

    `mode` is leave-one-out or add-one where components are switched one at a time, else "". `paired` tells that a seed
    is one replicate in every cell, as our own runs are made; else runs of one seed number have nothing in common.
    """

    kind: str
    factors: dict[str, tuple[str, ...]]
    comparisons: tuple[tuple[str, str], ...] = ()
    mode: str = ""
    cells: tuple[tuple[int, ...], ...] = ()  # of a screening: the place of each factor's level in each cell
    paired: bool = True

    @property
    def replicate(self) -> str:
        """What one replicate of a cell is called: a seed where it is one in every cell, else a run."""
        return "seed" if self.paired else "run"

    @property
    def whole_seeds(self) -> bool:
        """Whether a seed counts only if every cell has it, as in paired factorials; else contrasts need their cells."""
        return self.kind in ("factorial", "screening") and self.paired


@dataclass(frozen=True)
class Study:
    """A study's declaration and what its records, or its tables, hold: `parts` is the same of both."""

    declaration: dict[str, Any]
    design: Design
    metrics: tuple[Metric, ...]  # primary ones first
    parts: Parts
    store: Store  # around the study's folder, whether or not it has its records

    @property
    def runs(self) -> pd.DataFrame:
        """A row per run; see `analysis.reading.frames`."""
        return self.parts.runs

    @property
    def history(self) -> pd.DataFrame:
        """A row per run and epoch; see `analysis.reading.frames`."""
        return self.parts.history

    @property
    def summaries(self) -> dict[str, dict[str, Any]]:
        """What the record of each training says of it; see `analysis.reading.parts`."""
        return self.parts.summaries

    @property
    def answered(self) -> Answered | None:
        """What runs answer to the validation examples; None where they had different ones or none is kept."""
        return self.parts.answered

    @property
    def source(self) -> str:
        """The tool whose files the study was imported from, "" of our own."""
        return self.declaration.get("source", "")

    @property
    def lacks_answers(self) -> bool:
        """Whether runs that were validated on one set of examples are there without what they answer."""
        keys = {summary.get("validation") for summary in self.summaries.values()}
        return self.answered is None and len(keys) == 1 and all(keys)

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
    def any_stopped(self) -> bool:
        """Whether a callback stopped any run before its last epoch."""
        return "stopped" in self.runs and bool(self.runs["stopped"].notna().any())

    @property
    def replicates(self) -> tuple[int, int]:
        """The fewest and the most replicates that cells are declared with."""
        counts = Counter(run["cell"] for run in self.declaration["runs"]).values()
        return min(counts), max(counts)

    @property
    def window(self) -> int:
        """How many of a run's last epochs a figure is the mean of; one where the study declares nothing."""
        return window_in(self.declaration)

    @property
    def examples(self) -> int | None:
        """How many validation examples a figure is taken over, the fewest where runs differ; None where not known."""
        counts = [summary.get("examples", {}).get("validation", 0) for summary in self.summaries.values()]
        return min(counts, default=0) or None

    @property
    def example(self) -> str:
        """What one example of the data is called."""
        shape = self.declaration.get("trained", {}).get("settings", {}).get("example", IMAGE)
        return "image" if self.declaration.get("recipe") == BUILT_IN and IMAGE in shape else "example"


def study_in(folder: Path, store: Store | None = None) -> Study:
    """Return the study declared in `folder`, from the records of the store around it, or else from its tables.

    `store` is given where it is open already, and then read whatever it holds. StoreError where there is neither.
    """
    return _study(read_study(folder), folder, store)


def study_of(declaration: dict[str, Any], store: Store) -> Study:
    """Return the declared study, whether or not its declaration is written, from the records of the store."""
    return _study(declaration, store.root / declaration["name"], store)


def _study(declaration: dict[str, Any], folder: Path, store: Store | None) -> Study:
    metrics = _told_apart(read_metrics(declaration["metrics"]))
    columns = metric_columns(metrics)
    _refuse_clashes(columns, [factor["key"] for factor in declaration["factors"]])
    around = store or Store(folder.absolute().parent)
    parts = _parts(declaration, folder, around, store is not None, columns)
    return Study(declaration, design_of(declaration), metrics, parts, around)


def _parts(declaration: dict[str, Any], folder: Path, around: Store, of_records: bool, columns: list[str]) -> Parts:
    """Return what the records hold, which lie in the store around the folder, or else the folder's tables."""
    window = window_in(declaration)
    tables = folder / "tables"
    ids = dict.fromkeys(run["run"] for run in declaration["runs"])
    has_tables = (tables / "runs.csv").is_file()
    if "source" in declaration:
        if not has_tables:
            raise StoreError(
                f"an imported study must have its tables; {str(tables)!r} holds no runs.csv. Import its files again."
            )
        return from_tables(declaration, tables, columns, window)
    if of_records or any(around.folder_of(run_id) or around.failure(run_id) for run_id in ids):
        return from_records(declaration, around, columns, window)
    if not has_tables and not around.runs.is_dir():
        raise StoreError(
            f"the study's records must lie in {str(around.runs)!r}, or its tables in {str(tables)!r}; got none of its "
            f"{len(ids)} records and no runs.csv. Run its command again."
        )
    if not has_tables:
        return from_records(declaration, around, columns, window)  # of a study that nothing has been trained of yet
    return from_tables(declaration, tables, columns, window)


def design_of(declaration: dict[str, Any]) -> Design:
    """Return the design that a declaration holds."""
    factors = {factor["key"]: tuple(factor["levels"]) for factor in declaration["factors"]}
    cells = declaration["cells"] if declaration["design"] == "screening" else ()
    return Design(
        declaration["design"],
        factors,
        tuple(tuple(pair) for pair in declaration.get("comparisons", ())),
        declaration.get("mode", ""),
        tuple(tuple(levels.index(cell["levels"][key]) for key, levels in factors.items()) for cell in cells),
        declaration.get("paired", True),
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


def window_in(declaration: dict[str, Any]) -> int:
    """Return over how many of a run's last epochs a figure is taken; one where the study declares nothing."""
    return int(declaration.get("window", 1))


def _told_apart(metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    """Return the metrics, those that share a label called by their names, so that a sentence says which is meant."""
    metrics = list(metrics)
    labels = [metric.label for metric in metrics]
    return tuple(
        replace(each, label=each.name.replace("_", " ")) if labels.count(each.label) > 1 else each for each in metrics
    )


def predictions_of(answered: Answered, runs: pd.DataFrame) -> np.ndarray:
    """Return the class each of these runs gives every validation example after its last epoch: (runs, examples)."""
    epochs = runs["epochs"].astype(int)
    return np.stack([answered.predictions[run, epoch] for run, epoch in zip(runs["run"], epochs, strict=True)])
