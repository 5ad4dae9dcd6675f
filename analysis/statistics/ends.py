"""Leave-one-out and add-one runs of the same components -> what each contributes at either end, and the difference.

Leave-one-out measures a component with all others on, add-one with all others off. Where the two differ, the component
acts together with others. Each figure is a within-seed difference, on minus off, over the seeds that have all cells.

Columns of `contributions` (tables/ends.csv), a row per component and primary response:

| column | type | unit | meaning |
|---|---|---|---|
| component | str | | the factor's key |
| response | str | | val_m of a primary metric m |
| n | int | seeds | complete in every cell of both ends |
| all_on, all_on_low, all_on_high | float | metric's | contribution with all others on, with 95 % t-interval |
| all_off, all_off_low, all_off_high | float | metric's | contribution with all others off |
| difference, difference_low, difference_high | float | metric's | the first less the second |
| p | float | | of the difference, paired t-test, Holm's correction over the table's rows |
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.holm import holm
from analysis.statistics.intervals import interval

ENDS = {"all_on": "true", "all_off": "false"}  # at which level all other components are
COLUMNS = (
    *("component", "response", "n", "all_on", "all_on_low", "all_on_high"),
    *("all_off", "all_off_low", "all_off_high", "difference", "difference_low", "difference_high", "p"),
)


def contributions(
    runs: pd.DataFrame, other: pd.DataFrame, factors: Sequence[str], responses: Sequence[str]
) -> pd.DataFrame:
    """Return what each component contributes at either end; `runs` and `other` are frames of runs.

    Either may be the leave-one-out design; all factors have the levels true and false.
    """
    both = pd.concat([runs, other]).drop_duplicates(["cell", "seed"])
    seeds = _whole_seeds(both)
    rows = [
        _contribution(both[both["seed"].isin(seeds)], factors, component, response)
        for component in factors
        for response in responses
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["p"] = holm(table["p"].to_numpy(float))
    return table


def _whole_seeds(runs: pd.DataFrame) -> list[int]:
    """Return the seeds that are complete in every cell."""
    by_seed = runs[runs["status"].eq("complete")].groupby("seed")["cell"].nunique()
    return list(by_seed.index[by_seed == runs["cell"].nunique()])


def _contribution(runs: pd.DataFrame, factors: Sequence[str], component: str, response: str) -> dict[str, Any]:
    """Return one row: the component's effect with all others on, with all others off, and their difference."""
    ends = {name: _at_end(runs, factors, component, others, response) for name, others in ENDS.items()}
    pair = pd.concat(ends, axis=1).dropna()  # (seeds, 2)
    measured = {**{name: pair[name] for name in ENDS}, "difference": pair["all_on"] - pair["all_off"]}
    row: dict[str, Any] = {"component": component, "response": response, "n": len(pair)}
    for name, values in measured.items():
        bounds = interval(values.to_numpy(float))
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), bounds, strict=True))
    return row | {"p": _paired_p(measured["difference"].to_numpy(float))}


def _at_end(runs: pd.DataFrame, factors: Sequence[str], component: str, others: str, response: str) -> pd.Series:
    """Return the response with the component on less that with it off, by seed, others at one level."""
    rest = [factor for factor in factors if factor != component]
    here = runs[runs[rest].eq(others).all(axis=1)].set_index("seed")
    on, off = (here.loc[here[component].eq(level), response] for level in ("true", "false"))
    return on - off


def _paired_p(differences: np.ndarray) -> float:
    """Return the two-sided p of the mean difference being zero; NaN without spread."""
    if len(differences) < 2 or differences.std(ddof=1) == 0:
        return np.nan
    return float(stats.ttest_1samp(differences, 0.0).pvalue)
