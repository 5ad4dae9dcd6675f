"""Runs and a design -> the responses as an array over seeds and cells."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.reading.study import Design
from analysis.statistics.contrasts import cell_count, star_cell
from analysis.statistics.responses import Response


@dataclass(frozen=True)
class Measured:
    """Responses as an array over seeds and cells; NaN where a run is not complete or has no value."""

    responses: tuple[Response, ...]
    seeds: np.ndarray  # (seeds,)
    values: np.ndarray  # (responses, seeds, cells)
    alive: np.ndarray  # (cells,) whether any run of the cell is complete

    def kept(self, response: Response) -> tuple[np.ndarray, np.ndarray]:
        """Return the seeds that have the response in every cell that has runs, and values: (n,), (n, cells).

        A cell without any complete run stays NaN; contrasts over it cannot be computed.
        """
        values = self.values[self.responses.index(response)]
        whole = np.isfinite(values[:, self.alive]).all(axis=1) & self.alive.any()
        return self.seeds[whole], values[whole]


def measure(runs: pd.DataFrame, design: Design, responses: Iterable[Response]) -> Measured:
    """Return the responses that `runs` has; exploratory ones only where any run has a value."""
    cells = _cell_places(runs, design)
    rows, seeds = pd.factorize(runs["seed"])
    if len(np.unique(rows * cell_count(design) + cells)) != len(runs):
        raise ValueError("runs must hold one row per cell and seed; got some twice. Drop the duplicates.")
    complete = runs["status"].eq("complete").to_numpy()
    there = tuple(
        response
        for response in responses
        if response.column in runs
        and (response.primary or np.isfinite(runs[response.column].to_numpy(float)[complete]).any())
    )
    values = np.full((len(there), len(seeds), cell_count(design)), np.nan)
    for place, response in enumerate(there):
        values[place, rows, cells] = np.where(complete, runs[response.column].to_numpy(float), np.nan)
    alive = np.bincount(cells[complete], minlength=cell_count(design)) > 0
    return Measured(there, np.asarray(seeds), values, alive)


def _cell_places(runs: pd.DataFrame, design: Design) -> np.ndarray:
    """Return each run's cell, (runs,): the last factor fastest, or the baseline and then each factor's levels."""
    cells = np.zeros(len(runs), int)
    changed = np.zeros(len(runs), int)
    for factor, levels in design.factors.items():
        codes = pd.Index([str(level) for level in levels]).get_indexer(runs[factor].astype(str))
        if (codes < 0).any():
            stray = runs[factor].astype(str).to_numpy()[codes < 0][0]
            raise ValueError(f"{factor} must be one of {', '.join(map(str, levels))} in every run; got {stray}.")
        if design.kind == "factorial":
            cells = cells * len(levels) + codes
        else:
            cells += np.where(codes > 0, star_cell(design, factor, 1) - 1 + codes, 0)
            changed += codes > 0
    if design.kind != "factorial" and (changed > 1).any():
        raise ValueError("runs must differ from the baseline in one factor at a time; got some that differ in more.")
    return cells
