"""`python -m analysis import`: a study's folder from other tools' files, the same bytes each time, or one sentence."""

import itertools
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import yaml
from conftest import ROOT
from reports import undrawn
from scipy import stats

from analysis import importing, read
from analysis.__main__ import main as rebuild

SIZES = {("small", 0.0): 4, ("small", 0.5): 6, ("large", 0.0): 5, ("large", 0.5): 9}


def final_figures(sizes=SIZES):
    random = np.random.default_rng(0)
    return [
        {"net": net, "dropout": dropout, "seed": seed, "val_accuracy": 0.8 + 0.02 * (net == "large") + noise}
        for (net, dropout), runs in sizes.items()
        for seed, noise in enumerate(random.normal(0, 0.004, runs))
    ]


def curves(epochs=4):
    random = np.random.default_rng(1)
    rows = []
    for lr, seed, epoch in itertools.product((0.1, 0.01), range(3), range(1, epochs + 1)):
        value = 0.7 + 0.03 * epoch + 0.05 * (lr == 0.1) + random.normal(0, 0.004)
        rows.append({"lr": lr, "seed": seed, "epoch": epoch, "accuracy": value + 0.02, "val_accuracy": value})
    return rows


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


@pytest.mark.parametrize("rows", [final_figures, curves])
def test_the_same_command_and_a_rebuilding_give_the_same_bytes(tmp_path, written, rows, monkeypatch, capsys):
    arguments = [written(rows()), "--name", "mine", "--results-dir", "results"]
    assert importing.main(arguments) == 0
    assert "unpaired" in capsys.readouterr().out
    folder = tmp_path / "results" / "mine"
    once = files_of(folder)
    assert importing.main(arguments) == 0 and files_of(folder) == once
    (folder / "report.md").unlink()
    monkeypatch.setattr(sys, "argv", ["analysis", "results/mine"])
    assert rebuild() == 0 and files_of(folder) == once
    how = yaml.safe_load(once["import.yaml"])
    assert how == {"paths": ["table.csv"], "options": {"name": "mine"}, "source": "tidy table"}
    assert ("figures/curves_accuracy.png" in once) == (rows is curves)
    declaration = json.loads(once["study.json"])
    assert declaration["paired"] is False and declaration["command"].startswith("python -m analysis import table.csv")


@undrawn()
def test_the_report_says_how_runs_were_compared_and_its_numbers_are_welchs(tmp_path, written):
    assert importing.main([written(curves()), "--name", "mine"]) == 0
    study = read(tmp_path / "results" / "mine")
    text = (tmp_path / "results" / "mine" / "report.md").read_text()
    assert "unpaired: seed numbers of runs made elsewhere are not taken as pairs, since" in text
    assert "Welch's test per comparison, with Holm" in text and "p exact" not in text and "## Cost" not in text
    values = [group["val_accuracy"] for _, group in study.runs.groupby("cell", sort=False)]
    found = stats.ttest_ind(values[1], values[0], equal_var=False)
    import pandas as pd

    table = pd.read_csv(tmp_path / "results" / "mine" / "tables" / "effects.csv").set_index("response")
    assert table.loc["val_accuracy", ["t", "p", "df"]].tolist() == pytest.approx(
        [found.statistic, found.pvalue, found.df]
    )


@undrawn()
def test_pair_seed_gives_the_paired_analysis_and_the_ratio_of_variances(tmp_path, written, capsys):
    assert importing.main([written(curves()), "--name", "mine", "--pair", "seed"]) == 0
    out, text = capsys.readouterr().out, (tmp_path / "results" / "mine" / "report.md").read_text()
    assert "Var(paired)/Var(unpaired): " in out
    assert "paired: runs of one seed number are a block, as --pair seed says" in text
    assert "n = 3 seeds" in text and "exact p" in text and "over that of an unmatched one" in text


def test_a_dry_run_says_how_files_are_understood_and_writes_nothing(tmp_path, written, capsys):
    assert importing.main([written(final_figures()), "--dry-run"]) == 0
    assert "net: small (baseline), large" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--better", "val_accuracy=up"], "must be one of"),
        (["--pair", "net"], "--pair must be seed"),
        (["--where", "net=huge"], "--where"),
        (["--name", "../out"], "--name must be"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_code_2_and_writes_nothing(tmp_path, written, capsys, options, told):
    assert importing.main([written(final_figures()), *options]) == 2
    out, error = capsys.readouterr()
    assert out == "" and told in error and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_the_folder_of_another_study_is_not_written_to(tmp_path, written, capsys):
    (tmp_path / "results" / "mine").mkdir(parents=True)
    (tmp_path / "results" / "mine" / "study.json").write_text("{}")
    assert importing.main([written(final_figures()), "--name", "mine"]) == 2
    assert "holds another" in capsys.readouterr().err
    assert (tmp_path / "results" / "mine" / "study.json").read_text() == "{}"


@undrawn()
def test_a_cell_that_cannot_be_compared_is_named_and_the_others_are(tmp_path, written):
    sizes = {("a", 0.0): 5, ("b", 0.0): 5, ("c", 0.0): 1}
    assert importing.main([written(final_figures(sizes)), "--name", "mine", "--factors", "net"]) == 0
    text = (tmp_path / "results" / "mine" / "report.md").read_text()
    assert "net=c has a single complete run, whose spread is not known" in text
    assert "a → b" in text


def test_a_report_of_unpaired_runs_counts_runs_and_no_seeds(tmp_path, written):
    rows = curves()
    assert (
        importing.main([written([*rows, *({**row, "seed": row["seed"] + 3} for row in rows[:8])]), "--name", "mine"])
        == 0
    )
    text = (tmp_path / "results" / "mine" / "report.md").read_text()
    assert "factorial, 2 cells × 3 to 5 runs, unpaired" in text
    assert "design factorial: 2 cells, 8 runs, 3 to 5 in each" in text
    assert "n = 3 runs)" in text and "n = 5 runs)" in text and "Averaged over the runs, validation" in text
    assert "Each cell's curves are of its own 3 to 5 runs." in text
    numbers = "seed numbers of runs made elsewhere are not taken as pairs"
    assert re.findall(r".*seed.*", re.sub(numbers, "", text, flags=re.IGNORECASE)) == []


def test_the_command_line_imports_without_tensorflow(tmp_path, written):
    code = (
        "import sys; from analysis.importing import main; "
        f"code = main([{str(tmp_path / written(curves()))!r}, '--dry-run']); "
        "print(code, 'tensorflow' in sys.modules, 'matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 False False"
