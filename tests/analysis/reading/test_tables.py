"""Tables as a source: the same study from its records and from its tables, and what tables must be."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import recorded_study
from reports import written

from analysis import read
from analysis.reading.answers import answered_bytes, read_answered
from analysis.reading.tables import SOURCES
from analysis.report.files import write_report
from analysis.report.note import NAME
from runner.store import StoreError

FACTORS = {"dropout": ["true", "false"], "=sum": ["-1", "'-1", "NA"]}
AWKWARD = {"answered": True, "window": 2, "stopped": ((1, 2),), "diverged": ((2, 1),), "seeds": 4, "images": 200}


def files_of(folder):
    """What the study's folder holds, less the note of what its report was made from."""
    files = (path for path in folder.rglob("*.*") if path.is_file() and path.name != NAME)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


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
    sources = {name: (clone / "tables" / name).stat().st_mtime_ns for name in SOURCES if name != "other_end.csv"}
    write_report(clone)
    assert files_of(clone) == files_of(folder)
    assert {name: (clone / "tables" / name).stat().st_mtime_ns for name in sources} == sources  # read, not written


def test_frames_of_tables_are_those_of_records(tmp_path):
    folder = recorded_study(tmp_path / "results", FACTORS, **AWKWARD)
    written(folder)
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


def test_a_study_whose_answers_were_not_kept_says_so_and_keeps_all_other_sections(tmp_path):
    folder = recorded_study(tmp_path / "results", {"dropout": ["true", "false"]}, answered=True)
    write_report(folder)
    whole = (folder / "report.md").read_text()
    clone = cloned(folder, tmp_path)
    (clone / "tables" / "predictions.npz").unlink()
    assert write_report(clone).complete
    text = (clone / "report.md").read_text()
    [told] = re.findall(r"^## The images that most runs miss\n\n(.*)\n\n## ", text, re.MULTILINE)
    assert told == (
        "What these runs answer was not kept, so which images most of them miss cannot be shown: run the study's "
        "command again."
    )
    assert re.findall("^## .*", text, re.MULTILINE) == re.findall("^## .*", whole, re.MULTILINE)
    assert not (clone / "figures" / "missed.png").exists() and not (clone / "tables" / "missed.csv").exists()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A study with its report."""
    folder = recorded_study(tmp_path_factory.mktemp("plain") / "results", {"dropout": ["true", "false"]})
    written(folder)
    return folder


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda tables: (tables / "runs.csv").unlink(), "no runs.csv"),
        (lambda tables: (tables / "runs.csv").write_text("run,cell\na,b\n"), "is of others"),
        (lambda tables: (tables / "history.csv").write_text("run,cell,seed,epoch\na,b,0,1\n"), "is of others"),
        (lambda tables: (tables / "history.csv").write_text("run,cell,seed,epoch\na,b,0,1\na,c,0,1\n"), "is of others"),
        (lambda tables: (tables / "history.csv").write_text("run,cell,seed,epoch\na,b,zero,1\n"), "cannot be read"),
        (lambda tables: (tables / "predictions.npz").write_bytes(b"PK"), "cannot be read"),
        (lambda tables: (tables / "records.json").write_text("[{}]"), "cannot be read"),
    ],
)
def test_damaged_tables_are_refused_in_one_sentence(plain, tmp_path, damage, told):
    clone = cloned(plain, tmp_path)
    damage(clone / "tables")
    with pytest.raises(StoreError, match=told):
        write_report(clone)
