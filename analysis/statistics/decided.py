"""Runs of a study so far -> the looks that they allow, what is decided, and which cells need more seeds.

The columns of `Decided.table` are those of `looks.Replay.table`, with the contrast's label in the place of its number,
and `response`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.reading.study import Design
from analysis.statistics.floors import Precision
from analysis.statistics.futility import chance_of_decision, unlikely
from analysis.statistics.looked import Looked, look_at, outcomes_of
from analysis.statistics.looks import BUDGET, Replay, cells_to_train, next_look
from analysis.statistics.measured import cell_places, measure, tested_family
from analysis.statistics.responses import Response


@dataclass(frozen=True)
class Decided:
    """The looks so far, and what goes on after the last of them."""

    table: pd.DataFrame
    names: list[tuple[str, str]]  # of the contrasts, (response, contrast)
    decided_after: np.ndarray  # (contrasts,) planned seeds, 0 where it is open
    unlikely: np.ndarray  # (contrasts,) bool; open, and not to be expected within the budget
    given_up: np.ndarray  # (contrasts,) bool; of these, what more seeds within the budget were not spent on
    seeds: int | None  # of the next look; None where all is decided or the budget is spent
    cells: list[str]  # labels of the cells that need them, in the order of the runs


def decided(
    runs: pd.DataFrame,
    design: Design,
    responses: Mapping[str, Response],
    precision: Precision | None = None,
    budget: int = BUDGET,
    futile: bool = False,
) -> Decided:
    """Return what the runs so far decide; a row of `runs` per planned run, also of those that are still to come.

    Seeds count in their order. `futile` gives up contrasts that the budget is unlikely to decide. An arm goes on while
    any of its contrasts is open; a factorial as a whole.
    """
    looked = primary_looks(runs, design, responses, precision, budget)
    found = looked.replay
    hopeless = unlikely(chance_of_decision(looked.family, found, budget))
    going_on = found.open & ~hopeless if futile else found.open
    last = int(found.table["planned"].max()) if len(found.table) else 0
    ahead = next_look(last, budget)
    seeds = ahead if going_on.any() else None
    given_up = hopeless & found.open & ((_stopped_at(found) < last) | (ahead is not None)) & futile
    needed = cells_to_train(going_on, looked.weights.toarray(), design.whole_seeds)
    cells = [] if seeds is None else list(dict.fromkeys(runs["cell"][needed[cell_places(runs, design)]]))
    return Decided(_named(looked), looked.names, found.decided_after, hopeless, given_up, seeds, cells)


def primary_looks(
    runs: pd.DataFrame,
    design: Design,
    responses: Mapping[str, Response],
    precision: Precision | None = None,
    budget: int | None = None,
) -> Looked:
    """Return the looks at the primary contrasts of the runs so far, seeds in their order."""
    ordered = runs.sort_values("seed", kind="stable")
    primary = [response for response in responses.values() if response.primary and response.column in runs]
    measured = measure(ordered, design, primary)
    contrasts = tested_family(design, measured)
    parts = [(response, contrasts) for response in measured.responses]
    outcome = outcomes_of(ordered, design, measured)
    return look_at(parts, measured, outcome, design, precision or Precision(), budget)


def _stopped_at(found: Replay) -> np.ndarray:
    """Return the last look at each contrast, in planned seeds: (contrasts,), 0 where there is none."""
    seeds, last = np.zeros(len(found.decided_after), int), found.last()
    seeds[last["contrast"].to_numpy(int)] = last["planned"].to_numpy(int)
    return seeds


def _named(looked: Looked) -> pd.DataFrame:
    """Return the looks with the contrasts' labels, and their responses."""
    table = looked.replay.table
    names = [looked.names[place] for place in table["contrast"]]
    return table.assign(contrast=[label for _, label in names], response=[column for column, _ in names])
