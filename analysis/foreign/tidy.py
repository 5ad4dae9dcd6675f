"""A tidy CSV, TSV or Parquet file -> histories: a row per run and epoch, or a row per run.

A table does not tell settings from results. Of a history, what changes within a run is a result and what does not is a
setting; of a table with a row a run, all columns are handed on as settings, to be sorted by their names.
A run is what its column names (`run`, `run_id`, ...), else every combination of the settings; in files of several, each
file's runs are its own.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.foreign.epochs import whole
from analysis.foreign.files import Tree, header, read_table
from analysis.foreign.histories import EPOCHS, FIGURES, STEPS, Histories, from_path, plain
from analysis.foreign.names import is_known, is_seed
from analysis.foreign.refusal import Refused, listed

SOURCE = "tidy table"
_RUNS = ("run", "run_id", "run_uuid", "run_name", "trial", "trial_id", "uuid", "id")
_EPOCHS = ("epoch", "epochs_done")
_STEPS = ("step", "global_step", "iteration", "iter", "_step")
_STATES = {
    **dict.fromkeys(("complete", "completed", "finished", "done", "success", "ok"), "complete"),
    **dict.fromkeys(("failed", "failure", "crashed", "killed", "error"), "failed"),
    "diverged": "diverged",
}  # any other: unfinished
_Made = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]  # runs, config, history, as in Histories


def find(tree: Tree) -> list[Path]:
    """Return the tables."""
    return [path for path in tree.tables if header(path)]


def read(places: list[Path], tree: Tree) -> Histories:
    """Return the runs in the order in which they are written."""
    frames = {path: read_table(path) for path in places}
    for path, frame in frames.items():
        if frame.empty:
            raise Refused(f"{path} must have a row for every run, or for every run and epoch; it has none.")
    axes = {path: _named(frame, _EPOCHS) or _named(frame, _STEPS) for path, frame in frames.items()}
    if len({axis is None for axis in axes.values()}) > 1:
        with_axis = next(path for path, axis in axes.items() if axis is not None)
        without = next(path for path, axis in axes.items() if axis is None)
        raise Refused(
            f"PATH must hold tables of one kind; {with_axis} has a row per run and epoch, {without} has no column "
            "epoch. Give one of them."
        )
    notes: list[str] = []
    made = [_table(path, frame, axes[path], notes, len(frames) > 1) for path, frame in frames.items()]
    runs, config, history = _stacked(made)
    steps = all(axis is not None and axis.lower() in _STEPS for axis in axes.values())
    counts = (STEPS if steps else EPOCHS) if history["run"].duplicated().any() else FIGURES
    if counts == FIGURES and steps:
        history = history.assign(epoch=1)
    return Histories(SOURCE, runs, config, history, counts=counts, undivided=True, notes=tuple(notes))


def _named(frame: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    """Return the first column that has one of the names, however its letters are written."""
    lower = {str(column).lower(): str(column) for column in reversed(list(frame.columns))}
    return next((lower[name] for name in names if name in lower), None)


def _stacked(made: list[_Made]) -> _Made:
    """Return several tables' runs as one table's."""
    starts = np.cumsum([0, *(len(runs) for runs, _, _ in made)])
    histories = [
        history.assign(run=history["run"] + start) for (_, _, history), start in zip(made, starts, strict=False)
    ]
    if len(made) == 1:
        return made[0]
    return (
        pd.concat([runs for runs, _, _ in made], ignore_index=True),
        pd.concat([config for _, config, _ in made], ignore_index=True),
        pd.concat(histories, ignore_index=True),
    )


def _table(path: Path, frame: pd.DataFrame, axis: str | None, notes: list[str], several: bool) -> _Made:
    _check_single(path, frame)
    named = from_path(path)
    if axis is None:
        return _rows(path, frame, named)
    epochs = whole(frame[axis], str(path)).to_numpy()
    rest = frame.drop(columns=axis)
    column = _named(rest, _RUNS)
    keys = [column] if column else _settings(rest, epochs)
    codes = _codes(rest, keys)
    if column and _repeats(rest, epochs, codes):  # `run` may number the runs of a cell
        keys = [column, *(name for name in _settings(rest, epochs) if name != column)]
        codes, column = _codes(rest, keys), None
    order = np.lexsort((epochs, codes))
    if (order[1:] < order[:-1]).any():
        rest, epochs, codes = rest.take(order).reset_index(drop=True), epochs[order], codes[order]
    rest, epochs, codes = _once(rest, epochs, codes, path, keys)
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    constant = _constant(rest, codes, starts)
    config = rest.loc[starts, [name for name in constant if name != column]].reset_index(drop=True)
    changing = [name for name in rest if name not in constant and name != column]
    texts = [name for name in changing if rest[name].dtype.kind not in "iuf"]
    if texts:
        notes.append(f"{listed(texts)}: text that changes within a run")
    metrics = {name: rest[name].astype(float) for name in changing if name not in texts}
    ids = (
        [f"{path.as_posix()}, {column} {name}" for name in rest.loc[starts, column]]
        if column
        else _row_names(path, starts, order, several)
    )
    return _made(ids, config, named, pd.DataFrame({"run": codes, "epoch": epochs, **metrics}))


def _check_single(path: Path, frame: pd.DataFrame) -> None:
    """Raise Refused where a metric's mean and spread stand beside each other, so that runs are no more there."""
    ends = {name: re.fullmatch(r"(.+?)[\s_/.-]+(mean|avg|average)", str(name), re.IGNORECASE) for name in frame}
    means = {found[1]: name for name, found in ends.items() if found and is_known(found[1])}
    means |= {name: name for name in map(str, frame) if is_known(name)}
    for base, mean in means.items():
        spread = re.compile(rf"{re.escape(base)}[\s_/.-]+(std|sd|sem|stderr|se|var|ci|ci95)", re.IGNORECASE)
        other = next((name for name in map(str, frame) if spread.fullmatch(name)), None)
        if other is not None:
            raise Refused(
                f"{path} must hold runs one by one; it is aggregated already, since {other} stands beside {mean}. "
                "Export the runs themselves, a row each."
            )


def _row_names(path: Path, starts: np.ndarray, order: np.ndarray, several: bool) -> list[str]:
    if len(starts) == 1 and several:
        return [path.as_posix()]
    return [f"{path.as_posix()}, line {order[start] + 2}" for start in starts]


def _rows(path: Path, frame: pd.DataFrame, named: dict[str, object]) -> _Made:
    column = _named(frame, _RUNS)
    if column and frame[column].nunique() < len(frame):
        frame = frame.drop_duplicates(ignore_index=True)
        twice = frame[column][frame[column].duplicated()]
        if len(twice) and column.lower() not in ("trial", "run"):  # these often number runs within a cell
            raise Refused(
                f"{path} must have one row a run, or a column epoch; run {twice.iloc[0]!r} is there twice with other "
                "values. Keep one of its rows."
            )
    if column and frame[column].is_unique:
        ids = [f"{path.as_posix()}, {column} {name}" for name in frame[column]]
        frame = frame.drop(columns=column)
    else:
        ids = [f"{path.as_posix()}, line {place + 2}" for place in range(len(frame))]
    history = pd.DataFrame({"run": np.arange(len(frame)), "epoch": 1})
    return _made(ids, frame, named, history)


def _made(ids: list[str], config: pd.DataFrame, named: dict[str, object], history: pd.DataFrame) -> _Made:
    state = _named(config, ("status", "state"))
    status = ["complete"] * len(ids)
    told = [str(value).strip().lower() for value in config[state]] if state else []
    if not _STATES.keys().isdisjoint(told):  # else a setting that happens to be called so
        status = [_STATES.get(each, "unfinished") for each in told]
        config = config.drop(columns=state)
    plain_named = {key: plain(value) for key, value in named.items() if key not in config}
    return pd.DataFrame({"id": ids, "status": status}), config.assign(**plain_named), history


def _settings(frame: pd.DataFrame, epochs: np.ndarray) -> list[str]:
    """Return the columns that together name a run: not the metrics known by name, nor what has too many values.

    A setting has at most one value a run, and there are at most as many runs as rows of the commonest epoch.
    """
    most = int(np.unique(epochs, return_counts=True)[1].max())
    keys = []
    for name in frame:
        column = frame[name]
        number = column.dtype.kind in "iuf"
        if not number or is_seed(name) or (not is_known(name) and column.nunique() <= most):
            keys.append(name)
    return keys


def _repeats(frame: pd.DataFrame, epochs: np.ndarray, codes: np.ndarray) -> bool:
    """Tell whether a run has an epoch twice, other than in rows that say the same."""
    again = pd.DataFrame({"run": codes, "epoch": epochs}).duplicated(keep=False).to_numpy()
    rows = frame[again].assign(_run=codes[again], _epoch=epochs[again])
    return bool(rows.drop_duplicates()[["_run", "_epoch"]].duplicated().any())


def _codes(frame: pd.DataFrame, keys: list[str]) -> np.ndarray:
    """Return for each row the place of its run, runs in the order in which they are written."""
    codes = np.zeros(len(frame), dtype="int64")
    for key in keys:
        places, values = pd.factorize(frame[key], use_na_sentinel=False)
        codes = pd.factorize(codes * max(len(values), 1) + places)[0]
    return codes


def _once(rest: pd.DataFrame, epochs: np.ndarray, codes: np.ndarray, path: Path, keys: list[str]) -> tuple:
    """Return the rows without those that say again what another says; Refused where they say something else."""
    again = np.flatnonzero((codes[1:] == codes[:-1]) & (epochs[1:] == epochs[:-1])) + 1
    if not len(again):
        return rest, epochs, codes
    first, second = rest.iloc[again - 1].reset_index(drop=True), rest.iloc[again].reset_index(drop=True)
    same = ((first == second) | (first.isna() & second.isna())).all(axis=1)
    if not same.all():
        row = rest.iloc[again[int(np.flatnonzero(~same.to_numpy())[0])]]
        names = ", ".join(f"{key}={row[key]}" for key in keys) or "all settings alike"
        raise Refused(
            f"{path} must have one row per run and epoch; the run with {names} is there twice with other values at "
            f"epoch {epochs[again[0]]}. Add a column run or seed that tells the runs apart, or keep one of them."
        )
    kept = np.ones(len(codes), dtype=bool)
    kept[again] = False
    return rest[kept].reset_index(drop=True), epochs[kept], codes[kept]


def _constant(frame: pd.DataFrame, codes: np.ndarray, starts: np.ndarray) -> list[str]:
    """Return the columns with one value a run that are no metric by their name."""
    if len(starts) == len(frame):
        return [name for name in frame if frame[name].dtype.kind not in "iuf" or not is_known(name)]
    return [name for name in frame if not _is_metric(frame[name]) and _is_constant(frame[name], codes, starts)]


def _is_metric(column: pd.Series) -> bool:
    return column.dtype.kind in "iuf" and is_known(str(column.name)) and not is_seed(str(column.name))


def _is_constant(column: pd.Series, codes: np.ndarray, starts: np.ndarray) -> bool:
    values = column.to_numpy() if column.dtype.kind in "iufb" else pd.factorize(column)[0]
    first = values[starts][codes]
    return bool(((values == first) | ((values != values) & (first != first))).all())  # NaN is itself
