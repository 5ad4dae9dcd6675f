"""The records of a study in training -> what they decide: for whoever adds seeds until everything is decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.reading.study import study_of
from analysis.report.labels import shown_study
from analysis.statistics.decided import decided
from analysis.statistics.floors import Precision
from analysis.statistics.looks import PLANNED, check_budget
from analysis.statistics.responses import responses_of
from analysis.words.looks import look_line, unsized_sentence
from runner.store import Store


@dataclass(frozen=True)
class Look:
    """What is decided: how many seeds the next look takes (None for an end), the cells that need them, in words."""

    seeds: int | None
    cells: list[str]
    told: str


def first_look(budget: int) -> int:
    """Return how many seeds the first look takes; ValueError where the budget ends between two looks."""
    check_budget(budget)
    return PLANNED[0]


def look(declaration: Mapping[str, Any], store: Store) -> Look:
    """Return what the records of the declared study decide; `until` in the declaration has the budget."""
    study, labels = shown_study(study_of(dict(declaration), store))
    until = declaration["until"]
    precision = Precision(study.examples, study.window)
    budget, futile = until["max_seeds"], until["futile"]
    responses = responses_of(study.metrics)
    found = decided(study.runs, study.design, responses, precision, budget, futile)
    still_open, given_up = found.decided_after == 0, int(found.given_up.sum())
    told = [look_line(found.table, still_open, found.seeds, responses, given_up)]
    if found.table["planned"].eq(PLANNED[0]).all():
        told.append(unsized_sentence(responses[found.names[place][0]] for place in np.flatnonzero(still_open)))
    written = {shown: cell for cell, shown in labels.cells.items()}
    return Look(found.seeds, [written[cell] for cell in found.cells], "\n".join(filter(None, told)))
