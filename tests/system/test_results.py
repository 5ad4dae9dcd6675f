"""The committed studies: whole, small enough, and rebuilt from their own tables byte for byte, as on a clean clone."""

import re
import shutil
from importlib.metadata import version

import pytest
from conftest import ROOT

from analysis.reading.tables import SOURCES
from analysis.report import files
from analysis.report.files import write_report
from runner.store import read_study

RESULTS = ROOT / "results"
STUDIES = sorted(re.findall(r"^!/results/(\w+)/$", (ROOT / ".gitignore").read_text(), re.MULTILINE))
DRAWN = "augmentation"  # its figures are drawn again too; those of all studies would take most of a minute
OURS = ("study.json", "report.md", "figures/", "tables/")  # beside them an imported study has the files it came from
SENT = "report.html"  # not committed
PINNED = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
MADE_BY = ("matplotlib", "numpy", "pandas", "pillow", "scipy", "seaborn")
as_locked = pytest.mark.skipif(
    any(version(name) != PINNED[name] for name in MADE_BY),
    reason="the last digits of numbers and the bytes of figures are promised for the versions in constraints.txt",
)


def files_of(folder):
    paths = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in paths.items() if name.startswith(OURS)}


@as_locked
@pytest.mark.parametrize("name", STUDIES)
def test_a_committed_study_is_rebuilt_from_its_tables_to_the_byte(tmp_path, monkeypatch, name):
    committed = files_of(RESULTS / name)
    clone = tmp_path / name
    for path in ("study.json", *(f"tables/{source}" for source in SOURCES)):
        if path in committed:
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(RESULTS / name / path, clone / path)
    if name != DRAWN:
        monkeypatch.setattr(
            files,
            "pictures",
            lambda drawn, _: {f"figures/{each}.png": committed[f"figures/{each}.png"] for each in drawn},
        )
    assert write_report(clone).complete
    rebuilt = files_of(clone)
    assert [path for path in committed.keys() | rebuilt if committed.get(path) != rebuilt.get(path)] == []
    assert (clone / SENT).stat().st_size < 3_000_000


@pytest.mark.parametrize("name", STUDIES)
def test_a_committed_study_is_whole_and_small(name):
    folder = RESULTS / name
    declaration, text = read_study(folder), (folder / "report.md").read_text()
    assert declaration["command"] in text and "## What failed or is missing" not in text
    figures = set(re.findall(r"\]\((figures/\w+\.png)\)", text))
    assert figures == {f"figures/{path.name}" for path in (folder / "figures").iterdir()}
    assert all((folder / figure).stat().st_size < 200_000 for figure in figures)
    assert sum(map(len, files_of(folder).values())) < 3_000_000
    answers = folder / "tables" / "predictions.npz"
    assert not answers.exists() or answers.stat().st_size < 300_000


@pytest.mark.parametrize("name", STUDIES)
def test_a_committed_studys_file_says_what_it_cost_and_found(name):
    path = ROOT / "runner" / "images" / "conf" / "study" / f"{name}.yaml"
    if path.exists():  # else its command is written out in the report
        assert "not measured" not in path.read_text() and f"results/{name}" in path.read_text()


def test_every_link_of_the_answers_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", (RESULTS / "README.md").read_text())
    assert links and [link for link in links if not (RESULTS / link).exists()] == []
