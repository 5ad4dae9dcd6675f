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
    """Return interval, n, corrected p, exact p with its floor, the examples' doubt, and what was done to the spread."""
    parts = [f"{interval_of(row)}, n = {replicates_of(row)}"]
    if math.isfinite(row["p_holm"]):
        parts.append(f"Holm {_p_of(row['p_holm'])}")
    else:
        parts.append(f"{_p_of(row['p'])}, uncorrected since exploratory")
    if row["paired"]:
        parts.append(_exact_of(row))
    if math.isfinite(row["se_examples"]):
        on_new = bounds_of(row, ("new_low", "new_high"))
        parts.append(f"on these {row['examples']:,} {row['example']}s, and {on_new} for new ones too")
    if row["floored"]:
        who = "seeds" if row["paired"] else "runs"
        parts.append(f"the {who} spread less than the finest step of the figure, which is taken instead")
    if row["disagrees"]:
        pooled = f"F(1, {row['pooled_df']:.0f}) = {row['pooled_f']:.1f}, {_p_of(row['pooled_p'])}"
        parts.append(f"the pooled analysis of variance disagrees: {pooled}")
    return "; ".join(parts)


def replicates_of(row: Row) -> str:
    """Return `5 seeds`, or `5 runs in the smallest cell` where runs of one seed number are no block."""
    return f"{row['n']} seeds" if row["paired"] else f"{row['n']} runs in the smallest cell"


def _exact_of(row: Row) -> str:
    """Return the sign-flip test's p with its floor, the lowest that so many seeds allow."""
    at_floor = row["p_exact"] <= row["p_floor"] * 1.001
    floor = "its floor" if at_floor else f"floor {_p_of(row['p_floor'], 3).removeprefix('p = ').removeprefix('p ')}"
    return f"exact {_p_of(row['p_exact'], 3)}, {floor}"


def _p_of(p: float, digits: int = 2) -> str:
    """Return `p = 0.012` or `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.{digits}g}"


def plan_for(row: Row) -> str:
    """Return how many seeds would establish an effect as seen and the smallest of interest, where that is more than n.

    A range, as far as the spread is known, at the level that the family of tests leaves; nothing from two seeds.
    """
    sizes = {"": "an effect of the size seen", "sesoi_": f"the smallest of interest ({sesoi_of(row)})"}
    parts = [
        f"{_seeds_text(row, row[f'{name}seeds_low'], row[f'{name}seeds_high'])} for {size}"
        for name, size in sizes.items()
        if pd.notna(row[f"{name}seeds_high"]) and row[f"{name}seeds_high"] > row["n"]
    ]
    return f"; to establish with 80 % power takes {', '.join(parts)}" if parts else ""


def _seeds_text(row: Row, least: int, most: int) -> str:
    """Return `6 to 40 seeds`, `about 8 runs a cell`, or that it is more than anyone trains."""
    noun = "seeds" if row["paired"] else "runs a cell"
    if least > MORE_SEEDS:
        return f"more than {MORE_SEEDS:,} {noun}"
    if most > MORE_SEEDS:
        return f"{least} to more than {MORE_SEEDS:,} {noun}"
    return f"about {most} {noun}" if least == most else f"{least} to {most} {noun}"


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
    low, high = (signed(row[end] * row["metric"].scale, places, plus="") for end in ends)
    return f"{low} to {high}"


def sesoi_of(row: Row) -> str:
    """Return the smallest effect of interest in the shown unit."""
    return in_unit(f"{row['sesoi'] * row['metric'].scale:.4g}", row["metric"].difference_unit)
