"""Sacred's file storage, `<run>/{config,run,metrics}.json` -> histories.

A metric's steps are whatever the experiment gave, epochs mostly; a run without metrics has its `result` as its figure.
"""

from pathlib import Path
from typing import Any

import numpy as np

from analysis.foreign.files import Tree, read_settings
from analysis.foreign.histories import STEPS, Histories, Run, flat, gather
from analysis.foreign.points import history_of
from analysis.foreign.refusal import Refused

SOURCE = "Sacred file storage"
_STATUSES = {"COMPLETED": "complete", "FAILED": "failed", "TIMEOUT": "failed"}  # any other: unfinished


def find(tree: Tree) -> list[Path]:
    """Return the runs' folders."""
    return [path.parent for path in tree.named("run.json") if path.with_name("config.json").is_file()]


def read(places: list[Path], tree: Tree) -> Histories:
    """Return the runs in the order of their numbers."""
    return gather(SOURCE, [_run(folder) for folder in places], counts=STEPS)


def _run(folder: Path) -> Run:
    told = read_settings(folder / "run.json")
    metrics = folder / "metrics.json"
    logged = read_settings(metrics) if metrics.is_file() else {}
    if not logged and isinstance(told.get("result"), int | float) and not isinstance(told["result"], bool):
        logged = {"result": {"steps": [0], "values": [told["result"]]}}
    try:
        points = {name: (each["steps"], [_number(value) for value in each["values"]]) for name, each in logged.items()}
        history = history_of(points)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Refused(f"{metrics} must give steps and values of every metric; it does not. Export it again.") from None
    config = flat(read_settings(folder / "config.json"))
    return Run(folder.as_posix(), config, history, _STATUSES.get(str(told.get("status")), "unfinished"))


def _number(value: Any) -> float:
    """Return a value, infinite where it is not finite; of numpy's it is written as an object."""
    number = float(value["value"] if isinstance(value, dict) else np.nan if value is None else value)
    return number if np.isfinite(number) else np.inf
