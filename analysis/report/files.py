"""A study's folder -> report.md, report.html, figures/ and tables/ in it; the same records give the same bytes."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.figures.png import png
from analysis.figures.vector import VECTOR, vector
from analysis.reading.answers import answered_bytes
from analysis.reading.csv_files import csv_bytes
from analysis.reading.tables import SOURCES, summaries_bytes
from analysis.report import paper
from analysis.report.drawing import Drawing, draw, intervals_of
from analysis.report.evidence import Evidence, gather
from analysis.report.latex import latex_tables
from analysis.report.note import Note, Shown, digests, inputs_digest, read_note, write_note
from analysis.report.page import page
from analysis.report.sections import inert, report, status_lines
from analysis.report.tables import comparison_table
from runner.store import Store, make_folder, write_file

FOLDERS = ("figures", "tables")


def write_report(folder: Path, store: Store | None = None, declaration: dict[str, Any] | None = None) -> Note:
    """Write report.md, report.html, figures/ and tables/ of the study declared in `folder`.

    What the report before had and this one has not goes; what no report wrote stays, and so do tables that the study
    was read from. `store` is the one around the folder, where it is open already, and `declaration` what it declares,
    where that is known. What is known of the report is noted beside it and returned.
    """
    evidence = gather(folder, store, declaration)
    asked = evidence.study.declaration.get("figures", ["png"])
    drawn = draw(evidence) if asked else {}
    files = pictures(drawn, [kind for kind in VECTOR if kind in asked])
    lines = report(evidence, {name: drawing.caption for name, drawing in drawn.items()})
    files["report.html"] = page(evidence.study.declaration["name"], lines, files)
    files["report.md"] = "\n".join([*lines, ""]).encode()
    sources = () if evidence.study.parts.tables else _source_files(evidence)
    kept = {f"tables/{name}" for name in SOURCES if evidence.study.parts.tables}
    written = _put_in_place(folder, itertools.chain(sources, _table_files(evidence), files.items()), kept)
    inputs = inputs_digest(dict(evidence.labels.declaration), evidence.study.store)
    note = Note(inputs, digests(folder, written), _shown(evidence), _is_complete(evidence))
    write_note(folder, note)
    return note


def read_report(folder: Path, store: Store, declaration: dict[str, Any]) -> Note:
    """Return what would be noted of the report; nothing is written."""
    evidence = gather(folder, store, declaration)
    return Note("", {}, _shown(evidence), _is_complete(evidence))


def _is_complete(evidence: Evidence) -> bool:
    return not evidence.study.runs["status"].isin(["failed", "missing"]).any()


def pictures(drawn: Mapping[str, Drawing], kinds: Sequence[str]) -> dict[str, bytes]:
    """Return the figures' files by their paths: each as PNG, and as what else the study asks for."""
    files = {}
    for name, drawing in drawn.items():
        figure = drawing.figure()
        files[f"figures/{name}.png"] = png(figure)
        files |= {f"figures/{name}.{kind}": vector(figure, kind) for kind in kinds}
    return files


def _put_in_place(folder: Path, files: Iterable[tuple[str, bytes]], kept: set[str]) -> frozenset[str]:
    """Write the report's files one by one; remove those of the report before that are neither among them nor `kept`.

    Return the names of all that belong to the report now.
    """
    before = read_note(folder)
    for part in FOLDERS:
        make_folder(folder / part)
    for name, content in files:
        write_file(folder / name, content)
        kept.add(name)
    for name in set(before.outputs if before else ()) - kept:
        if name.partition("/")[0] in FOLDERS and name.count("/") == 1:
            (folder / name).unlink(missing_ok=True)
    return frozenset(kept)


def _source_files(evidence: Evidence) -> Iterator[tuple[str, bytes]]:
    """Yield the tables that a report is made from where there are no records, each when it is asked for."""
    study, misses = evidence.study, evidence.misses
    frames = {"runs": study.runs, "history": study.history, "other_end": study.parts.other_end}
    for name, frame in frames.items():
        if frame is not None:
            yield f"tables/{name}.csv", csv_bytes(evidence.labels.written(frame))
    if study.summaries:
        yield "tables/records.json", summaries_bytes(study.summaries)
    if study.answered is not None:
        shown = [] if misses is None else misses.images
        yield "tables/predictions.npz", answered_bytes(study.answered, shown)


def _table_files(evidence: Evidence) -> Iterator[tuple[str, bytes]]:
    """Yield the other files of tables/, each when it is asked for, since the largest have 100 MB: CSV, two as LaTeX."""
    frames = {"cells": evidence.cells, "effects": evidence.effects, "gap": evidence.gap}
    if evidence.looks is not None:
        frames["looks"] = evidence.looks.table
    if len(evidence.reported):
        frames["reported"] = evidence.reported
    if evidence.ends is not None:
        frames["ends"] = evidence.ends
    if evidence.misses is not None:
        frames["missed"] = evidence.misses.table
    for frame, content in frames.items():
        yield f"tables/{frame}.csv", csv_bytes(evidence.labels.written(content))
    yield "tables/comparison.tex", latex_tables(paper.comparison(evidence)).encode()
    yield "tables/effects.tex", latex_tables(paper.effects(evidence, intervals_of(evidence))).encode()


def _shown(evidence: Evidence) -> Shown:
    """Return what the terminal shows: the comparison table and what is missing."""
    study, table = evidence.study, comparison_table(evidence)
    rows = [list(map(str, row)) for row in [table.columns, *table.itertuples(index=False)]]
    return Shown(rows, list(table.columns).index("n"), [*inert(study), *status_lines(study)])
