"""TensorBoard's event files -> histories: every point, where TensorBoard's own reader keeps a sample.

Files are read record by record with tensorboard's message types (optional extra `tensorboard`), never with TensorFlow.
Folders `train` and `validation` below a folder are parts of one run, as Keras writes them. A run that was restarted has
several files: from the step at which a later file begins, it counts. Settings come from the hparams plugin, or from
`hparams.yaml`, `config.yaml`, `config.json` or `.hydra/config.yaml` at the run or above it, or from folders named
`lr=0.1,seed=3`.
"""

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.foreign.epochs import by_epoch
from analysis.foreign.files import Tree, read_settings, unreadable
from analysis.foreign.histories import EPOCHS, STEPS, Histories, Run, flat, from_path, gather
from analysis.foreign.points import history_of
from analysis.foreign.refusal import Refused

SOURCE = "TensorBoard event files"
_PARTS = {"train": "", "validation": "val_", "val": "val_", "valid": "val_", "eval": "val_", "test": "test_"}
_SETTINGS = ("hparams.yaml", "config.yaml", "config.json", ".hydra/config.yaml")
_KERAS = "epoch_"  # before Keras's tags of an epoch's figures
_HPARAMS = "hparams"  # the plugin's name
_STATUSES = {
    0: "complete",
    1: "complete",
    2: "failed",
    3: "unfinished",
}  # of the plugin: unknown, success, failure, running
_Points = dict[str, dict[int, float]]  # tag -> step -> value


def find(tree: Tree) -> list[Path]:
    """Return the event files."""
    return [path for path in tree.files if ".tfevents." in path.name and not path.name.endswith(".profile-empty")]


def read(places: list[Path], tree: Tree) -> Histories:
    """Return the runs' histories, in the order of their folders' names."""
    _messages()
    folders: dict[Path, dict[Path, list[Path]]] = {}
    for path in places:
        owner = path.parent.parent if path.parent.name in _PARTS else path.parent
        folders.setdefault(owner, {}).setdefault(path.parent, []).append(path)
    with_epochs, runs = [], []
    for folder, parts in folders.items():
        run, has_epochs = _run(folder, parts, tree.root)
        if len(run.history) or run.config:
            runs.append(run)
            with_epochs.append(has_epochs)
    return gather(SOURCE, runs, counts=EPOCHS if all(with_epochs) else STEPS)


@dataclass(frozen=True)
class _Messages:
    """What is used of tensorboard: message types, the reader of tensors, the checksum, the error of damage."""

    event: Any
    hparams: Any
    array: Callable[[Any], np.ndarray]
    checksum: Callable[[bytes], int]
    damaged: type[Exception]


@cache
def _messages() -> _Messages:
    """Return what is used of tensorboard; Refused where it is not installed."""
    try:
        from google.protobuf.message import DecodeError
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
        from tensorboard.util.tensor_util import make_ndarray
    except ImportError:
        raise Refused(
            "PATH holds TensorBoard event files, and reading them needs the package tensorboard, which is not "
            "installed: pip install tensorboard, or export the runs as CSV."
        ) from None
    return _Messages(Event, HParamsPluginData, make_ndarray, masked_crc32c, DecodeError)


def _run(folder: Path, parts: dict[Path, list[Path]], root: Path) -> tuple[Run, bool]:
    """Return a run, and whether its history is by epoch."""
    points: _Points = {}
    config = from_path(folder) | _settings(folder, root)
    status, by_keras = "complete", False
    for part, files in parts.items():
        tags, told, ended = _read_part(files)
        prefix = "" if part == folder else _PARTS[part.name]
        by_keras |= any(tag.startswith(_KERAS) for tag in tags)
        points |= {f"{prefix}{tag}": values for tag, values in _plain_tags(tags).items()}
        config |= told
        status = ended if ended != "complete" else status
    history, told_epochs = _history(points, folder)
    return Run(folder.as_posix(), config, history, status), told_epochs or by_keras


def _settings(folder: Path, root: Path) -> dict[str, Any]:
    """Return the settings that lie at the run, or else at the nearest folder above it that the user's path holds."""
    above = [each for each in folder.parents if each == root or root in each.parents]
    for place in (folder, *above):
        paths = [place / name for name in _SETTINGS if (place / name).is_file()]
        if paths:
            return {key: value for path in paths for key, value in flat(read_settings(path)).items()}
    return {}


def _plain_tags(tags: _Points) -> _Points:
    """Return Keras's `epoch_` tags alone, as the metrics' names, where there are any; else all tags."""
    epochs = {tag.removeprefix(_KERAS): values for tag, values in tags.items() if tag.startswith(_KERAS)}
    return epochs or {tag: values for tag, values in tags.items() if not re.fullmatch("evaluation_.*_vs_.*", tag)}


def _history(points: _Points, folder: Path) -> tuple[pd.DataFrame, bool]:
    """Return the history by epoch where a tag `epoch` tells it, as Lightning logs; else by step."""
    epochs = points.pop("epoch", None)
    history = history_of({tag: (list(values), list(values.values())) for tag, values in points.items()})
    if not epochs:
        return history, False
    known = pd.Series(epochs).sort_index()
    places = known.index.searchsorted(history["epoch"].to_numpy(), side="right") - 1
    return by_epoch(history.assign(epoch=known.to_numpy()[places.clip(0)]), folder.as_posix()), True


def _read_part(files: list[Path]) -> tuple[_Points, dict[str, Any], str]:
    """Return the points of one folder's files by tag, its hyperparameters, and how it ended."""
    points: _Points = {}
    config: dict[str, Any] = {}
    status = "complete"
    for path in files:
        fresh: _Points = {}
        for step, value in _values(path):
            if value.metadata.plugin_data.plugin_name == _HPARAMS:
                told, ended = _hparams(value.metadata.plugin_data.content, path)
                config, status = config | told, ended or status
            elif (number := _scalar(value)) is not None:
                fresh.setdefault(value.tag, {})[step] = number
        for tag, values in fresh.items():
            begins = min(values)
            kept = {step: number for step, number in points.get(tag, {}).items() if step < begins}
            points[tag] = kept | values
    return points, config, status


def _hparams(content: bytes, path: Path) -> tuple[dict[str, Any], str]:
    """Return hyperparameters and status that a summary of the hparams plugin holds."""
    messages = _messages()
    try:
        data = messages.hparams.FromString(content)
    except messages.damaged as error:
        raise unreadable(path, "a TensorBoard event file", error) from None
    found = {}
    for name, value in data.session_start_info.hparams.items():
        kind = value.WhichOneof("kind")
        found[name] = getattr(value, kind) if kind in ("number_value", "string_value", "bool_value") else "null"
    return found, _STATUSES.get(data.session_end_info.status, "") if data.HasField("session_end_info") else ""


def _scalar(value: Any) -> float | None:
    """Return the number that a summary's value holds, infinite where it is not finite; None where it is no number."""
    match value.WhichOneof("value"):
        case "simple_value":
            number = value.simple_value
        case "tensor" if not value.tensor.tensor_shape.dim and value.tensor.dtype in (1, 2, 3, 9):
            number = float(_messages().array(value.tensor))  # float32, float64, int32 and int64
        case _:
            return None
    return number if np.isfinite(number) else np.inf


def _values(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (step, value) of each summary in a file, up to a record that was cut off when its writer was killed."""
    messages = _messages()
    for record in _records(path, messages.checksum):
        try:
            event = messages.event.FromString(record)
        except messages.damaged as error:
            raise unreadable(path, "a TensorBoard event file", error) from None
        for value in event.summary.value:
            yield event.step, value


def _records(path: Path, checksum: Callable[[bytes], int]) -> Iterator[bytes]:
    """Yield a file's whole records: 8 bytes of length, 4 of their checksum, the record, 4 of its checksum."""
    data = path.read_bytes()
    place = 0
    while place + 12 <= len(data):
        length, of_length = struct.unpack_from("<QI", data, place)
        if checksum(data[place : place + 8]) != of_length:
            raise unreadable(path, "a TensorBoard event file", ValueError("a length is damaged"))
        end = place + 12 + length
        if end + 4 > len(data):
            return
        record = data[place + 12 : end]
        if checksum(record) != struct.unpack_from("<I", data, end)[0]:
            raise unreadable(path, "a TensorBoard event file", ValueError("a record is damaged"))
        yield record
        place = end + 4
