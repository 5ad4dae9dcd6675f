"""A study's declaration <-> study.json, sealed; a damaged or foreign one is refused in one sentence."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.files import Corrupt, StoreError, read_plain, refuse_link
from runner.records import LARGEST_JSON, SCHEMA, is_dict_of, is_number, is_text, is_whole, parse_json, seal

FOLDERS = ("figures", "tables")  # of a study, beside its files
RUN_ID = re.compile("[0-9a-f]{24}")


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
    if declaration.pop("seal", digest) != digest:
        raise Corrupt("it does not match its own checksum")
    check_declaration(declaration)
    return declaration


# ---- what study.json may hold


def is_list_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return a check for a list whose members all pass `check`."""
    return lambda value: isinstance(value, list) and all(map(check, value))


def has(**checks: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return a check for an object that has these keys, with values that pass."""
    return lambda value: (
        isinstance(value, dict) and all(key in value and check(value[key]) for key, check in checks.items())
    )


def is_run_id(value: Any) -> bool:
    """Tell whether the value can be a run's id, which is a folder's name as well."""
    return is_text(value) and RUN_ID.fullmatch(value) is not None


REQUIRED = {
    "name": is_text,
    "command": is_text,
    "design": is_text,
    "factors": is_list_of(has(key=is_text, levels=is_list_of(is_text))),
    "seeds": is_list_of(is_whole),
    "cells": is_list_of(has(label=is_text, levels=is_dict_of(is_text))),
    "runs": is_list_of(has(cell=is_whole, seed=is_whole, epochs=lambda n: is_whole(n) and n > 0, run=is_run_id)),
}
OPTIONAL = {
    "inert": is_list_of(has(factor=is_text, where=is_text)),
    "epochs_shared": is_whole,
    "sesoi": is_dict_of(is_number),
    "comparisons": is_list_of(lambda pair: is_list_of(is_text)(pair) and len(pair) == 2),
}


def check_declaration(declaration: dict[str, Any]) -> None:
    """Raise Corrupt where study.json lacks what a report is made from, or contradicts itself."""
    for key, check in {**REQUIRED, **OPTIONAL}.items():
        if key not in declaration and key in REQUIRED:
            raise Corrupt(f"it does not give {key}")
        if key in declaration and not check(declaration[key]):
            raise Corrupt(f"it gives {key} that no study has")
    cells, runs = declaration["cells"], declaration["runs"]
    if not runs or any(run["cell"] >= len(cells) for run in runs):
        raise Corrupt("it has no runs, or runs of no cell")
    if len({cell["label"] for cell in cells}) != len(cells):
        raise Corrupt("two of its cells have one label")
    levels = {factor["key"]: factor["levels"] for factor in declaration["factors"]}
    if any(cell["levels"].get(key) not in known for cell in cells for key, known in levels.items()):
        raise Corrupt("a cell lacks a level of a factor")
