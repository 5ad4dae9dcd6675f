"""A study's evidence -> what a paper takes: tables in LaTeX, named and captioned as a paper prints them."""

import json
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.report.evidence import Evidence
from analysis.report.latex import ESTIMATE, LatexTable
from analysis.report.summary import looked_at
from analysis.report.tables import comparison_columns, comparison_table, effects_table
from analysis.statistics.contrasts import NOTHING, WITHOUT
from analysis.words.phrases import capital, count, listed
from runner.metrics import Metric

KEYS = 3  # factors with a column each; of more, a cell's label is its name
YES = {"true": "yes", "false": "no"}


def comparison(evidence: Evidence) -> LatexTable:
    """Return the comparison of cells, the best of each metric in bold."""
    texts, factors = comparison_table(evidence), list(evidence.study.factors)
    shown = evidence.cells[evidence.cells["cell"].isin(evidence.shown)]
    if 0 < len(factors) <= KEYS:
        keys = pd.DataFrame({paper_key(key): texts[key].map(lambda level: paper_level(level)) for key in factors})
    else:
        keys = pd.DataFrame({"Setting": list(shown["cell"])})
    rest = texts.drop(columns=[name for name in (factors or ["cell"]) if name in texts])
    metrics = comparison_columns(evidence)
    names = {title: _metric_head(kind, metric) for title, (kind, metric, _) in metrics.items()}
    names |= {"time": "Time"}
    bold = {
        (row, names[title])
        for title, (_, metric, column) in metrics.items()
        for row in _best_rows(shown[column].to_numpy(float), metric)
    }
    table = pd.concat([keys.reset_index(drop=True), rest.rename(columns=names).reset_index(drop=True)], axis=1)
    return LatexTable(table, keys.shape[1], _comparison_caption(evidence), _label(evidence, "cells"), frozenset(bold))


def _best_rows(values: np.ndarray, metric: Metric) -> list[int]:
    """Return the rows with the best value, none where there is no other or no direction is better."""
    if metric.better == "neither" or np.isfinite(values).sum() < 2:
        return []
    best = np.nanmax(values) if metric.better == "higher" else np.nanmin(values)
    return [int(place) for place in np.flatnonzero(values == best)]


def _metric_head(kind: str, metric: Metric) -> str:
    """Return `Val. accuracy (%)`."""
    unit = f" ({metric.unit})" if metric.unit else ""
    return f"{ {'validation': 'Val.', 'training': 'Train.'}[kind] } {metric.label}{unit}"


def _comparison_caption(evidence: Evidence) -> str:
    """Return what is compared, after which training, and what the figures are."""
    study, n = evidence.study, evidence.cells["n"]
    what = listed([metric.label for metric in study.primary])
    seeds = count(int(n.max()), "seed") if n.min() == n.max() else f"{n.min()} to {count(int(n.max()), 'seed')}"
    spread = f"mean ± half of the 95 % t-interval over {seeds}" if n.max() > 1 else "one seed"
    names = [paper_key(key) for key in study.factors]
    factors = listed([name[:1].lower() + name[1:] for name in names]) or "the recipe"
    return f"{capital(what)} by {factors}, {looked_at(study)}: {spread}. Best in bold."


def effects(evidence: Evidence, intervals: str) -> LatexTable:
    """Return the effects, those that are established in bold; `intervals` is what their intervals are."""
    texts = effects_table(evidence)
    if texts.empty:
        return LatexTable(texts, 0, "Effects: none.", _label(evidence, "effects"))
    established = [place for place, grade in enumerate(texts["grade"]) if grade.startswith("established")]
    first = ["effect", "on", "estimate", "n", "p Holm", "grade"]
    texts = texts[[*first, *(name for name in texts if name not in first)]]
    texts = texts.assign(effect=[paper_contrast(effect, evidence.study.factors) for effect in texts["effect"]])
    names = {"effect": "Effect", "on": "Metric", "estimate": ESTIMATE, "grade": "Grade", "seeds": "Seeds needed"}
    names |= {name: f"SE ({name.removeprefix('± ')})" for name in texts if name.startswith("± ")}
    what = listed([metric.label for metric in evidence.study.primary])
    caption = (
        f"Effects on validation {what}, {looked_at(evidence.study)}: estimates with {intervals}. Established in bold."
    )
    bold = frozenset((row, ESTIMATE) for row in established)
    return LatexTable(texts.rename(columns=names), 2, caption, _label(evidence, "effects"), bold)


def _label(evidence: Evidence, kind: str) -> str:
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', evidence.study.declaration['name']).strip('-')}-{kind}"


# ---- names as a paper has them


def paper_key(key: str) -> str:
    """Return `Learning rate` for learning_rate, and what the key that leaves out layers does."""
    return "Layers left out" if key == WITHOUT else capital(key.replace("_", " "))


def paper_level(level: str) -> str:
    """Return yes and no for switches, and the elements of a list, none where it is empty."""
    if level in YES:
        return YES[level]
    if level[:1] != "[":
        return level
    try:
        parts = json.loads(level)
    except ValueError:
        return level
    return listed([str(part) for part in parts]) or NOTHING


def paper_contrast(contrast: str, keys: Sequence[str]) -> str:
    """Return the contrast with keys and switches as a paper has them."""
    told = re.sub(r"(?<=[:→=] )(true|false)\b|(?<=[:→=])(true|false)\b", lambda found: YES[found[0]], contrast)
    for key in keys:
        spaced = key.replace("_", " ").replace("\\", r"\\")
        told = re.sub(rf"(?<![\w.]){re.escape(key)}(?![\w.])", spaced, told)
    return told
