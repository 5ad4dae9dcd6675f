"""Trajectories <-> the bytes of their records and checkpoints; what is not what was written is Corrupt, with a reason.

What is checked: `run.json` carries a seal over its own contents and the size and sha256 of every
other file; `spec.json` must hash to the record's id; `checkpoint.npz` ends with its own sha256 (as
the comment that a zip file may have) and holds the id of its trajectory. A reader of results needs
no checkpoint, so `read_record` looks at its size only, and a record that was pruned has none;
whoever goes on from it, and `python -m runner verify`, reads all of it.
"""

import csv
import io
import json
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from runner.store.checks import has, is_dict_of, is_list_of, is_list_of_dicts, is_net, is_number, is_text, is_whole
from runner.store.files import Corrupt, open_plain, read_all, read_plain
from runner.store.sealed import LARGEST_JSON, canonical_json, parse_json, sha256

SCHEMA = 2
CHECKPOINT = "checkpoint.npz"
RECORD_FILES = ("spec.json", "history.csv", "predictions.npz", CHECKPOINT, "run.log")
STATUSES = ("complete", "diverged", "stopped")
ENDED = ("diverged", "stopped")  # by itself: no epoch follows the last
TRAIN_MODE = ("batch against moving statistics", "dropout", "augmentation", "noise", "own train_step")
_LISTS = ("weights", "slots")
_SEAL_LENGTH = 64  # hex digits of a sha256
_FINGERPRINT = re.compile("([0-9]+(x[0-9]+)*:)?[0-9a-f]{16}")  # shape and value of a variable


@dataclass(frozen=True)
class Record:
    """One trajectory as recorded: `history` has a column per metric and a row per epoch."""

    id: str
    spec: dict[str, Any]
    summary: dict[str, Any]
    history: Mapping[str, Sequence[float] | np.ndarray]
    predictions: np.ndarray  # (epochs, validation examples) uint8 or uint16; (epochs, 0) where there are none

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        return self.summary["epochs"]

    @property
    def diverged(self) -> bool:
        """Whether training ended because the loss was lost."""
        return self.summary["status"] == "diverged"

    @property
    def ended(self) -> bool:
        """Whether training ended by itself, diverged or stopped by a callback: no epoch follows the last."""
        return self.summary["status"] in ENDED

    def covers(self, epochs: int) -> bool:
        """Tell whether the record answers for a run of `epochs` epochs: it went that far, or ended before."""
        return self.ended or self.epochs >= epochs


@dataclass(frozen=True)
class Snapshot:
    """A trajectory after an epoch as it lies on disk, to go on from."""

    epoch: int
    weights: list[np.ndarray]
    slots: list[np.ndarray]
    history: list[dict[str, float]]
    predictions: list[np.ndarray]
    environments: list[dict[str, Any]]
    stopped: bool = False  # whether a callback ended the training with this epoch, so that none may follow


def record_id(spec: dict[str, Any]) -> str:
    """Return the identity of a trajectory: 24 hex digits of the sha256 of its canonical JSON."""
    return sha256(canonical_json(spec).encode())[:24]


# ---- to bytes


def npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """Return the arrays as a compressed npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def sealed_npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """Return the arrays as an npz file that ends with the sha256 of all before it: 64 hex digits, a zip's comment."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    with zipfile.ZipFile(buffer, "a") as file:
        file.comment = b"0" * _SEAL_LENGTH
    content = buffer.getvalue()[:-_SEAL_LENGTH]
    return content + sha256(content).encode()


def history_bytes(history: list[dict[str, float]]) -> bytes:
    """Return the history as CSV, a row per epoch, floats to the last bit, nothing where a metric was not measured."""
    buffer = io.StringIO()
    columns = list(history[0]) if history else ["epoch"]
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[repr(row[column]) for column in columns] for row in history])
    return buffer.getvalue().encode()


def snapshot_bytes(snapshot: Snapshot, run_id: str) -> bytes:
    """Return the snapshot as an uncompressed npz that holds its trajectory's id and ends with its own sha256."""
    parts: dict[str, np.ndarray] = {"run": _text_array(run_id), "epoch": np.array(snapshot.epoch)}
    for kind in _LISTS:
        arrays = getattr(snapshot, kind)
        parts |= {f"{kind}_{place:04d}": array for place, array in enumerate(arrays)}
    parts["predictions"] = _stacked(snapshot.predictions)
    parts["stopped"] = np.array(snapshot.stopped, bool)
    parts["history"] = np.frombuffer(history_bytes(snapshot.history), np.uint8)
    parts["environments"] = _text_array(json.dumps(snapshot.environments, allow_nan=False))  # in the order given
    return sealed_npz_bytes(parts)


def predictions_bytes(predictions: list[np.ndarray]) -> bytes:
    """Return predictions.npz from a row of classes for each epoch; ValueError where they are no such rows."""
    return npz_bytes({"predictions": _stacked(predictions)})


def _stacked(predictions: list[np.ndarray]) -> np.ndarray:
    rows = np.stack(predictions) if predictions else np.empty((0, 0), np.uint8)  # (epochs, validation examples)
    if not _are_predictions(rows):
        raise ValueError(
            "predictions must be whole numbers, uint8 or uint16, a row for each epoch (uint8 where a row is empty); "
            f"got {rows.dtype} of {rows.ndim} dimensions."
        )
    return rows


def _are_predictions(found: np.ndarray | None) -> bool:
    """Tell whether it is (epochs, validation examples) uint8 or uint16; uint8 where there are no class predictions."""
    if found is None or found.ndim != 2:
        return False
    return found.dtype == np.uint8 or (found.dtype == np.uint16 and found.shape[1] > 0)


def _text_array(text: str) -> np.ndarray:
    """Return the text's bytes as an array."""
    return np.frombuffer(text.encode(), np.uint8)


# ---- from bytes


def read_parts(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an npz that ends with its own sha256; Corrupt unless that holds."""
    with open_plain(path) as file:
        content = read_all(path, file)
    if sha256(content[:-_SEAL_LENGTH]).encode() != content[-_SEAL_LENGTH:]:
        raise Corrupt(f"{path.name} does not match its own checksum")
    return read_npz(path.name, content)


def read_npz(name: str, content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of an npz file; Corrupt where it is none or holds Python objects, which are never loaded."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {part: file[part] for part in file.files}
    except MemoryError:
        raise
    except Exception as error:
        raise Corrupt(f"{name} cannot be read ({type(error).__name__}: {error})") from None


def read_snapshot(path: Path, run_id: str) -> Snapshot:
    """Return the snapshot in `path`; Corrupt where it is not what was written, or another trajectory's."""
    parts = read_parts(path)
    try:
        owner = parts["run"].tobytes().decode()
        history = _read_history(parts["history"].tobytes())
        snapshot = Snapshot(
            epoch=int(parts["epoch"]),
            history=[dict(zip(history, row, strict=True)) for row in zip(*history.values(), strict=True)],
            predictions=list(parts["predictions"]),
            environments=json.loads(parts["environments"].tobytes()),
            stopped=_one_bool(parts["stopped"]),
            **{kind: [parts[name] for name in sorted(parts) if name.startswith(f"{kind}_")] for kind in _LISTS},
        )
    except Exception as error:
        raise Corrupt(f"{path.name} cannot be read ({type(error).__name__}: {error})") from None
    if owner != run_id:
        raise Corrupt(f"{path.name} is of another run, {owner}")
    if not snapshot.epoch == len(snapshot.history) == len(snapshot.predictions):
        raise Corrupt(f"{path.name} disagrees with itself about the number of epochs")
    if not _are_predictions(parts["predictions"]):
        raise Corrupt(f"{path.name} does not hold a class for every epoch and example")
    if not is_list_of_dicts(snapshot.environments):
        raise Corrupt(f"{path.name} does not say where it was made")
    return snapshot


def _one_bool(found: np.ndarray) -> bool:
    if found.dtype != bool or found.shape:
        raise ValueError("stopped is neither true nor false")
    return bool(found)


def read_record(folder: Path, run_id: str, whole: bool = False) -> Record:
    """Return the record in `folder`; Corrupt, with the reason, unless every file is what run.json says was written.

    The checkpoint's bytes are read only if `whole`; else its size must do. It may be gone.
    """
    summary = _read_summary(folder, run_id)
    contents = {
        name: _read_verified(folder / name, summary["files"][name], whole or name != CHECKPOINT)
        for name in RECORD_FILES
        if name != CHECKPOINT or os.path.lexists(folder / name)
    }
    spec = _read_spec(contents["spec.json"], run_id)
    try:
        history = _read_history(contents["history.csv"])
    except (ValueError, csv.Error) as error:
        raise Corrupt(f"history.csv cannot be read ({type(error).__name__}: {error})") from None
    predictions = read_npz("predictions.npz", contents["predictions.npz"]).get("predictions")
    if predictions is None or not _are_predictions(predictions):
        raise Corrupt("predictions.npz does not hold a class for every epoch and example")
    if not len(history["epoch"]) == len(predictions) == summary["epochs"]:
        raise Corrupt("history.csv, predictions.npz and run.json disagree about the number of epochs")
    return Record(run_id, spec, summary, history, predictions)


def read_end(folder: Path, run_id: str) -> Snapshot:
    """Return the snapshot that a record ends with; Corrupt unless the whole record is what was written."""
    read_record(folder, run_id, whole=True)
    return read_snapshot(folder / CHECKPOINT, run_id)


def read_outline(folder: Path, run_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a record's (spec, run.json), both verified, without its numbers; Corrupt where they are not."""
    summary = _read_summary(folder, run_id)
    return _read_spec(_read_verified(folder / "spec.json", summary["files"]["spec.json"]), run_id), summary


def _read_spec(content: bytes, run_id: str) -> dict[str, Any]:
    """Return the spec, whose hash is the run's identity."""
    spec, digest = parse_json("spec.json", content)
    if "seal" in spec or digest[:24] != run_id:
        raise Corrupt("spec.json describes another run")
    return spec


def _read_summary(folder: Path, run_id: str) -> dict[str, Any]:
    """Return run.json's contents; Corrupt unless it is sealed, of this schema and of this run."""
    if folder.is_symlink():
        raise Corrupt("the record is a symbolic link, which is not followed")
    if not folder.is_dir():
        raise Corrupt("the record is no folder")
    summary, digest = parse_json("run.json", read_plain(folder / "run.json", LARGEST_JSON))
    if summary.get("schema") != SCHEMA:
        raise Corrupt(
            f"run.json has the schema version {str(summary.get('schema'))[:80]}; this program reads {SCHEMA}, "
            "so another version wrote it"
        )
    if summary.pop("seal", None) != digest:
        raise Corrupt("run.json does not match its own checksum")
    _check_summary(summary)
    if summary["id"] != run_id:
        raise Corrupt(f"run.json is of another run, {summary['id']}")
    return summary


def _read_verified(path: Path, expected: dict[str, Any], whole: bool = True) -> bytes:
    """Return the file's bytes, none unless `whole`; Corrupt unless they have the size and sha256 in run.json."""
    content = b""
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size != expected["bytes"]:
            raise Corrupt(f"{path.name} has {size:,} bytes where {expected['bytes']:,} were written")
        if whole:
            content = read_all(path, file)
    if whole and sha256(content) != expected["sha256"]:
        raise Corrupt(f"{path.name} does not match its checksum")
    return content


def _read_history(content: bytes) -> dict[str, list[float]]:
    """Return a column per metric from the bytes of history.csv; `epoch` as whole numbers, from 1; else ValueError."""
    names, *rows = csv.reader(io.StringIO(content.decode()))
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    numbers = dict(zip(names, ([float(value) for value in column] for column in columns), strict=True))
    if len(numbers) != len(names) or numbers.get("epoch") != list(range(1, len(rows) + 1)):
        raise ValueError("history.csv must have a column epoch, counted from 1, and no column twice")
    return {**numbers, "epoch": list(range(1, len(rows) + 1))}


# ---- what run.json may hold

SUMMARY = {
    "id": is_text,
    "status": STATUSES.__contains__,
    "epochs": lambda value: is_whole(value) and value > 0,
    "files": lambda value: is_dict_of(has(sha256=is_text, bytes=is_whole))(value) and set(RECORD_FILES) <= set(value),
    "label": is_text,
    "study": is_text,
    "numerics": is_whole,
    "commit": lambda value: value is None or is_text(value),
    "data": is_text,
    "examples": is_dict_of(is_whole),
    "validation": is_text,
    "classes": is_whole,
    "parameters": is_whole,
    "train_mode": is_list_of(TRAIN_MODE.__contains__),
    "initial_weights": is_dict_of(lambda value: is_text(value) and _FINGERPRINT.fullmatch(value) is not None),
    "compiled": is_list_of(lambda value: is_list_of(is_text)(value) and len(value) == 3),
    "loss": is_text,
    "explicit_seeds": is_list_of(is_text),
    "notes": is_list_of(is_text),
    "metrics": is_dict_of(lambda value: value is None or is_number(value)),
    "timing": is_dict_of(is_number),
    "environments": is_list_of_dicts,
}
OPTIONAL_SUMMARY = {"net": is_net}  # that older records do not have


def _check_summary(summary: dict[str, Any]) -> None:
    """Raise Corrupt where run.json lacks what every record has, or holds a value of another kind."""
    for key, check in SUMMARY.items():
        if key not in summary:
            raise Corrupt(f"run.json does not give {key}")
        if not check(summary[key]):
            raise Corrupt(f"run.json gives a value for {key} that no record has")
    for key, check in OPTIONAL_SUMMARY.items():
        if key in summary and not check(summary[key]):
            raise Corrupt(f"run.json gives a value for {key} that no record has")
