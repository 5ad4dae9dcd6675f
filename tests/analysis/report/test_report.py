"""The report: every section says what the records hold, the same records give the same bytes, nothing is live."""

import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, recorded_study
from reports import SECTIONS, undrawn, written

from analysis.__main__ import main
from analysis.report import files, freshness
from analysis.report.evidence import gather
from analysis.report.files import write_report
from analysis.report.note import NAME, Note, Shown, read_note, write_note
from analysis.report.sections import split_table
from analysis.report.tables import seeds_needed
from analysis.statistics.splits import Split
from runner.store import Store, read_study

FACTORS = {"dropout": ["true", "false"], "binarize": ["true", "false"]}


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = recorded_study(tmp_path_factory.mktemp("made"), FACTORS, seeds=5, images=1000)
    result = write_report(folder)
    return folder, (folder / "report.md").read_text(), result


def test_the_sections_stand_in_order(study):
    _, text, _ = study
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS


def test_every_figure_that_is_named_exists_and_every_one_that_exists_is_named(study):
    folder, text, _ = study
    named = set(re.findall(r"\]\((figures/[^)]+)\)", text))
    assert named == {f"figures/{path.name}" for path in (folder / "figures").iterdir()}
    assert len(named) == 11
    assert all(path.stat().st_size < 200_000 for path in (folder / "figures").iterdir())


def test_the_comparison_table_has_the_means_and_intervals_of_the_cells(study):
    folder, text, result = study
    cells = pd.read_csv(folder / "tables" / "cells.csv")
    row = cells.iloc[3]
    half = (row["val_accuracy_high"] - row["val_accuracy_low"]) / 2 * 100
    assert f"| false | false | 5 | {row['val_accuracy'] * 100:.1f} ± {half:.1f} |" in text
    assert f"{row['val_accuracy'] * 100:.1f} ± {half:.1f}" in str(result.shown.table) and result.complete


def test_a_planted_effect_is_in_the_table_with_its_grade(study):
    _, text, _ = study
    head = "| dropout: true → false | established | accuracy |"
    row = next(line for line in text.splitlines() if line.startswith(head))
    estimate = float(re.search(r"\| \+([\d.]+) ", row)[1])
    assert estimate == pytest.approx(2.0, abs=0.3)
    assert ".062 (lowest possible)" in row  # the exact test at n = 5


def test_the_figures_epochs_and_the_family_are_said_before_any_finding(study):
    _, text, _ = study
    asked = text.split("## Findings")[0]
    assert "- figures: of epoch 3" in asked
    assert "- tests: 3 contrasts × validation accuracy and validation loss = 6, corrected together (Holm, 5 %)" in asked


def test_the_doubt_of_the_validation_examples_stands_beside_that_of_the_seeds(tmp_path):
    folder = recorded_study(tmp_path, FACTORS, seeds=5, images=400, answered=True)
    text, _ = written(folder)
    effects = pd.read_csv(folder / "tables" / "effects.csv")
    rows = effects[effects["response"].eq("val_accuracy")]
    assert rows["se_examples"].notna().all() and effects["se_examples"][effects["response"].eq("val_loss")].isna().all()
    assert (rows["new_low"] <= rows["low"]).all() and (rows["new_high"] >= rows["high"]).all()
    head = next(line for line in text.splitlines() if line.startswith("| effect |"))
    assert "| ± seeds | ± images |" in head
    assert "± images that due to the 400 validation images, which no seed removes; the interval for new " in text
    assert "| for new images | n |" in head


def test_where_accuracy_is_not_the_share_of_the_kept_answers_no_doubt_is_told(study):
    _, text, _ = study
    assert "± images" not in text


def test_a_window_is_the_same_in_tables_effects_and_words_and_keeps_the_last_epoch_beside_it(tmp_path):
    folder = recorded_study(tmp_path, FACTORS, seeds=5, epochs=4, images=400, answered=True, window=3)
    text, _ = written(folder)
    runs, history = (pd.read_csv(folder / "tables" / f"{name}.csv") for name in ("runs", "history"))
    last = history[history["epoch"] > 1].groupby(["cell", "seed"], sort=False)["val_accuracy"].mean()
    assert runs["val_accuracy"].to_numpy() == pytest.approx(last.to_numpy())
    final = history[history["epoch"].eq(4)]
    assert runs["last_val_accuracy"].to_numpy() == pytest.approx(final["val_accuracy"].to_numpy())
    cells = pd.read_csv(folder / "tables" / "cells.csv").set_index("cell")
    assert cells["val_accuracy"].to_dict() == pytest.approx(last.groupby("cell").mean().to_dict())
    assert cells["last_val_accuracy"].to_dict() == pytest.approx(final.groupby("cell")["val_accuracy"].mean().to_dict())
    effects = pd.read_csv(folder / "tables" / "effects.csv").set_index(["contrast", "response"])
    window = history[history["epoch"] > 1].groupby("dropout")
    row = effects.loc[("dropout: true → false", "val_accuracy")]
    means = window["val_accuracy"].mean()
    assert row["estimate"] == pytest.approx(means[False] - means[True]) and np.isfinite(row["se_examples"])
    gaps = means - window["accuracy"].mean()
    assert effects.loc[("dropout: true → false", "gap_accuracy"), "estimate"] == pytest.approx(gaps[False] - gaps[True])
    assert "- figures: means of epochs 2 to 4" in text
    assert "Means over the last 3 epochs of each run; mean ± half of the 95 % t-interval over seeds" in text


def test_the_same_records_give_the_same_bytes(study):
    folder, _, _ = study
    before = files_of(folder)
    write_report(folder)
    assert files_of(folder) == before


@undrawn()
def test_what_the_report_before_had_and_this_one_has_not_goes_and_what_no_report_wrote_stays(study, tmp_path):
    folder = shutil.copytree(study[0], tmp_path / "made")
    for name in ("figures/old.png", "tables/old.csv", "figures/photo.png", "tables/survey.csv", "thesis.md"):
        (folder / name).write_bytes(b"x")
    note = write_report(folder)
    outside = {"../made/thesis.md": "", "thesis.md": ""}  # a note that someone has written
    write_note(folder, replace(note, outputs={**note.outputs, **outside, "figures/old.png": "", "tables/old.csv": ""}))
    assert set(write_report(folder).outputs) == set(note.outputs)
    assert not (folder / "figures" / "old.png").exists() and not (folder / "tables" / "old.csv").exists()
    assert all((folder / name).exists() for name in ("figures/photo.png", "tables/survey.csv", "thesis.md"))
    assert set(note.outputs) <= {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_note_that_was_changed_is_not_believed_and_nothing_of_it_reaches_a_terminal(tmp_path):
    note = Note("a", {"report.md": "b"}, Shown([["n"], ["99.81\x1b[2J"]], 0, ["so\x07"]), True)
    write_note(tmp_path, note)
    assert read_note(tmp_path) == note
    path = tmp_path / NAME
    path.write_text(path.read_text().replace("99.81", "89.81"))
    assert read_note(tmp_path) is None
    path.write_text("[" * 100_000)
    assert read_note(tmp_path) is None
    shown = freshness.shown(note, tmp_path).splitlines()
    assert [line.strip() for line in shown[:3]] == ["n", "99.81\\x1b[2J", "so\\x07"]


def test_the_gaps_parts_in_the_table_sum_to_the_net(study):
    folder, _, _ = study
    gap = pd.read_csv(folder / "tables" / "gap.csv").pivot_table(
        "mean", ["cell", "response", "epoch"], "term", aggfunc="first"
    )
    np.testing.assert_allclose(gap.drop(columns="net").sum(axis=1), gap["net"], atol=1e-12)
    assert len(gap) == 4 * 2 * 3


def test_missing_failed_and_diverged_runs_are_named_and_their_seeds_left_out(tmp_path):
    folder = recorded_study(tmp_path, FACTORS, seeds=5, lost=((0, 1), (1, 4)), diverged=((2, 3),))
    store, runs = Store(tmp_path), gather(folder).study.runs
    failed = runs[(runs["cell"] == "dropout=true, binarize=false") & (runs["seed"] == 4)]["run"].iloc[0]
    store.save_failure(failed, {"label": "x", "reason": "ValueError: <b>bad</b>", "traceback": ""})
    text, result = written(folder)
    assert not result.complete and "## What failed or is missing" in text
    assert "dropout=true, binarize=true: missing in 1 of 5 seeds (1)" in text
    assert "dropout=false, binarize=true: diverged in 1 of 5 seeds (3)" in text
    assert r"dropout=true, binarize=false, seed 4: ValueError: \<b\>bad\</b\>" in text
    assert "left out of all comparisons: seed 1" in text
    assert "| true | true | 2 |" in text
    assert "diverged in 1 of 5 seeds" in str(result.shown.lines)


def test_a_study_whose_only_lack_is_divergence_is_complete(tmp_path):
    _, result = written(recorded_study(tmp_path, FACTORS, seeds=3, diverged=((0, 0),)))
    assert result.complete


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_are_reported_without_nan(tmp_path, seeds):
    text, result = written(recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=seeds))
    assert "nan" not in text.lower().replace("nats", "") and "nan" not in str(result.shown)
    assert "- Established" not in text.split("## Comparison")[0]


def test_a_study_without_any_run_says_so(tmp_path):
    lost = tuple((cell, seed) for cell in range(2) for seed in range(2))
    text, result = written(recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=2, lost=lost))
    assert "missing in 2 of 2 seeds" in text and "nothing to compare" in text and not result.complete


def test_with_one_epoch_and_many_levels_the_report_is_whole(tmp_path):
    factors = {"model": [f"stage_{number}" for number in range(1, 14)]}
    text, _ = written(recorded_study(tmp_path, factors, seeds=3, epochs=1), laid_out=True)
    assert len(re.findall(r"^\| stage\\_\d+ \|", text, re.MULTILINE)) == 13 and "curves_accuracy" in text


def test_many_cells_are_shown_by_their_baseline_best_and_worst(tmp_path):
    factors = {"a": [str(level) for level in range(6)], "b": [str(level) for level in range(6)]}
    folder = recorded_study(tmp_path, factors, seeds=2, epochs=1)
    evidence = gather(folder)
    ranked = evidence.cells.sort_values("val_accuracy")["cell"]
    assert len(evidence.shown) <= 11 < len(evidence.cells)
    assert {"a=0, b=0", ranked.iloc[0], ranked.iloc[-1]} <= set(evidence.shown)
    text, _ = written(folder, laid_out=True)
    assert "the best and worst of 36 cells" in text
    assert len(pd.read_csv(folder / "tables" / "cells.csv")) == 36


HOSTILE = [
    "a|b",
    "<script>alert(1)</script>",
    "[x](http://example.org)",
    "=1+1",
    "`tick` $x$ \\",
    "x" * 300,
    "😀\n# new",
]


def test_hostile_levels_are_text_everywhere(tmp_path):
    folder = recorded_study(tmp_path, {"model": HOSTILE}, seeds=3, epochs=2)
    text, _ = written(folder)
    assert not re.search(r"(?<!\\)(<script|\]\(http)", text) and "\n# new" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    widths = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert len(widths) <= 3  # as many as there are tables
    runs = pd.read_csv(folder / "tables" / "runs.csv")
    assert not runs["model"].str.match(r"[=+@-]").any() and len(runs) == 21
    assert r"\textless{}script\textgreater{}" in (folder / "tables" / "comparison.tex").read_text()
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} <= {
        *(tmp_path / "runs").rglob("*"),
        folder,
        folder / "figures",
        folder / "tables",
    }


# ---- is the report still that of its records?


@undrawn()
def test_an_unchanged_study_is_not_written_again(tmp_path):
    folder = recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=2)
    first = freshness.summary(folder, Store(tmp_path), read_study(folder))
    stamp = (folder / "report.md").stat().st_mtime_ns
    assert freshness.summary(folder, Store(tmp_path), read_study(folder)) == first
    assert (folder / "report.md").stat().st_mtime_ns == stamp


@undrawn()
def test_of_commands_that_end_together_one_writes_the_report_and_the_others_find_it(tmp_path, monkeypatch):
    folder, store = recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=2), Store(tmp_path)
    writings, writer = [], threading.Barrier(2)

    def slowly(*arguments):
        writings.append(arguments)
        writer.wait()  # until the other command is about to look
        return write_report(*arguments)

    monkeypatch.setattr(files, "write_report", slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(freshness.summary, folder, store, read_study(folder))
        while not writings:
            time.sleep(0.001)
        second = pool.submit(freshness.summary, folder, Store(tmp_path), read_study(folder))
        time.sleep(0.2)
        assert not second.done() and len(writings) == 1
        writer.wait()
        assert first.result() == second.result()
    assert len(writings) == 1


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """A results folder with a study whose report is up to date."""
    root = tmp_path_factory.mktemp("reported")
    with undrawn():
        folder = recorded_study(root, {"dropout": ["true", "false"]}, seeds=2)
        freshness.summary(folder, Store(root), read_study(folder))
    return root


@pytest.mark.parametrize("change", ["report", "table", "record", "failure", "note"])
@undrawn()
def test_what_has_changed_is_written_again(reported, tmp_path, change):
    shutil.copytree(reported, tmp_path, dirs_exist_ok=True)
    folder, store = tmp_path / "made", Store(tmp_path)
    stamp, report = (folder / "report.md").stat().st_mtime_ns, (folder / "report.md").read_text()
    freshness.summary(folder, store, read_study(folder))
    assert (folder / "report.md").stat().st_mtime_ns == stamp
    run_id = gather(folder).study.runs["run"].iloc[0]
    if change == "report":
        (folder / "report.md").write_text("else")
    elif change == "table":
        (folder / "tables" / "runs.csv").unlink()
    elif change == "record":
        shutil.rmtree(tmp_path / "runs" / run_id)
    elif change == "failure":
        store.save_failure(run_id, {"label": "x", "reason": "why", "traceback": ""})
    else:
        (folder / NAME).write_text("{")
    _, complete = freshness.summary(folder, store, read_study(folder))
    assert complete == (change != "record")
    assert ((folder / "report.md").read_text() == report) == (change != "record")
    assert (folder / "tables" / "runs.csv").is_file()


def test_images_of_every_contrast_are_listed_and_the_rest_counted_below_the_table():
    images = pd.DataFrame({"contrast": ["a"] * 30 + ["b"] * 3, "example": range(33), "label": 0, "p": 0.01})
    images = images.assign(missed_baseline=0, runs_baseline=5, missed_level=5, runs_level=5)
    lines = split_table(Split(images, pd.DataFrame()))
    assert [line.split(" | ")[:2] for line in lines[2:-3]] == [
        *(["| a", str(image)] for image in range(10)),
        *(["| b", str(image)] for image in range(30, 33)),
    ]
    assert lines[-3:] == ["", "And 20 more; tables/missed.csv has every image.", ""]
    assert split_table(Split(images.tail(3), pd.DataFrame()))[-2].startswith("| b | 32")
    assert split_table(Split(images.assign(p=0.2), pd.DataFrame())) == []


def test_more_seeds_than_anyone_trains_are_not_counted():
    row = {"seeds_low": 36, "seeds_high": 731, "sesoi_seeds_low": 140, "sesoi_seeds_high": 3119}
    assert (seeds_needed(row, ""), seeds_needed(row, "sesoi_")) == ("36–731", "140–1,000+")
    assert seeds_needed({"seeds_low": 8299, "seeds_high": 190798}, "") == "1,000+"
    assert seeds_needed({"seeds_low": 4, "seeds_high": 4}, "") == "4"


def test_the_cost_counts_no_epoch_that_only_another_study_asked_for(tmp_path):
    folder = recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=2, epochs=4)
    assert "4 trainings, 16 epochs, for 16 epochs asked for" in written(folder)[0]
    declaration = read_study(folder)
    for run in declaration["runs"]:
        run["epochs"] = 2
    text, _ = written(Store(tmp_path).write_study("made", declaration))
    assert "4 trainings, 8 epochs, for 8 epochs asked for" in text
    assert "24 s of training and measuring, 20 s of processor time" in text
    assert "one more seed would take about 12 s of" in text


@undrawn()
def test_the_store_is_opened_once_for_a_report(tmp_path, monkeypatch, capsys):
    folder, opened, begin = recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=2), [], Store.__init__
    monkeypatch.setattr(Store, "__init__", lambda store, root: (opened.append(root), begin(store, root))[1])
    monkeypatch.setattr(sys, "argv", ["analysis", str(folder)])
    assert main() == 0 and len(opened) == 1
    assert f"report: {folder / 'report.md'}" in capsys.readouterr().out


@undrawn()
def test_an_up_to_date_report_costs_no_pandas(tmp_path):
    folder = recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=2)
    freshness.summary(folder, Store(tmp_path), read_study(folder))
    program = (
        "import sys; from pathlib import Path; from analysis.report import freshness\n"
        "from runner.store import Store, read_study\n"
        f"folder = Path({str(folder)!r})\n"
        f"freshness.summary(folder, Store({str(tmp_path)!r}), read_study(folder))\n"
        "print([name for name in ('pandas', 'matplotlib', 'tensorflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("draw", range(8))
def test_whatever_is_missing_a_report_is_written_and_names_it(draw, tmp_path):
    """Any runs may be lost or diverge; seven of twelve, no two cells sharing a seed, once broke it."""
    random = np.random.default_rng(draw)
    every = [(cell, seed) for cell in range(4) for seed in range(3)]
    shuffled = [every[place] for place in random.permutation(len(every))]
    lost = tuple(shuffled[: 1 + draw]) if draw else ((3, 2), (0, 0), (2, 2), (1, 0), (2, 1), (3, 0), (1, 1))
    diverged = tuple(shuffled[-draw // 3 :]) if draw > 2 else ()
    factors = {"dropout": ["true", "false"], "binarize": ["true", "false"]}
    folder = recorded_study(tmp_path, factors, lost=lost, diverged=diverged)
    text, result = written(folder, laid_out=True)
    assert not result.complete
    assert "## What failed or is missing" in text and "nan" not in text
