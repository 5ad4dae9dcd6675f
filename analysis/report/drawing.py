"""A study's evidence -> its figures with their captions, those that there is something to show for."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy import sparse

from analysis.figures.confusion import confusion
from analysis.figures.curves import curves
from analysis.figures.effects import effects
from analysis.figures.gallery import gallery
from analysis.figures.gap import gap
from analysis.figures.interaction import interaction
from analysis.figures.looks import looks
from analysis.figures.overview import overview
from analysis.figures.style import palette
from analysis.reading.study import Design
from analysis.report.evidence import Evidence
from analysis.report.looks import FIGURE
from analysis.report.tables import shown_effects
from analysis.statistics.cells import best_cell
from analysis.statistics.completeness import compared_runs
from analysis.statistics.gap import NET
from analysis.statistics.grades import SHOWN
from analysis.statistics.inert import without_inert
from analysis.statistics.intervals import interval
from analysis.statistics.responses import Response
from analysis.statistics.unpaired import assessed_apart
from analysis.words.names import response_label
from analysis.words.phrases import capital
from runner.metrics import Metric

INTERACTIONS_SHOWN = 4
LEVELS_SHOWN = 8  # of a factor in an interaction figure
METRICS_DRAWN = 6  # up to which those that are not primary have a figure of effects too
LOOKS_DRAWN = 12  # contrasts


@dataclass(frozen=True)
class Drawing:
    """What draws a figure, when it is asked for, and what stands below it."""

    figure: Callable[[], Figure]
    caption: str


def draw(evidence: Evidence) -> dict[str, Drawing]:
    """Return the report's figures by the names of their files, in the order of the report."""
    return dict(_drawn(evidence)) if evidence.cells["n"].any() else {}


def _drawn(evidence: Evidence) -> Iterator[tuple[str, Drawing]]:
    study = evidence.study
    styles = palette(list(evidence.cells["cell"]))
    shown = {cell: styles[cell] for cell in evidence.shown}
    stems = file_stems(study.metrics)
    yield from _effects(evidence, stems)
    yield from _looks(evidence)
    yield from _interactions(evidence, stems)
    over = interval_over(study.design)
    caption = f"Mean validation curves of the cells, with {over}"
    if len(evidence.curves):
        yield "overview", Drawing(partial(overview, evidence.curves, shown, study.primary), caption)
    for metric in [metric for metric in study.primary if metric.name in study.history and len(evidence.curves)]:
        figure = partial(curves, study.history, evidence.curves, metric, shown)
        moving = "" if study.source else " while the weights move"
        caption = f"{capital(metric.label)} in training, as logged{moving}, and in validation"
        yield f"curves_{stems[metric.name]}", Drawing(figure, caption)
    for metric in study.primary if set(evidence.gap["term"]) > {NET} else ():
        means = f"means over {study.design.replicate}s; the net gap with its {over}"
        caption = f"What the gap in {metric.label} is made of: {means}"
        yield f"gap_{stems[metric.name]}", Drawing(partial(gap, evidence.gap, evidence.shown, metric), caption)
    yield from _misses(evidence)


def interval_over(design: Design) -> str:
    """Return what an interval in a figure is."""
    return f"95 % t-interval over {design.replicate}s"


def file_stems(metrics: Iterable[Metric]) -> dict[str, str]:
    """Return what stands for each metric in names of files: its name, what no file should be called replaced."""
    stems: dict[str, str] = {}
    for place, metric in enumerate(metrics):
        stem = re.sub(r"\W", "_", metric.name, flags=re.ASCII)
        stems[metric.name] = f"{stem}_{place}" if stem in stems.values() else stem
    return stems


def _effects(evidence: Evidence, stems: dict[str, str]) -> Iterator[tuple[str, Drawing]]:
    """Yield the effects on each primary metric, and on the others where the metrics are few."""
    study = evidence.study
    for metric in study.metrics if len(study.metrics) <= METRICS_DRAWN else study.primary:
        response = evidence.responses[f"val_{metric.name}"]
        rows = shown_effects(evidence.effects, response.column)
        if len(rows):
            aside = "" if response.primary else ", exploratory"
            which = interval_over(study.design) if evidence.looks is None or aside else "95 % interval over all looks"
            dots = "; dots are single seeds" if study.design.paired else ""
            caption = f"Effects on {response_label(response)}{aside}: mean and {which}{dots}"
            figure = partial(effects, rows, evidence.seed_effects, response)
            yield f"effects_val_{stems[metric.name]}", Drawing(figure, caption)


def intervals_of(evidence: Evidence) -> str:
    """Return which intervals the effects have."""
    over = f"95 % t-intervals over {evidence.study.design.replicate}s"
    return over if evidence.looks is None else "95 % intervals that hold over all looks"


def _looks(evidence: Evidence) -> Iterator[tuple[str, Drawing]]:
    """Yield the looks at the contrasts, those with the lowest p where they are too many."""
    if evidence.looks is None or evidence.looks.table.empty:
        return
    table = evidence.looks.table
    keys = ["response", "contrast"]
    lowest = table.groupby(keys, sort=False)["p"].min().sort_values(kind="stable")
    chosen = lowest.index[:LOOKS_DRAWN]
    in_order = pd.MultiIndex.from_tuples([name for name in evidence.looks.names if name in chosen], names=keys)
    kept = table.set_index(keys).loc[in_order].reset_index()
    more = len(lowest) - len(chosen)
    rest = f"; the {LOOKS_DRAWN} clearest, {more} more in tables/looks.csv" if more else ""
    caption = f"Estimate and 95 % interval over all looks so far, after each look{rest}"
    yield FIGURE, Drawing(partial(looks, kept, evidence.responses), caption)


def _interactions(evidence: Evidence, stems: dict[str, str]) -> Iterator[tuple[str, Drawing]]:
    joined = ", each seed joined" if evidence.study.design.paired else ""
    over = interval_over(evidence.study.design)
    caption = f"How the effect of one factor depends on another: mean and {over}{joined}"
    for place, factors in enumerate(_shown_interactions(evidence), 1):
        for metric in evidence.study.primary:
            frames = _interaction_frames(evidence, factors, evidence.responses[f"val_{metric.name}"])
            figure = partial(interaction, *frames, factors, metric)
            yield f"interaction_{place}_val_{stems[metric.name]}", Drawing(figure, caption)


def _shown_interactions(evidence: Evidence) -> list[tuple[str, str]]:
    """Return the pairs of factors whose interaction is drawn: the only pair, or the pairs that interact."""
    design = without_inert(evidence.study.design, evidence.study.declaration)
    few = [key for key, levels in design.factors.items() if 1 < len(levels) <= LEVELS_SHOWN]
    pairs = [(first, second) for place, first in enumerate(few) for second in few[place + 1 :]]
    if design.kind != "factorial" or len(pairs) <= 1:
        return pairs if design.kind == "factorial" else []
    found = evidence.effects[evidence.effects["kind"].eq("interaction") & evidence.effects["primary"]]
    clear = set(found["term"][found["grade"].isin(SHOWN)])
    return [pair for pair in pairs if ":".join(pair) in clear][:INTERACTIONS_SHOWN]


def _interaction_frames(
    evidence: Evidence, factors: tuple[str, str], response: Response
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the response per pair of levels and seed, averaged over other factors, and its mean with interval."""
    column = response.column
    if not evidence.study.design.paired:
        runs = compared_runs(evidence.study.runs, whole_seeds=False)
        return runs.iloc[:0], pd.DataFrame(_means_apart(runs, factors, column))
    runs = compared_runs(evidence.study.runs, whole_seeds=True)
    seeds = runs.groupby([*factors, "seed"], sort=False, as_index=False)[column].mean()
    rows = [
        {factors[0]: first, factors[1]: second}
        | dict(zip(("mean", "low", "high"), interval(group[column].to_numpy(float)), strict=True))
        for (first, second), group in seeds.groupby(list(factors), sort=False)
    ]
    return seeds, pd.DataFrame(rows)


def _means_apart(runs: pd.DataFrame, factors: tuple[str, str], column: str) -> Iterator[dict[str, Any]]:
    """Yield the mean over the cells of each pair of levels, with its interval from the cells' own variances."""
    for (first, second), group in runs.groupby(list(factors), sort=False):
        of_cell = group.assign(_run=group.groupby("cell").cumcount())
        figures = of_cell.pivot_table(column, "_run", "cell", sort=False, dropna=False).to_numpy(float)
        cells = figures.shape[1]
        found = assessed_apart(figures, sparse.csr_array(np.full((1, cells), 1 / cells)))
        bounds = {name: getattr(found, name)[0] for name in ("low", "high")}
        yield {factors[0]: first, factors[1]: second, "mean": found.estimate[0], **bounds}


def _misses(evidence: Evidence) -> Iterator[tuple[str, Drawing]]:
    misses = evidence.misses
    if misses is None or misses.table.empty:
        return
    if misses.images:
        figure = partial(gallery, misses.table, misses.images)
        yield "missed", Drawing(figure, "The validation images that most runs miss")
    if misses.confusion:
        which = "the baseline and the best cell" if _best_of(evidence) else "the baseline"
        caption = f"True against given classes, counts over the runs of a cell: {which}"
        yield "confusion", Drawing(partial(confusion, misses.confusion, evidence.study.example), caption)


def _best_of(evidence: Evidence) -> str | None:
    """Return the best cell by the first primary metric, None where no direction is better."""
    return best_cell(evidence.cells, evidence.study.primary[0])
