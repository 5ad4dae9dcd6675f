"""Histories -> the epoch at which each run is looked at, its status there and its figures.

Epochs are counted from 1. A history may have every epoch, or every k-th one, alike in all runs; any other has had steps
left out (a sampled export), and is refused. A run that has not come as far as it is looked at is unfinished.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.foreign.histories import FIGURES, STEPS, Histories, labels, varies
from analysis.foreign.options import Options
from analysis.foreign.refusal import Refused

_EPOCHS = ("epochs", "max_epochs", "num_epochs", "n_epochs")


@dataclass(frozen=True)
class Looks:
    """`runs` has a row per run: epochs, status and our metrics' columns; `history` is empty where figures are final."""

    runs: pd.DataFrame
    history: pd.DataFrame  # run, epoch, and our metrics' columns
    notes: tuple[str, ...]


def looks_of(histories: Histories, columns: dict[str, str], required: list[str], options: Options) -> Looks:
    """Return what every run shows at its look.

    `columns` maps our metrics' columns to the tool's; a run without a figure in one of `required` is unfinished.
    """
    notes: list[str] = []
    history = _wanted(histories.history, columns)
    several = histories.counts != FIGURES and bool(history["run"].duplicated().any())
    final = history.assign(epoch=history["epoch"].clip(lower=1))  # a row a run, whose epoch may be called 0
    history = _numbered(history, histories, notes) if several else final
    measured = history[list(columns)].notna().any(axis=1)
    ends_empty = ~measured[~history["run"].duplicated(keep="last")].set_axis(history["run"].unique())
    history = history[measured].reset_index(drop=True)
    if several:
        history = _finals_moved(history, list(columns), notes)
    n = len(histories.runs)
    last = history.groupby("run")["epoch"].max().reindex(range(n), fill_value=0)
    status = histories.runs["status"].mask(_ends_infinite(history, list(columns), n), "diverged")
    status = status.mask(ends_empty.reindex(range(n), fill_value=True) & status.eq("complete"), "unfinished")
    look = _look(histories, status, last, options, notes) if several else last.clip(lower=1)
    if not several and varies(look):
        notes.append(f"figures are of runs that ended at different epochs, {look.min()} to {look.max()}")
    runs = _at_look(history, list(columns), look, notes)
    runs["status"] = _outcome(runs, required, status, last.ge(look), several, isinstance(options.at, int))
    runs[list(columns)] = runs[list(columns)].where(runs["status"].eq("complete"))
    _tell_missing(runs, list(columns), notes)
    return Looks(runs, history if several else history.iloc[:0], tuple(notes))


def _wanted(history: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Return our columns, without the rows in which only others were logged."""
    theirs = list(dict.fromkeys(columns.values()))
    others = [name for name in history if name not in ("run", "epoch", *theirs)]
    kept = history[theirs].notna().any(axis=1) | history[others].isna().all(axis=1)
    rows = history if kept.all() else history[kept].reset_index(drop=True)
    epoch = rows["epoch"].clip(lower=0)
    return pd.DataFrame({"run": rows["run"], "epoch": epoch} | {ours: rows[name] for ours, name in columns.items()})


def _ends_infinite(history: pd.DataFrame, columns: list[str], n: int) -> pd.Series:
    """Return for each run whether its last figures are not finite."""
    at_last = history[~history["run"].duplicated(keep="last")].set_index("run")[columns]
    return np.isinf(at_last).any(axis=1).reindex(range(n), fill_value=False)


def _numbered(history: pd.DataFrame, histories: Histories, notes: list[str]) -> pd.DataFrame:
    """Return the history with epochs counted from 1; Refused where steps were left out."""
    epochs, run = history["epoch"].to_numpy(), history["run"].to_numpy()
    within = run[1:] == run[:-1]
    gaps = np.diff(epochs)[within]
    stride = max(_commonest(gaps), 1) if len(gaps) else 1
    first = _commonest(epochs[np.r_[True, ~within]])
    starts_well = stride > 1 or first in (0, 1) or histories.counts == STEPS
    wrong = np.flatnonzero(np.r_[False, within & (np.diff(epochs) != stride)] | _wrong_start(within, epochs, first))
    if len(wrong) or not starts_well:
        raise _left_out(histories, history, int(wrong[0]) if len(wrong) else 0, first, stride)
    thing = "step" if histories.counts == STEPS else "epoch"
    if stride > 1:
        notes.append(f"{thing}s {first}, {first + stride}, {first + 2 * stride}, ... are there, alike in all runs")
    if histories.counts == STEPS and (stride > 1 or first > 1):
        notes.append("logged steps are counted as epochs 1, 2, 3, ...")
        return history.assign(epoch=(epochs - first) // stride + 1)
    return history.assign(epoch=epochs + (1 if first == 0 else 0))


def _commonest(numbers: np.ndarray) -> int:
    values, times = np.unique(numbers, return_counts=True)
    return int(values[times.argmax()])


def _wrong_start(within: np.ndarray, epochs: np.ndarray, first: int) -> np.ndarray:
    return np.r_[True, ~within] & (epochs != first)


def _left_out(histories: Histories, history: pd.DataFrame, row: int, first: int, stride: int) -> Refused:
    run, epoch = int(history["run"].iloc[row]), int(history["epoch"].iloc[row])
    before = history["run"].iloc[row - 1] == run if row else False
    numbered_from = first if stride > 1 or histories.counts == STEPS else min(first, 1)
    expected = int(history["epoch"].iloc[row - 1]) + stride if before else numbered_from
    thing = "step" if histories.counts == STEPS else "epoch"
    return Refused(
        f"PATH must hold whole histories; {thing}s were left out of run {histories.runs['id'].iloc[run]}, which has "
        f"{thing} {epoch} where {expected} should be, as in a sampled export. Export every {thing}, or a row "
        "a run with the last figures."
    )


def _finals_moved(history: pd.DataFrame, columns: list[str], notes: list[str]) -> pd.DataFrame:
    """Return the history with figures that every run has once, as a test has, at the run's last epoch."""
    last = history.groupby("run")["epoch"].transform("size")
    for name in columns:
        counts = history[name].notna().groupby(history["run"]).sum()
        if counts.max() == 1 and last.max() > 1:
            values = history.groupby("run")[name].transform("last")
            at_last = ~history["run"].duplicated(keep="last")
            history = history.assign(**{name: values.where(at_last)})
            notes.append(f"{name}: one figure a run, taken as of the last epoch")
    return history


def _look(histories: Histories, status: pd.Series, last: pd.Series, options: Options, notes: list[str]) -> pd.Series:
    """Return the epoch at which each run is looked at; Refused where runs end apart and nothing says where to look."""
    if isinstance(options.at, int):
        if options.at > last.max():
            raise Refused(f"--at must be an epoch that a run has, at most {last.max()}; got epoch={options.at}.")
        notes.append(f"looked at after epoch {options.at}")
        return pd.Series(options.at, index=last.index)
    complete = last[status.eq("complete") & last.gt(0)]
    ends = complete.value_counts()
    if len(ends) <= 1 or options.at == "last":
        notes.append("looked at after the last epoch" + (", each run's own" if len(ends) > 1 else f", {last.max()}"))
        common = int(complete.max()) if len(complete) else max(int(last.max()), 1)
        return last.where(status.eq("complete") & last.gt(0), np.maximum(last, common))
    declared = _declared(histories)
    if declared is not None and (last.eq(declared) | ~status.eq("complete")).all():
        notes.append("looked at after the last epoch, which the configuration sets")
        return declared
    told = ", ".join(f"{n} at {epoch}" for epoch, n in list(ends.sort_index(ascending=False).items())[:4])
    raise Refused(
        f"--at must say at which epoch runs are compared, since they end at different ones ({told}); got nothing. "
        f"Add --at last where each has stopped by itself, --at epoch={complete.min()}, which all have reached, or --at "
        f"epoch={complete.max()}, where the shorter ones count as unfinished."
    )


def _declared(histories: Histories) -> pd.Series | None:
    """Return the number of epochs that each run's configuration sets, None where it does not."""
    for key in histories.config:
        if key.lower().split(".")[-1] in _EPOCHS and labels(histories.config[key]).str.fullmatch(r"\d+").all():
            return histories.config[key].astype(float).astype(int)
    return None


def _at_look(history: pd.DataFrame, columns: list[str], look: pd.Series, notes: list[str]) -> pd.DataFrame:
    """Return epochs and figures of every run at its look.

    A metric that no run has at its look, as with validation every second epoch, is as of the last epoch it has it.
    """
    until = history[history["epoch"].to_numpy() <= look.to_numpy()[history["run"]]]
    figures = until[~until["run"].duplicated(keep="last")].set_index("run")[columns].reindex(look.index)
    for name in columns:
        if figures[name].isna().all() and until[name].notna().any():
            figures[name] = until.groupby("run")[name].last().reindex(look.index)
            notes.append(f"{name}: as of the last epoch that has it, since none has it at the last")
    return pd.DataFrame({"epochs": look, "status": ""}).join(figures)


def _outcome(
    runs: pd.DataFrame, required: list[str], status: pd.Series, reached: pd.Series, several: bool, fixed: bool
) -> pd.Series:
    """Return each run's status at its look.

    A run that has come so far answers for it, though it was never ended or, where the epoch is fixed, failed later.
    """
    infinite = np.isinf(runs.drop(columns=["epochs", "status"])).any(axis=1)
    whole = reached & runs[required].notna().all(axis=1) & ~infinite
    answering = status.ne("complete") if fixed and several else status.eq("unfinished") & several
    outcome = status.mask(whole & answering, "complete")
    outcome = outcome.mask(~whole & outcome.eq("complete"), "unfinished")
    return outcome.mask(infinite, "diverged")


def _tell_missing(runs: pd.DataFrame, columns: list[str], notes: list[str]) -> None:
    complete = runs[runs["status"].eq("complete")]
    for name in columns:
        missing = int(complete[name].isna().sum())
        if missing:
            notes.append(f"{name}: missing in {missing} of {len(complete)} complete runs")
