"""A row of the table of effects -> its size, interval and tests in words.

A row is a dictionary of the table's columns, and its `metric` (see `analysis.words.told`).
"""

import math
from typing import Any

import pandas as pd

from analysis.words.names import in_unit
from analysis.words.rounding import places_of, signed

MORE_SEEDS = 1000  # a larger number of seeds is not printed

Row = dict[str, Any]


def evidence(row: Row) -> str:
    """Return interval, n, corrected p, exact p with its floor, and whether the pooled analysis disagrees."""
    parts = [f"{interval_of(row)}, n = {row['n']} seeds"]
    if row["se"] == 0:
        parts.append("the same in every seed")
    if math.isfinite(row["p_holm"]):
        parts.append(f"Holm {_p_of(row['p_holm'])}")
    elif row["se"] > 0:
        parts.append(f"{_p_of(row['p'])}, uncorrected since exploratory")
    parts.append(_exact_of(row))
    if row["disagrees"]:
        pooled = f"F(1, {row['pooled_df']:.0f}) = {row['pooled_f']:.1f}, {_p_of(row['pooled_p'])}"
        parts.append(f"the pooled analysis of variance disagrees: {pooled}")
    return "; ".join(parts)


def _exact_of(row: Row) -> str:
    """Return the sign-flip test's p with its floor, the lowest that so many seeds allow."""
    at_floor = row["p_exact"] <= row["p_floor"] * 1.001
    floor = "its floor" if at_floor else f"floor {_p_of(row['p_floor'], 3).removeprefix('p = ').removeprefix('p ')}"
    return f"exact {_p_of(row['p_exact'], 3)}, {floor}"


def _p_of(p: float, digits: int = 2) -> str:
    """Return `p = 0.012` or `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.{digits}g}"


def plan_for(row: Row) -> str:
    """Return how many seeds would show an effect as seen and the smallest of interest, where that is more than n."""
    sizes = {
        "seeds_needed": "an effect of the size seen",
        "seeds_needed_sesoi": f"the smallest of interest ({sesoi_of(row)})",
    }
    parts = [
        f"{_seeds_text(row[name])} for {size}"
        for name, size in sizes.items()
        if pd.notna(row[name]) and row[name] > row["n"]
    ]
    return f"; 80 % power takes {', '.join(parts)}" if parts else ""


def _seeds_text(seeds: int) -> str:
    """Return how many seeds are needed, or that it is more than anyone trains."""
    return f"about {seeds} seeds" if seeds <= MORE_SEEDS else f"more than {MORE_SEEDS:,} seeds"


def change_of(row: Row) -> str:
    """Return the estimate with its sign and unit: `+0.12 percentage points`."""
    return in_unit(bare_change_of(row, places_of(row, row["metric"])), row["metric"].difference_unit)


def bare_change_of(row: Row, places: int) -> str:
    """Return the estimate with its sign, to that many decimals."""
    return signed(row["estimate"] * row["metric"].scale, places)


def size_of(row: Row) -> str:
    """Return the size of the estimate with its unit: `0.12 percentage points`."""
    size = f"{abs(row['estimate']) * row['metric'].scale:.{places_of(row, row['metric'])}f}"
    return in_unit(size, row["metric"].difference_unit)


def interval_of(row: Row) -> str:
    """Return `95 % interval −0.42 to −0.10`."""
    places = places_of(row, row["metric"])
    low, high = (signed(row[end] * row["metric"].scale, places, plus="") for end in ("low", "high"))
    return f"95 % interval {low} to {high}"


def sesoi_of(row: Row) -> str:
    """Return the smallest effect of interest in the shown unit."""
    return in_unit(f"{row['sesoi'] * row['metric'].scale:.4g}", row["metric"].difference_unit)
