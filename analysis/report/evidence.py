"""A study's folder -> all that its report shows, computed once: effects, the gap, the examples missed, findings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures.gallery import SHOWN
from analysis.reading.columns import metric_columns
from analysis.reading.study import Design, Study, predictions_of, study_in, study_of
from analysis.report.labels import Labels, shown_study
from analysis.statistics import gap
from analysis.statistics.cells import best_cell, cells_frame, curve_means, shown_cells
from analysis.statistics.completeness import common_epochs, compared_history, runs_alike
from analysis.statistics.decided import Decided, decided
from analysis.statistics.effects import effects
from analysis.statistics.ends import contributions
from analysis.statistics.example_doubt import Answers, answers_of
from analysis.statistics.floors import Precision
from analysis.statistics.inert import without_inert
from analysis.statistics.matched import Levels
from analysis.statistics.mcnemar import mcnemar_contrasts
from analysis.statistics.misses import Predictions, confused, confusion, missed
from analysis.statistics.reported import compare
from analysis.statistics.responses import Response, responses_of
from analysis.statistics.splits import Split, split_by_factor
from analysis.statistics.windows import moving_cells
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
    examples: int  # in the validation set
    images: dict[int, np.ndarray]  # of those that are shown, (h, w, c) float32; none where examples are no images
    split: Split
    mcnemar: pd.DataFrame
    confusion: dict[str, np.ndarray]  # by cell; empty where there are too many classes
    confused: pd.DataFrame  # then this; else it is empty


@dataclass(frozen=True)
class Evidence:
    """What the report says and shows; frames as their modules document them."""

    study: Study  # its texts as they are shown
    labels: Labels  # what they stand for
    responses: dict[str, Response]
    cells: pd.DataFrame
    shown: list[str]  # labels of the cells that tables and figures show
    effects: pd.DataFrame
    seed_effects: pd.DataFrame
    gap: pd.DataFrame
    curves: pd.DataFrame
    moving: dict[str, list[str]]  # cells by validation column whose mean over the window still moves
    misses: Misses | None
    findings: list[Finding]
    gap_sentences: list[str]
    reported: pd.DataFrame
    ends: pd.DataFrame | None  # leave-one-out against add-one, where both were run
    looks: Decided | None  # where seeds were added until all is decided


def gather(folder: Path, store: Store | None = None, declaration: dict[str, Any] | None = None) -> Evidence:
    """Return the evidence of the study declared in `folder`; `store` is the one around it, where it is open already.

    A `declaration` is believed rather than what the folder says by now.
    """
    declared = study_in(folder, store) if store is None or declaration is None else study_of(declaration, store)
    study, labels = shown_study(declared)
    metrics, responses = study.metrics, responses_of(study.metrics)
    cells = cells_frame(study.runs, study.factors, metrics, study.design.whole_seeds)
    compared = compared_history(study.history, study.runs, study.design.whole_seeds)
    reached = common_epochs(compared)
    logged = [metric for metric in metrics if metric.name in study.history]
    logged = [] if study.source and study.history.empty else logged  # final figures have no course
    scored = [name for name in metric_columns(logged) if name in reached]
    scores = reached[["cell", "seed", "epoch", *scored]]  # many terms a row: no room for levels
    averaged = gap.means(gap.terms(scores, logged)) if logged else pd.DataFrame(columns=list(gap.MEANS))
    gaps = gap.run_gaps(compared, logged, study.window)
    runs = study.runs.merge(gaps, on=["cell", "seed"], how="left", validate="one_to_one")
    precision, until = Precision(study.examples, study.window), study.declaration.get("until")
    budget = None if until is None else int(until["max_seeds"])
    futile = until is not None and until["futile"]
    found = effects(runs, study.design, responses, precision, _answers(study), budget)
    return Evidence(
        study=study,
        labels=labels,
        responses=responses,
        cells=cells,
        shown=shown_cells(cells, study.primary[0]),
        effects=found.table,
        seed_effects=found.seeds,
        gap=averaged,
        curves=curve_means(reached, metrics),
        moving=_moving(study, reached),
        misses=_misses(study, cells),
        findings=findings(study.declaration, found.table, study.runs, responses, study.example, study.examples),
        gap_sentences=_gap_sentences(study, scores, averaged),
        reported=compare(study, cells),
        ends=_ends(study),
        looks=None if budget is None else decided(runs, study.design, responses, precision, budget, futile),
    )


def _moving(study: Study, reached: pd.DataFrame) -> dict[str, list[str]]:
    """Return the cells by primary column that still move; none where a figure is of one epoch."""
    if study.window == 1:
        return {}
    columns = {f"val_{metric.name}": metric.sesoi or 0.0 for metric in study.primary}
    found = {name: moving_cells(reached, name, study.window, least) for name, least in columns.items()}
    return {name: cells for name, cells in found.items() if cells}


def _answers(study: Study) -> Answers | None:
    """Return the kept answers to the validation examples; None where there are none, or not all of one set."""
    if study.answered is None:
        return None
    shares = [f"val_{metric.name}" for metric in study.metrics if metric.is_share]
    return answers_of(study.runs, study.design, study.answered.right, shares)


def _gap_sentences(study: Study, scores: pd.DataFrame, averaged: pd.DataFrame) -> list[str]:
    told = [metric for metric in study.primary if metric.name in scores]
    if not told:
        return []
    modes = train_modes(study.declaration, study.summaries)
    nouns = study.example, study.design.replicate
    return gap_sentences(scores, averaged, study.cells, told, modes, *nouns, imported=bool(study.source))


def _ends(study: Study) -> pd.DataFrame | None:
    if study.parts.other_end is None:
        return None
    return contributions(
        study.runs, study.parts.other_end, study.factors, [f"val_{metric.name}" for metric in study.primary]
    )


# ---- which examples are missed


def _misses(study: Study, cells: pd.DataFrame) -> Misses | None:
    """Return what the stored predictions tell, or None where there are none, or not all of one validation set."""
    answered, runs = study.answered, runs_alike(study.runs)
    if answered is None or runs.empty:
        return None
    labels = answered.labels
    predictions = {cell: predictions_of(answered, group) for cell, group in runs.groupby("cell", sort=False)}
    levels = {cell["label"]: cell["levels"] for cell in study.declaration["cells"] if cell["label"] in predictions}
    once = _distinct(runs)
    distinct = {cell: predictions[cell][once.loc[group.index]] for cell, group in runs.groupby("cell", sort=False)}
    design = without_inert(study.design, study.declaration)
    compared = _at_baseline(predictions, levels, study.design, set(study.design.factors) - set(design.factors))
    extremes = _baseline_and_best(study, cells, predictions)
    classes = max(summary["classes"] for summary in study.summaries.values())
    drawn = classes <= CLASSES_DRAWN
    table = missed({cell: kept for cell, kept in distinct.items() if len(kept)}, labels)
    return Misses(
        table=table,
        runs=int(once.sum()),
        examples=len(labels),
        images=answered.images_of(table["example"].head(SHOWN)),
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
