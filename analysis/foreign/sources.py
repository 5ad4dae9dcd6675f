"""Paths that a user typed -> histories, by what lies there: the first source, most specific first, that knows it."""

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from analysis.foreign import hydra, lightning, mlflow_files, mlflow_sqlite, sacred, tensorboard, tidy, wandb
from analysis.foreign.files import Tree, tree
from analysis.foreign.histories import Histories, unique
from analysis.foreign.refusal import Refused, counted, listed

# Each has SOURCE, a name for people; `find(tree)`, the places it would read; `read(places, tree)`, their histories.
SOURCES: tuple[ModuleType, ...] = (hydra, lightning, mlflow_files, mlflow_sqlite, tensorboard, wandb, sacred, tidy)
_EXPORTED = {".aim": "Aim", ".dvc": "DVC", "dvclive": "DVC", ".clearml": "ClearML", ".comet": "Comet"}
_READABLE = (
    "Hydra job folders with a CSV, Lightning's version folders, an MLflow store, TensorBoard event files, W&B exports, "
    "Sacred's file storage, or a CSV or Parquet file"
)


def read(paths: Iterable[Path | str]) -> Histories:
    """Return the histories at or below the paths, all of one kind; Refused, one sentence, where they are not."""
    trees = [tree(Path(path)) for path in paths]
    if not trees:
        raise Refused(f"PATH must be given at least once: {_READABLE}.")
    trees = list({each.root.resolve(): each for each in trees}.values())
    found = [_source(each) for each in trees]
    kinds = unique(source.SOURCE for source, _ in found)
    if len(kinds) > 1:
        told = ", ".join(f"{source.SOURCE} at {each.root}" for each, (source, _) in zip(trees, found, strict=True))
        raise Refused(f"PATH must hold files of one kind; got {told}. Import each kind by a command of its own.")
    parts = [source.read(places, each) for each, (source, places) in zip(trees, found, strict=True)]
    notes = (*_also_there(trees, found),)
    histories = _once(_joined(parts))
    if not len(histories.runs):
        raise Refused(f"PATH must hold at least one run; {trees[0].root} holds a {kinds[0]} without any.")
    return dataclasses.replace(histories, notes=(*histories.notes, *notes))


def _source(found: Tree) -> tuple[ModuleType, list[Path]]:
    """Return the source that reads what lies in a tree, and its places; Refused where there is nothing to read."""
    for source in SOURCES:
        places = source.find(found)
        if places:
            return source, places
    parts = {part for path in found.files for part in path.relative_to(found.root).parts[:-1]} | {found.root.name}
    tool = next((name for folder, name in _EXPORTED.items() if folder in parts), "")
    advice = f" {tool} keeps a database of its own: export its runs as CSV." if tool else ""
    raise Refused(f"PATH must hold {_READABLE}; got nothing of these at {str(found.root)!r}.{advice}")


def _also_there(trees: Sequence[Tree], found: Sequence[tuple[ModuleType, list[Path]]]) -> list[str]:
    """Return what is said of files of another kind that lie apart from those that were read."""
    notes = []
    for each, (source, places) in zip(trees, found, strict=True):
        inside = {place if place.is_dir() else place.parent for place in places}
        inside |= {folder.parent for folder in inside} if source is hydra else set()
        apart = Tree(each.root, tuple(path for path in each.files if inside.isdisjoint(path.parents)))
        others = ((other, other.find(apart)) for other in SOURCES if other is not source and apart.files)
        notes += [f"{other.SOURCE}: another kind, at {listed(map(str, left), 3)}" for other, left in others if left][:1]
    return notes


def _joined(parts: list[Histories]) -> Histories:
    """Return the histories of several paths as one."""
    if len(parts) == 1:
        return parts[0]
    if len({part.counts for part in parts}) > 1:
        raise Refused(
            "PATH must hold histories of one kind; some give epochs and some steps or final figures only. "
            "Import each by a command of its own."
        )
    starts = np.cumsum([0, *(len(part.runs) for part in parts)])
    histories = [
        part.history.assign(run=part.history["run"] + start) for part, start in zip(parts, starts, strict=False)
    ]
    return dataclasses.replace(
        parts[0],
        runs=pd.concat([part.runs for part in parts], ignore_index=True),
        config=pd.concat([part.config.astype(object) for part in parts], ignore_index=True),
        history=pd.concat(histories, ignore_index=True),
        swept=tuple(unique(key for part in parts for key in part.swept)),
        notes=tuple(note for part in parts for note in part.notes),
    )


def _once(histories: Histories) -> Histories:
    """Return the histories without a run of which the same id was read before; Refused where it had other values."""
    ids = histories.runs["id"]
    if ids.is_unique:
        return histories
    kept = ~ids.duplicated()
    parts = dict(iter(histories.history.groupby("run")))
    first = {name: place for place, name in reversed(list(enumerate(ids)))}
    for place in np.flatnonzero(~kept):
        one, other = (
            parts[where].drop(columns="run").reset_index(drop=True) if where in parts else None
            for where in (first[ids[place]], place)
        )
        same = one is other if one is None or other is None else one.equals(other)
        if not same or not histories.config.loc[place].equals(histories.config.loc[first[ids[place]]]):
            raise Refused(
                f"PATH must hold each run once; run {ids[place]} is there twice with other values. Keep one of them."
            )
    places = kept.cumsum() - 1
    history = histories.history[kept.to_numpy()[histories.history["run"]]]
    copies = int((~kept).sum())
    return dataclasses.replace(
        histories,
        runs=histories.runs[kept].reset_index(drop=True),
        config=histories.config[kept].reset_index(drop=True),
        history=history.assign(run=places.to_numpy()[history["run"]]).reset_index(drop=True),
        notes=(*histories.notes, f"{counted(copies, 'run')} read twice, with the same values"),
    )
