"""The gap is told in words that say no more than the numbers, of any metric."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from designs import ACCURACY, LOSS, METRICS
from gaps import EARLY, EARLY_LOSS, LATE, LATE_LOSS, SPREAD, nets, rows, without
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import gap
from analysis.words import gap_story
from analysis.words.gap_story import gap_sentences, train_modes

MERGED = "memorisation and the split difference together"


def told(history, modes=None, labels=("dropout=true",), metrics=METRICS, example="image"):
    averaged = gap.means(gap.terms(history, metrics))
    return gap_sentences(history, averaged, labels, metrics, modes or {}, example)


@pytest.mark.parametrize(
    ("net", "epoch", "sentence"),
    [
        ((3, 1, -1, -2), 3, "falls below the logged training accuracy for good from epoch 3 on."),
        ((3, -1, 1, -2, -2), 4, "falls below the logged training accuracy for good from epoch 4 on."),
        ((3, 2, 1, -2), 4, "falls below the logged training accuracy only in the last epoch, 4."),
        ((-1, -2), 1, "is below the logged training accuracy from the first epoch on."),
        ((3, 2, 1), None, "never falls below the logged training accuracy in these 3 epochs."),
        ((3, -2, 1), None, "is below the logged training accuracy in epoch 2 but not in the last."),
    ],
)
def test_the_epoch_from_which_validation_stays_below_training_is_told(net, epoch, sentence):
    assert gap.crossing(nets(*net), ACCURACY) == {"dropout=true": epoch}
    assert f"Averaged over the seeds, validation {sentence}" in told(nets(*net))[0]


def test_a_cell_is_told_with_parts_that_add_up_as_printed():
    assert told(rows(), {"dropout=true": ["dropout"]}) == [
        "dropout=true: in epoch 1 validation accuracy is 4.1 percentage points above the logged training accuracy (95"
        " % interval 3.9 to 4.3, n = 3 seeds): +2.9 from moving weights (the logged figure is a mean over an epoch in"
        " which the net still learns), +2.4 from training-mode noise (dropout), −0.9 from memorisation (the net does "
        "worse on images of the training file that it was not trained on), −0.3 from the split difference (the "
        "validation file is harder than images held out of the training file). In epoch 2 it is 0.6 percentage points"
        " below (95 % interval −0.8 to −0.4, n = 3 seeds): +0.1 from moving weights, +0.8 from training-mode noise, "
        "−1.8 from memorisation, +0.3 from the split difference (the validation file is easier than images held out "
        "of the training file). Averaged over the seeds, validation falls below the logged training accuracy only in "
        "the last epoch, 2."
    ]


def test_runs_that_are_no_blocks_are_counted_as_runs():
    averaged = gap.means(gap.terms(rows(), METRICS))
    [line] = gap_sentences(rows(), averaged, ["dropout=true"], METRICS, {}, replicate="run")
    assert "n = 3 runs)" in line and "Averaged over the runs, validation" in line and "seed" not in line


def test_the_interval_in_the_sentence_is_the_t_interval():
    half = 100 * 4.302653 * SPREAD / np.sqrt(3)  # t at .975 on 2 df
    assert f"{4.1 - half:.1f} to {4.1 + half:.1f}" == "3.9 to 4.3"


def test_terms_are_explained_once():
    text = " ".join(told(pd.concat([rows("a"), rows("b")]), labels=("a", "b")))
    assert text.count("a mean over an epoch in which the net still learns") == 1
    assert text.count("from moving weights") == 4


@given(st.lists(st.floats(-0.2, 0.2), min_size=4, max_size=4), st.integers(0, 3))
def test_decimals_are_added_until_the_rounded_parts_sum_to_the_rounded_net(parts, places):
    shown, whole = gap_story.places_that_add_up(parts, sum(parts), places)
    unit = 10**shown
    rounded = sum(round(float(f"{part:.{shown}f}") * unit) for part in parts)
    assert whole == (rounded == round(float(f"{sum(parts):.{shown}f}") * unit))
    assert places <= shown <= places + gap_story.EXTRA_DECIMALS


def test_parts_that_add_up_at_no_decimals_say_that_they_are_rounded():
    third = {"accuracy": 0.9, "on_accuracy": 0.9 + 1 / 300, "off_accuracy": 0.9 + 2 / 300, "val_accuracy": 0.91}
    history = rows(seeds=1, epochs=[third | LATE_LOSS | without(["holdout"])])
    assert f"+0.33 from {MERGED}" in told(history)[0]
    assert "(rounded; before rounding they add up)" in told(history)[0]


def test_a_gap_whose_interval_includes_zero_says_so():
    level = {"val_accuracy": LATE["accuracy"] + 0.0005}
    text = told(rows(epochs=[LATE | LATE_LOSS | level]))[0]
    assert "(95 % interval −0.2 to 0.3, which includes zero, n = 3 seeds)" in text


def test_a_split_whose_interval_includes_zero_is_called_neither_easier_nor_harder():
    level = {"val_accuracy": LATE["holdout_accuracy"] + 0.0005}
    text = told(rows(epochs=[LATE | LATE_LOSS | level]))[0]
    assert "the validation file is neither clearly easier nor clearly harder than images held out" in text


def test_a_gap_that_prints_as_zero_is_neither_above_nor_below():
    level = LATE | LATE_LOSS | {"val_accuracy": LATE["accuracy"]}
    text = told(rows(seeds=1, epochs=[level, level]))[0]
    assert "in epoch 1 validation accuracy is level with the logged training accuracy (n = 1 seed" in text
    assert "In epoch 2 it is level with it (n = 1 seed" in text


def test_one_seed_has_no_interval_and_says_so():
    text = told(rows(seeds=1))[0]
    assert "4.10 percentage points above the logged training accuracy (n = 1 seed, so without an interval)" in text
    assert "Validation falls below" in text and "nan" not in text and "Averaged" not in text


def test_one_epoch_says_that_nothing_is_known_of_later_ones():
    text = told(rows(epochs=[EARLY | EARLY_LOSS]))[0]
    assert text.endswith("There is one epoch only, so nothing can be said of how the gap goes on.")


def test_without_a_holdout_the_last_two_terms_are_told_as_one():
    text = told(rows(**without(["holdout"])))[0]
    assert f"−1.2 from {MERGED} (nothing was held out of the training file, so the two cannot be told apart)" in text


def test_with_neither_probe_nor_holdout_nothing_is_taken_apart_and_that_is_said_once():
    lacking = without(["on", "off", "holdout"])
    texts = told(pd.concat([rows(cell, **lacking) for cell in ("a", "b")]), labels=("a", "b"))
    assert "n = 3 seeds). No training images were scored after the epoch (probe=0), so the gap cannot" in texts[0]
    assert " ".join(texts).count("probe=0") == 1 and "moving weights" not in " ".join(texts)


def test_without_a_probe_what_cannot_be_told_apart_is_told_as_one():
    text = told(rows(**without(["on", "off"])))[0]
    assert (
        ": +4.4 from moving weights, training-mode noise and memorisation together (no training images were scored "
        "after the epoch (probe=0), so they cannot be told apart), −0.3 from the split difference (" in text
    )


def test_with_batch_normalisation_the_second_term_is_train_mode_against_inference_mode():
    text = told(rows(), {"dropout=true": ["batch against moving statistics", "dropout"]})[0]
    assert "+2.4 from train mode − inference mode (batch against moving statistics and dropout)" in text
    assert "training-mode noise" not in text


def test_whatever_makes_the_modes_differ_is_named_as_training_mode_noise():
    text = told(rows(), {"dropout=true": ["dropout", "augmentation"]})[0]
    assert "+2.4 from training-mode noise (dropout and augmentation)" in text


def test_without_records_the_source_of_the_noise_is_left_open():
    assert "+2.4 from training-mode noise (dropout and the like)" in told(rows())[0]


def test_a_net_that_computes_the_same_in_both_modes_has_no_training_mode_noise():
    plain = {"on_accuracy": EARLY["off_accuracy"], "on_loss": EARLY_LOSS["off_loss"]}
    text = told(rows(epochs=[EARLY | EARLY_LOSS | plain]))[0]
    assert "0.0 from training-mode noise (this net has none)" in text


def test_the_error_of_the_drawn_masks_is_told_only_where_it_matters():
    remark = "The random draws of training mode leave a standard error of 0.3 in the first two parts; it cancels in"
    assert remark in told(rows(on_accuracy_se=0.005))[0]
    assert "random draws" not in told(rows(on_accuracy_se=0.00001))[0]


def test_a_loss_that_tells_another_story_is_told():
    late = LATE | LATE_LOSS | {"val_accuracy": 0.985}  # accuracy better, loss worse
    history = rows(epochs=[EARLY | EARLY_LOSS, late])
    history["val_loss"] += 0.001 * (history["seed"] - 1)
    assert told(history)[0].endswith(
        "The loss tells another story: in epoch 2 validation loss is 0.020 nats above the logged training loss "
        "(95 % interval 0.018 to 0.022, n = 3 seeds), so by loss validation does worse."
    )
    assert "another story" not in told(rows())[0]


def test_of_many_cells_the_baseline_and_the_extremes_are_told():
    shifts = [0.0, 0.01, 0.05, 0.02, -0.03, 0.0, 0.01, 0.02, 0.01]
    labels = [f"arm={place}" for place in range(9)]
    history = pd.concat(
        [
            rows(label, epochs=[EARLY | EARLY_LOSS, LATE | LATE_LOSS | {"val_accuracy": 0.974 + shift}])
            for label, shift in zip(labels, shifts, strict=True)
        ]
    )
    texts = told(history, labels=labels)
    assert [text.split(":")[0] for text in texts[:3]] == [
        "arm=0 (baseline)",
        "arm=2 (largest gap)",
        "arm=4 (smallest gap)",
    ]
    assert texts[3:] == [
        "Over all 9 cells the gap in the last epoch runs from −3.60 to +4.40 percentage points; validation accuracy "
        "ends below the logged training accuracy in 3 of them. tables/gap.csv has every cell and epoch."
    ]


def test_cells_without_a_complete_run_are_named():
    assert told(rows(), labels=("dropout=true", "dropout=false"))[1:] == [
        "No complete run, so no gap to take apart: dropout=false."
    ]
    assert told(rows().iloc[:0]) == ["There is no complete run, so there is no gap to take apart."]


def test_noise_that_has_a_source_is_noise_however_small_its_metric():
    tiny = rows(epochs=[{name: value * 1e-7 for name, value in (EARLY | EARLY_LOSS).items()}])
    tiny["val_accuracy"] = EARLY["val_accuracy"] * 1e-7
    assert "training-mode noise (dropout)" in told(tiny, {"dropout=true": ["dropout"]})[0]
    assert "training-mode noise (this net has none)" in told(tiny, {"dropout=true": []})[0]


def test_many_cells_without_a_finite_figure_are_not_called_extreme():
    labels = [f"arm={place}" for place in range(9)]
    texts = told(pd.concat([rows(label, accuracy=np.nan) for label in labels]), labels=labels)
    assert texts[0].startswith("arm=0 (baseline): in epoch 1 a run has no finite number")
    assert texts[1:] == [
        "In no cell can the gap in the last epoch be averaged. tables/gap.csv has every cell and epoch."
    ]


# ---- other metrics


def test_a_metric_that_is_better_low_is_told_the_other_way_round():
    text = told(rows(), metrics=(LOSS,), example="example")[0]
    assert text.startswith("dropout=true: in epoch 1 validation loss is 0.1500 nats below the logged training loss (")
    assert "+0.0300 from memorisation (the net does worse on examples of the training file" in text
    assert "In epoch 2 it is 0.0200 nats above" in text
    assert text.endswith(
        "Averaged over the seeds, validation rises above the logged training loss only in the last epoch, 2."
    )


def test_the_sign_of_a_term_means_better_or_worse_by_the_metrics_direction():
    history = rows(epochs=[EARLY | EARLY_LOSS])
    history["holdout_loss"] += 0.0001 * history["seed"]
    by_loss, by_neither = (
        told(history, metrics=(dataclasses.replace(LOSS, better=better),))[0] for better in ("lower", "neither")
    )
    assert "memorisation (the net does worse on images of the training file" in by_loss  # +0.03
    assert "memorisation (the net scores higher on images of the training file" in by_neither
    assert "the validation file is harder than images held out" in by_loss
    assert "the validation file scores higher than images held out" in by_neither


def test_a_metric_without_a_unit_is_told_in_plain_numbers():
    plain = dataclasses.replace(ACCURACY, label="AUC", unit="", difference_unit="", scale=1.0, decimals=4)
    text = told(rows(), metrics=(plain,), example="example")[0]
    assert (
        "in epoch 1 validation AUC is 0.041 above the logged training AUC (95 % interval 0.039 to 0.043, n = 3" in text
    )
    assert "% " not in text.replace("95 % ", "") and "points" not in text and "image" not in text


def test_no_other_story_is_told_of_a_metric_without_a_better_direction():
    late = LATE | LATE_LOSS | {"val_accuracy": 0.985}
    history = rows(epochs=[EARLY | EARLY_LOSS, late])
    history["val_loss"] += 0.001 * (history["seed"] - 1)
    neither = dataclasses.replace(LOSS, better="neither")
    assert "another story" in told(history)[0]
    assert "another story" not in told(history, metrics=(ACCURACY, neither))[0]


def test_a_cell_has_the_train_mode_of_the_first_of_its_records():
    declaration = {
        "cells": [{"label": "a"}, {"label": "b"}],
        "runs": [{"cell": 0, "run": "x"}, {"cell": 1, "run": "y"}],
    }
    assert train_modes(declaration, {"y": {"train_mode": ["noise"]}}) == {"b": ["noise"]}
