"""Which validation examples each run gets right -> how much of a contrast's doubt no seed removes.

Two recipes are compared on one validation set. More seeds say more exactly how they differ *on these examples*; another
set of examples would give another difference. With d[s, i] the contrast of example i in seed s,

    d[s, i] = effect + seed_s + example_i + rest_si

and the mean over n seeds and N examples has the variance Var(seed)/n + Var(example)/N + Var(rest)/(nN). The seeds' own
effects show the first and the last term, which is the standard error that a t-interval over seeds uses; the second is
the examples'. Components are those of a two-way layout without replication (Searle, Casella and McCulloch, Variance
Components, 1992, chapter 4). The interval for new examples adds the two half widths in quadrature (Zou and Donner,
Stat. Med. 27, 2008), so that a spread estimated from few seeds keeps its wide quantile.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse, stats

from analysis.reading.study import Design
from analysis.statistics.contrasts import cell_count
from analysis.statistics.intervals import ALPHA
from analysis.statistics.measured import cell_places

SAME = 1e-5  # between a logged share and that of the kept answers, which is summed otherwise


@dataclass(frozen=True)
class Answers:
    """In which share of a window's epochs each run answers each validation example rightly, and of which response."""

    column: str
    right: np.ndarray  # (seeds, cells, examples) shares, or bool; 0 where there is no run

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return self.right.shape[2]

    def contrasts(self, weights: sparse.csr_array) -> Iterator[np.ndarray]:
        """Yield each contrast's share of right answers, example by example, seed by seed: (contrasts, examples)."""
        for seed in self.right:
            yield weights @ seed.astype(float)


def answers_of(
    runs: pd.DataFrame, design: Design, right: Mapping[tuple[str, int], np.ndarray], columns: Iterable[str]
) -> Answers | None:
    """Return the answers of the complete runs, with the first of the columns that is their share of right ones.

    `right` is by run and epochs. None where a complete run has none, or no column is that share: a metric that takes
    the best five answers, say.
    """
    whole = runs[runs["status"].eq("complete")]
    keys = list(zip(whole["run"], whole["epochs"].astype(int), strict=True))
    if not keys or any(key not in right for key in keys):
        return None
    shares = np.array([right[key].mean() for key in keys])
    column = next((name for name in columns if np.allclose(whole[name].astype(float), shares, atol=SAME)), None)
    if column is None or len({right[key].size for key in keys}) != 1:
        return None
    rows, seeds = pd.factorize(runs["seed"])
    complete, places = runs["status"].eq("complete").to_numpy(), cell_places(runs, design)
    first = right[keys[0]]
    found = np.zeros((len(seeds), cell_count(design), first.size), first.dtype)
    for seed, cell, key in zip(rows[complete], places[complete], keys, strict=True):
        found[seed, cell] = right[key]
    return Answers(column, found)


def se_of_examples(own: Iterable[np.ndarray], kept: np.ndarray) -> np.ndarray:
    """Return the standard error of each contrast that is due to the examples: (contrasts,); NaN where it has no seeds.

    `own` gives seed by seed each contrast example by example, (contrasts, examples); `kept` tells which seeds a
    contrast rests on, (seeds, contrasts). With fewer than two seeds, or two examples, nothing can be told.
    """
    n = kept.sum(axis=0).astype(float)
    total: Any = 0.0  # over seeds, from the first on (contrasts, examples)
    squares: Any = 0.0  # (contrasts,)
    means = []
    for values, counted in zip(own, kept, strict=True):
        present = np.where(counted[:, None], values, 0.0)
        total, squares = total + present, squares + (present**2).sum(axis=1)
        means.append(present.mean(axis=1))
    examples = np.shape(total)[1]
    if examples < 2:
        return np.full(len(n), np.nan)
    n = np.where(n > 1, n, np.nan)
    mean = np.sum(means, axis=0) / n
    over_seeds = examples * (np.where(kept, np.array(means) - mean, 0.0) ** 2).sum(axis=0)
    over_examples = n * ((total / n[:, None] - mean[:, None]) ** 2).sum(axis=1)
    rest = (squares - n * examples * mean**2 - over_seeds - over_examples) / ((n - 1) * (examples - 1))
    variance = (over_examples / (examples - 1) - rest) / n  # of the examples, less the runs' noise
    return np.sqrt(np.maximum(variance, 0.0) / examples)


def widened(low: np.ndarray, high: np.ndarray, se: np.ndarray, examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 95 % intervals that hold for new examples too, from those over seeds and the examples' standard error."""
    half = np.hypot((high - low) / 2, stats.t.isf(ALPHA / 2, max(examples - 1, 1)) * se)
    middle = (low + high) / 2
    return middle - half, middle + half
