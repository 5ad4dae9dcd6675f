"""Stored predictions -> the validation examples that one level of a factor misses and the other does not.

`split_by_factor` gives two frames, exploratory both. `examples`, a row per contrast and example whose share of misses
differs by at least half: `contrast`, `example`, `label`, `missed_baseline`, `runs_baseline`, `missed_level`,
`runs_level`, `difference` (share at the level minus share at the baseline), `p` (two-sided exact: runs shuffled between
the two levels). `contrasts`, a row per contrast: `contrast`, `up`, `down` (such examples, missed more or less at the
level), `by_chance` (how many shuffled runs give on average), `_lowest_p` (the lowest p that so few runs can reach;
above .05 no example is listed). Where epochs are a factor, each training counts with its last look, and in the contrast
of epochs with all.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.reading.study import Design
from analysis.statistics.intervals import ALPHA
from analysis.statistics.matched import Levels, matched
from analysis.statistics.misses import Predictions, miss_count

HALF = 0.5  # difference in the share of misses from which a factor is said to change who is missed
SLACK = 1e-9  # differences of shares come with rounding
SIDES = ("missed_baseline", "runs_baseline", "missed_level", "runs_level")
EXAMPLE_COLUMNS = ("contrast", "example", "label", *SIDES, "difference", "p")
SUMMARY_COLUMNS = ("contrast", "up", "down", "by_chance", "lowest_p")


@dataclass(frozen=True)
class Split:
    """Which examples a factor changes, `examples`, and how many, `contrasts`; columns as in the module's text."""

    examples: pd.DataFrame
    contrasts: pd.DataFrame


def split_by_factor(predictions: Predictions, labels: np.ndarray, levels: Levels, design: Design) -> Split:
    """Return the examples that one level misses and the other does not, by half of the runs or more.

    `levels` maps each cell's label to its levels; cells without predictions are left out.
    """
    counts = {cell: miss_count(rows, labels) for cell, rows in predictions.items()}
    examples, summaries = [], []
    for contrast in matched({cell: levels[cell] for cell in predictions}, design):
        table = _miss_table([(counts[baseline], counts[level]) for baseline, level in contrast.pairs])
        table = table.assign(contrast=contrast.label, label=labels.astype(int))
        kept = _differing(table) if _lowest_p(table) <= ALPHA else table.iloc[:0].assign(p=0.0)
        examples.append(kept)
        summaries.append(
            {
                "contrast": contrast.label,
                "up": int((kept["difference"] > 0).sum()),
                "down": int((kept["difference"] < 0).sum()),
                "by_chance": float(_shuffle_p(table, HALF).sum()),
                "lowest_p": _lowest_p(table),
            }
        )
    joined = pd.concat(examples, ignore_index=True) if examples else pd.DataFrame(columns=EXAMPLE_COLUMNS)
    return Split(joined[list(EXAMPLE_COLUMNS)], pd.DataFrame(summaries, columns=SUMMARY_COLUMNS))


def _miss_table(pairs: list[tuple[tuple[np.ndarray, int], tuple[np.ndarray, int]]]) -> pd.DataFrame:
    """Return a row per example: misses and runs summed over the pairs' sides, and the difference of the shares."""
    sides: dict[str, np.ndarray] = {}
    for name, cells in zip(("baseline", "level"), zip(*pairs, strict=True), strict=True):
        sides[f"missed_{name}"] = np.sum([misses for misses, _ in cells], axis=0)
        sides[f"runs_{name}"] = np.full(len(cells[0][0]), sum(runs for _, runs in cells))
    table = pd.DataFrame({"example": np.arange(len(sides["missed_level"])), **sides})
    shares = table["missed_level"] / table["runs_level"], table["missed_baseline"] / table["runs_baseline"]
    return table.assign(difference=shares[0] - shares[1])


def _differing(table: pd.DataFrame) -> pd.DataFrame:
    """Return the examples whose share of misses differs by at least half, the largest difference first."""
    size = table["difference"].abs()
    order = size[size >= HALF - SLACK].sort_values(ascending=False, kind="stable").index
    kept = table.loc[order]
    return kept.assign(p=_shuffle_p(kept, kept["difference"].abs().to_numpy()))


def _shuffle_p(table: pd.DataFrame, size: np.ndarray | float) -> np.ndarray:
    """Return for each example the chance that shares differ by at least `size` when runs are shuffled between levels.

    The misses that fall on the level are then hypergeometric.
    """
    missed_baseline, baseline, missed_level, level = (table[name].to_numpy() for name in SIDES)
    total, spread = missed_baseline + missed_level, 1 / level + 1 / baseline
    high = np.ceil((total / baseline + size) / spread - SLACK)
    low = np.floor((total / baseline - size) / spread + SLACK)
    drawn = stats.hypergeom(baseline + level, total, level)
    return np.minimum(1.0, drawn.sf(high - 1) + drawn.cdf(low))


def _lowest_p(table: pd.DataFrame) -> float:
    """Return the p of an example that every run of one level misses and no run of the other."""
    baseline, level = int(table["runs_baseline"].iloc[0]), int(table["runs_level"].iloc[0])
    return min(1.0, (2 if baseline == level else 1) / math.comb(baseline + level, level))
