"""The report of a recipe of a user's own: any metrics in their own units, and only what the records hold."""

import csv
import io
import re

import numpy as np
import pandas as pd
import pytest
from recipes import EPOCHS, recorded_recipe
from reports import MISSES, SECTIONS, written

from analysis import read
from analysis.report.drawing import file_stems
from analysis.report.evidence import gather
from runner.metrics import Compiled, Metric
from runner.store import StoreError

LABELS = np.random.default_rng(0).integers(0, 3, 60)
MANY_LABELS = np.random.default_rng(1).integers(0, 400, 60)


def answers_from(labels, kind):
    """Answers of nets that get seven of ten examples right, and eight at width 128."""

    def answers(width, seed):
        random = np.random.default_rng([int(width), seed])
        right = random.random((EPOCHS, len(labels))) < (0.8 if width == "128" else 0.7)
        return labels, np.where(right, labels, (labels + 1) % (labels.max() + 1)).astype(kind)

    return answers


def section(text, title):
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


# ---- a regression


@pytest.fixture(scope="module")
def regression(tmp_path_factory):
    folder = recorded_recipe(
        tmp_path_factory.mktemp("regression"),
        stopped={("64", 1): 4, ("64", 3): 3},
        initial_weights=[
            {"cell": "width=128", "random": 9, "shared": 8, "apart": ["dense_1/kernel"], "resized": []},
            {
                "cell": "width=64",
                "random": 9,
                "shared": 6,
                "apart": ["a/kernel"],
                "resized": ["b/kernel", "c/kernel"],
            },
        ],
        explicit_seeds=["dense/kernel"],
        notes=["The callback ModelCheckpoint|x was left out."],
    )
    return folder, written(folder)[0]


def test_a_regression_has_every_section_that_its_records_can_fill(regression):
    folder, text = regression
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [each for each in SECTIONS if each != MISSES]
    named = set(re.findall(r"\]\(figures/([^)]+)\.png\)", text))
    assert named == {f"{kind}_{name}" for kind in ("effects_val", "curves", "gap") for name in ("mae", "loss")} | {
        "overview"
    }
    assert named == {path.stem for path in (folder / "figures").iterdir()}
    assert not (folder / "tables" / "missed.csv").exists()


def test_a_regression_is_told_without_per_cent_accuracy_and_images(regression):
    folder, text = regression
    files = [text, *(path.read_text() for path in (folder / "tables").glob("*.tex"))]
    for each in files:
        plain = re.sub(r"(95|80|9|5|2\.5) \\?%", "", each.replace("% needs", ""))
        assert "%" not in plain and "percentage" not in plain and "nats" not in plain
        assert "accurac" not in each and "image" not in each and "nan" not in each


def test_a_regressions_figures_are_plain_numbers(regression):
    folder, text = regression
    cells = pd.read_csv(folder / "tables" / "cells.csv").set_index("width")
    row = cells.loc[128]
    half = (row["val_mae_high"] - row["val_mae_low"]) / 2
    assert f"| 128 | 5 | {row['val_mae']:.2f} ± {half:.2f} | " in text
    assert "| width | n | validation mean absolute error | training mean absolute error | validation loss |" in text
    effect = float(re.search(r"lowers validation mean absolute error by ([\d.]+) \(95 %", text)[1])
    assert effect == pytest.approx(cells.loc[64, "val_mae"] - cells.loc[128, "val_mae"], abs=0.01)
    assert "The exploratory responses (the gap and its parts) are in tables/effects.csv." in text.split("\n")


def test_a_metric_without_a_smallest_effect_of_interest_is_planned_for_without_one(regression):
    folder, text = regression
    effects = pd.read_csv(folder / "tables" / "effects.csv").set_index("response")
    assert effects.loc["val_mae", "sesoi"] == 0.05 and np.isnan(effects.loc["val_loss", "sesoi"])
    seeds = [row.split(" | ")[11] for row in section(text, "Effects").splitlines() if row.startswith("| width")]
    assert [";" in each for each in seeds] == [True, False]


def test_runs_that_were_stopped_are_told_and_their_means_end_where_all_seeds_are(regression):
    folder, text = regression
    assert (
        "- Outcome: a callback stopped training early in 2 of 5 seeds at width=64 (after 3 to 4 epochs, median 3.5)."
        in text.split("\n")
    )
    assert "of one that a callback stopped, the epoch where it ended" in section(text, "Comparison")
    assert "\nAfter at most 6 epochs" in text
    assert "; of a run that a callback stopped, its last\n" in section(text, "What was asked")
    assert section(text, "Training against validation").strip().startswith("Some trainings were stopped early: ")
    assert "What failed or is missing" not in text
    evidence = gather(folder)
    for frame in (evidence.curves, evidence.gap):
        assert frame.groupby("cell")["epoch"].max().to_dict() == {"width=64": 3, "width=128": EPOCHS}
        assert set(frame["n"]) == {5}
    runs = list(csv.DictReader(io.StringIO((folder / "tables" / "runs.csv").read_text())))
    assert [run["stopped"] for run in runs] == ["", "4", "", "3", "", *[""] * 5]
    assert {run["status"] for run in runs} == {"complete"}
    last = read(folder).runs.set_index(["width", "seed"]).loc[("64", 3)]
    assert last["val_mae"] == evidence.study.history.set_index(["width", "seed", "epoch"]).loc[("64", 3, 3), "val_mae"]


def test_what_is_not_shared_with_the_baseline_is_told_with_what_would_mend_it(regression):
    lines = section(regression[1], "How this was made").strip().split("\n")
    assert lines[:4] == [
        "- width=128: 8 of 9 random initial weights are those of the baseline; give `name=` to the layers of "
        "dense\\_1/kernel so that the rest are shared too.",
        "- width=64: 6 of 9 random initial weights are those of the baseline; b/kernel and c/kernel have no "
        "counterpart of their shape there; give `name=` to the layers of a/kernel so that it is shared too.",
        "- dense/kernel has a fixed seed in the recipe's code, so every seed starts from the same weights there.",
        "- The callback ModelCheckpoint\\|x was left out.",
    ]
    assert "- data: mine.py" in lines and any(line.startswith("- examples: 96 train") for line in lines)


def test_a_reported_figure_of_a_regression_stands_beside_the_reproduced_one(tmp_path):
    figures = [("val_mae", 1.0, ""), ("val_mae", 900.0, ""), ("val_loss", 1.0, "another.py")]
    rows = [
        {"cell": "width=128", "metric": metric, "value": value, "source": "table 1", "dataset": dataset}
        for metric, value, dataset in figures
    ]
    text, _ = written(recorded_recipe(tmp_path, reported=rows))
    told = section(text, "Reported and reproduced")
    assert re.search(
        r"\| width=128 \| mean absolute error \| 1\.0000 \| [\d.]+ ± [\d.]+ \| 5 \| [\d.]+ to [\d.]+ \| within", told
    )
    assert re.search(r"\| mean absolute error \| 900\.0000 \| .* \| above \|", told) and "of another dataset" in told
    assert "of 2 on validation mean absolute error, 1 lie within it, 1 above and 0 below" in section(text, "Findings")


# ---- a classifier of text, with AUC


def test_examples_that_are_no_images_are_listed_by_index_and_label(tmp_path):
    compiled = (Compiled("loss", "binary_crossentropy"), Compiled("auc", "auc"))
    folder = recorded_recipe(tmp_path, compiled, {}, answers=answers_from(LABELS, np.uint8))
    text, _ = written(folder)
    assert [metric.name for metric in gather(folder).study.primary] == ["auc", "loss"]
    assert "raises validation AUC by 0." in text and "| validation AUC | training AUC | validation loss, nats |" in text
    told = section(text, "The examples that most runs miss")
    missed = pd.read_csv(folder / "tables" / "missed.csv").iloc[0]
    assert (
        f"| {missed['example']} | {missed['label']} | {missed['missed_by']} of 10 | {missed['answers']} |"
        in told.split("\n")
    )
    assert (
        "figures/confusion.png" in told and "figures/missed.png" not in text and "image" not in told.replace("![", "")
    )
    assert "Wilson" not in told  # no metric is a share of right answers


def test_where_images_are_kept_they_are_drawn(tmp_path):
    inputs = np.random.default_rng(0).random((60, 8, 8, 1)).astype(np.float32)
    compiled = (Compiled("loss", "sparse_categorical_crossentropy"), Compiled("acc", "sparse_categorical_accuracy"))
    text, _ = written(recorded_recipe(tmp_path, compiled, {}, answers=answers_from(LABELS, np.uint8), inputs=inputs))
    told = section(text, "The examples that most runs miss")
    assert "figures/missed.png" in told and "| example | class | missed by | answers |" not in told
    assert "an accuracy of" in told and "Wilson" in told


# ---- three metrics, many classes


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    compiled = (
        Compiled("loss", "sparse_categorical_crossentropy"),
        Compiled("accuracy", "sparse_categorical_accuracy"),
        Compiled("gate_use", "gate_use"),
    )
    settings = {"better": {"gate_use": "neither"}}
    folder = recorded_recipe(
        tmp_path_factory.mktemp("three"),
        compiled,
        settings,
        answers=answers_from(MANY_LABELS, np.uint16),
        measured=("holdout_",),
        train_mode=(),
    )
    return folder, written(folder)[0]


def test_a_metric_that_is_not_primary_is_shown_and_called_exploratory(three):
    folder, text = three
    assert "validation gate use | time |" in text and "training gate use" not in text
    assert "Exploratory, suggestive: changing width from 64 to 128 seems to lower validation gate use by " in text
    assert {path.stem for path in (folder / "figures").iterdir()} == {
        *(f"effects_val_{name}" for name in ("accuracy", "loss", "gate_use")),
        *(f"{kind}_{name}" for kind in ("curves", "gap") for name in ("accuracy", "loss")),
        "overview",
    }
    assert "*Effects on validation gate use, exploratory: mean" in text
    table = pd.read_csv(folder / "tables" / "effects.csv").set_index("response")
    assert np.isnan(table.loc["val_gate_use", "p_holm"]) and not table.loc["val_gate_use", "primary"]
    assert table["p_holm"].notna().sum() == 2


def test_of_many_classes_the_pairs_that_are_mistaken_most_are_listed(three):
    folder, text = three
    told = section(text, "The examples that most runs miss")
    assert "figures/confusion.png" not in text and "| cell | true class | class given | answers |" in told
    pairs = gather(folder).misses.confused
    first = pairs.iloc[0]
    assert f"| width=64 | {first['label']} | {first['answer']} | {first['count']} of {first['of']} |" in told.split(
        "\n"
    )
    assert pairs["label"].max() > 255 and ((pairs["answer"] == (pairs["label"] + 1) % (MANY_LABELS.max() + 1)).all())


def test_a_gap_without_a_probe_is_told_as_far_as_it_can_be(three):
    told = section(three[1], "The gap between training and validation, taken apart")
    assert (
        "from moving weights, training-mode noise and memorisation together (no training examples were scored" in told
    )
    assert "from the split difference (the validation file is" in told


def test_of_more_than_six_metrics_only_the_primary_ones_have_figures(tmp_path):
    others = [Compiled(f"mae_{place}", "mean_absolute_error") for place in range(20)]
    folder = recorded_recipe(tmp_path, [Compiled("loss", "huber"), *others], {"primary": ["loss"]}, seeds=2)
    written(folder)
    assert {path.stem for path in (folder / "figures").iterdir()} == {
        "effects_val_loss",
        "curves_loss",
        "gap_loss",
        "overview",
    }


# ---- awkward metrics


def test_a_metrics_name_makes_no_path_and_no_markup(tmp_path):
    compiled = [Compiled("../a|b<i>", "mine", "higher"), Compiled("loss", "huber")]
    folder = recorded_recipe(tmp_path, compiled, {}, seeds=3)
    text, _ = written(folder)
    assert {path.name for path in (folder / "figures").iterdir()} >= {"curves____a_b_i_.png", "gap____a_b_i_.png"}
    assert not re.search(r"(?<!\\)<i", text)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 3  # as many as there are tables


def test_metrics_that_share_a_label_are_called_by_their_names(tmp_path):
    compiled = [
        Compiled("accuracy", "sparse_categorical_accuracy"),
        Compiled("top_k_categorical_accuracy", "top_k_categorical_accuracy"),
    ]
    study = read(recorded_recipe(tmp_path, compiled, {}, seeds=2))
    assert [metric.label for metric in study.metrics] == ["accuracy", "top k categorical accuracy"]


@pytest.mark.parametrize("name", ["width", "seed", "train_seconds", "val_loss"])
def test_a_metric_with_the_name_of_another_column_is_refused_in_a_sentence(tmp_path, name):
    folder = recorded_recipe(tmp_path, [Compiled("loss", "huber"), Compiled(name, "mine", "higher")], {}, seeds=1)
    with pytest.raises(
        StoreError, match=rf"^a metric must not have the name of a factor, .*; got '{name}' twice\. Give"
    ):
        read(folder)


def test_no_two_metrics_share_a_file():
    names = ["a-b", "a_b", "a b", "c"]
    stems = file_stems(Metric(name, name, "higher") for name in names)
    assert stems == {"a-b": "a_b", "a_b": "a_b_1", "a b": "a_b_2", "c": "c"}
