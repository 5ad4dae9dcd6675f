"""Runs as a source gives them -> `Histories`, the one shape that all sources have and understanding starts from.

`Histories.runs` has a row per run, in the order in which they were made or written:

| column | type | unit | meaning |
|---|---|---|---|
| id | str | | path or id of the run as its tool names it |
| status | str | | as far as the tool says: complete, unfinished, failed, diverged |

`Histories.config` has the same rows and a column per configuration key, dotted; values are text, numbers or booleans
(lists as JSON, none as `null`), NaN where a run does not set the key.

`Histories.history` has a row per run and epoch, or one row per run where there are final figures only:

| column | type | unit | meaning |
|---|---|---|---|
| run | int | | place of the run in `runs` |
| epoch | int | see `counts` | as the tool numbers them, rising within a run |
| a column per metric | float | as logged | NaN: not measured there; infinite: measured, and not finite |
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

STATUSES = ("complete", "unfinished", "failed", "diverged")
EPOCHS, STEPS, FIGURES = "epochs", "steps", "figures"  # what the numbers in `epoch` count; none where figures are final


@dataclass(frozen=True)
class Run:
    """One run as its tool recorded it; `history` as in `Histories`, without `run`."""

    id: str
    config: dict[str, Any]
    history: pd.DataFrame
    status: str = "complete"


@dataclass(frozen=True)
class Histories:
    """What a source holds; the frames' columns stand in the module's docstring."""

    source: str  # for people: `Hydra multirun`
    runs: pd.DataFrame
    config: pd.DataFrame
    history: pd.DataFrame
    counts: str = EPOCHS
    swept: tuple[str, ...] = ()  # keys that the tool says were varied
    undivided: bool = False  # the source does not tell settings from results: `config` may hold figures
    notes: tuple[str, ...] = ()  # what the reader left out, a sentence each

    @property
    def metrics(self) -> list[str]:
        """The metrics' columns."""
        return [name for name in self.history.columns if name not in ("run", "epoch")]


def gather(source: str, runs: list[Run], **told: Any) -> Histories:
    """Return the runs in the one shape; `told` are further fields of Histories."""
    lengths = [len(run.history) for run in runs]
    together = [run.history for run in runs if len(run.history)]
    history = pd.concat(together, ignore_index=True) if together else pd.DataFrame({"epoch": []})
    metrics = {name: history[name].astype(float) for name in history.columns if name != "epoch"}
    places = np.repeat(np.arange(len(runs)), lengths)
    return Histories(
        source=source,
        runs=pd.DataFrame([(run.id, run.status) for run in runs], columns=["id", "status"]),
        config=config_frame([run.config for run in runs]),
        history=pd.DataFrame({"run": places, "epoch": history["epoch"].astype("int64"), **metrics}),
        **told,
    )


def config_frame(configs: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a row per configuration and a column per key, in the order in which keys first come."""
    keys = dict.fromkeys(key for config in configs for key in config)
    columns = {key: np.array([config.get(key, np.nan) for config in configs], dtype=object) for key in keys}
    return pd.DataFrame(columns, index=range(len(configs)), dtype=object)


def flat(config: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested settings with dotted keys and plain values; a list becomes its JSON, none becomes `null`."""
    if not isinstance(config, Mapping):
        return {prefix.removesuffix("."): plain(config)} if prefix else {}
    found: dict[str, Any] = {}
    for key, value in config.items():
        found |= flat(value, f"{prefix}{key}.")
    return found


def plain(value: Any) -> Any:
    """Return text, a number or a boolean for a setting's value."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return "null"
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if isinstance(value, bool | int | float | str):
        return value
    if not isinstance(value, list | tuple | dict):
        return str(value)  # a date
    return json.dumps(value, default=str, separators=(",", ":"))


def from_text(text: str) -> Any:
    """Return the number or boolean that a setting's text writes, else the text."""
    if text in ("true", "True", "false", "False"):
        return text in ("true", "True")
    if re.fullmatch(r"[+-]?\d{1,18}", text):
        return int(text)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return float(text)
    return "null" if text in ("None", "null") else text


def from_path(path: PurePath) -> dict[str, Any]:
    """Return the settings that folders' and files' names write, as in `lr=0.1,seed=3/history.csv`."""
    names = (re.sub(r"\.(csv|tsv|parquet)$", "", name, flags=re.IGNORECASE) for name in path.parts)
    parts = (part for name in names for part in name.split(",") if part.count("=") == 1)
    pairs = (part.split("=") for part in parts)
    return {key.strip(): from_text(value.strip()) for key, value in pairs if key.strip() and value.strip()}


def label(value: Any) -> str:
    """Return how a level is written: `true`, `0.1`, `32` (of 32.0 too), `cnn`."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return str(int(value)) if float(value).is_integer() and abs(float(value)) < 1e15 else repr(float(value))
    return str(value)


def is_written(value: str, text: str) -> bool:
    """Tell whether a user's `text` writes the level that is labelled `value`: `0.50` is `0.5`, `True` is `true`."""
    return value in (text, label(from_text(text)))


def labels(column: pd.Series) -> pd.Series:
    """Return a configuration column's labels, missing where the key is not set."""
    places, values = pd.factorize(column)
    texts = np.array([*map(label, values), np.nan], dtype=object)
    return pd.Series(texts[places], index=column.index, name=column.name, dtype=object)


def varies(column: pd.Series) -> bool:
    """Tell whether a column has several values, a missing one counted as one."""
    return len(pd.unique(column)) > 1


def unique(names: Iterable[str]) -> list[str]:
    """Return the names once each, in order."""
    return list(dict.fromkeys(names))
