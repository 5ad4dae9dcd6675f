"""Figures for papers: the same bytes for the same figure, without a date, a version or a font that may be missing."""

import hashlib
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, recorded_study
from designs import METRICS
from drawn import history_of, means_of
from reports import undrawn

from analysis.figures.overview import overview
from analysis.figures.style import palette
from analysis.figures.vector import VECTOR, vector
from analysis.report.files import write_report
from runner.store import Store, read_study

PROGRAM = (
    "import sys, hashlib; sys.path[:0] = ['tests']\n"
    "from tests.analysis.figures.test_vector import figure\n"
    "from analysis.figures.vector import vector\n"
    "print(hashlib.sha256(vector(figure(), sys.argv[1])).hexdigest())"
)


def figure():
    cells = ["a", "<b>&", "$c_1$"]
    return overview(means_of(history_of(cells)), palette(cells), METRICS)


@pytest.mark.parametrize("kind", VECTOR)
def test_the_same_figure_gives_the_same_bytes_in_another_process_and_on_another_day(kind):
    mine = hashlib.sha256(vector(figure(), kind)).hexdigest()
    words = [sys.executable, "-c", PROGRAM, kind]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "86400", "PYTHONHASHSEED": "7"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == mine


def test_no_file_holds_a_date_or_a_version():
    pdf, svg = (vector(figure(), kind) for kind in VECTOR)
    assert pdf.startswith(b"%PDF") and not re.search(rb"CreationDate|ModDate|Producer|Creator|[Mm]atplotlib", pdf)
    assert svg.startswith(b"<?xml") and not re.search(rb"dc:date|[Mm]atplotlib v|<text", svg)
    assert b"/FontFile2" in pdf  # TrueType, inside the file


@undrawn(laid_out=True)
def test_files_for_papers_lie_beside_the_png_where_they_are_asked_for(tmp_path):
    folder = recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=2, figures=["png", "pdf", "svg"])
    write_report(folder)
    kinds = {kind: {path.stem for path in folder.glob(f"figures/*.{kind}")} for kind in ("png", "pdf", "svg")}
    assert kinds["png"] and kinds["png"] == kinds["pdf"] == kinds["svg"]
    before = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    write_report(folder)
    assert {path.name: path.read_bytes() for path in (folder / "figures").iterdir()} == before
    assert np.median([len(content) for name, content in before.items() if name.endswith(".pdf")]) < 200_000


@undrawn(laid_out=True)
def test_figures_that_are_no_longer_asked_for_go(tmp_path):
    folder = recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=2)
    declaration = read_study(folder)
    with undrawn(laid_out=True):
        write_report(Store(tmp_path).write_study("made", {**declaration, "figures": ["png", "svg"]}))
        assert {path.suffix for path in (folder / "figures").iterdir()} == {".png", ".svg"}
        write_report(Store(tmp_path).write_study("made", declaration))
        assert {path.suffix for path in (folder / "figures").iterdir()} == {".png"}
        write_report(Store(tmp_path).write_study("made", {**declaration, "figures": []}))
    assert not list((folder / "figures").iterdir())
    text = (folder / "report.md").read_text()
    assert "figures/" not in text and "<img" not in (folder / "report.html").read_text()
    assert "## Effects" in text
