"""Is a study's report still that of its records? Decided from digests, so that an up-to-date study costs no pandas."""

from pathlib import Path
from typing import Any

from analysis.report.note import Note, digests, inputs_digest, read_note
from runner.store import Store, folded, table_lines, terminal_width


def summary(folder: Path, store: Store, declaration: dict[str, Any]) -> tuple[str, bool]:
    """Return the terminal's summary of the study that belongs in `folder` and whether the study is complete.

    The report is written first where the records, the declaration or the analysis have changed
    since, or where a file of it is gone; not where the store may only be read. Of several commands that end
    together one writes it, and the others find it.
    """
    inputs = inputs_digest(declaration, store)
    with store.alone_at(f"the report of {folder.name}"):
        note = read_note(folder)
        if note is None or note.inputs != inputs or digests(folder, note.outputs) != note.outputs:
            from analysis.report.files import read_report, write_report

            if not store.changes:
                found = read_report(folder, store, declaration)
                return shown(found, folder), found.complete
            note = write_report(folder, store, declaration)
    return shown(note, folder), note.complete


def shown(note: Note, folder: Path) -> str:
    """Return what the terminal shows of a report, folded to its width: the table, what is missing, and its places."""
    width, told = terminal_width(), note.shown
    lines = [*table_lines(told.table, told.labels, width), *folded(told.lines, width)]
    return "\n".join([*lines, places(folder)])


def places(folder: Path) -> str:
    """Return where the report lies, for the terminal: to read beside the code, and as one file to send."""
    return f"report: {folder / 'report.md'}\npage: {folder / 'report.html'}"
