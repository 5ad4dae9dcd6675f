"""A results folder -> a line for each thing in it that cannot be believed; `--repair` moves those to quarantine.

What the program did not write is named and left alone.

`python -m runner verify [results_dir=PATH] [--repair]` reads every byte of every record, checkpoint,
study.json and file of validation images. Without `--repair` it changes nothing. It ends with 0 where
all is well, 1 where there is a problem (mended or not), 2 where the command was wrong.
"""

import contextlib
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from runner.store.arguments import parse
from runner.store.files import SCRAP, Corrupt, StoreError, plain, remove
from runner.store.records import read_record, read_snapshot
from runner.store.store import RESERVED, Store, quarantine_reason, read_validation
from runner.store.studies import FOLDERS, RUN_ID, read_declaration

_SCRAP_SECONDS = 600  # a write takes less; an older temporary file is of a process that was killed
_RECORD_ENTRIES = {"spec.json", "history.csv", "predictions.npz", "checkpoint.npz", "run.log", "run.json"}
_WORK_ENTRIES = _RECORD_ENTRIES | {"failure.json", "progress.json"}


@dataclass(frozen=True)
class Problem:
    """Something that cannot be believed or does not belong; `mend` puts it right and tells whether it could."""

    path: Path
    reason: str
    mend: Callable[[], bool]
    run_id: str | None = None


@dataclass
class Findings:
    """What a check of a results folder found."""

    records: list[str] = field(default_factory=list)  # ids of those that are whole
    in_work: int = 0
    studies: dict[str, set[str]] = field(default_factory=dict)  # name -> ids of its runs
    commands: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def main(arguments: list[str]) -> int:
    """Check the results folder that the arguments name, print what was found, and return the exit code."""
    try:
        asked = parse("verify", arguments, flag="--repair")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        store = Store(asked.results_dir)
        findings = check(store)
    except StoreError as error:
        print(error)
        return 1
    except OSError as error:
        print(f"results_dir must be readable; {error.filename!r} is not ({error.strerror}).")
        return 1
    for line in _report(findings, store, asked.flag):
        print(line)
    return 1 if findings.problems else 0


def _report(findings: Findings, store: Store, repair: bool) -> Iterator[str]:
    """Yield a line a problem, mending it on the way if asked to, a line a study that it touches, and a summary."""
    mended = 0
    for problem in findings.problems:
        done = repair and problem.mend()
        mended += done
        outcome = "; put right" if done else "; could not be put right" if repair else ""
        yield f"{plain(str(problem.path.relative_to(store.root)))}: {plain(problem.reason)}{outcome}"
    yield from findings.notes
    yield from _affected(findings, store)
    yield (
        f"{count(len(findings.records), 'record')} whole, {count(findings.in_work, 'training')} unfinished, "
        f"{count(len(findings.studies), 'study', 'studies')}; {count(len(findings.problems), 'problem')}"
        + (f", {mended:,} put right" if repair and findings.problems else "")
        + ("; add --repair to move them to quarantine/" if findings.problems and not repair else "")
    )


def _affected(findings: Findings, store: Store) -> Iterator[str]:
    """Yield a line for each study with runs that a problem touches, with the command that trains them again."""
    broken = {problem.run_id for problem in findings.problems if problem.run_id} - set(findings.records)
    for name, ids in findings.studies.items():
        if touched := len(ids & broken):
            yield (
                f"study {plain(name)}: {touched:,} of {count(len(ids), 'training')} cannot be believed; "
                f"train again with: {plain(findings.commands[name])} "
                f"{plain(shlex.quote(f'results_dir={store.root}'))} (dataset.path as its folder was)"
            )


def count(number: int, noun: str, several: str = "") -> str:
    """Return `1 record`, `2 records`, `1,000 records`."""
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


# ---- the parts of a results folder


def check(store: Store) -> Findings:
    """Return what is found in the results folder; nothing in it is changed."""
    findings = Findings()
    for part in (_check_runs, _check_work, _check_locks, _check_validation, _check_quarantine, _check_studies):
        part(store, findings)
    return findings


def _check_runs(store: Store, findings: Findings) -> None:
    """Check every record, and that nothing else lies among them."""
    known = {folder.name for folder in (*store.folders, store.engine)}
    for path in tqdm(_entries(store.runs), unit=" records", disable=not sys.stderr.isatty(), leave=False):
        if RUN_ID.fullmatch(path.name):
            _check_record(path, path.name, store, findings)
        elif path.name not in known:
            _check_foreign(path, "is no record", store, findings)


def _check_record(folder: Path, run_id: str, store: Store, findings: Findings) -> None:
    """Check one record, every byte; one that is being replaced at the moment is read again."""
    for last in (False, False, True):
        try:
            read_record(folder, run_id, whole=True)
        except Corrupt as reason:
            if store.is_held(run_id):
                if last:
                    findings.notes.append(f"runs/{run_id}: in training at the moment, so not checked")
                continue
            if last:
                _add(findings, store, folder, str(reason), run_id)
        else:
            findings.records.append(run_id)
            _check_entries(folder, _RECORD_ENTRIES, run_id, store, findings)
            return


def _check_work(store: Store, findings: Findings) -> None:
    """Check the trajectories in training: their checkpoints, and what replacements that were cut short left."""
    for path in _entries(store.runs / ".work"):
        run_id = path.name.removesuffix(".old")
        if not RUN_ID.fullmatch(run_id):
            _check_foreign(path, "is no training", store, findings)
        elif store.is_held(run_id):
            findings.notes.append(f"runs/.work/{path.name}: in training at the moment, so not checked")
        elif path.is_symlink() or not path.is_dir():
            _add(findings, store, path, "a link or a file is in the place of a folder", run_id)
        elif path.name.endswith(".old"):
            _check_replaced(path, run_id, store, findings)
        else:
            _check_training(path, run_id, store, findings)


def _check_replaced(path: Path, run_id: str, store: Store, findings: Findings) -> None:
    """Check a record that a longer one was to replace: the only one, or left over."""
    if os.path.lexists(store.runs / run_id):
        reason = "is left over from a record that a longer one replaced"
    else:
        reason = "is a record whose replacement was cut short"
        _check_record(path, run_id, store, findings)
    if run_id in findings.records:
        findings.problems.append(Problem(path, reason, lambda: _recover(store, run_id, path), run_id))


def _recover(store: Store, run_id: str, path: Path) -> bool:
    """Put right what was cut short; tell whether it could be."""
    with store.alone(run_id) as alone, contextlib.suppress(StoreError):
        if alone:
            store.recover(run_id)
    return not os.path.lexists(path)


def _check_training(folder: Path, run_id: str, store: Store, findings: Findings) -> None:
    """Check an unfinished training."""
    path = folder / "checkpoint.npz"
    findings.in_work += 1
    if os.path.lexists(path):
        try:
            read_snapshot(path, run_id)
        except Corrupt as reason:
            _add(findings, store, path, str(reason), run_id)
    failure = folder / "failure.json"
    if failure.is_file() and not failure.is_symlink() and store.failure(run_id) is None:
        _add(findings, store, failure, "cannot be read", run_id)
    _check_entries(folder, _WORK_ENTRIES, run_id, store, findings)


def _check_locks(store: Store, findings: Findings) -> None:
    """Check that there are only lock files, which stay for good and do no harm."""
    for path in _entries(store.runs / ".locks"):
        if path.is_symlink() or path.is_dir():
            _add(findings, store, path, "a link or a folder is in a lock's place")
        elif not RUN_ID.fullmatch(path.name):
            _check_foreign(path, "is no lock", store, findings)


def _check_validation(store: Store, findings: Findings) -> None:
    """Check the validation images."""
    for path in _entries(store.runs / ".validation"):
        if path.suffix != ".npz" or path.name.startswith("."):
            _check_foreign(path, "is no file of validation images", store, findings)
            continue
        try:
            read_validation(path)
        except Corrupt as reason:
            _add(findings, store, path, str(reason))


def _check_quarantine(store: Store, findings: Findings) -> None:
    """Say what was set aside before; a folder that nothing was moved to is of a process that was killed."""
    held = 0
    for path in _entries(store.quarantine):
        if quarantine_reason(path) is not None:
            held += 1
        elif path.is_dir() and not path.is_symlink() and len(_entries(path)) < 2 and _is_old(path):
            findings.problems.append(Problem(path, "is empty", _removal(path)))
    if held:
        findings.notes.append(
            f"quarantine/: {count(held, 'thing')} set aside before, each with a reason.txt; no longer read, so delete "
            "them when you like"
        )


def _check_studies(store: Store, findings: Findings) -> None:
    """Check the study.json of every study, and that its folders are no links."""
    for folder in _entries(store.root):
        if folder.name in RESERVED or folder.name.startswith(".") or not folder.is_dir():
            continue
        if folder.is_symlink():
            findings.notes.append(f"{plain(folder.name)}: a symbolic link, which is not followed")
        elif os.path.lexists(folder / "study.json"):
            _check_study(folder, store, findings)


def _check_study(folder: Path, store: Store, findings: Findings) -> None:
    """Check one study's folder."""
    try:
        declaration = read_declaration(folder / "study.json")
    except Corrupt as reason:
        _add(findings, store, folder / "study.json", str(reason))
    else:
        findings.studies[folder.name] = {run["run"] for run in declaration["runs"]}
        findings.commands[folder.name] = declaration["command"]
    for path in [folder / name for name in (*FOLDERS, "report.md", "report.html")]:
        if path.is_symlink():
            _add(findings, store, path, "is a symbolic link, which is not followed")
    for where in (folder, *(folder / name for name in FOLDERS)):
        _check_scraps(where, findings)


# ---- what the parts share


def _entries(folder: Path) -> list[Path]:
    """Return what lies in a folder, sorted; nothing where there is no folder."""
    return sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []


def _add(findings: Findings, store: Store, path: Path, reason: str, run_id: str | None = None) -> None:
    """Note a problem that is put right by moving the path to quarantine."""

    def mend() -> bool:
        if run_id is None:
            return store.set_aside(path, reason)
        with store.alone(run_id) as alone:
            return alone and store.set_aside(path, reason, run_id)

    findings.problems.append(Problem(path, reason, mend, run_id))


def _check_entries(folder: Path, known: set[str], run_id: str, store: Store, findings: Findings) -> None:
    """Find what is in a run's folder and no part of it; the run is believed all the same."""
    for path in _entries(folder):
        if path.name in known and (path.is_symlink() or not path.is_file()):
            if path.name != "checkpoint.npz":  # which was read
                _add(findings, store, path, "is no plain file", run_id)
        elif path.name not in known:
            _check_foreign(path, "is no part of the run", store, findings)


def _check_foreign(path: Path, reason: str, store: Store, findings: Findings) -> None:
    """Note what the program did not make, which is left alone: it may be the user's own."""
    if path.match(SCRAP):
        _check_scrap(path, findings)
    else:
        why = "is a hidden file" if path.name.startswith(".") else reason
        findings.notes.append(f"{plain(str(path.relative_to(store.root)))}: {why}, left alone")


def _check_scraps(folder: Path, findings: Findings) -> None:
    """Find what writes that were killed left in the folder."""
    for path in _entries(folder):
        if path.match(SCRAP):
            _check_scrap(path, findings)


def _check_scrap(path: Path, findings: Findings) -> None:
    """Note a temporary file that is too old to be in writing."""
    if _is_old(path):
        findings.problems.append(Problem(path, "is left over from a write that was cut short", _removal(path)))


def _is_old(path: Path) -> bool:
    """Tell whether nothing was written there for longer than a write takes."""
    return time.time() - path.lstat().st_mtime > _SCRAP_SECONDS


def _removal(path: Path) -> Callable[[], bool]:
    """Return what removes the path and tells whether it could."""

    def mend() -> bool:
        remove(path)
        return not os.path.lexists(path)

    return mend
