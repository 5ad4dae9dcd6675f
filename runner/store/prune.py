"""A results folder -> what takes its room, and what can go without a report losing anything.

`python -m runner du [results_dir=PATH]` says what is where. `python -m runner prune` says what could go, by kind:
checkpoints of finished trainings (needed only to train them further), runs and unfinished trainings that no study
names, what launchers have kept, and what lies in quarantine; kinds that are named are meant alone. `--delete` removes
it. What a process is at work on is left, whatever it is.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.store.arguments import parse
from runner.store.files import StoreError, remove
from runner.store.records import CHECKPOINT
from runner.store.store import RESERVED, Store
from runner.store.studies import RUN_ID, read_study
from runner.store.terminal import show


@dataclass(frozen=True)
class Part:
    """Something on disk that can go: a file or a folder, its bytes, and the run that it is of, "" for none."""

    path: Path
    bytes: int
    run_id: str


def disk_use(arguments: list[str]) -> int:
    """Print what takes the room of the results folder that the arguments name; return the exit code."""

    def tell(store: Store) -> None:
        for name, parts in uses(store):
            show(line(name, parts))

    return answered("du", arguments, tell)


def main(arguments: list[str]) -> int:
    """Print what can go from the results folder that the arguments name, and remove it if so told; the exit code."""
    return answered("prune", arguments, prune, flag="--delete", known=tuple(KINDS))


def answered(
    command: str, arguments: list[str], action: Callable[..., None], flag: str = "", known: tuple[str, ...] = ()
) -> int:
    """Run the action on the folder that the arguments name; return 2, one sentence printed, where that cannot be."""
    try:
        asked = parse(command, arguments, flag, known)
        action(Store(asked.results_dir, changes=asked.flag), *([asked.words or known, asked.flag] if known else []))
    except (ValueError, StoreError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def prune(store: Store, kinds: Iterable[str], delete: bool) -> None:
    """Print what can go, a line a kind, and remove it if `delete`."""
    for kind in kinds:
        parts = list(KINDS[kind](store))
        show(line(TITLES[kind], parts))
        if delete:
            for part in parts:
                drop(store, part)
    if not delete:
        show("nothing was removed; add --delete to remove it")


def drop(store: Store, part: Part) -> None:
    """Remove the part, unless another process is at work on its run."""
    if not part.run_id:
        remove(part.path)
        return
    with store.alone(part.run_id) as alone:
        if alone:
            remove(part.path)


# ---- what can go


def checkpoints(store: Store) -> Iterator[Part]:
    """Yield the checkpoints of recorded trainings."""
    for folder in records(store):
        path = folder / CHECKPOINT
        if path.is_file() and not path.is_symlink():
            yield Part(path, path.stat().st_size, folder.name)


def unnamed_runs(store: Store) -> Iterator[Part]:
    """Yield the records that no study names; StoreError where a study cannot be read, which may name any."""
    named = runs_of_studies(store)
    for folder in records(store):
        if folder.name not in named:
            yield Part(folder, size(folder), folder.name)


def abandoned(store: Store) -> Iterator[Part]:
    """Yield the unfinished trainings that no study names; StoreError where a study cannot be read."""
    named = runs_of_studies(store)
    for folder in entries(store.runs / ".work"):
        run_id = folder.name.removesuffix(".old")
        if RUN_ID.fullmatch(run_id) and run_id not in named:
            yield Part(folder, size(folder), run_id)


def launchers_files(store: Store) -> Iterator[Part]:
    """Yield what launchers have kept of commands; nothing while any of them still asks for trainings."""
    for path in () if store.asked_for() else entries(store.engine):
        yield Part(path, size(path), "")


def set_aside(store: Store) -> Iterator[Part]:
    """Yield what was moved to quarantine."""
    for path in entries(store.quarantine):
        yield Part(path, size(path), "")


KINDS: dict[str, Callable[[Store], Iterator[Part]]] = {
    "checkpoints": checkpoints,
    "runs": unnamed_runs,
    "work": abandoned,
    "launchers": launchers_files,
    "quarantine": set_aside,
}
TITLES: Mapping[str, str] = {
    "checkpoints": "checkpoints of finished trainings",
    "runs": "runs that no study names",
    "work": "unfinished trainings that no study names",
    "launchers": "launchers' own files",
    "quarantine": "set aside in quarantine",
}


def runs_of_studies(store: Store) -> set[str]:
    """Return the ids of the runs that studies name; StoreError where a study.json cannot be read."""
    named: set[str] = set()
    for folder in studies(store):
        declaration = read_study(folder)
        for part in (declaration, declaration.get("other_end", {"runs": []})):
            named |= {run["run"] for run in part["runs"]}
    return named


# ---- what takes the room


def uses(store: Store) -> Iterator[tuple[str, list[Part]]]:
    """Yield (what it is, its parts), the parts of the store first and then each study."""
    ends = list(checkpoints(store))
    spared = {part.run_id: part.bytes for part in ends}
    yield "records", [Part(path, size(path) - spared.get(path.name, 0), path.name) for path in records(store)]
    yield TITLES["checkpoints"], ends
    others = {"unfinished trainings": ".work", "validation examples": ".validation", "digests of data": ".data"}
    for title, name in others.items():
        yield title, [Part(path, size(path), "") for path in entries(store.runs / name)]
    yield TITLES["launchers"], [Part(path, size(path), "") for path in entries(store.engine)]
    yield TITLES["quarantine"], list(set_aside(store))
    for folder in studies(store):
        yield f"study {folder.name}", [Part(path, size(path), "") for path in entries(folder)]


def line(title: str, parts: list[Part]) -> str:
    """Return `title: n, bytes in words`."""
    return f"{title}: {len(parts):,}, {in_words(sum(part.bytes for part in parts))}"


def in_words(number: int) -> str:
    """Return bytes as people write them: `1.5 MB`."""
    amount, units = float(number), ["bytes", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount /= 1000
        del units[0]
    return f"{amount:.0f} {units[0]}" if units[0] == "bytes" else f"{amount:.1f} {units[0]}"


def records(store: Store) -> list[Path]:
    """Return the folders of recorded trainings."""
    return [path for path in entries(store.runs) if RUN_ID.fullmatch(path.name) and path.is_dir()]


def studies(store: Store) -> list[Path]:
    """Return the folders of declared studies."""
    return [path for path in entries(store.root) if path.name not in RESERVED and (path / "study.json").is_file()]


def entries(folder: Path) -> list[Path]:
    """Return what lies in the folder, links left out, sorted."""
    try:
        return sorted(path for path in folder.iterdir() if not path.is_symlink())
    except OSError:
        return []


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder; links are not followed."""
    if not path.is_dir():
        return path.lstat().st_size
    return sum(os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(path) for name in names)
