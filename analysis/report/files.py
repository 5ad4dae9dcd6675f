"""A study's folder -> report.md, figures/ and tables/ in it; the same records give the same bytes."""

import csv
import io
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.figures.png import png
from analysis.report.drawing import draw
from analysis.report.evidence import Evidence, gather
from analysis.report.latex import latex_table
from analysis.report.sections import comparison_note, inert, report, status_lines
from analysis.report.tables import comparison_table, effects_table
from analysis.words.markup import spreadsheet
from runner.store import SCRAP, Store, make_folder, write_file

FOLDERS = ("figures", "tables")


@dataclass(frozen=True)
class Written:
    """What the terminal says of a report, and whether every run of the study has an outcome."""

    summary: str
    complete: bool


def write_report(folder: Path, store: Store | None = None) -> Written:
    """Write report.md, figures/ and tables/ of the study declared in `folder`; what is no longer part of it goes.

    `store` is the one around the folder, where it is open already.
    """
    evidence = gather(folder, store)
    drawn = draw(evidence)
    files = {f"figures/{name}.png": png(drawing.figure) for name, drawing in drawn.items()}
    lines = report(evidence, {name: drawing.caption for name, drawing in drawn.items()})
    files["report.md"] = "\n".join([*lines, ""]).encode()
    _put_in_place(folder, itertools.chain(_table_files(evidence), files.items()))
    complete = not evidence.study.runs["status"].isin(["failed", "missing"]).any()
    return Written(_summary(evidence), complete)


def _put_in_place(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write the report's files one by one, and remove those of an earlier report that it no longer has."""
    for part in FOLDERS:
        make_folder(folder / part)
    written = set()
    for name, content in files:
        write_file(folder / name, content)
        written.add(name)
    for part in FOLDERS:
        for path in (folder / part).iterdir():
            if f"{part}/{path.name}" not in written and not path.is_dir() and not path.match(SCRAP):
                path.unlink(missing_ok=True)


def _table_files(evidence: Evidence) -> Iterator[tuple[str, bytes]]:
    """Yield the files of tables/, each when it is asked for, since the largest have 100 MB: CSV, and two as LaTeX."""
    frames = {
        "runs": evidence.study.runs,
        "history": evidence.study.history,
        "cells": evidence.cells,
        "effects": evidence.effects,
        "gap": evidence.gap,
    }
    if len(evidence.reported):
        frames["reported"] = evidence.reported
    if evidence.ends is not None:
        frames["ends"] = evidence.ends
    if evidence.misses is not None:
        frames["missed"] = evidence.misses.table
    for frame, content in frames.items():
        yield f"tables/{frame}.csv", _csv_bytes(content)
    name = evidence.study.declaration["name"]
    comparison = latex_table(comparison_table(evidence), f"{name}: {comparison_note(evidence)}")
    yield "tables/comparison.tex", comparison.encode()
    effects = latex_table(effects_table(evidence), f"{name}: effects, 95 % t-intervals over seeds.")
    yield "tables/effects.tex", effects.encode()


def _csv_bytes(frame: pd.DataFrame) -> bytes:
    """Return the frame as CSV, floats to the last bit, text that no spreadsheet runs as a formula."""
    text = frame.select_dtypes(["object", "string"]).columns
    columns = [_each_once(frame[name], spreadsheet) if name in text else frame[name] for name in frame]
    content = io.StringIO(newline="")
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(map(spreadsheet, frame.columns))
    writer.writerows(zip(*map(_values_of, columns), strict=True))  # DataFrame.to_csv takes a third longer
    return content.getvalue().encode()


def _values_of(column: pd.Series) -> list[Any]:
    """Return the column's values, None where there is none, which CSV has as nothing."""
    whole = column.astype(object).where(column.notna(), None) if column.isna().any() else column
    return whole.tolist()


def _each_once(texts: pd.Series, change: Callable[[str], str]) -> pd.Series:
    """Return the texts changed, each distinct one computed once."""
    return texts.map({text: change(text) for text in texts.dropna().unique()})


def _summary(evidence: Evidence) -> str:
    """Return what the terminal shows: the comparison table and what is missing."""
    study = evidence.study
    return "\n".join(
        [
            comparison_table(evidence).to_string(index=False),
            *inert(study),
            *status_lines(study),
        ]
    )
