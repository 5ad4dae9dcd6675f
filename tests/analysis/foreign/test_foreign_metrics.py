"""Names of columns that tools write become this program's metrics, with their part and direction."""

import random

import pytest

from analysis.foreign import read, read_options, understand
from analysis.foreign.names import Named, is_bookkeeping, named


@pytest.fixture
def understood(written):
    def understand_rows(found, **options):
        return understand(read([written(found)]), read_options(**options))

    return understand_rows


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("val_loss", Named("loss", "validation")),
        ("valid/F1", Named("f1", "validation")),
        ("validation_accuracy", Named("accuracy", "validation")),
        ("eval_auc", Named("auc", "validation")),
        ("test_acc", Named("acc", "test")),
        ("train/loss", Named("loss", "training")),
        ("Loss/val", Named("loss", "validation")),
        ("valLoss", Named("loss", "validation")),
        ("best_val_acc", Named("acc", "validation", best=True)),
        ("val_best_acc", Named("acc", "validation", best=True)),
        ("metrics/mAP50", Named("map50")),
        ("test", Named("test")),
        ("accuracy", Named("accuracy")),
    ],
)
def test_names_say_metric_and_part(column, expected):
    assert named(column) == expected


def test_counters_times_and_learning_rates_are_no_results():
    for column in (
        "lr-Adam",
        "learning_rate",
        "epoch_time",
        "step",
        "train_samples_per_second",
        "system/cpu",
        "_runtime",
    ):
        assert is_bookkeeping(column)
    for column in ("loss", "val_f1", "perplexity", "clr_score"):
        assert not is_bookkeeping(column)


def columns(*names):
    """Return rows of two arms with these columns of figures only."""
    draw = random.Random(0)
    return [{"a": a, "seed": seed} | {name: draw.random() for name in names} for a in (0, 1) for seed in range(3)]


def test_foreign_prefixes_become_ours(understood):
    found = columns("train/loss", "valid/loss", "train/acc", "valid/acc")
    understanding = understood(found)
    assert list(understanding.runs)[6:] == ["acc", "val_acc", "loss", "val_loss"]
    assert understanding.runs["val_acc"].tolist() == [row["valid/acc"] for row in found]
    assert (
        "acc: higher is better, primary, smallest effect of interest 0.001 (valid/acc as val_acc" in understanding.text
    )
    assert understanding.declaration["metrics"][0]["label"] == "accuracy"


def test_a_figure_without_a_part_is_compared_as_it_stands(understood):
    understanding = understood(columns("accuracy", "loss"))
    assert list(understanding.runs)[6:] == ["val_accuracy", "val_loss"]
    assert "accuracy, loss: compared as it stands" in understanding.text


def test_a_loss_of_training_alone_is_left_out_beside_figures_of_validation(understood):
    understanding = understood(columns("loss", "val_accuracy"))
    assert list(understanding.runs)[6:] == ["val_accuracy"]
    assert "loss: no figure of validation" in understanding.text


def test_a_test_beside_a_validation_is_a_metric_of_its_own(understood):
    found = columns("val_accuracy", "test_accuracy")
    understanding = understood(found)
    assert list(understanding.runs)[6:] == ["val_accuracy", "val_test_accuracy"]
    assert understanding.declaration["metrics"][1]["label"] == "test accuracy"
    assert understanding.runs["val_test_accuracy"].tolist() == [row["test_accuracy"] for row in found]


def test_a_test_alone_stands_where_validation_would_and_is_said(understood):
    understanding = understood(columns("test_accuracy"))
    assert list(understanding.runs)[6:] == ["val_accuracy"]
    assert "test_accuracy: figures of the test set stand where those of validation would" in understanding.text


def test_an_accuracy_in_per_cent_keeps_its_values_and_says_its_unit(understood):
    found = [row | {"val_accuracy": 90 + row["val_accuracy"]} for row in columns("val_accuracy")]
    understanding = understood(found)
    (metric,) = understanding.declaration["metrics"]
    assert (metric["scale"], metric["high"], metric["unit"], metric["sesoi"]) == (1.0, 100.0, "%", 0.1)
    assert understanding.runs["val_accuracy"].tolist() == [row["val_accuracy"] for row in found]
    assert "accuracy: read as per cent, since values are above 1" in understanding.text


def test_a_best_epoch_is_left_out_beside_others_and_labelled_where_it_is_asked_for(understood):
    found = columns("val_accuracy", "best_val_accuracy")
    assert "best_val_accuracy: of the best epoch, chosen by what it reports" in understood(found).text
    understanding = understood(found, primary="best_val_accuracy")
    first = understanding.declaration["metrics"][0]
    assert (first["name"], first["primary"]) == ("best_accuracy", True)
    assert first["label"] == "accuracy at the best epoch (chosen by itself)"
    assert understanding.runs["val_best_accuracy"].tolist() == [row["best_val_accuracy"] for row in found]


def test_a_metric_that_lacks_in_some_runs_is_told_and_a_primary_one_makes_them_unfinished(understood):
    found = columns("val_accuracy", "val_loss", "val_auc")
    found[0]["val_auc"] = found[4]["val_loss"] = None
    understanding = understood(found)
    assert understanding.runs["status"].tolist() == [*["complete"] * 4, "unfinished", "complete"]
    assert "val_auc: missing in 1 of 5 complete runs" in understanding.text
