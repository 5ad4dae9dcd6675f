"""A study's declaration <-> study.json, sealed; a damaged or foreign one is refused in one sentence."""

import json
import re
from pathlib import Path
from typing import Any

from runner.metrics import read_metrics
from runner.store.checks import has, is_dict_of, is_list_of, is_net, is_number, is_text, is_whole
from runner.store.files import Corrupt, StoreError, read_plain, refuse_link
from runner.store.records import SCHEMA
from runner.store.sealed import LARGEST_JSON, parse_json, seal

FOLDERS = ("figures", "tables")  # of a study, beside its files
RUN_ID = re.compile("[0-9a-f]{24}")
_MODES = ("leave-one-out", "add-one", "")


def declaration_bytes(declaration: dict[str, Any]) -> bytes:
    """Return study.json's bytes: the declaration with the sha256 of its canonical JSON as a seal."""
    plain = json.loads(json.dumps(declaration, allow_nan=False))
    return (json.dumps({**plain, "seal": seal(plain)}, indent=1, sort_keys=True) + "\n").encode()


def read_study(folder: Path) -> dict[str, Any]:
    """Return the declaration in a study's folder; StoreError where there is none that can be believed."""
    refuse_links_in_study(folder)
    try:
        return read_declaration(folder / "study.json")
    except Corrupt as reason:
        raise StoreError(
            f"the study's folder must hold a study.json as the program wrote it; {str(folder)!r} does not "
            f"({reason}). Run the study's command again."
        ) from None


def refuse_links_in_study(folder: Path) -> None:
    """Raise StoreError where a folder that the report is written to is a link."""
    for name in FOLDERS:
        refuse_link(folder / name)


def read_declaration(path: Path) -> dict[str, Any]:
    """Return the declaration in the file; Corrupt, with the reason, unless it is what was written."""
    declaration, digest = parse_json(path.name, read_plain(path, LARGEST_JSON))
    if declaration.get("schema") != SCHEMA:
        raise Corrupt(f"it has no schema version {SCHEMA}, so another program or version wrote it")
    if declaration.pop("seal", None) != digest:
        raise Corrupt("it does not match its own checksum")
    check_declaration(declaration)
    return declaration


# ---- what study.json may hold


def _is_run_id(value: Any) -> bool:
    """Tell whether the value can be a run's id, which is a folder's name as well."""
    return is_text(value) and RUN_ID.fullmatch(value) is not None


_CELLS_AND_RUNS = {
    "cells": is_list_of(has(label=is_text, levels=is_dict_of(is_text))),
    "runs": is_list_of(has(cell=is_whole, seed=is_whole, epochs=lambda n: is_whole(n) and n > 0, run=_is_run_id)),
}
REQUIRED = {
    "name": is_text,
    "command": is_text,
    "design": is_text,
    "factors": is_list_of(has(key=is_text, levels=is_list_of(is_text))),
    "seeds": is_list_of(is_whole),
    "inert": is_list_of(has(factor=is_text, where=is_text)),
    "epochs_shared": is_whole,
    "recipe": is_text,
    "mode": _MODES.__contains__,
    "metrics": is_list_of(has(name=is_text)),
    **_CELLS_AND_RUNS,
}
OPTIONAL = {
    "comparisons": is_list_of(lambda pair: is_list_of(is_text)(pair) and len(pair) == 2),
    "reported": is_list_of(has(cell=is_text, metric=is_text, value=is_number, source=is_text, dataset=is_text)),
    "other_end": has(**_CELLS_AND_RUNS),
    "initial_weights": is_list_of(
        has(cell=is_text, random=is_whole, shared=is_whole, apart=is_list_of(is_text), resized=is_list_of(is_text))
    ),
    "explicit_seeds": is_list_of(is_text),
    "until": has(max_seeds=is_whole, futile=lambda value: isinstance(value, bool)),
    "reported_at": is_list_of(has(seeds=is_whole, until=lambda value: isinstance(value, bool))),
    "trained": has(
        settings=is_dict_of(is_text),
        nets=is_list_of(lambda net: is_net(net) and has(cells=is_list_of(is_text), minimizes=is_text)(net)),
    ),
    "window": lambda epochs: is_whole(epochs) and epochs > 0,
    "notes": is_list_of(is_text),
    "source": is_text,  # of an imported study: what its files are
    "paired": lambda value: isinstance(value, bool),
    "figures": is_list_of(lambda kind: kind in ("png", "pdf", "svg")),
}


def check_declaration(declaration: dict[str, Any]) -> None:
    """Raise Corrupt where study.json lacks what a report is made from, or contradicts itself."""
    for key, check in {**REQUIRED, **OPTIONAL}.items():
        if key not in declaration and key in REQUIRED:
            raise Corrupt(f"it does not give {key}")
        if key in declaration and not check(declaration[key]):
            raise Corrupt(f"it gives {key} that no study has")
    _check_designed(declaration)
    _check_told(declaration)


def _check_designed(declaration: dict[str, Any]) -> None:
    """Raise Corrupt where cells, runs, factors and comparisons contradict each other."""
    levels = {factor["key"]: factor["levels"] for factor in declaration["factors"]}
    if declaration["design"] == "screening" and any(len(known) != 2 for known in levels.values()):
        raise Corrupt("it screens a factor that has not two levels")
    for part in filter(None, (declaration, declaration.get("other_end"))):
        _check_cells(part["cells"], part["runs"], levels)
    arms = {level for known in levels.values() for level in known}
    if any(arm not in arms for pair in declaration.get("comparisons", ()) for arm in pair):
        raise Corrupt("it compares an arm that it does not have")


def _check_told(declaration: dict[str, Any]) -> None:
    """Raise Corrupt where what is told of metrics, or of a cell, is of none."""
    columns = {f"val_{name}" for name in _metric_names(declaration["metrics"])}
    labels = {cell["label"] for cell in declaration["cells"]}
    reported = declaration.get("reported", ())
    if any(each["cell"] not in labels for each in reported):
        raise Corrupt("it reports a figure of no cell")
    if any(each["metric"] not in columns for each in reported):
        raise Corrupt("it reports a figure of no metric")
    if any(cell not in labels for net in declaration.get("trained", {}).get("nets", ()) for cell in net["cells"]):
        raise Corrupt("it describes the net of no cell")
    if any(each["cell"] not in labels for each in declaration.get("initial_weights", ())):
        raise Corrupt("it tells the initial weights of no cell")


def _metric_names(described: list[dict[str, Any]]) -> list[str]:
    try:
        return [metric.name for metric in read_metrics(described)]
    except (ValueError, OverflowError) as error:  # the latter of a whole number that no float holds
        raise Corrupt(f"it gives metrics that no study has: {error}") from None


def _check_cells(cells: list[dict[str, Any]], runs: list[dict[str, Any]], levels: dict[str, list[str]]) -> None:
    """Raise Corrupt where runs and cells do not belong together, or cells and the factors' levels."""
    if not runs or any(run["cell"] >= len(cells) for run in runs):
        raise Corrupt("it has no runs, or runs of no cell")
    if len({cell["label"] for cell in cells}) != len(cells):
        raise Corrupt("two of its cells have one label")
    if any(cell["levels"].get(key) not in known for cell in cells for key, known in levels.items()):
        raise Corrupt("a cell lacks a level of a factor")
