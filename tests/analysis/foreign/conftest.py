"""The archives that tests/data/foreign/make.py wrote, unpacked, and small files by hand."""

import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

DATA = Path(__file__).parents[2] / "data" / "foreign"


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
