"""Tables as a source: the same study from its records and from its tables, and what tables must be."""

import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, recorded_study
from packed import unpack

from analysis import read
from analysis.reading.answers import answered_bytes, read_answered
from analysis.report.files import write_report
from runner.store import StoreError

FACTORS = {"dropout": ["true", "false"], "=sum": ["-1", "'-1", "NA"]}
AWKWARD = {"answered": True, "window": 2, "stopped": ((1, 2),), "diverged": ((2, 1),), "seeds": 4, "images": 200}


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


def cloned(folder, root):
    """The study as a clean clone has it: without the records."""
    return shutil.copytree(folder, root / "clone" / folder.name)


def test_records_and_tables_give_the_same_report_to_the_byte(tmp_path):
    folder = recorded_study(tmp_path / "results", FACTORS, **AWKWARD)
    write_report(folder)
    clone = cloned(folder, tmp_path)
    (clone / "report.md").unlink()
    for part in ("figures/overview.png", "figures/missed.png", "tables/effects.csv", "tables/gap.csv"):
        (clone / part).unlink()
    write_report(clone)
    assert files_of(clone) == files_of(folder)


def test_a_committed_study_of_mnist_is_the_same_from_its_tables_and_its_answers_are_small(tmp_path):
    folder = unpack("augmentation", tmp_path)
    write_report(folder)
    clone = cloned(folder, tmp_path)
    write_report(clone)
    assert files_of(clone) == files_of(folder)
    assert (folder / "tables" / "predictions.npz").stat().st_size < 60_000


def test_frames_of_tables_are_those_of_records(tmp_path):
    folder = recorded_study(tmp_path / "results", FACTORS, **AWKWARD)
    write_report(folder)
    records, tables = read(folder), read(cloned(folder, tmp_path))
    pd.testing.assert_frame_equal(records.runs, tables.runs)
    pd.testing.assert_frame_equal(records.history, tables.history)
    assert records.summaries == tables.summaries


@pytest.mark.parametrize("window", [1, 3])
def test_answers_come_back_with_the_images_that_are_shown(tmp_path, window):
    answered = read(recorded_study(tmp_path, {"dropout": ["true", "false"]}, answered=True, window=window)).answered
    path = tmp_path / "predictions.npz"
    path.write_bytes(answered_bytes(answered, [3, 1]))
    found = read_answered(path)
    assert found.predictions.keys() == answered.predictions.keys() and found.windows == answered.windows
    for look in answered.predictions:
        np.testing.assert_array_equal(found.predictions[look], answered.predictions[look])
        np.testing.assert_array_equal(found.right[look], answered.right[look])
        assert found.right[look].dtype == answered.right[look].dtype
    np.testing.assert_array_equal(found.images_of([3, 1])[1], answered.images[1])
    assert found.images_of([3, 2]) == {}


@pytest.mark.parametrize("name", ["riddle", "components"])
def test_tables_of_an_earlier_version_give_a_report_that_says_what_they_lack(tmp_path, name):
    study = shutil.copytree(ROOT / "results" / name, tmp_path / name)
    assert write_report(study).complete
    text = (study / "report.md").read_text()
    assert "did not keep what runs answer" in text and "## Cost" not in text and "established" in text.lower()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda tables: (tables / "runs.csv").unlink(), "no runs.csv"),
        (lambda tables: (tables / "runs.csv").write_text("run,cell\na,b\n"), "is of others"),
        (lambda tables: (tables / "history.csv").write_text("run,cell,seed,epoch\na,b,0,1\n"), "is of others"),
        (lambda tables: (tables / "history.csv").write_text("run,cell,seed,epoch\na,b,zero,1\n"), "cannot be read"),
        (lambda tables: (tables / "predictions.npz").write_bytes(b"PK"), "cannot be read"),
        (lambda tables: (tables / "records.json").write_text("[{}]"), "cannot be read"),
    ],
)
def test_damaged_tables_are_refused_in_one_sentence(tmp_path, damage, told):
    folder = recorded_study(tmp_path / "results", {"dropout": ["true", "false"]})
    write_report(folder)
    clone = cloned(folder, tmp_path)
    damage(clone / "tables")
    with pytest.raises(StoreError, match=told):
        write_report(clone)
