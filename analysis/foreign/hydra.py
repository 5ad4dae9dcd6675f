"""Hydra's job folders, each with a table that has an epoch column -> histories.

A job's folder has a folder with `config.yaml`, `overrides.yaml` and `hydra.yaml` in it, which is called `.hydra`
unless `hydra.output_subdir` says otherwise. The history is any CSV below the job: of Keras's CSVLogger, of Lightning.
"""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.foreign.epochs import has_epochs, merged, read_epochs
from analysis.foreign.files import Tree, read_settings, read_text, read_yaml
from analysis.foreign.histories import EPOCHS, Histories, Run, flat, from_text, gather, unique
from analysis.foreign.refusal import counted

SOURCE = "Hydra multirun"


def find(tree: Tree) -> list[Path]:
    """Return the folders with the jobs' configurations; none unless a job has a history."""
    settings = [path.parent for path in tree.named("hydra.yaml") if _is_output_subdir(path)]
    jobs = {folder.parent for folder in settings}
    return settings if any(has_epochs(path) for path in tree.tables if jobs & set(path.parents)) else []


def read(places: list[Path], tree: Tree) -> Histories:
    """Return the jobs' histories, in the order of their numbers."""
    jobs = {folder.parent: folder for folder in places}
    tables: dict[Path, list[Path]] = {job: [] for job in jobs}
    for path in tree.tables:
        job = next((parent for parent in path.parents if parent in jobs), None)
        if job is not None and has_epochs(path):
            tables[job].append(path)
    overrides = {job: _overrides(folder) for job, folder in jobs.items()}
    runs = [_run(job, jobs[job], overrides[job], tables[job]) for job in jobs]
    without = sum(not paths for paths in tables.values())
    notes = (f"{counted(without, 'job')} without a history, counted as unfinished",) if without else ()
    swept = unique(key for each in overrides.values() for key in each)
    return gather(SOURCE, runs, counts=EPOCHS, swept=tuple(swept), notes=notes)


def _is_output_subdir(path: Path) -> bool:
    if not path.with_name("config.yaml").is_file():
        return False
    written = re.search(r"^\s+output_subdir:\s*['\"]?([^'\"\s]+)", read_text(path), re.MULTILINE)
    return written is not None and path.parent.name == written[1]


def _overrides(folder: Path) -> dict[str, Any]:
    """Return the keys that a job's command set, with their values."""
    path = folder / "overrides.yaml"
    written = read_yaml(path) if path.is_file() else None
    if not isinstance(written, list):
        return {}
    pairs = (str(each).lstrip("+").split("=", 1) for each in written if not str(each).startswith("~"))
    return {pair[0]: from_text(pair[1].strip("'\"")) for pair in pairs if len(pair) == 2}


def _run(job: Path, folder: Path, overrides: dict[str, Any], tables: list[Path]) -> Run:
    config = flat(read_settings(folder / "config.yaml"))
    groups = {key: value for key, value in overrides.items() if key not in config}  # `model=cnn`, a whole file
    if not tables:
        return Run(job.as_posix(), config | groups, pd.DataFrame({"epoch": []}), "unfinished")
    return Run(job.as_posix(), config | groups, merged([read_epochs(path) for path in tables], job.as_posix()))
