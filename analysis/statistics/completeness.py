"""Runs -> which of them are compared: complete seeds, what is left out and why, epochs that all seeds reached."""

import pandas as pd


def complete_seeds(runs: pd.DataFrame) -> list[int]:
    """Return the seeds that are complete in every cell that has a complete run: the only ones that are compared.

    A cell without any complete run has an outcome (it always diverges, say) and no figures to compare.
    """
    complete = runs[runs["status"].eq("complete")]
    cells = complete.groupby("seed", sort=False)["cell"].nunique()  # a run that was not even declared is missing too
    whole = cells.index[cells == complete["cell"].nunique()]
    return [int(seed) for seed in runs["seed"].unique() if seed in whole]


def compared_runs(runs: pd.DataFrame, whole_seeds: bool) -> pd.DataFrame:
    """Return the runs that are compared: complete, and in a design of whole seeds of those that every cell has."""
    complete = runs["status"].eq("complete")
    return runs[complete & runs["seed"].isin(complete_seeds(runs))] if whole_seeds else runs[complete]


def runs_alike(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the complete runs of seeds that all cells have, less the cells that have fewer seeds than others.

    What nets answer is compared run by run, so every cell has the same seeds, in the same order; of arms that stopped
    at fewer seeds than others, those that all were to have.
    """
    runs = runs[runs.groupby("seed")["cell"].transform("nunique") == runs["cell"].nunique()]
    complete = runs["status"].eq("complete").groupby(runs["cell"]).transform("sum")
    return compared_runs(runs[complete == complete.max()], whole_seeds=True)


def compared_history(history: pd.DataFrame, runs: pd.DataFrame, whole_seeds: bool) -> pd.DataFrame:
    """Return the epochs of the runs that are compared."""
    kept = pd.MultiIndex.from_frame(compared_runs(runs, whole_seeds)[["cell", "seed"]])
    return history[pd.MultiIndex.from_frame(history[["cell", "seed"]]).isin(kept)]


def seeds_of_cells(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per cell that lacks seeds which it was to have: cell, complete, seeds."""
    counts = runs["status"].eq("complete").groupby(runs["cell"], sort=False).agg(["sum", "size"])
    lacking = counts[(counts["sum"] < counts["size"]) & (counts["sum"] > 0)]
    return lacking.rename(columns={"sum": "complete", "size": "seeds"}).reset_index()


def common_epochs(history: pd.DataFrame) -> pd.DataFrame:
    """Return the epochs that all of a cell's seeds reached: where one stopped early, a mean of the rest is another."""
    if history.empty:
        return history
    reached = history.groupby(["cell", "seed"], sort=False)["epoch"].max().groupby(level="cell", sort=False).min()
    return history[history["epoch"] <= history["cell"].map(reached).astype(float)]


def lost_cells(runs: pd.DataFrame) -> list[str]:
    """Return the cells without any complete run; contrasts over them cannot be computed."""
    any_complete = runs["status"].eq("complete").groupby(runs["cell"], sort=False).any()
    return list(any_complete.index[~any_complete])


def left_out(runs: pd.DataFrame) -> list[tuple[int, dict[str, list[str]]]]:
    """Return each seed that is not complete in every cell that has complete runs, and these cells by their status.

    A cell that has none is `lost_cells`' to name; where no cell has any, every seed is left out.
    """
    complete = runs["status"].eq("complete")
    alive = complete.groupby(runs["cell"]).transform("any") | (not complete.any())
    compared = runs[alive]
    statuses = compared.pivot_table("status", "seed", "cell", aggfunc="first", dropna=False).fillna("missing")
    statuses = statuses.reindex(index=runs["seed"].unique(), columns=compared["cell"].unique(), fill_value="missing")
    found = []
    for seed, row in statuses[statuses.ne("complete").any(axis=1)].iterrows():
        broken = row[row.ne("complete")]
        groups = broken.groupby(broken, sort=False)
        found.append((int(seed), {str(status): list(cells.index) for status, cells in groups}))
    return found


def stops(runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per cell with runs that a callback stopped: cell, stopped, runs, lowest, median, highest epoch."""
    rows = []
    for cell, group in runs.groupby("cell", sort=False):
        epochs = group["stopped"].dropna().astype(int)
        if len(epochs):
            middle = {"lowest": int(epochs.min()), "median": float(epochs.median()), "highest": int(epochs.max())}
            rows.append({"cell": cell, "stopped": len(epochs), "runs": len(group), **middle})
    return pd.DataFrame(rows, columns=["cell", "stopped", "runs", "lowest", "median", "highest"])
