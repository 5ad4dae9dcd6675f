"""Runs and histories of a study -> a row per cell, mean curves, and which cell is the best.

Columns of `cells` (tables/cells.csv), a row per cell: its factors, `n` (seeds that are compared), and for each
metric and time `<column>`, `<column>_low` and `<column>_high`: mean and 95 % t-interval over those seeds.
"""

from collections.abc import Sequence

import pandas as pd

from analysis.reading.columns import TIMES, curve_columns, metric_columns
from analysis.statistics.completeness import compared_runs
from analysis.statistics.intervals import intervals_of
from runner.metrics import Metric

CELLS_SHOWN = 24  # in tables and figures; all cells are in the CSV files
EXTREMES_SHOWN = 5  # best and worst cells, each, of a study that has more


def cells_frame(
    runs: pd.DataFrame, factors: Sequence[str], metrics: Sequence[Metric], whole_seeds: bool = True
) -> pd.DataFrame:
    """Return a row per cell: mean and 95 % t-interval of each metric over the seeds that are compared.

    Those that every cell has in a design of whole seeds, else the cell's own.
    """
    measured = [name for name in metric_columns(metrics) if name in runs]
    columns = [*measured, *(name for name in (f"last_{each}" for each in measured) if name in runs)]
    columns += [name for name in TIMES if name in runs]
    kept = compared_runs(runs, whole_seeds)
    cells = runs.drop_duplicates("cell").set_index("cell")[list(factors)]
    means = intervals_of(kept.groupby("cell", sort=False)[columns])
    spread = {
        f"{column}{end}": means[end][column].reindex(cells.index) for column in columns for end in ("", "_low", "_high")
    }
    n = kept.groupby("cell", sort=False).size().reindex(cells.index, fill_value=0)
    named = {"cell": cells.index.to_series()} | {factor: cells[factor] for factor in cells}
    return pd.DataFrame({**named, "n": n, **spread}).reset_index(drop=True)


def curve_means(history: pd.DataFrame, metrics: Sequence[Metric]) -> pd.DataFrame:
    """Return mean and 95 % t-interval over seeds of each curve: cell, epoch, metric, mean, low, high, n; long form."""
    columns = [name for name in curve_columns(metrics) if name in history]
    if not columns:  # final figures
        return pd.DataFrame(columns=["cell", "epoch", "metric", "mean", "low", "high", "n"])
    grouped = history.groupby(["cell", "epoch"], sort=False, observed=True)[columns]
    names = {"": "mean", "_low": "low", "_high": "high", "_n": "n"}
    frames = intervals_of(grouped).items()
    long = {names[end]: frame.melt(ignore_index=False, var_name="metric") for end, frame in frames}
    values = {name: part["value"] for name, part in long.items()}
    return long["mean"][["metric"]].assign(**values).reset_index()


def best_cell(cells: pd.DataFrame, metric: Metric) -> str | None:
    """Return the cell with the best validation figure; None where there is no figure, or no direction is better."""
    values = cells[f"val_{metric.name}"]
    if values.isna().all() or metric.better == "neither":
        return None
    return cells["cell"].loc[values.idxmin() if metric.better == "lower" else values.idxmax()]


def shown_cells(cells: pd.DataFrame, metric: Metric) -> list[str]:
    """Return the labels of the cells to show, in plan order: all, or the baseline and the best and worst.

    Where no direction is better, those are the cells with the highest and the lowest figures.
    """
    if len(cells) <= CELLS_SHOWN:
        return list(cells["cell"])
    ascending = metric.better == "lower"
    ranked = cells.sort_values(f"val_{metric.name}", ascending=ascending, kind="stable")["cell"]
    chosen = {cells["cell"].iloc[0], *ranked.head(EXTREMES_SHOWN), *ranked.tail(EXTREMES_SHOWN)}
    return [cell for cell in cells["cell"] if cell in chosen]
