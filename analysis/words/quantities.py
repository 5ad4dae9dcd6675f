"""A row of the table of effects -> its size, interval and tests in words.

A row is a dictionary of the table's columns, and its `metric` (see `analysis.words.told`).
"""

import math
from typing import Any

from analysis.words.names import in_unit
from analysis.words.rounding import p_value, places_of, possible, signed

Row = dict[str, Any]


def evidence(row: Row) -> str:
    """Return `95 % interval −0.42 to −0.10, n = 5 seeds`."""
    return f"{interval_of(row)}, n = {replicates_of(row)}"


def brief(row: Row) -> str:
    """Return `[−0.42, −0.10], n = 5`."""
    return f"[{bounds_of(row).replace(' to ', ', ')}], n = {row['n']}"


def grade_text(row: Row) -> str:
    """Return the grade as a table shows it: with a word where the figures beside it read as a contradiction."""
    small = row["grade"] == "established" and max(abs(row["low"]), abs(row["high"])) < row["sesoi"]
    return f"{row['grade']}, but small" if small else row["grade"]


def exact_text(row: Row) -> str:
    """Return the sign-flip test's p, with the lowest that so many seeds allow, or that it is that."""
    if not math.isfinite(row["p_exact"]):
        return "–"
    at_floor = row["p_exact"] <= row["p_floor"] * 1.001
    return f"{p_value(row['p_exact'])} ({'lowest possible' if at_floor else p_value(row['p_floor'])})"


def replicates_of(row: Row) -> str:
    """Return `5 seeds`, or `5 runs in the smallest cell` where runs of one seed number are no block."""
    return f"{row['n']} seeds" if row["paired"] else f"{row['n']} runs in the smallest cell"


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
    return f"95 % interval {bounds_of(row)}"


def bounds_of(row: Row, ends: tuple[str, str] = ("low", "high")) -> str:
    """Return `−0.42 to −0.10`, with the decimals of the row's own interval."""
    places = places_of(row, row["metric"])
    metric = row["metric"]
    bounds = possible(row["estimate"], row[ends[0]], row[ends[1]], metric, difference=True)
    low, high = (signed(bound * metric.scale, places, plus="") for bound in bounds)
    return f"{low} to {high}"


def sesoi_of(row: Row) -> str:
    """Return the smallest effect of interest in the shown unit."""
    return in_unit(f"{row['sesoi'] * row['metric'].scale:.4g}", row["metric"].difference_unit)
