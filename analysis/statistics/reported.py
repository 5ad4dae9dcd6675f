"""Figures that a paper reports -> how each stands beside the reproduced runs: inside their spread, above or below.

A reported figure mostly comes from one run, so it is held against what one more run would give: the 95 % prediction
interval mean ± t · sd · √(1 + 1/n) of the n seeds, which is √(n + 1) times as wide as the mean's interval.

Columns of `compare` (tables/reported.csv), a row per reported figure:

| column | type | unit | meaning |
|---|---|---|---|
| cell | str | | the cell's label |
| metric | str | | val_m of a metric m |
| source | str | | where the figure is from, in the user's words |
| reported | float | metric's | the figure |
| n | int | seeds | complete in every cell |
| mean, low, high | float | metric's | reproduced, with the 95 % t-interval of the mean |
| run_low, run_high | float | metric's | 95 % prediction interval of one more run |
| verdict | str | | see VERDICTS |

Columns of `steps`, a row per comparison of two arms that both have a reported figure: those of the table of effects,
and `reported`, the difference of the two figures.
"""

from typing import Any

import numpy as np
import pandas as pd

from analysis.reading.study import Study

VERDICTS = ("within the spread", "above", "below", "cannot be said", "of another dataset")
PLACED = VERDICTS[:3]
COLUMNS = (
    *("cell", "metric", "source", "reported", "n"),
    *("mean", "low", "high", "run_low", "run_high", "verdict"),
)
ROUNDING = 1e-9  # in the metric's unit; far below the digits that anyone reports


def compare(study: Study, cells: pd.DataFrame) -> pd.DataFrame:
    """Return the reported figures of the study beside the means in `cells`."""
    trained_on = {str(summary.get("data")) for summary in study.summaries.values()}
    means = cells.set_index("cell")
    rows = [_beside(each, means.loc[each["cell"]], trained_on) for each in study.declaration.get("reported", ())]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _beside(reported: dict[str, Any], cell: pd.Series, trained_on: set[str]) -> dict[str, Any]:
    """Return one reported figure beside its cell's mean, its interval, and the interval of one more run."""
    metric, n = reported["metric"], int(cell["n"])
    column = f"last_{metric}" if f"last_{metric}" in cell else metric  # a paper's figure is of one epoch
    mean, low, high = (float(cell[column + end]) for end in ("", "_low", "_high"))
    half = (high - low) / 2 * np.sqrt(n + 1)
    other = bool(reported["dataset"] and trained_on) and trained_on != {reported["dataset"]}
    return {
        "cell": reported["cell"],
        "metric": metric,
        "source": reported["source"],
        "reported": reported["value"],
        "n": n,
        "mean": mean,
        "low": low,
        "high": high,
        "run_low": mean - half,
        "run_high": mean + half,
        "verdict": "of another dataset" if other else verdict(reported["value"], mean - half, mean + half),
    }


def verdict(value: float, low: float, high: float) -> str:
    """Return where the value lies; an interval without bounds, as of one run, says nothing."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return "cannot be said"
    if value > high + ROUNDING:
        return "above"
    return "below" if value < low - ROUNDING else "within the spread"


def steps(found: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Return the comparisons of two arms that both have a reported figure; the first one of each arm counts.

    `found` is what `compare` returns, `effects` the table of effects.
    """
    placed = found[found["verdict"].isin(PLACED)].drop_duplicates(["cell", "metric"])
    figures = placed.set_index(["cell", "metric"])["reported"].to_dict()
    rows = []
    for row in effects[effects["kind"].eq("comparison")].to_dict("records"):
        arm, other = ((f"arm={row[side]}", row["response"]) for side in ("level", "baseline"))
        if arm in figures and other in figures:
            rows.append(row | {"reported": figures[arm] - figures[other]})
    return pd.DataFrame(rows, columns=[*effects.columns, "reported"])
