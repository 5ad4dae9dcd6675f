"""A study's folder -> report.md, report.html, figures/ and tables/ in it; the same records give the same bytes."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from analysis.figures.png import png
from analysis.figures.vector import VECTOR, vector
from analysis.reading.answers import answered_bytes
from analysis.reading.csv_files import csv_bytes
from analysis.reading.tables import summaries_bytes
from analysis.report.drawing import draw, intervals_of
from analysis.report.evidence import Evidence, gather
from analysis.report.latex import latex_table
from analysis.report.page import page
from analysis.report.sections import comparison_note, inert, report, status_lines
from analysis.report.tables import comparison_table, effects_table
from runner.store import SCRAP, Store, make_folder, write_file

FOLDERS = ("figures", "tables")


@dataclass(frozen=True)
class Written:
    """What the terminal says of a report, and whether every run of the study has an outcome."""

    summary: str
    complete: bool


def write_report(folder: Path, store: Store | None = None) -> Written:
    """Write report.md, report.html, figures/ and tables/ of the study declared in `folder`.

    What is no longer part of the report goes. `store` is the one around the folder, where it is open already.
    """
    evidence = gather(folder, store)
    drawn = draw(evidence)
    files = {f"figures/{name}.png": png(drawing.figure) for name, drawing in drawn.items()}
    kinds = [kind for kind in VECTOR if kind in evidence.study.declaration.get("figures", ())]
    files |= {f"figures/{name}.{kind}": vector(drawn[name].figure, kind) for name in drawn for kind in kinds}
    lines = report(evidence, {name: drawing.caption for name, drawing in drawn.items()})
    files["report.html"] = page(evidence.study.declaration["name"], lines, files)
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
    if evidence.looks is not None:
        frames["looks"] = evidence.looks.table
    if len(evidence.reported):
        frames["reported"] = evidence.reported
    if evidence.ends is not None:
        frames["ends"] = evidence.ends
        frames["other_end"] = evidence.study.parts.other_end
    if evidence.misses is not None:
        frames["missed"] = evidence.misses.table
    for frame, content in frames.items():
        yield f"tables/{frame}.csv", csv_bytes(content)
    yield from _kept_files(evidence)
    name = evidence.study.declaration["name"]
    comparison = latex_table(comparison_table(evidence), f"{name}: {comparison_note(evidence)}")
    yield "tables/comparison.tex", comparison.encode()
    effects = latex_table(effects_table(evidence), f"{name}: effects, {intervals_of(evidence)}.")
    yield "tables/effects.tex", effects.encode()


def _kept_files(evidence: Evidence) -> Iterator[tuple[str, bytes]]:
    """Yield what a report needs beside its frames to be made again without the records."""
    study, misses = evidence.study, evidence.misses
    if study.summaries:
        yield "tables/records.json", summaries_bytes(study.summaries)
    if study.answered is not None:
        shown = [] if misses is None else misses.images
        yield "tables/predictions.npz", answered_bytes(study.answered, shown)


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
