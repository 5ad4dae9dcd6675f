"""A study's declaration <-> study.json, sealed; a damaged or foreign one is refused in one sentence."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
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
    if declaration.pop("seal", None) != digest:
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


CELLS_AND_RUNS = {
    "cells": is_list_of(has(label=is_text, levels=is_dict_of(is_text))),
    "runs": is_list_of(has(cell=is_whole, seed=is_whole, epochs=lambda n: is_whole(n) and n > 0, run=is_run_id)),
}
REQUIRED = {
    "name": is_text,
    "command": is_text,
    "design": is_text,
    "factors": is_list_of(has(key=is_text, levels=is_list_of(is_text))),
    "seeds": is_list_of(is_whole),
    "inert": is_list_of(has(factor=is_text, where=is_text)),
    "epochs_shared": is_whole,
    "sesoi": is_dict_of(is_number),
    **CELLS_AND_RUNS,
}
OPTIONAL = {
    "comparisons": is_list_of(lambda pair: is_list_of(is_text)(pair) and len(pair) == 2),
    "reported": is_list_of(has(cell=is_text, metric=is_text, value=is_number, source=is_text, dataset=is_text)),
    "other_end": has(**CELLS_AND_RUNS),
}


def check_declaration(declaration: dict[str, Any]) -> None:
    """Raise Corrupt where study.json lacks what a report is made from, or contradicts itself."""
    for key, check in {**REQUIRED, **OPTIONAL}.items():
        if key not in declaration and key in REQUIRED:
            raise Corrupt(f"it does not give {key}")
        if key in declaration and not check(declaration[key]):
            raise Corrupt(f"it gives {key} that no study has")
    levels = {factor["key"]: factor["levels"] for factor in declaration["factors"]}
    for part in filter(None, (declaration, declaration.get("other_end"))):
        check_cells(part["cells"], part["runs"], levels)
    labels = {cell["label"] for cell in declaration["cells"]}
    if any(each["cell"] not in labels for each in declaration.get("reported", ())):
        raise Corrupt("it reports a figure of no cell")
    arms = {level for known in levels.values() for level in known}
    if any(arm not in arms for pair in declaration.get("comparisons", ()) for arm in pair):
        raise Corrupt("it compares an arm that it does not have")


def check_cells(cells: list[dict[str, Any]], runs: list[dict[str, Any]], levels: dict[str, list[str]]) -> None:
    """Raise Corrupt where runs and cells do not belong together, or cells and the factors' levels."""
    if not runs or any(run["cell"] >= len(cells) for run in runs):
        raise Corrupt("it has no runs, or runs of no cell")
    if len({cell["label"] for cell in cells}) != len(cells):
        raise Corrupt("two of its cells have one label")
    if any(cell["levels"].get(key) not in known for cell in cells for key, known in levels.items()):
        raise Corrupt("a cell lacks a level of a factor")


# ---- what a one-at-a-time design over components is called


def component_mode(design: str, factors: Mapping[str, Sequence[str]]) -> str:
    """Return `leave-one-out` or `add-one` where a one-at-a-time design switches components alone, else "".

    A component is a true/false factor, or a layer that a level of `model.without` names; in
    leave-one-out all of them are on in the baseline, in add-one all are off.
    """
    if design != "one_at_a_time" or not factors:
        return ""
    if all(tuple(levels) == ("false", "true") for levels in factors.values()):
        return "add-one"
    whole = all(tuple(levels) == ("true", "false") or leaves_out(key, levels) for key, levels in factors.items())
    return "leave-one-out" if whole else ""


def leaves_out(key: str, levels: Sequence[str]) -> bool:
    """Tell whether the factor leaves out layers at all levels but its first."""
    return key == "model.without" and levels[0] == "[]" and "[]" not in levels[1:] and len(levels) > 1
