"""Runs and a design -> the responses as an array over seeds and cells."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from analysis.reading.study import Design
from analysis.statistics.contrasts import Contrasts, cell_count, family, star_cell
from analysis.statistics.moderation import MOST_RESPONSES
from analysis.statistics.responses import Response

CANCELLED = 1e-12  # what rounding leaves of weights that cancel


@dataclass(frozen=True)
class Measured:
    """Responses as an array over seeds and cells; NaN where a run is not complete or has no value."""

    responses: tuple[Response, ...]
    seeds: np.ndarray  # (seeds,); of an unpaired design places within a cell
    values: np.ndarray  # (responses, seeds, cells)
    alive: np.ndarray  # (cells,) whether any run of the cell is complete

    one_run: np.ndarray  # (cells,) the first cell that is one and the same run in every seed

    def of(self, response: Response) -> np.ndarray:
        """Return the response's values: (seeds, cells)."""
        return self.values[self.responses.index(response)]

    def merged(self, weights: sparse.csr_array) -> sparse.csr_array:
        """Return the weights, those of cells that are one run summed into the first of them: (contrasts, cells)."""
        cells = len(self.one_run)
        return weights @ sparse.csr_array((np.ones(cells), (np.arange(cells), self.one_run)), shape=(cells, cells))

    def inert(self, weights: sparse.csr_array) -> np.ndarray:
        """Return which contrasts compare runs with themselves: (contrasts,) bool."""
        return abs(self.merged(weights)).sum(axis=1) < CANCELLED

    def shared_squares(self, weights: sparse.csr_array) -> np.ndarray:
        """Return the sums of squared weights, (contrasts,), of contrasts that may share variances; NaN for others.

        They weigh every cell alike, as all do where every factor has two levels, so that a cell which scatters more
        than the others widens all of them. A contrast with a baseline level, or at one level of another factor, is
        like arms: it does not. Nor does any where there are more primary responses than two.
        """
        if sum(response.primary for response in self.responses) > MOST_RESPONSES:
            return np.full(weights.shape[0], np.nan)
        merged = self.merged(weights)
        weighs_all = (abs(merged) > CANCELLED).sum(axis=1) == len(np.unique(self.one_run))
        return np.where(weighs_all, merged.power(2).sum(axis=1), np.nan)


def measure(runs: pd.DataFrame, design: Design, responses: Iterable[Response]) -> Measured:
    """Return the responses that `runs` has; exploratory ones only where any run has a value."""
    cells = cell_places(runs, design)
    rows, seeds = pd.factorize(runs["seed"])
    if not design.paired:  # no block: a cell's runs lie one below the other, whatever their numbers
        rows = runs.groupby(cells).cumcount().to_numpy()
        seeds = np.arange(rows.max(initial=-1) + 1)
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
    return Measured(there, np.asarray(seeds), values, alive, _one_run(runs, rows, cells, values.shape[1:]))


def tested_family(design: Design, measured: Measured) -> Contrasts:
    """Return the declared contrasts that are tests: not those that compare runs with themselves, or are exploratory."""
    contrasts = family(design, measured.alive)
    return contrasts.where(~measured.inert(contrasts.weights) & contrasts.declared)


def _one_run(runs: pd.DataFrame, rows: np.ndarray, cells: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return for each cell the first that looks at the same records after the same epochs: itself where none does."""
    keys = [key for key in ("run", "epochs") if key in runs]
    if "run" not in keys:
        return np.arange(shape[1])
    looks = np.repeat(-1 - np.arange(shape[1])[None], shape[0], axis=0)  # a cell without a run is like no other
    looks[rows, cells] = runs.groupby(keys, sort=False).ngroup()
    _, first, places = np.unique(looks, axis=1, return_index=True, return_inverse=True)
    return first[places.ravel()]


def cell_places(runs: pd.DataFrame, design: Design) -> np.ndarray:
    """Return each run's cell, (runs,): the last factor fastest, or the baseline and then each factor's levels.

    Of a screening the cells are in their declared order.
    """
    cells = np.zeros(len(runs), int)
    changed = np.zeros(len(runs), int)
    binary = np.zeros(len(runs), int)
    for factor, levels in design.factors.items():
        codes = pd.Index([str(level) for level in levels]).get_indexer(runs[factor].astype(str))
        if (codes < 0).any():
            stray = runs[factor].astype(str).to_numpy()[codes < 0][0]
            raise ValueError(f"{factor} must be one of {', '.join(map(str, levels))} in every run; got {stray}.")
        if design.kind == "factorial":
            cells = cells * len(levels) + codes
        elif design.kind == "screening":
            binary = 2 * binary + codes
        else:
            cells += np.where(codes > 0, star_cell(design, factor, 1) - 1 + codes, 0)
            changed += codes > 0
    if design.kind == "screening":
        places = {int("".join(map(str, cell)), 2): place for place, cell in enumerate(design.cells)}
        cells = np.array([places.get(code, -1) for code in binary], int)
        if (cells < 0).any():
            raise ValueError("runs must be of the screening's own cells; got another combination of levels.")
    if design.kind != "factorial" and (changed > 1).any():
        raise ValueError("runs must differ from the baseline in one factor at a time; got some that differ in more.")
    return cells
