"""Every source from its own files to a study's folder by the command line: the values equal to the last digit."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from analysis import importing, read
from analysis.report import files

ARMS = [("0", 0), ("0", 1), ("0.5", 0), ("0.5", 1)]  # dropout and seed of the runs that every source has
PIXEL = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\1\0\0\0\0"  # a picture's head, of which the page takes the size


def by_arm(logs, columns):
    """What was logged, by arm, under our names of the columns."""
    return {arm: {ours: log[theirs] for ours, theirs in columns.items()} for arm, log in zip(ARMS, logs, strict=True)}


def in_float32(logs):
    return [{name: [float(np.float32(value)) for value in series] for name, series in log.items()} for log in logs]


def rows_of(epochs):
    return [
        {
            "dropout": dropout,
            "seed": seed,
            "epoch": epoch,
            "loss": (epoch + 1) / 7,
            "val_loss": (epoch + seed) / 3 + dropout,
        }
        for dropout in (0.0, 0.5)
        for seed in (0, 1)
        for epoch in epochs
    ]


def tidy(epochs):
    rows = pd.DataFrame(rows_of(epochs)).groupby(["dropout", "seed"])
    return by_arm([group.to_dict("list") for _, group in rows], {"loss": "loss", "val_loss": "val_loss"})


@pytest.fixture
def source(request, tmp_path, unpacked, written, logged):
    """The path to type, what the source is called, and what was logged by arm and column."""
    losses = {"loss": "loss", "val_loss": "val_loss"}
    match request.param:
        case "hydra":
            logs = [logged["hydra_keras"][f"plain/{job}"] for job in range(4)]
            columns = losses | {"accuracy": "accuracy", "val_accuracy": "val_accuracy"}
            return f"{unpacked('hydra_keras')}/plain", "Hydra multirun", by_arm(logs, columns)
        case "lightning":
            logs = [logged["lightning"][f"runs/version_{version}"] for version in range(4)]
            return unpacked("lightning"), "Lightning CSV logs", by_arm(logs, {"val_loss": "val_loss"})
        case "mlflow_files" | "mlflow_sqlite":
            logs = [logged["mlflow"][f"run{run}"] for run in range(4)]
            logs = [{name: list(map(float, series)) for name, series in log.items()} for log in logs]
            kind = "MLflow file store" if request.param == "mlflow_files" else "MLflow SQLite store"
            return unpacked(request.param), kind, by_arm(logs, {"loss": "train/loss", "val_loss": "val/loss"})
        case "tensorboard_keras" | "tensorboard_torch":
            pytest.importorskip("tensorboard")
            writer = request.param.removeprefix("tensorboard_")
            logs = in_float32(log for name, log in logged["tensorboard"].items() if name.startswith(writer))
            columns = losses if writer == "keras" else {"loss": "Loss/train", "val_loss": "Loss/val"}
            return f"{unpacked('tensorboard')}/{writer}", "TensorBoard event files", by_arm(logs, columns)
        case "wandb_charts":
            charts = request.getfixturevalue("charts")
            logs = [
                {place: [0.1 * (run + 1) + step / 3 / 10 + place / 7 for step in range(3)] for place in (0, 1)}
                for run in range(4)
            ]
            return charts(), "W&B exports", by_arm(logs, {"val_loss": 0, "val_accuracy": 1})
        case "wandb_dumps":
            dumps, last = request.getfixturevalue("dumps"), (1, 3, 5)  # the last step of every epoch
            logs = [
                {"loss": [1 / (step + seed + 3) for step in last], "val_loss": [1 / (step + 7) for step in last]}
                for _, seed in ARMS
            ]
            return dumps(), "W&B exports", by_arm(logs, losses)
        case "sacred":
            folder = request.getfixturevalue("sacred")
            lengths = (3, 3, 3, 2)  # the last was interrupted
            values = [[0.1 * run + epoch / 3 for epoch in range(n)] for run, n in enumerate(lengths, start=1)]
            logs = [{"val_loss": series} for series in values]
            return (
                folder.name,
                "Sacred file storage",
                dict(zip(ARMS, logs, strict=True)),
            )
        case "row_a_run":
            path = written([{key: row[key] for key in ("dropout", "seed", "loss", "val_loss")} for row in rows_of([2])])
            return path, "tidy table", tidy([2])
        case "row_an_epoch":
            return written(rows_of(range(3))), "tidy table", tidy(range(3))
        case "parquet":
            pytest.importorskip("pyarrow")
            pd.DataFrame(rows_of(range(3))).to_parquet(tmp_path / "table.parquet")
            return "table.parquet", "tidy table", tidy(range(3))


@pytest.mark.parametrize(
    "source",
    [
        *("hydra", "lightning", "mlflow_files", "mlflow_sqlite", "tensorboard_keras", "tensorboard_torch"),
        *("wandb_charts", "wandb_dumps", "sacred", "row_a_run", "row_an_epoch", "parquet"),
    ],
    indirect=True,
)
def test_every_source_becomes_a_study_with_the_values_that_were_logged(tmp_path, monkeypatch, capsys, source):
    path, kind, logs = source
    monkeypatch.setattr(files, "pictures", lambda drawn, _: {f"figures/{name}.png": PIXEL for name in drawn})
    assert importing.main([path, "--name", "mine"]) == 0, capsys.readouterr().err
    study = read(tmp_path / "results" / "mine")
    [factor] = study.factors
    runs, history = study.runs.set_index([factor, "seed"]), study.history.set_index([factor, "seed"])
    assert study.source == kind and set(ARMS) <= set(runs.index)
    for arm, columns in logs.items():
        for name, series in columns.items():
            if len(history):
                assert history.loc[arm, name].tolist() == series
            if runs.loc[arm, "status"] == "complete":
                assert runs.loc[arm, name] == series[-1]
            else:
                assert math.isnan(runs.loc[arm, name])
    assert len(history) or all(len(series) == 1 for columns in logs.values() for series in columns.values())
    text = (tmp_path / "results" / "mine" / "report.md").read_text()
    assert "## Findings" in text and "## Effects" in text and re.search(r"\bnan\b", text) is None
    assert f"read from {kind.replace('&', chr(92) + '&')}" in text or f"read from {kind}" in text
