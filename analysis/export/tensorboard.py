"""A study's runs -> TensorBoard's event files, one a run, without TensorFlow and the same for the same records.

TensorBoard keeps scalars as float32, so a value is the nearest float32 to the recorded one. A point's wall time is the
seconds since its training began, so that TensorBoard's relative axis shows how long training took; no date is written.
Levels and seed are hyperparameters, the cell is their group.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from analysis.export.runs import CannotExport, Exported, exported, folder_of, plain
from analysis.reading.study import Study
from runner.store import make_folder, write_file

_FILE = "events.out.tfevents.0000000000.study"
_HPARAMS = "hparams"


def write_events(study: Study, target: Path) -> Path:
    """Write an event file for each run into `target`/<study>/<run>/, replacing an earlier one; return that folder."""
    try:
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ImportError:
        raise CannotExport(
            "--to tensorboard needs the package tensorboard, which is not installed: pip install tensorboard."
        ) from None
    runs, folder = exported(study), folder_of(target, study.declaration["name"])
    for run in runs:
        written = io.BytesIO()
        writer = RecordWriter(written)
        for event in _events(run):
            writer.write(event.SerializeToString(deterministic=True))
        make_folder(folder / run.name)
        write_file(folder / run.name / _FILE, written.getvalue())
    return folder


def _events(run: Exported) -> Iterator[Any]:
    """Yield the run's events: the format's version, its settings, its points, how it ended."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    yield Event(wall_time=0.0, file_version="brain.Event:2")
    for tag, content in _session(run).items():
        value = Summary.Value(tag=tag, metadata={"plugin_data": {"plugin_name": _HPARAMS, "content": content}})
        yield Event(wall_time=0.0, step=0, summary=Summary(value=[value]))
    for name, epoch, seconds, number in run.points():
        value = Summary.Value(tag=name, simple_value=_single(number))
        yield Event(wall_time=seconds, step=epoch, summary=Summary(value=[value]))


def _single(number: float) -> float:
    """Return the nearest float32; one that is too large for any is infinite."""
    with np.errstate(over="ignore"):
        return float(np.float32(number))


def _session(run: Exported) -> dict[str, bytes]:
    """Return what the hparams plugin is told, by tag: levels and seed at the start, how the run ended at the end."""
    from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2

    start = plugin_data_pb2.SessionStartInfo(group_name=run.cell, start_time_secs=0.0)
    for key, level in run.settings.items():
        match plain(level):
            case bool(value):
                start.hparams[key].bool_value = value
            case int(value) | float(value):
                start.hparams[key].number_value = value
            case value:
                start.hparams[key].string_value = str(value)
    ended = api_pb2.STATUS_FAILURE if run.status == "diverged" else api_pb2.STATUS_SUCCESS
    end = plugin_data_pb2.SessionEndInfo(status=ended, end_time_secs=run.seconds[-1])
    kind = plugin_data_pb2.HParamsPluginData
    return {
        "_hparams_/session_start_info": kind(session_start_info=start).SerializeToString(deterministic=True),
        "_hparams_/session_end_info": kind(session_end_info=end).SerializeToString(deterministic=True),
    }
