"""Is a study's report still that of its records? Decided from digests, so that an up-to-date study costs no pandas.

`<study>/.report.json` keeps the digest of all that went into the report, what came out, and the
summary that the terminal shows.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from runner.store import SCRAP, Store, canonical_json, read_study, write_file

NOTE = ".report.json"
ANALYSIS = Path(__file__).resolve().parent.parent
SOURCES = (".py", ".css", ".js")  # of the analysis, that a report is made by


def summary(folder: Path, store: Store) -> tuple[str, bool]:
    """Return the terminal's summary of the study in `folder` and whether the study is complete.

    The report is written first where the records, the declaration or the analysis have changed
    since, or where a file of it is gone.
    """
    inputs = _inputs_digest(folder, store)
    note = _read_note(folder)
    if note is None or note["inputs"] != inputs or _outputs(folder) != note["outputs"]:
        from analysis.report.files import write_report

        written = write_report(folder, store)
        note = {"inputs": inputs, "outputs": _outputs(folder), "summary": written.summary, "complete": written.complete}
        write_file(folder / NOTE, canonical_json(note).encode())
    return f"{note['summary']}\n{places(folder)}", note["complete"]


def places(folder: Path) -> str:
    """Return where the report lies, for the terminal: to read beside the code, and as one file to send."""
    return f"report: {folder / 'report.md'}\npage: {folder / 'report.html'}"


def _inputs_digest(folder: Path, store: Store) -> str:
    """Return the sha256 of the declaration, the records' own summaries, failures, quarantine and the analysis code."""
    declaration = read_study(folder)
    digest = hashlib.sha256(canonical_json(declaration).encode())
    runs = [*declaration["runs"], *declaration.get("other_end", {}).get("runs", ())]
    ids = sorted({run["run"] for run in runs})
    for run_id in ids:
        folder_of_run = store.folder_of(run_id)
        sealed = b"" if folder_of_run is None else _read_or_nothing(folder_of_run / "run.json")
        digest.update(run_id.encode() + hashlib.sha256(sealed).digest())
        digest.update(canonical_json(store.failure(run_id)).encode())
    digest.update(canonical_json(store.quarantined(set(ids))).encode())
    for source in sorted(path for path in ANALYSIS.rglob("*") if path.suffix in SOURCES):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _outputs(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file of the report, by its path in the folder."""
    files = [folder / "report.md", folder / "report.html", *folder.glob("figures/*"), *folder.glob("tables/*")]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
        if path.is_file() and not path.match(SCRAP)
    }


def _read_note(folder: Path) -> dict[str, Any] | None:
    """Return what the last writing of the report left, or None where it cannot be read."""
    try:
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    keys = {"inputs", "outputs", "summary", "complete"}
    return note if isinstance(note, dict) and set(note) == keys else None


def _read_or_nothing(path: Path) -> bytes:
    """Return the file's bytes, or none where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
