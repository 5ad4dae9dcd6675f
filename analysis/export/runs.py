"""A study's frames -> its runs as other tools know them: a name, settings, and points by epoch."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.reading.columns import SECONDS, TIMES, metric_columns
from analysis.reading.study import Study

NAME_LENGTH = 100


class CannotExport(ValueError):
    """A history that cannot be written elsewhere; the message is one sentence."""


@dataclass(frozen=True)
class Exported:
    """One run of a study, as far as it looks.

    `settings` are the factors' levels and the seed; `epochs` are from 1, `seconds` of wall time since training began at
    the end of each, `metrics` the columns of the history with a value an epoch, NaN where there is none.
    """

    name: str  # fit for a folder, unique in the study
    cell: str
    settings: dict[str, str | int]
    status: str  # complete or diverged
    epochs: list[int]
    seconds: list[float]
    metrics: dict[str, np.ndarray]

    def points(self) -> Iterator[tuple[str, int, float, float]]:
        """Yield (metric, epoch, seconds, value) by epoch; a value that is not finite only of a run that diverged."""
        for place, (epoch, seconds) in enumerate(zip(self.epochs, self.seconds, strict=True)):
            for name, values in self.metrics.items():
                if math.isfinite(values[place]) or self.status == "diverged":
                    yield name, epoch, seconds, float(values[place])


def exported(study: Study) -> list[Exported]:
    """Return the study's runs that have a history; CannotExport where none has."""
    history, names = study.history, _folder_names(study.cells)
    columns = [name for name in (*metric_columns(study.metrics), *TIMES) if name in history and _told(history[name])]
    levels = {cell["label"]: cell["levels"] for cell in study.declaration["cells"]}
    statuses = study.runs.set_index(["cell", "seed"])["status"]
    found = []
    for (cell, seed), rows in history.groupby(["cell", "seed"], sort=False):
        status = str(statuses.loc[cell, seed])
        spent = rows[[name for name in SECONDS if name in rows]].fillna(0.0).sum(axis=1)
        found.append(
            Exported(
                name=f"{names[cell]},seed={seed}",
                cell=cell,
                settings={**{key: levels[cell].get(key, "") for key in study.factors}, "seed": int(seed)},
                status=status,
                epochs=rows["epoch"].astype(int).tolist(),
                seconds=spent.cumsum().tolist(),
                metrics={
                    name: rows[name].to_numpy(float) for name in columns if status == "diverged" or _told(rows[name])
                },
            )
        )
    if not found:
        raise CannotExport(
            f"the study must have runs with a history; {study.declaration['name']!r} has none. Run its command again."
        )
    return found


def _told(values: pd.Series) -> bool:
    """Tell whether there is any value of the metric."""
    return bool(values.notna().any())


def _folder_names(cells: list[str]) -> dict[str, str]:
    """Return for each cell a name that any file system takes; cells that would share one get their place as well."""
    found: dict[str, str] = {}
    for place, cell in enumerate(cells):
        name = re.sub(r"[^\w=.,+-]+", "_", cell.replace(", ", ","), flags=re.ASCII).strip("._")[:NAME_LENGTH] or "cell"
        found[cell] = f"{name}_{place}" if name in found.values() else name
    return found


def plain(text: str | int) -> str | float | bool:
    """Return a level as the number or boolean that it is written as, the text itself where it is neither."""
    try:
        value = json.loads(str(text))
    except ValueError:
        return str(text)
    is_plain = isinstance(value, bool | int | float) and json.dumps(value) == str(text) and abs(value) < 2**53
    return value if is_plain else str(text)


def folder_of(target: Path, name: str) -> Path:
    """Return the study's folder in the target; CannotExport where the target is a file."""
    if target.exists() and not target.is_dir():
        raise CannotExport(f"DIR must be a folder; got the file {str(target)!r}. Name another.")
    return target / name
