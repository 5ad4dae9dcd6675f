"""A study's runs -> an experiment in an MLflow store, `mlflow.db` in a folder, by MLflow's own client.

Values are float64 there, so they are the recorded ones to the last bit. Levels and seed are parameters, the cell and
the study are tags; a point's time is that of the export, plus the seconds since its training began.
"""

import itertools
import logging
import os
import posixpath
import re
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from analysis.export.runs import CannotExport, Exported, exported, folder_of
from analysis.reading.study import Study
from runner.store import make_folder

STORE = "mlflow.db"
_BATCH = 1000  # metrics that MLflow takes at once
_PARAMETERS = 100
_VALUE_LENGTH = 500  # of a parameter that every version of MLflow takes
_SILENCED = ("mlflow", "alembic")


def write_experiment(study: Study, target: Path) -> Path:
    """Write an experiment with a run for each of the study's into `target`/mlflow.db; return that file.

    CannotExport where mlflow is not installed, and where the store has the study already.
    """
    name = study.declaration["name"]
    runs = exported(study)
    store = folder_of(target, STORE).absolute()
    make_folder(target)
    with _quiet():
        client = _client(store)
        if client.get_experiment_by_name(name) is not None:
            raise CannotExport(
                f"{str(store)!r} must not have the study yet; got an experiment named {name!r} there. Name another DIR."
            )
        experiment = client.create_experiment(name, artifact_location=(store.parent / "artifacts").as_uri())
        for run in runs:
            _write_run(client, experiment, name, run)
    return target / STORE


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow from telling of its tables' making and its own deprecations, and anyone that it is used."""
    loggers = [logging.getLogger(name) for name in _SILENCED]
    levels = [logger.level for logger in loggers]
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _client(store: Path) -> Any:
    try:
        from mlflow.tracking import MlflowClient
    except ImportError:
        raise CannotExport(
            "--to mlflow needs the package mlflow, which is not installed: pip install mlflow."
        ) from None
    for name in _SILENCED:  # after the import, which sets them
        logging.getLogger(name).setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=f"sqlite:///{store}")


def _write_run(client: Any, experiment: str, study: str, run: Exported) -> None:
    from mlflow.entities import Metric, Param

    begun = int(time.time() * 1000)
    made = client.create_run(experiment, begun, {"study": study, "cell": run.cell[:_VALUE_LENGTH]}, run.name)
    identity = made.info.run_id
    keys, metrics = _accepted(run.settings), _accepted(run.metrics)
    parameters = [Param(keys[key], str(level)[:_VALUE_LENGTH]) for key, level in run.settings.items()]
    for batch in _batches(parameters, _PARAMETERS):
        client.log_batch(identity, params=batch)
    points = (
        Metric(metrics[name], value, begun + round(seconds * 1000), epoch)
        for name, epoch, seconds, value in run.points()
    )
    for batch in _batches(points, _BATCH):
        client.log_batch(identity, metrics=batch)
    status = "FAILED" if run.status == "diverged" else "FINISHED"
    client.set_terminated(identity, status, begun + round(run.seconds[-1] * 1000))


def _batches(items: Any, size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(itertools.islice(rest, size)):
        yield batch


def _accepted(names: Iterable[str]) -> dict[str, str]:
    """Return for each name one that MLflow takes; what it refuses becomes an underscore, twins get their place."""
    found: dict[str, str] = {}
    for place, name in enumerate(names):
        taken = re.sub(r"[^\w\-. :/]", "_", name, flags=re.ASCII)
        if posixpath.normpath(taken) != taken or taken.startswith((".", "/")):  # it would be another path
            taken = re.sub(r"^\.|/", "_", taken)
        found[name] = f"{taken}_{place}" if taken in found.values() else taken
    return found
