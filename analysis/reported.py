"""Figures that a paper reports -> how each stands beside the reproduced runs: inside their spread, above or below.

A reported figure mostly comes from one run, so it is held against what one more run would give: the 95 % prediction
interval mean ± t · sd · √(1 + 1/n) of the n seeds, which is √(n + 1) times as wide as the mean's interval.

Columns of `compare` (tables/reported.csv), a row per reported figure:

| column | type | unit | meaning |
|---|---|---|---|
| cell | str | | the cell's label |
| metric | str | | val_accuracy or val_loss |
| source | str | | where the figure is from, in the user's words |
| reported | float | share, nats | the figure |
| n | int | seeds | complete in every cell |
| mean, low, high | float | share, nats | reproduced, with the 95 % t-interval of the mean |
| run_low, run_high | float | share, nats | 95 % prediction interval of one more run |
| verdict | str | | see VERDICTS |
"""

from typing import Any

import numpy as np
import pandas as pd

from analysis.rounding import decimals, difference_and_interval, mean_and_half_width, scale_of
from analysis.tables import Study

VERDICTS = ("within the spread", "above", "below", "cannot be said", "of another dataset")
COLUMNS = (
    *("cell", "metric", "source", "reported", "n"),
    *("mean", "low", "high", "run_low", "run_high", "verdict"),
)
ROUNDING = 1e-9  # share, nats; far below the digits that anyone reports
REPORTED_DECIMALS = {"val_accuracy": 2, "val_loss": 4}  # per cent, nats; more where the figure has more
MOST_DECIMALS = 6


def compare(study: Study, cells: pd.DataFrame) -> pd.DataFrame:
    """Return the reported figures of the study beside the means in `cells`, as `analysis.tables` makes them."""
    datasets = {record.summary["data"] for record in study.records.values()}
    means = cells.set_index("cell")
    rows = [beside(each, means.loc[each["cell"]], datasets) for each in study.declaration.get("reported", ())]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def beside(reported: dict[str, Any], cell: pd.Series, datasets: set[str]) -> dict[str, Any]:
    """Return one reported figure beside its cell's mean, its interval, and the interval of one more run."""
    metric, n = reported["metric"], int(cell["n"])
    mean, low, high = (float(cell[metric + end]) for end in ("", "_low", "_high"))
    half = (high - low) / 2 * np.sqrt(n + 1)
    other = bool(reported["dataset"]) and datasets != {reported["dataset"]}
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


# ---- as text


def reported_table(found: pd.DataFrame) -> pd.DataFrame:
    """Return the table as text: accuracies in per cent, losses in nats."""
    return pd.DataFrame([texts(row) for row in found.to_dict("records")])


def texts(row: dict[str, Any]) -> dict[str, str]:
    """Return one reported figure as the cells of the table."""
    metric = row["metric"]
    scale, _ = scale_of(metric)
    places = max(REPORTED_DECIMALS[metric], decimals((row["run_high"] - row["run_low"]) / 2 * scale, 0))
    most = 1.0 if metric == "val_accuracy" else np.inf
    bounds = [f"{np.clip(row[name], 0.0, most) * scale:.{places}f}" for name in ("run_low", "run_high")]
    return {
        "cell": row["cell"].removeprefix("arm="),
        "metric": {"val_accuracy": "accuracy, %", "val_loss": "loss, nats"}[metric],
        "reported": as_written(row["reported"] * scale, REPORTED_DECIMALS[metric]),
        "reproduced": mean_and_half_width(row["mean"], row["low"], row["high"], metric),
        "n": str(row["n"]),
        "single runs": " to ".join(bounds) if np.isfinite(row["run_low"]) else "–",
        "the reported figure is": row["verdict"],
        "source": row["source"],
    }


def steps_table(found: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Return each comparison of two arms that both have a reported figure, as text: the first one of each arm counts.

    `effects` is the table of `analysis.effects`.
    """
    placed = found[found["verdict"].isin(VERDICTS[:3])].drop_duplicates(["cell", "metric"])
    figures = placed.set_index(["cell", "metric"])["reported"].to_dict()
    rows = effects[effects["kind"].eq("comparison") & effects["primary"].astype(bool)]
    return pd.DataFrame(
        [
            step_texts(row, figures[(arm, row["response"])] - figures[(other, row["response"])])
            for row in rows.to_dict("records")
            for arm, other in [(f"arm={row['level']}", f"arm={row['baseline']}")]
            if {(arm, row["response"]), (other, row["response"])} <= set(figures)
        ]
    )


def step_texts(row: dict[str, Any], reported: float) -> dict[str, str]:
    """Return one step as the cells of the table."""
    response = row["response"]
    scale, places = scale_of(response)
    return {
        "step": row["contrast"],
        "on": {"val_accuracy": "accuracy, points", "val_loss": "loss, nats"}[response],
        "reported": f"{reported * scale:+.{places}f}".replace("-", "−"),
        "reproduced": difference_and_interval(row["estimate"], row["low"], row["high"], response),
        "n": str(row["n"]),
        "grade": row["grade"],
    }


STEPS_NOTE = (
    "Steps as reported, the difference of two single runs, beside the reproduced difference within seeds with its "
    "95 % t-interval. Only an established one is beyond the noise of seeds."
)


def as_written(value: float, fewest: int) -> str:
    """Return the figure with the decimals that it has, at least `fewest`."""
    places = next(
        (places for places in range(fewest, MOST_DECIMALS) if abs(value - round(value, places)) < ROUNDING),
        MOST_DECIMALS,
    )
    return f"{value:.{places}f}"


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


def reported_sentence(found: pd.DataFrame) -> str:
    """Return how many figures lie within the spread of single runs, above and below; "" where none can be placed."""
    placed = found[found["verdict"].isin(VERDICTS[:3])]
    if placed.empty:
        return ""
    parts = []
    for metric, label in {"val_accuracy": "validation accuracy", "val_loss": "validation loss"}.items():
        counts = placed["verdict"][placed["metric"].eq(metric)].value_counts()
        if len(counts):
            inside, above, below = (int(counts.get(name, 0)) for name in VERDICTS[:3])
            parts.append(f"of {int(counts.sum())} on {label}, {inside} lie within it, {above} above and {below} below")
    return f"Reported figures against the spread of single reproduced runs: {'; '.join(parts)}."
