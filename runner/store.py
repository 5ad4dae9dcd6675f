"""Run records on disk: written whole or not at all, verified when read, locked while made, quarantined when broken.

results_dir/
  runs/<id>/            a complete record: spec.json history.csv predictions.npz checkpoint.npz run.log run.json
  runs/.work/<id>/      a trajectory in training: checkpoint.npz after each epoch, run.log; failure.json if it failed
  runs/.work/<id>.old/  a record about to be replaced by a longer one of the same trajectory
  runs/.locks/<id>      held by whoever trains the trajectory; the kernel frees it when the holder dies
  runs/.validation/     the validation images and labels of each dataset, once, for the report
  quarantine/           what was moved away because it could not be believed, each with a reason.txt
  <study>/              study.json, report.md, figures/, tables/
"""

import csv
import errno
import fcntl
import hashlib
import io
import json
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA = 1
RECORD_FILES = ("spec.json", "history.csv", "predictions.npz", "checkpoint.npz", "run.log")
RESERVED = ("runs", "quarantine")
LISTS = ("weights", "slots")


class Corrupt(Exception):
    """A file that is not what was written; the message is the reason in plain words."""


class StoreError(Exception):
    """The results folder cannot be used; the message is one sentence for the user."""


@dataclass(frozen=True)
class Record:
    """One trajectory as recorded: `history` has a column per metric and a row per epoch."""

    id: str
    spec: dict[str, Any]
    summary: dict[str, Any]
    history: dict[str, list[float]]
    predictions: np.ndarray  # (epochs, validation images) uint8

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        return self.summary["epochs"]

    @property
    def diverged(self) -> bool:
        """Whether training ended because the loss was lost."""
        return self.summary["status"] == "diverged"

    def covers(self, epochs: int) -> bool:
        """Tell whether the record answers for a run of `epochs` epochs: it went that far, or diverged before."""
        return self.diverged or self.epochs >= epochs


@dataclass(frozen=True)
class Snapshot:
    """A trajectory after an epoch as it lies on disk, to go on from."""

    epoch: int
    weights: list[np.ndarray]
    slots: list[np.ndarray]
    history: list[dict[str, float]]
    predictions: list[np.ndarray]
    environments: list[dict[str, Any]]


def canonical_json(value: Any) -> str:
    """Return the one JSON text of `value`: keys sorted, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def record_id(spec: dict[str, Any]) -> str:
    """Return the identity of a trajectory: 24 hex digits of the sha256 of its canonical JSON."""
    return hashlib.sha256(canonical_json(spec).encode()).hexdigest()[:24]


class Store:
    """The records below one results folder."""

    def __init__(self, results_dir: str | Path) -> None:
        self.root = Path(results_dir).absolute()
        self.runs = self.root / "runs"
        self.quarantine = self.root / "quarantine"

    def prepare(self) -> None:
        """Make the folders; StoreError where they cannot be made or written."""
        try:
            for folder in (self.runs / ".work", self.runs / ".locks", self.runs / ".validation"):
                folder.mkdir(parents=True, exist_ok=True)
            probe = self.runs / ".locks" / f".writable-{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise StoreError(
                f"results_dir must be a folder that can be written; {str(self.root)!r} cannot be "
                f"({error.strerror or error}). Choose another with results_dir=FOLDER."
            ) from None

    # ---- reading

    def record(self, run_id: str) -> Record | None:
        """Return the verified record, or None where there is none; a broken one is quarantined and counts as none."""
        folder = self.folder_of(run_id)
        if folder is None:
            return None
        try:
            return read_record(folder, run_id)
        except Corrupt as reason:
            self.set_aside(folder, str(reason))
            return None

    def folder_of(self, run_id: str) -> Path | None:
        """Return where the record lies: its place, or beside it while a longer one is taking the place."""
        for folder in (self.runs / run_id, self.work(run_id).with_suffix(".old")):
            if folder.is_symlink():
                self.set_aside(folder, "the record is a symbolic link, which is not followed")
            elif folder.exists():
                return folder
        return None

    def work(self, run_id: str) -> Path:
        """Return the folder in which the trajectory is being trained."""
        return self.runs / ".work" / run_id

    def snapshot(self, run_id: str) -> Snapshot | None:
        """Return where training can go on: the later of the record's end and the last epoch in work, or None."""
        found = [self._work_snapshot(run_id), self._record_snapshot(run_id)]
        return max((each for each in found if each), key=lambda each: each.epoch, default=None)

    def _work_snapshot(self, run_id: str) -> Snapshot | None:
        path = self.work(run_id) / "checkpoint.npz"
        if not path.exists():
            return None
        try:
            return read_snapshot(path)
        except Corrupt as reason:
            self.set_aside(path.parent, str(reason))
            return None

    def _record_snapshot(self, run_id: str) -> Snapshot | None:
        folder = self.folder_of(run_id)
        if folder is None or self.record(run_id) is None:
            return None
        try:
            return read_snapshot(folder / "checkpoint.npz")
        except Corrupt as reason:
            self.set_aside(folder, str(reason))
            return None

    def failure(self, run_id: str) -> dict[str, Any] | None:
        """Return how the last attempt at the trajectory failed, or None."""
        try:
            return json.loads((self.work(run_id) / "failure.json").read_text())
        except (OSError, ValueError):
            return None

    def validation(self, digest: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the validation images (n, h, w, c), float32 in [0, 1], and labels (n,) of a dataset, or None."""
        try:
            with np.load(self.runs / ".validation" / f"{digest}.npz", allow_pickle=False) as file:
                return file["images"], file["labels"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    # ---- writing

    @contextmanager
    def lock(self, run_id: str) -> Iterator[None]:
        """Hold the trajectory's lock, waiting for whoever has it; it is freed when the holder's process ends."""
        path = self.runs / ".locks" / run_id
        with open(path, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def recover(self, run_id: str) -> None:
        """Undo what was cut short: put an older record back or drop it where the new one is in place, drop scraps."""
        old, place = self.work(run_id).with_suffix(".old"), self.runs / run_id
        if old.exists() and not place.exists():
            os.replace(old, place)
        elif old.exists():
            shutil.rmtree(old)
        for scrap in self.work(run_id).glob(".*.tmp"):
            scrap.unlink()

    def save_snapshot(self, run_id: str, snapshot: Snapshot) -> None:
        """Write the trajectory's checkpoint, replacing the one before in one step."""
        folder = self.work(run_id)
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / "checkpoint.npz", snapshot_bytes(snapshot))

    def save_failure(self, run_id: str, failure: dict[str, Any]) -> None:
        """Write how the attempt failed, for the report and for whoever looks into the folder."""
        folder = self.work(run_id)
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / "failure.json", json.dumps(failure, indent=1).encode())

    def save_validation(self, digest: str, images: np.ndarray, labels: np.ndarray) -> None:
        """Write the dataset's validation images once, so that a report needs no dataset."""
        path = self.runs / ".validation" / f"{digest}.npz"
        if not path.exists():
            write_file(path, npz_bytes({"images": images, "labels": labels}))

    def commit(self, run_id: str, spec: dict[str, Any], snapshot: Snapshot, summary: dict[str, Any]) -> None:
        """Turn the trajectory in work into its record: every file written and synced, then the folder renamed.

        A record of fewer epochs is moved beside first and removed last, so that at every moment
        one of the two is found.
        """
        folder = self.work(run_id)
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "run.log"
        log.touch()
        write_file(folder / "spec.json", canonical_json(spec).encode())
        write_file(folder / "history.csv", history_bytes(snapshot.history))
        write_file(folder / "predictions.npz", npz_bytes({"predictions": np.stack(snapshot.predictions)}))
        write_file(folder / "checkpoint.npz", snapshot_bytes(snapshot))
        files = {name: fingerprint(folder / name) for name in RECORD_FILES}
        whole = {"schema": SCHEMA, "id": run_id, **summary, "files": files}
        whole["seal"] = seal(whole)
        write_file(folder / "run.json", json.dumps(whole, indent=1, allow_nan=False).encode())
        (folder / "failure.json").unlink(missing_ok=True)
        self._put_in_place(run_id)

    def _put_in_place(self, run_id: str) -> None:
        place, old = self.runs / run_id, self.work(run_id).with_suffix(".old")
        if place.exists():
            os.replace(place, old)
        os.replace(self.work(run_id), place)
        sync_folder(self.runs)
        shutil.rmtree(old, ignore_errors=True)

    def set_aside(self, path: Path, reason: str) -> None:
        """Move what cannot be believed to quarantine with the reason; another process may have been first."""
        self.quarantine.mkdir(parents=True, exist_ok=True)
        target = self.quarantine / f"{path.name}-{time.time_ns()}"
        try:
            target.mkdir()
            os.replace(path, target / path.name)
        except OSError as error:
            target.rmdir()
            if error.errno != errno.ENOENT:
                raise
            return
        write_file(target / "reason.txt", f"{path.name}: {reason}\n".encode())

    # ---- studies

    def study_folder(self, name: str) -> Path:
        """Return the study's folder; StoreError if something that is no folder, or a link, stands in its place."""
        folder = self.root / name
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise StoreError(
                f"name must be one whose folder is the study's own; {str(folder)!r} is a link or a file. "
                "Remove it or choose another name."
            )
        return folder

    def write_study(self, name: str, declaration: dict[str, Any]) -> Path:
        """Write study.json, what the study consists of, and return its folder."""
        folder = self.study_folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / "study.json", (json.dumps(declaration, indent=1, sort_keys=True) + "\n").encode())
        return folder

    def quarantined(self, run_ids: set[str]) -> list[tuple[str, str]]:
        """Return (run id, reason) of what was set aside for these runs, in the order of the folder's names."""
        found = []
        for folder in sorted(self.quarantine.glob("*-*")) if self.quarantine.is_dir() else []:
            run_id = folder.name.split("-")[0].removesuffix(".old")
            if run_id in run_ids and (folder / "reason.txt").is_file():
                found.append((run_id, (folder / "reason.txt").read_text().strip().partition(": ")[2]))
        return found


def read_study(folder: Path) -> dict[str, Any]:
    """Return the declaration in a study's folder; StoreError where there is none that can be read."""
    try:
        return json.loads((folder / "study.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(
            f"the study's folder must hold a study.json that can be read; {str(folder)!r} does not "
            f"({getattr(error, 'strerror', None) or error}). Run the study's command again."
        ) from None


# ---- files


def write_file(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: a temporary file beside it, synced, then renamed over it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Let the folder's renames reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fingerprint(path: Path) -> dict[str, Any]:
    """Return the file's sha256 and size in bytes."""
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def seal(summary: dict[str, Any]) -> str:
    """Return the sha256 of run.json's other contents, so that a flipped bit in it shows."""
    return hashlib.sha256(canonical_json(summary).encode()).hexdigest()


def npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """Return the arrays as a compressed npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def history_bytes(history: list[dict[str, float]]) -> bytes:
    """Return the history as CSV, a row per epoch, floats to the last bit, nothing where a metric was not measured."""
    buffer = io.StringIO()
    columns = list(history[0]) if history else ["epoch"]
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[repr(row[column]) for column in columns] for row in history])
    return buffer.getvalue().encode()


def snapshot_bytes(snapshot: Snapshot) -> bytes:
    """Return the snapshot as an uncompressed npz with the sha256 of its parts inside."""
    parts: dict[str, np.ndarray] = {"epoch": np.array(snapshot.epoch)}
    for kind in LISTS:
        arrays = getattr(snapshot, kind)
        parts |= {f"{kind}_{place:04d}": array for place, array in enumerate(arrays)}
    parts["predictions"] = np.array(snapshot.predictions, np.uint8)
    parts["history"] = np.frombuffer(history_bytes(snapshot.history), np.uint8)
    parts["environments"] = np.frombuffer(canonical_json(snapshot.environments).encode(), np.uint8)
    parts["sha256"] = np.frombuffer(parts_digest(parts), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **parts)
    return buffer.getvalue()


def parts_digest(parts: dict[str, np.ndarray]) -> bytes:
    """Return the sha256 over the names, types, shapes and bytes of the parts."""
    digest = hashlib.sha256()
    for name in sorted(parts):
        array = np.ascontiguousarray(parts[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.digest()


def read_snapshot(path: Path) -> Snapshot:
    """Return the snapshot in `path`; Corrupt where it is not what was written."""
    try:
        with np.load(path, allow_pickle=False) as file:
            parts = {name: file[name] for name in file.files}
        digest = parts.pop("sha256").tobytes()
        history = read_history(parts["history"].tobytes())
        environments = json.loads(parts["environments"].tobytes())
    except Exception as error:
        raise Corrupt(f"checkpoint.npz cannot be read ({type(error).__name__}: {error})") from None
    if digest != parts_digest(parts):
        raise Corrupt("checkpoint.npz does not match its own checksum")
    lists = {kind: [parts[name] for name in sorted(parts) if name.startswith(f"{kind}_")] for kind in LISTS}
    return Snapshot(
        epoch=int(parts["epoch"]),
        history=[dict(zip(history, row, strict=True)) for row in zip(*history.values(), strict=True)],
        predictions=list(parts["predictions"]),
        environments=environments,
        **lists,
    )


def read_record(folder: Path, run_id: str) -> Record:
    """Return the record in `folder`; Corrupt, with the reason, unless every file is what run.json says was written."""
    summary = read_summary(folder, run_id)
    contents = {name: read_verified(folder / name, summary["files"].get(name)) for name in RECORD_FILES}
    try:
        spec = json.loads(contents["spec.json"])
        history = read_history(contents["history.csv"])
        with np.load(io.BytesIO(contents["predictions.npz"]), allow_pickle=False) as file:
            predictions = file["predictions"]
    except Exception as error:
        raise Corrupt(f"a file cannot be read ({type(error).__name__}: {error})") from None
    if record_id(spec) != run_id:
        raise Corrupt("spec.json describes another run")
    if not len(history["epoch"]) == len(predictions) == summary["epochs"]:
        raise Corrupt("history.csv, predictions.npz and run.json disagree about the number of epochs")
    return Record(run_id, spec, summary, history, predictions)


def read_summary(folder: Path, run_id: str) -> dict[str, Any]:
    """Return run.json's contents; Corrupt unless it is sealed, of this schema and of this run."""
    try:
        summary = json.loads((folder / "run.json").read_bytes())
        written = summary.pop("seal")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise Corrupt(f"run.json cannot be read ({type(error).__name__}: {error})") from None
    if summary.get("schema") != SCHEMA:
        raise Corrupt(
            f"run.json has the schema version {summary.get('schema')!r}; this program reads {SCHEMA}, "
            "so another version wrote it"
        )
    if written != seal(summary):
        raise Corrupt("run.json does not match its own checksum")
    if summary["id"] != run_id:
        raise Corrupt(f"run.json is of another run, {summary['id']}")
    return summary


def read_verified(path: Path, expected: dict[str, Any] | None) -> bytes:
    """Return the file's bytes; Corrupt unless they have the size and sha256 that run.json gives."""
    if path.is_symlink() or not path.is_file():
        raise Corrupt(f"{path.name} is missing or no plain file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Corrupt(f"{path.name} cannot be read ({error.strerror})") from None
    if expected is None or len(content) != expected["bytes"]:
        size = None if expected is None else expected["bytes"]
        raise Corrupt(f"{path.name} has {len(content)} bytes where {size} were written")
    if hashlib.sha256(content).hexdigest() != expected["sha256"]:
        raise Corrupt(f"{path.name} does not match its checksum")
    return content


def read_history(content: bytes) -> dict[str, list[float]]:
    """Return a column per metric from the bytes of history.csv; `epoch` as whole numbers."""
    rows = list(csv.reader(io.StringIO(content.decode())))
    history: dict[str, list[float]] = {
        name: [float(row[place]) for row in rows[1:]] for place, name in enumerate(rows[0])
    }
    history["epoch"] = [int(epoch) for epoch in history["epoch"]]
    return history
