"""A study's folder -> all that its report shows, computed once: effects, the gap, the examples missed, findings."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.reading.columns import metric_columns
from analysis.reading.study import Design, Study, predictions_of, study_in
from analysis.statistics import gap
from analysis.statistics.cells import best_cell, cells_frame, curve_means, shown_cells
from analysis.statistics.completeness import common_epochs, compared_history, compared_runs
from analysis.statistics.effects import effects
from analysis.statistics.ends import contributions
from analysis.statistics.inert import without_inert
from analysis.statistics.matched import Levels
from analysis.statistics.mcnemar import mcnemar_contrasts
from analysis.statistics.misses import Predictions, confused, confusion, missed
from analysis.statistics.reported import compare
from analysis.statistics.responses import Response, responses_of
from analysis.statistics.splits import Split, split_by_factor
from analysis.words.findings import Finding, findings
from analysis.words.gap_story import gap_sentences, train_modes
from runner.store import Store

CLASSES_DRAWN = 30  # of more classes, the pairs that are mistaken most often are listed
PAIRS_LISTED = 10  # of a cell


@dataclass(frozen=True)
class Misses:
    """Which validation examples are missed, from the predictions of every distinct run."""

    table: pd.DataFrame
    runs: int
    inputs: np.ndarray  # (n, h, w, c) float32 where they are images, else (n, 0)
    split: Split
    mcnemar: pd.DataFrame
    confusion: dict[str, np.ndarray]  # by cell; empty where there are too many classes
    confused: pd.DataFrame  # then this; else it is empty

    @property
    def are_images(self) -> bool:
        """Whether the examples can be drawn."""
        return self.inputs.ndim == 4 and self.inputs.size > 0


@dataclass(frozen=True)
class Evidence:
    """What the report says and shows; frames as their modules document them."""

    study: Study
    responses: dict[str, Response]
    cells: pd.DataFrame
    shown: list[str]  # labels of the cells that tables and figures show
    effects: pd.DataFrame
    seed_effects: pd.DataFrame
    gap: pd.DataFrame
    curves: pd.DataFrame
    misses: Misses | None
    findings: list[Finding]
    gap_sentences: list[str]
    reported: pd.DataFrame
    ends: pd.DataFrame | None  # leave-one-out against add-one, where both were run


def gather(folder: Path, store: Store | None = None) -> Evidence:
    """Return the evidence of the study declared in `folder`; `store` is the one around it, where it is open already."""
    study = study_in(folder, store)
    metrics, responses = study.metrics, responses_of(study.metrics)
    cells = cells_frame(study.runs, study.factors, metrics)
    compared = compared_history(study.history, study.runs)
    reached = common_epochs(compared)
    scores = reached[["cell", "seed", "epoch", *metric_columns(metrics)]]  # many terms a row: no room for levels
    averaged = gap.means(gap.terms(scores, metrics))
    gaps = gap.run_gaps(compared, metrics)
    runs = study.runs.merge(gaps, on=["cell", "seed"], how="left", validate="one_to_one")
    found = effects(runs, study.design, responses)
    return Evidence(
        study=study,
        responses=responses,
        cells=cells,
        shown=shown_cells(cells, study.primary[0]),
        effects=found.table,
        seed_effects=found.seeds,
        gap=averaged,
        curves=curve_means(reached, metrics),
        misses=_misses(study, cells),
        findings=findings(study.declaration, found.table, study.runs, responses),
        gap_sentences=_gap_sentences(study, scores, averaged),
        reported=compare(study, cells),
        ends=_ends(study),
    )


def _gap_sentences(study: Study, scores: pd.DataFrame, averaged: pd.DataFrame) -> list[str]:
    summaries = {run_id: record.summary for run_id, record in study.records.items()}
    modes = train_modes(study.declaration, summaries)
    return gap_sentences(scores, averaged, study.cells, study.primary, modes, study.example)


def _ends(study: Study) -> pd.DataFrame | None:
    if study.other_end is None:
        return None
    return contributions(study.runs, study.other_end, study.factors, [f"val_{metric.name}" for metric in study.primary])


# ---- which examples are missed


def _misses(study: Study, cells: pd.DataFrame) -> Misses | None:
    """Return what the stored predictions tell, or None where there are none, or not all of one validation set."""
    found, runs = study.validation(), compared_runs(study.runs)
    if found is None or runs.empty:
        return None
    inputs, labels = found
    predictions = {cell: predictions_of(study, group) for cell, group in runs.groupby("cell", sort=False)}
    levels = {cell["label"]: cell["levels"] for cell in study.declaration["cells"] if cell["label"] in predictions}
    once = _distinct(runs)
    distinct = {cell: predictions[cell][once.loc[group.index]] for cell, group in runs.groupby("cell", sort=False)}
    design = without_inert(study.design, study.declaration)
    compared = _at_baseline(predictions, levels, study.design, set(study.design.factors) - set(design.factors))
    extremes = _baseline_and_best(study, cells, predictions)
    classes = max(record.summary["classes"] for record in study.records.values())
    drawn = classes <= CLASSES_DRAWN
    return Misses(
        table=missed({cell: kept for cell, kept in distinct.items() if len(kept)}, labels),
        runs=int(once.sum()),
        inputs=inputs,
        split=split_by_factor(compared, labels, levels, design),
        mcnemar=mcnemar_contrasts(compared, labels, levels, design),
        confusion={cell: confusion(rows, labels, classes) for cell, rows in extremes.items() if drawn},
        confused=confused({} if drawn else extremes, labels, PAIRS_LISTED),
    )


def _distinct(runs: pd.DataFrame) -> pd.Series:
    """Return for each run whether it is the first that looks at its record at its epoch."""
    return ~runs.assign(look=runs["stopped"].fillna(runs["epochs"].astype(int))).duplicated(["run", "look"])


def _at_baseline(predictions: Predictions, levels: Levels, design: Design, inert: set[str]) -> Predictions:
    """Return the predictions of the cells where inert factors are at their baseline, so that no run counts twice."""
    return {
        cell: kept
        for cell, kept in predictions.items()
        if all(levels[cell][factor] == design.factors[factor][0] for factor in inert)
    }


def _baseline_and_best(study: Study, cells: pd.DataFrame, predictions: Predictions) -> Predictions:
    """Return the predictions of the first cell that has any, and of the best by the first primary metric."""
    alive = cells[cells["cell"].isin(list(predictions))]
    chosen = dict.fromkeys([alive["cell"].iloc[0], best_cell(alive, study.primary[0])])
    return {cell: predictions[cell] for cell in chosen if cell is not None}
