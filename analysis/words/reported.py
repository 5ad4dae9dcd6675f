"""Reported figures beside reproduced ones -> tables of texts, notes, and a sentence."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics.reported import PLACED, ROUNDING
from analysis.statistics.responses import Response
from analysis.words.names import response_label, titled
from analysis.words.rounding import decimals, difference_and_interval, mean_and_half_width, possible, signed

MOST_DECIMALS = 6
STEPS_NOTE = (
    "Steps as reported, the difference of two single runs, beside the reproduced difference within seeds with its "
    "95 % t-interval. Only an established one is beyond the noise of seeds."
)

Responses = Mapping[str, Response]


def reported_table(found: pd.DataFrame, responses: Responses) -> pd.DataFrame:
    """Return the table of `compare` as text, each figure in its metric's unit."""
    return pd.DataFrame([_texts(row, responses) for row in found.to_dict("records")])


def _texts(row: dict[str, Any], responses: Responses) -> dict[str, str]:
    """Return one reported figure as the cells of the table."""
    metric = responses[row["metric"]].metric
    places = max(metric.decimals, decimals((row["run_high"] - row["run_low"]) / 2 * metric.scale, 0))
    ends = possible(row["mean"], row["run_low"], row["run_high"], metric)
    bounds = [signed(end * metric.scale, places, plus="") for end in ends]
    return {
        "cell": row["cell"].removeprefix("arm="),
        "metric": titled(metric.label, metric.unit),
        "reported": as_written(row["reported"] * metric.scale, metric.decimals),
        "reproduced": mean_and_half_width(row["mean"], row["low"], row["high"], metric),
        "n": str(row["n"]),
        "single runs": " to ".join(bounds) if np.isfinite(row["run_low"]) else "–",
        "the reported figure is": row["verdict"],
        "source": row["source"],
    }


def steps_table(steps: pd.DataFrame, responses: Responses) -> pd.DataFrame:
    """Return the comparisons of `steps` as text."""
    return pd.DataFrame([_step_texts(row, responses) for row in steps.to_dict("records")])


def _step_texts(row: dict[str, Any], responses: Responses) -> dict[str, str]:
    """Return one step as the cells of the table."""
    metric = responses[row["response"]].metric
    return {
        "step": row["contrast"],
        "on": titled(metric.label, metric.difference_unit),
        "reported": signed(row["reported"] * metric.scale, metric.decimals),
        "reproduced": difference_and_interval(row["estimate"], row["low"], row["high"], metric),
        "n": str(row["n"]),
        "grade": row["grade"],
    }


def as_written(value: float, fewest: int) -> str:
    """Return the figure with the decimals that it has, at least `fewest`."""
    places = next(
        (places for places in range(fewest, MOST_DECIMALS) if abs(value - round(value, places)) < ROUNDING),
        MOST_DECIMALS,
    )
    return signed(value, places, plus="")


def reported_note(found: pd.DataFrame) -> str:
    """Return what the table says, and where it can say nothing."""
    note = (
        "Reproduced: mean ± half of the 95 % t-interval over seeds. Single runs: where one more run falls with 95 % "
        "probability (mean ± t · sd · √(1 + 1/n)); a reported figure within it may be one run of the same recipe, one "
        "above or below it hardly is."
    )
    if found["verdict"].eq("cannot be said").any():
        note += " One seed has no spread, so nothing can be said with n = 1."
    if found["verdict"].eq("of another dataset").any():
        note += " Figures reported on another dataset are not compared."
    return note


def reported_sentence(found: pd.DataFrame, responses: Responses) -> str:
    """Return how many figures lie within the spread of single runs, above and below; "" where none can be placed."""
    placed = found[found["verdict"].isin(PLACED)]
    parts = []
    for column, response in responses.items():
        counts = placed["verdict"][placed["metric"].eq(column)].value_counts()
        if len(counts):
            inside, above, below = (int(counts.get(name, 0)) for name in PLACED)
            parts.append(
                f"of {int(counts.sum())} on {response_label(response)}, {inside} lie within it, {above} above and "
                f"{below} below"
            )
    return f"Reported figures against the spread of single reproduced runs: {'; '.join(parts)}." if parts else ""
