"""What was understood of files -> plain text, which is printed before anything is written, and by `--dry-run` alone."""

import textwrap
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.foreign.refusal import counted, listed
from runner.store import terminal_width, told_apart

_WIDTH = 100  # of lines in a file
_INDENT = 11
_SHOWN = 12  # levels, seeds, arms


@dataclass(frozen=True)
class Told:
    """What there is to tell; `columns` maps our metrics' columns to the tool's."""

    declaration: dict[str, Any]
    runs: pd.DataFrame
    seed: str  # the seed's key, "" for replicate numbers
    columns: dict[str, str]
    notes: tuple[str, ...]
    left: tuple[str, ...]


def told(what: Told) -> str:
    """Return the text: runs, seeds, factors, design, metrics, how they are compared, decisions, what is left out."""
    lines = [
        *_lines("runs", [_runs(what)]),
        *_lines("seeds", [_seeds(what)]),
        *_lines("factors" if what.declaration["design"] != "arms" else "arms", _factors(what.declaration)),
        *_lines("design", [_design(what)]),
        *_lines("metrics", [_metric(metric, what.columns) for metric in what.declaration["metrics"]]),
        *_lines("compared", [_compared(what.declaration)]),
        *_lines("notes", what.notes),
        *_lines("left out", what.left or ["nothing"]),
    ]
    return "\n".join([f"{what.declaration['name']}: read from {what.declaration['source']}", *lines]) + "\n"


def _lines(head: str, texts: list[str] | tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    for text in texts:
        start = "  " + (head if not lines else "").ljust(_INDENT - 2)
        rest, width = " " * (_INDENT + 2), terminal_width() or _WIDTH
        lines += textwrap.wrap(text, width, initial_indent=start, subsequent_indent=rest, break_on_hyphens=False)
    return lines


def _runs(what: Told) -> str:
    statuses = what.runs["status"].value_counts()
    counts = ", ".join(f"{statuses.get(each, 0)} {each}" for each in ("complete", "diverged", "unfinished", "failed"))
    return f"{len(what.runs)}: {counts}"


def _seeds(what: Told) -> str:
    complete = what.runs[what.runs["status"].eq("complete")]
    sizes = complete["cell"].value_counts().reindex([cell["label"] for cell in what.declaration["cells"]], fill_value=0)
    each = f"{sizes.max()} in every cell" if sizes.min() == sizes.max() else f"{sizes.min()} to {sizes.max()} in a cell"
    seeds = what.declaration["seeds"]
    values = listed(map(str, seeds), _SHOWN)
    return f"{what.seed}: {values}; {each} complete" if what.seed else f"replicates, numbered; {each} complete"


def _factors(declaration: dict[str, Any]) -> list[str]:
    return [
        f"{factor['key']}: {baseline} (baseline), {listed(levels, _SHOWN)}"
        for factor in declaration["factors"]
        for baseline, *levels in [told_apart(factor["levels"])]
    ]


def _design(what: Told) -> str:
    design, cells = what.declaration["design"], what.declaration["cells"]
    counts = what.runs["cell"].value_counts()
    single = [cell["label"] for cell in cells if counts.get(cell["label"], 0) == 1]
    alone = f"; a single run, without spread, in {listed(single, 4)}" if single else ""
    if design == "arms":
        return f"{counted(len(cells), 'arm')}, since not every combination of levels is there{alone}"
    return f"factorial, {counted(len(cells), 'cell')}: every combination of levels is there{alone}"


def _metric(metric: dict[str, Any], columns: dict[str, str]) -> str:
    name = metric["name"]
    read = [f"{columns[ours]} as {ours}" for ours in (f"val_{name}", name) if ours in columns and columns[ours] != ours]
    better = {"neither": "neither direction is better"}.get(metric["better"], f"{metric['better']} is better")
    primary = ", primary" if metric["primary"] else ""
    size = f", smallest effect of interest {metric['sesoi']:g}" if metric["sesoi"] is not None else ""
    return f"{name}: {better}{primary}{size}" + (f" ({', '.join(read)})" if read else "")


def _compared(declaration: dict[str, Any]) -> str:
    if declaration["paired"]:
        return "paired by seed, as --pair seed says"
    return "unpaired: a seed that runs of another tool share makes them no block; --pair seed says otherwise"
