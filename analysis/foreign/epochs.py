"""A table with an epoch column, several rows an epoch or one -> one row an epoch, with every value that was last there.

Lightning writes training and validation of an epoch on rows of their own, and a metric that it logs by step and by
epoch twice, as `m_step` and `m_epoch`: the epoch's is kept, as `m`.
"""

from pathlib import Path

import pandas as pd

from analysis.foreign.files import header, read_table
from analysis.foreign.histories import label
from analysis.foreign.refusal import Refused

EPOCH = "epoch"


def has_epochs(path: Path) -> bool:
    """Tell whether a table has an epoch column and another beside it."""
    names = [name.strip().lower() for name in header(path)]
    return EPOCH in names and len(names) > 1


def read_epochs(path: Path) -> pd.DataFrame:
    """Return a file's history, one row an epoch."""
    frame = read_table(path)
    frame = frame.rename(columns={name: EPOCH for name in frame if name.lower() == EPOCH})
    if "step" in frame:
        return by_epoch(frame.drop(columns="step"), str(path))
    again = frame[EPOCH].duplicated()
    other = frame[EPOCH][again & ~frame.duplicated()] if again.any() else frame[EPOCH][:0]
    if len(other):
        raise Refused(
            f"{path} must have one row an epoch; epoch {label(other.iloc[0])} is there twice with other values, as "
            "where two trainings were appended to one file. Keep the rows of one."
        )
    return by_epoch(frame, str(path))


def by_epoch(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Return one row an epoch, from rows with `epoch` and metrics; columns that hold no numbers go."""
    there = frame[frame[EPOCH].notna()]
    numbers = whole(there[EPOCH], where)
    columns = {name: column for name, column in there.items() if name != EPOCH and column.dtype.kind in "iuf"}
    kept = pd.DataFrame({EPOCH: numbers, **columns})
    if not (numbers.is_unique and numbers.is_monotonic_increasing):
        kept = kept.groupby(EPOCH, sort=True).last().reset_index()
    return _testing_folded(_twins_joined(kept))


def whole(column: pd.Series, where: str) -> pd.Series:
    """Return a column of epochs or steps as whole numbers; Refused where it holds anything else."""
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    if not (numbers.abs() < 2**53).all() or not (numbers % 1 == 0).all():
        raise Refused(f"{where} must have whole numbers in its column {column.name}; it has others. Number the epochs.")
    return numbers.astype("int64")


def merged(histories: list[pd.DataFrame], where: str) -> pd.DataFrame:
    """Return the histories of one run side by side; Refused where two of them have a column with other values."""
    first, *others = histories
    for other in others:
        shared = [name for name in other if name in first and name != EPOCH]
        if shared and not first.equals(other):
            raise Refused(
                f"{where} must hold one history of its run; got several, each with {', '.join(shared)}. "
                "Keep the one that is meant, or give its own path."
            )
        first = first if shared else first.merge(other, on=EPOCH, how="outer")
    return first


def _twins_joined(frame: pd.DataFrame) -> pd.DataFrame:
    names = set(frame.columns)
    ends = {name: name.removesuffix("_epoch") for name in frame if name.endswith("_epoch")}
    renamed = {name: bare for name, bare in ends.items() if bare and bare not in names}
    steps = [f"{bare}_step" for bare in renamed.values() if f"{bare}_step" in names]
    return frame.drop(columns=steps).rename(columns=renamed)


def _testing_folded(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with a test after the last epoch, which Lightning numbers as one more, in the last epoch."""
    metrics = [name for name in frame if name != EPOCH]
    if len(frame) < 2 or not metrics:
        return frame
    if not any(name.lower().startswith("test") for name in metrics):
        return frame
    last = frame.iloc[-1][metrics].dropna().index
    if not len(last) or not all(name.lower().startswith("test") for name in last):
        return frame
    if frame.iloc[:-1][list(last)].notna().any(axis=None):
        return frame
    values = {name: frame.iloc[-1][name] for name in last}
    frame = frame.iloc[:-1].copy()
    for name, value in values.items():
        frame.loc[frame.index[-1], name] = value
    return frame
