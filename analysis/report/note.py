"""`<study>/.report.json`: what a report was made from, its files, and what the terminal shows of it; sealed."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runner.store import Store, canonical_json, write_file

ANALYSIS = Path(__file__).resolve().parent.parent
SOURCES = (".py", ".css", ".js")  # of the analysis, that a report is made by
NAME = ".report.json"


@dataclass(frozen=True)
class Shown:
    """What the terminal shows: a table of texts, its head first, how many columns say what a row is, and lines."""

    table: list[list[str]]
    labels: int
    lines: list[str]


@dataclass(frozen=True)
class Note:
    """What is known of a written report: digests of all it was made from and of its files, by their path."""

    inputs: str
    outputs: dict[str, str]
    shown: Shown
    complete: bool


def read_note(folder: Path) -> Note | None:
    """Return what the last writing of the report left, or None where that cannot be read or was changed since."""
    try:
        found = json.loads((folder / NAME).read_text(encoding="utf-8"))
        if not isinstance(found, dict) or found.pop("seal", None) != _seal(found):
            return None
        return Note(**{**found, "shown": Shown(**found["shown"])})
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def write_note(folder: Path, note: Note) -> None:
    """Write the note beside the report."""
    contents = asdict(note)
    write_file(folder / NAME, canonical_json({**contents, "seal": _seal(contents)}).encode())


def _seal(contents: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(contents).encode()).hexdigest()


def inputs_digest(declaration: dict[str, Any], store: Store) -> str:
    """Return the sha256 of the declaration, the records' own summaries, failures, quarantine and the analysis code."""
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


def digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the sha256 of those of the files that are there, by their path in the folder."""
    found = {name: _read_or_nothing(folder / name) for name in sorted(names)}
    return {name: hashlib.sha256(content).hexdigest() for name, content in found.items() if content}


def _read_or_nothing(path: Path) -> bytes:
    """Return the file's bytes, or none where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
