"""The committed studies: whole, small enough, and what the analysis writes from their records."""

import re

import pytest
from conftest import ROOT
from packed import unpack

from analysis.report.files import write_report
from runner.store import read_study

RESULTS = ROOT / "results"
STUDIES = sorted(re.findall(r"^!/results/(\w+)/$", (ROOT / ".gitignore").read_text(), re.MULTILINE))


def test_a_committed_report_is_what_the_analysis_writes_from_its_records(tmp_path):
    study = unpack("augmentation", tmp_path)
    committed = RESULTS / "augmentation"
    assert (study / "study.json").read_bytes() == (committed / "study.json").read_bytes()
    assert write_report(study).complete
    assert (study / "report.md").read_bytes() == (committed / "report.md").read_bytes()


@pytest.mark.parametrize("name", STUDIES)
def test_a_committed_study_is_whole(name):
    folder = RESULTS / name
    declaration, text = read_study(folder), (folder / "report.md").read_text()
    assert declaration["command"] in text and "## What failed or is missing" not in text
    figures = set(re.findall(r"\]\((figures/\w+\.png)\)", text))
    assert figures == {f"figures/{path.name}" for path in (folder / "figures").iterdir()}
    assert all((folder / figure).stat().st_size < 200 * 1024 for figure in figures)
    assert len((folder / "tables" / "runs.csv").read_text().splitlines()) == 1 + len(declaration["runs"])


@pytest.mark.parametrize("name", STUDIES)
def test_a_committed_studys_file_says_what_it_cost_and_found(name):
    path = ROOT / "runner" / "images" / "conf" / "study" / f"{name}.yaml"
    if path.exists():  # else its command is written out in the report
        assert "not measured" not in path.read_text() and f"results/{name}" in path.read_text()


def test_every_link_of_the_answers_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", (RESULTS / "README.md").read_text())
    assert links and [link for link in links if not (RESULTS / link).exists()] == []
