"""Contrasts of measured runs -> the looks at them, and the table of effects as the looks leave it.

A study whose seeds were added until it was decided is not tested as if it had been planned with the seeds that it
happens to have. Its primary contrasts rest on the seeds of their last look, and their interval, p, Holm's p and grade
are those that hold over all looks (`looks`); what holds for one look alone, the pooled analysis and the number of seeds
needed, is left out. A contrast that has not been looked at has no figures yet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from analysis.reading.study import Design
from analysis.statistics.contrasts import Contrasts
from analysis.statistics.example_doubt import widened
from analysis.statistics.floors import Precision
from analysis.statistics.kept import kept_seeds, own_effects
from analysis.statistics.looks import Family, Replay, replay
from analysis.statistics.measured import Measured, cell_places
from analysis.statistics.responses import Response

OUTCOMES = ("complete", "diverged")  # of a run; a failed or missing one is waited for
OVER_LOOKS = ("low", "high", "p", "p_holm", "floored", "grade")  # of a contrast's last look
OF_ONE_LOOK = (
    *("pooled_f", "pooled_df", "pooled_p"),
    *("seeds_low", "seeds_high", "sesoi_seeds_low", "sesoi_seeds_high"),
)  # left out

Part = tuple[Response, Contrasts]  # contrasts of one response


@dataclass(frozen=True)
class Looked:
    """Looks at contrasts of several responses; `names` are their (response, contrast), in the order of the family."""

    family: Family
    replay: Replay
    names: list[tuple[str, str]]
    weights: sparse.csr_array  # (contrasts, cells) of the family

    def planned(self, response: str, contrasts: Iterable[str]) -> np.ndarray:
        """Return after how many seeds each contrast was last looked at: 0 for not yet, infinite where it is no test."""
        last = self.replay.last()
        seeds = dict.fromkeys(self.names, 0.0)
        seeds |= {self.names[row.contrast]: float(row.planned) for row in last.itertuples()}
        return np.array([seeds.get((response, contrast), np.inf) for contrast in contrasts], float)


def outcomes_of(runs: pd.DataFrame, design: Design, measured: Measured) -> np.ndarray:
    """Return where a run has its outcome, NaN where it is still to come: (seeds, cells)."""
    outcome = np.full((len(measured.seeds), len(measured.alive)), np.nan)
    there = np.where(runs["status"].isin(OUTCOMES), 1.0, np.nan)
    outcome[pd.factorize(runs["seed"])[0], cell_places(runs, design)] = there
    return outcome


def look_at(
    parts: Sequence[Part],
    measured: Measured,
    outcome: np.ndarray,
    design: Design,
    precision: Precision,
    budget: int | None = None,
) -> Looked:
    """Return the looks at those of the contrasts that are primary and tests, seeds in their order.

    `outcome` tells which runs have one, as `outcomes_of` does.
    """
    parts = [(response, contrasts.where(_tested(contrasts, measured, response))) for response, contrasts in parts]
    order, whole = np.argsort(measured.seeds, kind="stable"), design.whole_seeds
    counts = [len(contrasts.table) for _, contrasts in parts]
    sizes = [response.metric.sesoi for response, _ in parts]
    columns = [(measured.of(response)[order], contrasts.weights) for response, contrasts in parts]
    floors = [precision.floor(response.metric, measured.of(response)) for response, _ in parts]
    family = Family(
        own=_beside(own_effects(values, weights, whole) for values, weights in columns),
        known=_beside(kept_seeds(outcome[order], contrasts.weights, whole) for _, contrasts in parts).astype(bool),
        floor=np.repeat(floors, counts).astype(float),
        sesoi=np.repeat([np.nan if size is None else size for size in sizes], counts).astype(float),
        response=np.repeat(np.arange(len(parts)), counts),
        squares=np.concatenate([measured.shared_squares(each.weights) for _, each in parts]) if whole else None,
    )
    names = [(response.column, label) for response, each in parts for label in each.table["contrast"]]
    weights = sparse.csr_array(sparse.vstack([each.weights for _, each in parts]))
    return Looked(family, replay(family, budget), names, weights)


def _tested(contrasts: Contrasts, measured: Measured, response: Response) -> np.ndarray:
    """Return which contrasts of the response are corrected together: (contrasts,) bool."""
    return response.primary & contrasts.declared & ~measured.inert(contrasts.weights)


def _beside(arrays: Iterable[np.ndarray]) -> np.ndarray:
    """Return the arrays' columns beside one another."""
    return np.concatenate(list(arrays), axis=1)


def until_last_look(own: np.ndarray, seeds: np.ndarray, planned: np.ndarray) -> np.ndarray:
    """Return the seeds' effects, (seeds, contrasts), less those that came after the last look: they wait for the next.

    `planned` is (contrasts,), after how many seeds, in their order, that was.
    """
    rank = np.argsort(np.argsort(seeds, kind="stable"), kind="stable")
    return np.where(rank[:, None] < planned, own, np.nan)


def over_looks(table: pd.DataFrame, looked: Looked, examples: int | None) -> pd.DataFrame:
    """Return the table of effects, the rows of what was looked at as all looks together leave them.

    `examples` is how many the intervals for new ones allow for, where there are such intervals.
    """
    if not looked.names:
        return table
    keys = pd.MultiIndex.from_arrays([table["response"], table["contrast"]])
    at = keys.isin(looked.names)
    last = looked.replay.last()
    last.index = pd.MultiIndex.from_tuples([looked.names[place] for place in last["contrast"]], names=keys.names)
    last = last.reindex(keys[at])
    open_ended = last["n"].lt(2) | last["n"].isna()
    last.loc[open_ended, ["low", "high"]] = np.nan
    last.loc[open_ended, ["p", "p_holm"]] = 1.0  # not tested, and counted in the correction
    last.loc[open_ended, "grade"] = "cannot be said"
    found = table.copy()
    for name in OVER_LOOKS:
        column = found[name].to_numpy(object, copy=True)
        column[at] = last[name].eq(True) if name == "floored" else last[name]
        found[name] = pd.Series(column, found.index).astype(found[name].dtype)
    for name in OF_ONE_LOOK:
        found.loc[at, name] = pd.NA if name.startswith(("seeds", "sesoi")) else np.nan
    found.loc[at, ["alike", "disagrees"]] = False
    if examples is not None:
        told = at & found["se_examples"].notna().to_numpy()
        low, high, se = (found.loc[told, name].to_numpy(float) for name in ("low", "high", "se_examples"))
        found.loc[told, "new_low"], found.loc[told, "new_high"] = widened(low, high, se, examples)
    return found
