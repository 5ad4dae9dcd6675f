"""A study's frames -> all that its report shows, computed once: effects, the gap, the images missed, findings."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis import effects, ends, errors, figures, findings, gap, reported, tables
from analysis.tables import Design, Study
from runner.metrics import read_metrics
from runner.store import Store

CELLS_SHOWN = 24  # in tables and figures; all cells are in the CSV files
EXTREMES_SHOWN = 5  # best and worst cells, each, of a study that has more
EFFECTS_SHOWN = 40  # contrasts in a table or figure
INTERACTIONS_SHOWN = 4
LEVELS_SHOWN = 8  # of a factor in an interaction figure
RESPONSES = ("val_accuracy", "val_loss")


@dataclass(frozen=True)
class Misses:
    """Which validation images are missed, from the predictions of every distinct run."""

    table: pd.DataFrame
    runs: int
    images: np.ndarray  # (n, h, w, c) float32
    split: errors.Split
    mcnemar: pd.DataFrame
    confusion: dict[str, np.ndarray]


@dataclass(frozen=True)
class Evidence:
    """What the report says and shows; frames as their modules document them."""

    study: Study
    cells: pd.DataFrame
    shown: list[str]  # labels of the cells that tables and figures show
    effects: pd.DataFrame
    seed_effects: pd.DataFrame
    gap: pd.DataFrame
    curves: pd.DataFrame
    misses: Misses | None
    findings: list[findings.Finding]
    gap_sentences: list[str]
    reported: pd.DataFrame
    ends: pd.DataFrame | None  # leave-one-out against add-one, where both were run


def gather(folder: Path) -> Evidence:
    """Return the evidence of the study declared in `folder`."""
    study = tables.read(folder)
    cells = tables.cells_frame(study.runs, study.factors)
    compared = study.history[study.history["seed"].isin(tables.complete_seeds(study.runs))]
    compared = compared[compared["cell"].isin(cells["cell"][cells["n"] > 0])]
    scores = compared[["cell", "seed", "epoch", *tables.METRICS]]  # a row has many terms: no room for levels in each
    averaged = gap.means(gap.terms(scores))
    runs = study.runs.merge(gap.run_gaps(compared), on=["cell", "seed"], how="left", validate="one_to_one")
    smallest = {metric.name: metric.sesoi for metric in read_metrics(study.declaration["metrics"])}
    found = effects.effects(runs, study.design, {name: size for name, size in smallest.items() if size is not None})
    return Evidence(
        study=study,
        cells=cells,
        shown=shown_cells(cells),
        effects=found,
        seed_effects=effects.seed_effects(runs, study.design),
        gap=averaged,
        curves=tables.curve_means(compared),
        misses=misses(study, cells, Store(folder.absolute().parent)),
        findings=findings.findings(study.declaration, found, study.runs),
        gap_sentences=gap.sentences(scores, study.declaration, study.records, averaged),
        reported=reported.compare(study, cells),
        ends=None if study.other_end is None else ends.contributions(study.runs, study.other_end, study.factors),
    )


def shown_cells(cells: pd.DataFrame) -> list[str]:
    """Return the labels of the cells to show, in plan order: all, or the baseline and the best and worst."""
    if len(cells) <= CELLS_SHOWN:
        return list(cells["cell"])
    ranked = cells.sort_values("val_accuracy", ascending=False, kind="stable")["cell"]
    chosen = {cells["cell"].iloc[0], *ranked.head(EXTREMES_SHOWN), *ranked.tail(EXTREMES_SHOWN)}
    return [cell for cell in cells["cell"] if cell in chosen]


# ---- which images are missed


def misses(study: Study, cells: pd.DataFrame, store: Store) -> Misses | None:
    """Return what the stored predictions tell, or None where there are none, or not all of one validation set."""
    found = validation_set(study, store)
    runs = compared_runs(study)
    if found is None or runs.empty:
        return None
    images, labels = found
    predictions = {cell: tables.predictions(study, group) for cell, group in runs.groupby("cell", sort=False)}
    levels = {cell["label"]: cell["levels"] for cell in study.declaration["cells"] if cell["label"] in predictions}
    once = distinct_runs(runs)
    distinct = {cell: predictions[cell][once.loc[group.index]] for cell, group in runs.groupby("cell", sort=False)}
    design = without_inert(study)
    compared = at_baseline(predictions, levels, study.design, set(study.design.factors) - set(design.factors))
    return Misses(
        table=errors.missed({cell: kept for cell, kept in distinct.items() if len(kept)}, labels),
        runs=int(once.sum()),
        images=images,
        split=errors.split_by_factor(compared, labels, levels, design),
        mcnemar=errors.mcnemar_contrasts(compared, labels, levels, design),
        confusion=confusion(cells, predictions, labels, classes_of(study)),
    )


def validation_set(study: Study, store: Store) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the images and labels that all runs were validated on, or None where they differ or are not kept."""
    digests = {record.summary["validation"] for record in study.records.values()}
    return store.validation(digests.pop()) if len(digests) == 1 else None


def compared_runs(study: Study) -> pd.DataFrame:
    """Return the runs that are compared: complete, of seeds that every compared cell has."""
    complete = study.runs[study.runs["status"].eq("complete")]
    return complete[complete["seed"].isin(tables.complete_seeds(study.runs))]


def distinct_runs(runs: pd.DataFrame) -> pd.Series:
    """Return for each run whether it is the first that looks at its record at its epoch."""
    return ~runs.duplicated(["run", "epochs"])


def without_inert(study: Study) -> Design:
    """Return the design without the factors whose levels are one and the same run everywhere."""
    inert = {factor for factor, where in findings.inert_factors(study.declaration) if not where}
    kept = {key: levels for key, levels in study.design.factors.items() if key not in inert}
    return replace(study.design, factors=kept)


def at_baseline(
    predictions: errors.Predictions, levels: errors.Levels, design: Design, inert: set[str]
) -> errors.Predictions:
    """Return the predictions of the cells where inert factors are at their baseline, so that no run counts twice."""
    return {
        cell: kept
        for cell, kept in predictions.items()
        if all(levels[cell][factor] == design.factors[factor][0] for factor in inert)
    }


def classes_of(study: Study) -> int:
    """Return how many classes the study's datasets have."""
    return max(record.summary["classes"] for record in study.records.values())


def confusion(
    cells: pd.DataFrame, predictions: dict[str, np.ndarray], labels: np.ndarray, classes: int
) -> dict[str, np.ndarray]:
    """Return the counts (true, given) of the baseline and of the cell with the best validation accuracy."""
    alive = cells[cells["cell"].isin(predictions)]
    chosen = dict.fromkeys([alive["cell"].iloc[0], alive["cell"].loc[alive["val_accuracy"].idxmax()]])
    return {cell: errors.confusion(predictions[cell], labels, classes) for cell in chosen}


# ---- what is drawn


def draw(evidence: Evidence) -> dict[str, Figure]:
    """Return the report's figures by name, those that there is something to show for."""
    if evidence.curves.empty:
        return {}
    styles = figures.palette(list(evidence.cells["cell"]))
    shown = {cell: styles[cell] for cell in evidence.shown}
    drawn = effect_figures(evidence)
    drawn["overview"] = figures.overview(evidence.curves, shown)
    for metric in ("accuracy", "loss"):
        drawn[f"curves_{metric}"] = figures.curves(evidence.study.history, evidence.curves, metric, shown)
    if set(evidence.gap["term"]) > {gap.NET}:
        for metric in ("accuracy", "loss"):
            drawn[f"gap_{metric}"] = figures.gap(evidence.gap, evidence.shown, metric)
    if evidence.misses is not None and len(evidence.misses.table):
        drawn["missed"] = figures.gallery(evidence.misses.table, evidence.misses.images)
        drawn["confusion"] = figures.confusion(evidence.misses.confusion)
    return drawn


def effect_figures(evidence: Evidence) -> dict[str, Figure]:
    """Return the effects with their intervals, and the interactions, for either primary response."""
    drawn = {}
    for response in RESPONSES:
        rows = shown_effects(evidence.effects, response)
        if len(rows):
            drawn[f"effects_{response}"] = figures.effects(rows, evidence.seed_effects, response)
    for place, factors in enumerate(shown_interactions(evidence), 1):
        for response in RESPONSES:
            seeds, means = interaction_frames(evidence, factors, response)
            drawn[f"interaction_{place}_{response}"] = figures.interaction(seeds, means, factors, response)
    return drawn


def shown_effects(found: pd.DataFrame, response: str) -> pd.DataFrame:
    """Return the rows of the response that can be drawn, the largest by size of t where there are too many."""
    rows = found[found["response"].eq(response) & found["estimate"].notna()]
    if len(rows) <= EFFECTS_SHOWN:
        return rows
    return rows.loc[rows["t"].abs().sort_values(ascending=False, kind="stable").index[:EFFECTS_SHOWN]].sort_index()


def shown_interactions(evidence: Evidence) -> list[tuple[str, str]]:
    """Return the pairs of factors whose interaction is drawn: the only pair, or the pairs that interact."""
    design = without_inert(evidence.study)
    few = [key for key, levels in design.factors.items() if 1 < len(levels) <= LEVELS_SHOWN]
    pairs = [(first, second) for place, first in enumerate(few) for second in few[place + 1 :]]
    if design.kind != "factorial" or len(pairs) <= 1:
        return pairs if design.kind == "factorial" else []
    found = evidence.effects[evidence.effects["kind"].eq("interaction") & evidence.effects["primary"]]
    clear = set(found["term"][found["grade"].isin(["established", "suggestive"])])
    return [pair for pair in pairs if ":".join(pair) in clear][:INTERACTIONS_SHOWN]


def interaction_frames(
    evidence: Evidence, factors: tuple[str, str], response: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the response per pair of levels and seed, averaged over other factors, and its mean with interval."""
    runs = compared_runs(evidence.study)
    seeds = runs.groupby([*factors, "seed"], sort=False, as_index=False)[response].mean()
    rows = [
        {factors[0]: first, factors[1]: second}
        | dict(zip(("mean", "low", "high"), tables.interval(group[response].to_numpy(float)), strict=True))
        for (first, second), group in seeds.groupby(list(factors), sort=False)
    ]
    return seeds, pd.DataFrame(rows)
