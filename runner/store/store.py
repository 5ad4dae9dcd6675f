"""Run records on disk: written whole or not at all, verified when read, locked while made, quarantined when broken.

results_dir/
  runs/<id>/            a complete record: spec.json history.csv predictions.npz checkpoint.npz run.log run.json
  runs/.work/<id>/      a trajectory in training: checkpoint.npz after each epoch, run.log, progress.json for whoever
                        watches; failure.json if it failed
  runs/.work/<id>.old/  a record about to be replaced by a longer one of the same trajectory
  runs/.locks/<id>      held by whoever trains the trajectory; the kernel frees it when the holder dies
  runs/.validation/     the validation examples that were classified, each set once, for the report
  runs/.data/           what recipes' own data are by content, and the files that they were read from
  runs/.jobs/           lists of trainings, named by their content, that workers started elsewhere take from
  runs/.engine/<time>/  what a launcher of Hydra's keeps of the workers that it starts for one command
  quarantine/           what was moved away because it could not be believed, each with a reason.txt
  <study>/              study.json, report.md, report.html, figures/, tables/

What the program did not write is not read: another file beside a record's own changes nothing, and
`python -m runner verify` names it. Symbolic links below results_dir are not followed.
"""

import contextlib
import errno
import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from runner.store.checks import has, is_text, is_whole
from runner.store.files import (
    SCRAP,
    Corrupt,
    StoreError,
    make_folder,
    plain,
    read_plain,
    refusals_worded,
    refuse_link,
    remove,
    sync_file,
    sync_folder,
    write_file,
)
from runner.store.locks import check_locks, hold, is_held, is_shared, open_lock, release, shared, try_to_hold
from runner.store.records import (
    CHECKPOINT,
    ENDED,
    SCHEMA,
    Record,
    Snapshot,
    history_bytes,
    predictions_bytes,
    read_end,
    read_outline,
    read_parts,
    read_record,
    read_snapshot,
    sealed_npz_bytes,
    snapshot_bytes,
)
from runner.store.sealed import LARGEST_JSON, canonical_json, parse_json, seal, sha256
from runner.store.studies import declaration_bytes, refuse_links_in_study

RESERVED = ("runs", "quarantine")
_READINGS = 3  # of a record that another process may be replacing at the moment
_Found = TypeVar("_Found")


class Store:
    """The records below one results folder, which may itself be a link: the user named it.

    With `changes` False nothing on disk is changed: what cannot be believed is not set aside either.
    """

    def __init__(self, results_dir: str | Path, changes: bool = True) -> None:
        self.root = Path(results_dir).expanduser().absolute()
        self.changes = changes
        self.runs = self.root / "runs"
        self.quarantine = self.root / "quarantine"
        self.engine = self.runs / ".engine"
        self.folders = [
            self.runs,
            *(self.runs / name for name in (".work", ".locks", ".validation", ".data", ".jobs")),
            self.quarantine,
        ]
        self._held: set[str] = set()
        self._refuse_links()

    def _refuse_links(self) -> None:
        for folder in self.folders:
            refuse_link(folder)

    def _made(self, folder: Path) -> Path:
        """Return the folder, made if it was missing; StoreError if it, or one above it, is a link or no folder."""
        self._refuse_links()
        return make_folder(folder)

    def prepare(self) -> None:
        """Make the folders; StoreError where they cannot be made or written."""
        for folder in self.folders[:-1]:
            self._made(folder)
        probe = self.runs / ".locks" / f".writable.{os.urandom(4).hex()}.tmp"
        with refusals_worded(self.root, None):
            probe.write_bytes(b"")
            try:
                check_locks(probe)
            finally:
                probe.unlink()

    # ---- reading

    def record(self, run_id: str) -> Record | None:
        """Return the verified record, or None where there is none; a broken one is quarantined and counts as none."""
        return self._believed(run_id, self.folder_of, read_record)

    def folder_of(self, run_id: str) -> Path | None:
        """Return where the record lies: its place, or beside it while a longer one is taking the place."""
        place, old = self.runs / run_id, self.work(run_id).with_suffix(".old")
        for folder in (place, old, place):  # again: it may have come while we looked beside it
            if os.path.lexists(folder):
                return folder
        return None

    def work(self, run_id: str) -> Path:
        """Return the folder in which the trajectory is being trained."""
        return self.runs / ".work" / run_id

    def snapshot(self, run_id: str) -> Snapshot | None:
        """Return where training can go on: the later of the record's end and the last epoch in work, or None."""
        found: list[Snapshot | None] = [
            self._believed(run_id, self._checkpoint_of, read_snapshot),
            self._believed(run_id, self._resumable, read_end),
        ]
        there = [each for each in found if each]
        return max(there, key=lambda each: each.epoch) if there else None

    def _checkpoint_of(self, run_id: str) -> Path | None:
        path = self.work(run_id) / CHECKPOINT
        return path if os.path.lexists(path) else None

    def _resumable(self, run_id: str) -> Path | None:
        folder = self.folder_of(run_id)
        return folder if folder is not None and os.path.lexists(folder / CHECKPOINT) else None

    def can_go_on(self, run_id: str) -> bool:
        """Tell whether the record can be trained on from its end, which takes the checkpoint that pruning removes."""
        return self._resumable(run_id) is not None

    def _believed(
        self, run_id: str, find: Callable[[str], Path | None], read: Callable[[Path, str], _Found]
    ) -> _Found | None:
        """Return what `read` makes of what `find` finds, or None; what is Corrupt is set aside and the next is taken.

        Another process may be replacing it meanwhile: it is read again with the run's lock held, and
        nothing is set aside under the eyes of whoever else holds that.
        """
        for _ in range(_READINGS):
            if (path := find(run_id)) is None:
                return None
            with contextlib.suppress(Corrupt):
                return read(path, run_id)
            with self.alone(run_id) as alone:
                if (path := find(run_id)) is None:
                    return None
                try:
                    return read(path, run_id)
                except Corrupt as reason:
                    if alone and not self.set_aside(path, str(reason), run_id):
                        return None
        return None

    def outlines(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield the verified (spec, run.json) of every record that has them; for estimates, so nothing is set aside."""
        for folder in sorted(self.runs.glob("[!.]*")):
            with contextlib.suppress(Corrupt):
                yield read_outline(folder, folder.name)

    def failure(self, run_id: str) -> dict[str, Any] | None:
        """Return how the last attempt at the trajectory failed (label, reason, traceback: texts), or None."""
        try:
            failure, _ = parse_json("failure.json", read_plain(self.work(run_id) / "failure.json", LARGEST_JSON))
        except Corrupt:
            return None
        return {key: str(failure.get(key, "not known")) for key in ("label", "reason", "traceback")}

    def validation(self, key: str) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the validation images (n, h, w, c), float32 in [0, 1], and labels (n,) under the key, or None.

        Images are (n, 0) where the examples are none.
        """
        try:
            return read_validation(self.validation_path(key))
        except Corrupt:
            return None

    def validation_path(self, key: str) -> Path:
        """Return where validation examples lie, whatever a record gives as their key."""
        return self.runs / ".validation" / f"{re.sub('[^0-9A-Za-z]', '_', key)[:64]}.npz"

    def data(self, key: str) -> dict[str, Any] | None:
        """Return what is known of a recipe's data under the key, as `save_data` wrote it, or None."""
        try:
            found, digest = parse_json("data", read_plain(self._data_path(key), LARGEST_JSON))
        except Corrupt:
            return None
        return found if found.pop("seal", None) == digest else None

    def _data_path(self, key: str) -> Path:
        return self.runs / ".data" / f"{key}.json"

    def reached(self, run_id: str) -> float:
        """Return the epochs that are recorded, infinite where training ended by itself, 0 where there is no record."""
        folder = self.folder_of(run_id)
        if folder is None:
            return 0
        try:
            summary = read_outline(folder, run_id)[1]
        except Corrupt:
            return 0
        return math.inf if summary["status"] in ENDED else summary["epochs"]

    def at_work(self) -> set[str]:
        """Return the ids of the trajectories that are, or were, in training."""
        try:
            return set(os.listdir(self.runs / ".work"))
        except OSError:
            return set()

    def told(self, run_id: str) -> dict[str, Any] | None:
        """Return where the trajectory is, or was, in training (`host`) and its `epoch`; None where it is in none."""
        try:
            found, _ = parse_json("progress.json", read_plain(self.work(run_id) / "progress.json", LARGEST_JSON))
        except Corrupt:
            return None
        return found if has(host=is_text, epoch=is_whole)(found) else None

    def jobs(self, key: str) -> list[dict[str, Any]] | None:
        """Return the trainings listed under the key; None where they are not asked for, or not any more."""
        try:
            content = read_plain(self._jobs_path(key), LARGEST_JSON)
            return parse_json("jobs", content)[0]["jobs"] if sha256(content) == key else None
        except Corrupt:
            return None

    def are_wanted(self, key: str) -> bool:
        """Tell whether the trainings listed under the key are still asked for."""
        return self._jobs_path(key).exists()

    def asked_for(self) -> bool:
        """Tell whether any command still asks launched workers for trainings."""
        return any((self.runs / ".jobs").glob("*.json"))

    def _jobs_path(self, key: str) -> Path:
        return self.runs / ".jobs" / f"{key}.json"

    # ---- locks

    @contextlib.contextmanager
    def lock(self, run_id: str) -> Iterator[bool]:
        """Hold the trajectory's lock, unless another has it; yield whether it is held.

        It is freed when its holder ends, however it ends. StoreError where the file system has no locks.
        """
        descriptor, held = self._open_lock(run_id), False
        try:
            with refusals_worded(self.runs / ".locks" / run_id, 0):
                held = try_to_hold(descriptor)
            if held:
                self._held.add(run_id)
            yield held
        finally:
            if held:
                self._held.discard(run_id)
            release(descriptor)

    @contextlib.contextmanager
    def alone(self, run_id: str) -> Iterator[bool]:
        """Hold the trajectory's lock unless another has it, or it cannot be had; yield whether it is held."""
        with contextlib.ExitStack() as stack:
            held = run_id in self._held
            if not held and self.changes:
                with contextlib.suppress(OSError, StoreError):
                    descriptor = self._open_lock(run_id)
                    stack.callback(release, descriptor)
                    held = try_to_hold(descriptor)
            yield held

    def _open_lock(self, run_id: str) -> int:
        path = self._made(self.runs / ".locks") / run_id
        with refusals_worded(path, 0):
            try:
                return open_lock(path)
            except OSError as error:
                if error.errno not in (errno.ELOOP, errno.EISDIR):
                    raise
                self.set_aside(path, "a link or a folder is in a lock's place", run_id)
                return open_lock(path)

    def is_held(self, run_id: str) -> bool:
        """Tell whether a process has the trajectory's lock; the lock file is not made for that."""
        return is_held(self.runs / ".locks" / run_id)

    @contextlib.contextmanager
    def at_work_on(self, key: str) -> Iterator[None]:
        """Be one of those who work on the trainings listed under the key, for whoever asks whether any is left."""
        with shared(self._jobs_path(key)):
            yield

    def has_workers(self, key: str) -> bool:
        """Tell whether anyone works on the trainings listed under the key."""
        return is_shared(self._jobs_path(key))

    # ---- writing

    def recover(self, run_id: str) -> None:
        """Undo what was cut short, the lock being held: of two records one stays, scraps and what is foreign go."""
        self._clear_work(run_id)
        old, place = self.work(run_id).with_suffix(".old"), self.runs / run_id
        if not os.path.lexists(old):
            return
        try:
            read_record(place, run_id)
        except Corrupt as reason:
            if os.path.lexists(place):
                self.set_aside(place, str(reason), run_id)
            with refusals_worded(place, None):
                os.replace(old, place)
                sync_folder(self.runs)
        else:
            remove(old)

    def _clear_work(self, run_id: str) -> None:
        folder = self.work(run_id)
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            self.set_aside(folder, "a link or a file is in the place of a folder", run_id)
        refuse_link(folder)
        for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
            if entry.match(SCRAP):
                remove(entry)
            elif entry.is_symlink() or not entry.is_file():
                self.set_aside(entry, f"{plain(entry.name)} is no plain file", run_id)
                refuse_link(entry)

    def save_snapshot(self, run_id: str, snapshot: Snapshot) -> None:
        """Write the trajectory's checkpoint, replacing the one before in one step."""
        write_file(self._made(self.work(run_id)) / CHECKPOINT, snapshot_bytes(snapshot, run_id))

    def tell(self, run_id: str, told: dict[str, Any]) -> None:
        """Write how far the training is and where; not synced, since it says nothing of what is safe."""
        path = self._made(self.work(run_id)) / "progress.json"
        temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
        with refusals_worded(path, None):
            temporary.write_text(json.dumps(told))
            os.replace(temporary, path)

    def save_failure(self, run_id: str, failure: dict[str, Any]) -> None:
        """Write how the attempt failed, for the report and for whoever looks into the folder."""
        write_file(self._made(self.work(run_id)) / "failure.json", json.dumps(failure, indent=1).encode())

    def save_jobs(self, jobs: list[dict[str, Any]]) -> str:
        """Write a list of trainings for workers started elsewhere, and return its key: the sha256 of what it holds.

        The list is whoever asks for it alone: another command that asks for the same has another.
        """
        content = canonical_json({"jobs": jobs, "asked": os.urandom(8).hex()}).encode()
        key = sha256(content)
        write_file(self._made(self._jobs_path(key).parent) / self._jobs_path(key).name, content)
        return key

    def forget_jobs(self, key: str) -> None:
        """Let whoever works on the list, or will, know that it is not asked for any more."""
        remove(self._jobs_path(key))

    def save_data(self, key: str, found: dict[str, Any]) -> None:
        """Write what a recipe's data are by content, so that they need not be made again only to be recognised."""
        path = self._data_path(key)
        write_file(self._made(path.parent) / path.name, json.dumps({**found, "seal": seal(found)}).encode())

    def save_validation(self, key: str, images: np.ndarray, labels: np.ndarray) -> None:
        """Write validation examples once, so that a report needs no dataset; a broken file is set aside."""
        path = self.validation_path(key)
        if os.path.lexists(path):
            try:
                read_validation(path)
                return
            except Corrupt as reason:
                self.set_aside(path, str(reason))
        write_file(self._made(path.parent) / path.name, sealed_npz_bytes({"images": images, "labels": labels}))

    def commit(self, run_id: str, spec: dict[str, Any], snapshot: Snapshot, summary: dict[str, Any]) -> None:
        """Turn the trajectory in work into its record: every file written and synced, then the folder renamed.

        A record of fewer epochs is moved beside first and removed last, so that at every moment
        one of the two is found.
        """
        folder = self._made(self.work(run_id))
        with refusals_worded(folder / "run.log", 0):
            log = sync_file(folder / "run.log")
        contents = {
            "spec.json": canonical_json(spec).encode(),
            "history.csv": history_bytes(snapshot.history),
            "predictions.npz": predictions_bytes(snapshot.predictions),
            CHECKPOINT: snapshot_bytes(snapshot, run_id),
        }
        for name, content in contents.items():
            write_file(folder / name, content)
        contents |= {"run.log": log}
        files = {name: {"sha256": sha256(content), "bytes": len(content)} for name, content in contents.items()}
        whole = {"schema": SCHEMA, "id": run_id, **summary, "files": files}
        sealed = {**whole, "seal": seal(whole)}
        write_file(folder / "run.json", json.dumps(sealed, indent=1, allow_nan=False).encode())
        with refusals_worded(folder, None):
            for name in ("failure.json", "progress.json"):
                (folder / name).unlink(missing_ok=True)
            self._put_in_place(run_id)

    def _put_in_place(self, run_id: str) -> None:
        place, old = self.runs / run_id, self.work(run_id).with_suffix(".old")
        if os.path.lexists(place):
            remove(old)
            os.replace(place, old)
        os.replace(self.work(run_id), place)
        sync_folder(self.runs)
        remove(old)

    def set_aside(self, path: Path, reason: str, run_id: str | None = None) -> bool:
        """Move what cannot be believed to quarantine with the reason; tell whether it was moved.

        It is not where another process was first, where the disk refuses, or where nothing may change:
        then it stays where it is, and is not believed the next time either.
        """
        if not self.changes:
            return False
        target = self.quarantine / f"{run_id or plain(path.name)[:60]}-{time.time_ns()}"
        content = target / ("moved-" + path.name if path.name == "reason.txt" else path.name)
        try:
            self._made(self.quarantine)
            target.mkdir()
            write_file(target / "reason.txt", f"{plain(path.name)}: {reason}\n".encode(errors="backslashreplace"))
            os.replace(path, content)
        except (OSError, StoreError):
            if not os.path.lexists(content):
                remove(target)
            return False
        return True

    # ---- studies

    def study_folder(self, name: str) -> Path:
        """Return the study's folder; StoreError if something that is no folder, or a link, stands in its place."""
        folder = self.root / name
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise StoreError(
                f"name must be one whose folder is the study's own; {str(folder)!r} is a link or a file. "
                "Remove it or choose another name."
            )
        refuse_links_in_study(folder)
        return folder

    @contextlib.contextmanager
    def alone_at(self, what: str) -> Iterator[None]:
        """Be the only one at something, such as a study's report; waits as long as another is at it. Nothing is
        written where the store may not be changed.
        """
        with contextlib.ExitStack() as stack:
            if self.changes:
                path = self._made(self.runs / ".jobs") / f"{sha256(what.encode())[:24]}.lock"
                with refusals_worded(path, 0):
                    descriptor = open_lock(path)
                    stack.callback(release, descriptor)
                    hold(descriptor)
            yield

    def write_study(self, name: str, declaration: dict[str, Any]) -> Path:
        """Write study.json, what the study consists of, sealed, unless it says so already, and return its folder."""
        folder = self._made(self.study_folder(name))
        content, path = declaration_bytes(declaration), folder / "study.json"
        with contextlib.suppress(Corrupt):
            if read_plain(path, LARGEST_JSON) == content:
                return folder
        write_file(path, content)
        return folder

    def quarantined(self, run_ids: set[str]) -> list[tuple[str, str]]:
        """Return (run id, reason) of what was set aside for these runs, in the order of the folder's names."""
        found = []
        for folder in sorted(self.quarantine.glob("*-*")) if self.quarantine.is_dir() else []:
            run_id = folder.name.rpartition("-")[0]
            if run_id in run_ids and (reason := quarantine_reason(folder)) is not None:
                found.append((run_id, reason.partition(": ")[2]))
        return found


def quarantine_reason(folder: Path) -> str | None:
    """Return `<file>: <why>` of what lies in a folder of the quarantine; None if nothing was moved there."""
    try:
        if len(list(folder.iterdir())) < 2:
            return None
        return plain(read_plain(folder / "reason.txt", LARGEST_JSON).decode(errors="replace").strip()[:500])
    except (OSError, Corrupt):
        return None


def read_validation(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the validation images, (n, h, w, c) or (n, 0), and labels, (n,); Corrupt where they are not such."""
    parts = read_parts(path)
    if set(parts) != {"images", "labels"} or not _are_examples(parts["images"], parts["labels"]):
        raise Corrupt(f"{path.name} does not hold images and labels, one for each")
    return parts["images"], parts["labels"]


def _are_examples(images: np.ndarray, labels: np.ndarray) -> bool:
    """Tell whether there is a whole number for every image, or for every row where the examples are no images."""
    if images.ndim != 4 and not (images.ndim == 2 and images.shape[1] == 0):
        return False
    return labels.ndim == 1 and labels.dtype.kind in "iu" and len(images) == len(labels)
