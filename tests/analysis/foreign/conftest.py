"""The archives that tests/data/foreign/make.py wrote, unpacked, and small files by hand."""

import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

DATA = Path(__file__).parents[2] / "data" / "foreign"
RUNS = [("a", 0.0, 0), ("b", 0.0, 1), ("c", 0.5, 0), ("d", 0.5, 1)]  # of what is written by hand: name, dropout, seed


@pytest.fixture(scope="session")
def logged():
    """What the tools were told to log, by source, run and metric."""
    return json.loads((DATA / "logged.json").read_text())


@pytest.fixture
def unpacked(tmp_path, monkeypatch):
    """A function that unpacks an archive into the working folder and returns its name, as a user would type it."""
    monkeypatch.chdir(tmp_path)

    def unpack(name):
        with zipfile.ZipFile(DATA / f"{name}.zip") as archive:
            archive.extractall(tmp_path / name)
        return name

    return unpack


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A function that writes rows as a CSV in the working folder and returns its name."""
    monkeypatch.chdir(tmp_path)

    def write(rows, name="table.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_csv(path, index=False)
        return name

    return write


@pytest.fixture
def charts(written):
    """Two charts and the table of runs beside them, in a folder."""

    def write(spread=0.0, table=True, state="finished"):
        for place, metric in enumerate(("val/loss", "val/accuracy")):
            rows = []
            for step in range(3):
                row = {"Step": step}
                for number, (name, _, _) in enumerate(RUNS):
                    value = 0.1 * (number + 1) + step / 3 / 10 + place / 7
                    key = f"{name} - {metric}"
                    row |= {key: value, f"{key}__MIN": value - spread, f"{key}__MAX": value}
                rows.append(row)
            written(rows, f"wandb/chart{place}.csv")
        if table:
            rows = [
                {"Name": name, "State": state, "Created": f"2026-01-0{n}", "dropout": p, "seed": s, "val/loss": 0.1}
                for n, (name, p, s) in enumerate(RUNS, start=1)
            ]
            written(rows, "wandb/runs.csv")
        return "wandb"

    return write


@pytest.fixture
def dumps(written):
    """Histories as W&B dumps them, a file a run, two steps an epoch, in a folder."""

    def write():
        for name, dropout, seed in RUNS:
            rows = [
                {
                    "_step": step,
                    "_runtime": step * 1.5,
                    "_timestamp": 1e9 + step,
                    "epoch": step // 2,
                    "train/loss": 1 / (step + seed + 3),
                    "val/loss": 1 / (step + 7) if step % 2 else None,
                    "config.dropout": dropout,
                    "config.seed": seed,
                }
                for step in range(6)
            ]
            written(rows, f"dumps/{name}.csv")
        return "dumps"

    return write


@pytest.fixture
def sacred(tmp_path, monkeypatch):
    """Sacred's folders: four runs by epoch, the fourth interrupted."""
    monkeypatch.chdir(tmp_path)
    for number, (_, dropout, seed) in enumerate(RUNS, start=1):
        folder = tmp_path / "sacred" / str(number)
        folder.mkdir(parents=True)
        length = 3 if number < 4 else 2
        series = [0.1 * number + epoch / 3 for epoch in range(length)]
        metrics = {"val.loss": {"steps": list(range(length)), "timestamps": ["t"] * length, "values": series}}
        (folder / "config.json").write_text(json.dumps({"seed": seed, "net": {"dropout": dropout, "sizes": [3, 4]}}))
        (folder / "run.json").write_text(json.dumps({"status": "COMPLETED" if number < 4 else "INTERRUPTED"}))
        (folder / "metrics.json").write_text(json.dumps(metrics))
    (tmp_path / "sacred" / "_sources").mkdir()
    return tmp_path / "sacred"
