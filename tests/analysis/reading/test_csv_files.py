"""CSV: what csv.writer writes, less what a spreadsheet would run, and every number back to the last bit."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from analysis.reading import csv_files
from analysis.reading.csv_files import csv_bytes, read_csv

AWKWARD = ["plain", "", 'a "b"', "a,b", "two\nlines", "=1+1", "-x", "@", "é, ü", " space ", None]


@pytest.fixture
def frame():
    numbers = np.random.default_rng(0).normal(size=len(AWKWARD)) * 10.0 ** np.arange(-5, 6)
    return pd.DataFrame(
        {
            "text": AWKWARD,
            "=kind": pd.Categorical(AWKWARD),
            "whole": range(len(AWKWARD)),
            "number": numbers,
            "gaps": np.where(numbers > 0, numbers, np.nan),
            "stopped": pd.array([None, 3, *[None] * 9], "Int64"),
            "yes": numbers > 0,
        }
    )


@pytest.mark.parametrize("rows", [4, 100_000])
def test_a_frame_is_written_as_csv_writer_does_but_for_what_a_spreadsheet_would_run(frame, monkeypatch, rows):
    monkeypatch.setattr(csv_files, "ROWS", rows)
    expected = io.StringIO(newline="")
    writer = csv.writer(expected, lineterminator="\n")
    writer.writerow(["text", "'=kind", *frame.columns[2:]])
    texts = {"=1+1": "'=1+1", "-x": "'-x", "@": "'@"}
    for row in frame.astype(object).where(frame.notna(), None).itertuples(index=False):
        writer.writerow([texts.get(row[0], row[0]), texts.get(row[1], row[1]), *row[2:]])
    assert csv_bytes(frame) == expected.getvalue().encode()


def test_numbers_come_back_to_the_last_bit_and_texts_as_they_are_written(frame, tmp_path):
    (tmp_path / "table.csv").write_bytes(csv_bytes(frame))
    types = {"text": "str", "=kind": "str", "number": "float64", "gaps": "float64", "stopped": "Int64"}
    found = read_csv(tmp_path / "table.csv", types)
    for name in ("number", "gaps", "stopped"):
        pd.testing.assert_series_equal(found[name], frame[name])
    assert found["=kind"].fillna("").tolist() == [csv_files.spreadsheet(text or "") for text in AWKWARD]


def test_a_field_that_ends_a_line_early_is_quoted(tmp_path):
    (tmp_path / "table.csv").write_bytes(csv_bytes(pd.DataFrame({"text": ["a\rb", "c"], "number": [1, 2]})))
    assert read_csv(tmp_path / "table.csv", {"text": "str"})["text"].tolist() == ["a\rb", "c"]
