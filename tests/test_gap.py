"""The gap's terms sum to it, are averaged like any metric, and are told in words that say no more than the numbers."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import gap, tables

SHARES = st.floats(0, 1)
NATS = st.floats(0, 50)
# One epoch by hand: net +4.1 points = +2.9 moving weights, +2.4 noise, −0.9 memorisation, −0.3 split.
EARLY = {
    "accuracy": 0.900,
    "on_accuracy": 0.929,
    "off_accuracy": 0.953,
    "holdout_accuracy": 0.944,
    "val_accuracy": 0.941,
}
# Net −0.6 points = +0.1, +0.8, −1.8, +0.3.
LATE = {
    "accuracy": 0.980,
    "on_accuracy": 0.981,
    "off_accuracy": 0.989,
    "holdout_accuracy": 0.971,
    "val_accuracy": 0.974,
}
# As EARLY and LATE in sign: better on validation first, worse later.
EARLY_LOSS = {"loss": 0.50, "on_loss": 0.40, "off_loss": 0.30, "holdout_loss": 0.33, "val_loss": 0.35}
LATE_LOSS = {"loss": 0.10, "on_loss": 0.09, "off_loss": 0.05, "holdout_loss": 0.13, "val_loss": 0.12}
ERRORS = {"on_accuracy_se": 0.0, "on_loss_se": 0.0}
SPREAD = 0.001  # by which validation accuracy of seeds 0, 1, 2 lies below, at and above the numbers above


@dataclass(frozen=True)
class Stored:
    """As much of a record as the gap looks at."""

    spec: dict[str, Any]


def rows(cell="dropout=true", seeds=3, epochs=(EARLY | EARLY_LOSS, LATE | LATE_LOSS), **changes):
    """A cell's history: `seeds` seeds, the epochs as given, keyword arguments replacing columns."""
    made = []
    for seed in range(seeds):
        for epoch, metrics in enumerate(epochs, start=1):
            moved = metrics["val_accuracy"] + SPREAD * (seed - (seeds - 1) / 2)
            keys = {"run": f"{cell}/{seed}", "cell": cell, "seed": seed, "epochs": len(epochs), "epoch": epoch}
            made.append({**keys, **ERRORS, **metrics, "val_accuracy": moved, **changes})
    return pd.DataFrame(made)


def declared(*labels):
    cells = [{"label": label, "levels": {}} for label in labels]
    return {"cells": cells, "runs": [{"cell": place, "run": f"{label}/0"} for place, label in enumerate(labels)]}


def told(history, records=None, labels=("dropout=true",)):
    return gap.sentences(history, declared(*labels), records)


def value(frame, term, response="accuracy", epoch=1):
    """The values of a term, one per run."""
    chosen = (frame["term"] == term) & (frame["response"] == response) & (frame["epoch"] == epoch)
    return frame.loc[chosen, "value"].to_numpy()


def without(scores):
    """Columns of scores that were not measured, as the history has them."""
    return {f"{score}_{response}": np.nan for score in scores for response in gap.RESPONSES}


# ---- terms


def test_the_terms_are_the_differences_of_neighbouring_scores():
    frame = gap.terms(rows(seeds=1))
    expected = {"net": 0.041, "moving_weights": 0.029, "train_mode_noise": 0.024, "memorisation": -0.009}
    assert {term: value(frame, term)[0] for term in expected} == pytest.approx(expected)
    assert value(frame, "split_difference")[0] == pytest.approx(-0.003)
    assert value(frame, "moving_weights", "loss")[0] == pytest.approx(-0.10)


@given(st.tuples(*[SHARES] * 5), st.tuples(*[NATS] * 5))
def test_the_terms_sum_to_the_net_gap(accuracies, losses):
    names = ("", "on_", "off_", "holdout_", "val_")
    scores = dict(zip([f"{name}accuracy" for name in names], accuracies, strict=True))
    scores |= dict(zip([f"{name}loss" for name in names], losses, strict=True))
    frame = gap.terms(rows(seeds=1, epochs=[scores]))
    assert value(frame, "net")[0] == accuracies[4] - accuracies[0]
    assert value(frame, "net", "loss")[0] == losses[4] - losses[0]
    for response in gap.RESPONSES:
        total = sum(value(frame, term, response)[0] for term in gap.TERMS)
        assert total == pytest.approx(value(frame, "net", response)[0], rel=0, abs=1e-12)


@given(*[SHARES] * 4)
def test_the_terms_sum_to_the_net_gap_without_a_holdout(logged, on, off, val):
    scores = {"accuracy": logged, "on_accuracy": on, "off_accuracy": off, "val_accuracy": val}
    frame = gap.terms(rows(seeds=1, epochs=[LATE | LATE_LOSS | scores | without(["holdout"])]))
    assert set(frame["term"]) == {"net", "moving_weights", "train_mode_noise", "memorisation_and_split"}
    total = sum(value(frame, term)[0] for term in ("moving_weights", "train_mode_noise", "memorisation_and_split"))
    assert total == pytest.approx(value(frame, "net")[0], rel=0, abs=1e-12)


def test_without_a_probe_there_is_only_the_net_gap():
    frame = gap.terms(rows(**without(["on", "off"])))
    assert set(frame["term"]) == {"net"}
    assert len(frame) == 3 * 2 * 2
    absent = gap.terms(rows().drop(columns=[name for name in rows() if name.startswith(("on_", "off_", "holdout_"))]))
    assert set(absent["term"]) == {"net"}


def test_cells_with_and_without_a_holdout_keep_their_own_terms():
    frame = gap.terms(pd.concat([rows("holdout=0.1"), rows("holdout=0", **without(["holdout"]))]))
    found = frame.groupby("cell")["term"].unique().map(set)
    assert found["holdout=0.1"] == {"net", *gap.TERMS}
    assert found["holdout=0"] == {"net", "moving_weights", "train_mode_noise", "memorisation_and_split"}


def test_terms_carry_the_keys_of_the_run_and_no_metrics():
    frame = gap.terms(rows().assign(dropout="true", train_seconds=1.0, measure_seconds=1.0, cpu_seconds=1.0))
    keys = ["run", "cell", "seed", "epochs", "epoch", "dropout"]
    assert list(frame) == [*keys, "response", "term", "value", "monte_carlo_se"]


def test_a_lost_loss_leaves_the_accuracy_terms_and_no_warning():
    frame = gap.terms(rows(seeds=1, loss=np.inf, on_loss=np.nan, off_loss=np.inf, holdout_loss=np.inf, val_loss=np.inf))
    assert value(frame, "memorisation")[0] == pytest.approx(-0.009)
    assert np.isnan(value(frame, "memorisation", "loss")[0])


def test_the_error_of_the_drawn_masks_goes_with_the_two_terms_that_hold_on():
    frame = gap.terms(rows(seeds=1, on_accuracy_se=0.002, on_loss_se=0.01))
    carried = frame[(frame["response"] == "accuracy") & (frame["epoch"] == 1)].set_index("term")["monte_carlo_se"]
    nothing = {"net": 0.0, "memorisation": 0.0, "split_difference": 0.0}
    assert carried.to_dict() == {"moving_weights": 0.002, "train_mode_noise": 0.002, **nothing}


# ---- means over seeds


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=8))
def test_means_and_intervals_are_those_of_the_comparison_table(values):
    history = pd.concat([rows(seeds=1).assign(seed=seed, val_accuracy=each) for seed, each in enumerate(values)])
    row = gap.means(gap.terms(history)).query("response == 'accuracy' and epoch == 2 and term == 'net'").iloc[0]
    mean, low, high = tables.interval(np.array(values) - LATE["accuracy"])
    assert row["n"] == len(values)
    assert [row["mean"], row["low"], row["high"]] == pytest.approx([mean, low, high], abs=1e-9, nan_ok=True)


def test_one_run_without_a_number_leaves_no_mean_of_the_others():
    history = rows()
    history.loc[0, "val_loss"] = np.nan
    averaged = gap.means(gap.terms(history)).set_index(["response", "epoch", "term"])
    assert averaged.loc[("loss", 1, "net"), ["mean", "low", "high"]].isna().all()
    assert averaged.loc[("loss", 1, "memorisation"), "mean"] == pytest.approx(0.03)


def test_the_error_of_a_mean_over_seeds_is_that_of_independent_draws():
    averaged = gap.means(gap.terms(rows(seeds=4, on_accuracy_se=0.002))).set_index(["response", "epoch", "term"])
    assert averaged.loc[("accuracy", 1, "moving_weights"), "monte_carlo_se"] == pytest.approx(0.001)  # 0.002 / sqrt(4)


def test_means_keep_the_order_of_the_cells():
    history = pd.concat([rows(cell) for cell in ("b", "a", "c")])
    averaged = gap.means(gap.terms(history))
    assert averaged["cell"].unique().tolist() == ["b", "a", "c"]
    assert list(averaged) == ["cell", "response", "epoch", "term", "mean", "low", "high", "n", "monte_carlo_se"]


def test_no_history_gives_empty_frames():
    empty = rows().iloc[:0]
    assert gap.means(gap.terms(empty)).empty and gap.run_gaps(empty).empty and gap.crossing(empty) == {}


def test_ten_thousand_runs_of_thirty_epochs_take_seconds():
    epochs = np.tile(np.arange(1, 31), 10_000)
    run = np.repeat(np.arange(10_000), 30)
    keys = {"run": run.astype(str), "cell": (run // 5).astype(str), "seed": run % 5, "epochs": 30, "epoch": epochs}
    history = pd.DataFrame(keys | EARLY | EARLY_LOSS | ERRORS)
    started = time.process_time()
    averaged = gap.means(gap.terms(history))
    assert len(averaged) == 2_000 * 30 * 2 * 5
    assert time.process_time() - started < 10  # takes 1.2 s; a loop over rows takes minutes


# ---- one row per run


def test_run_gaps_are_those_of_the_last_epoch():
    gaps = gap.run_gaps(rows())
    assert gaps["seed"].tolist() == [0, 1, 2]
    assert gaps["gap_accuracy"].tolist() == pytest.approx([-0.007, -0.006, -0.005])
    assert gaps["gap_accuracy_memorisation"].tolist() == pytest.approx([-0.018] * 3)
    assert gaps["gap_loss_moving_weights"].tolist() == pytest.approx([-0.01] * 3)


def test_run_gaps_merge_into_runs_by_cell_and_seed():
    history = pd.concat([rows("a"), rows("b", seeds=2)])
    runs = history.drop_duplicates(["cell", "seed"])[["cell", "seed", "epochs"]]
    merged = runs.merge(gap.run_gaps(history), on=["cell", "seed"], how="left", validate="one_to_one")
    assert len(merged) == 5 and merged["gap_loss_split_difference"].notna().all()


def test_run_gaps_are_empty_where_a_term_is_not_measured():
    gaps = gap.run_gaps(rows(**without(["holdout"])))
    assert gaps["gap_accuracy_moving_weights"].notna().all()
    assert gaps[["gap_accuracy_memorisation", "gap_accuracy_split_difference"]].isna().all(axis=None)


# ---- where validation falls below training


def nets(*net):
    """A history whose net gaps of accuracy, epoch by epoch, are these points."""
    return rows(epochs=[LATE | LATE_LOSS | {"val_accuracy": LATE["accuracy"] + points / 100} for points in net])


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
    assert gap.crossing(nets(*net)) == {"dropout=true": epoch}
    assert f"Averaged over the seeds, validation {sentence}" in told(nets(*net))[0]


# ---- words


def test_a_cell_is_told_with_parts_that_add_up_as_printed():
    records = {"dropout=true/0": Stored({"layers": [{"class_name": "Dropout", "rate": 0.5}]})}
    assert told(rows(), records) == [
        "dropout=true: in epoch 1 validation accuracy is 4.1 percentage points above the logged training accuracy "
        "(95 % interval 3.9 to 4.3, n = 3 seeds): +2.9 from moving weights (the logged figure is a mean over an epoch "
        "in which the net still learns), +2.4 from training-mode noise (dropout), −0.9 from memorisation (the net does "
        "worse on images of the training file that it was not trained on), −0.3 from the split (the validation file is "
        "harder than images held out of the training file). In epoch 2 it is 0.6 percentage points below (95 % "
        "interval −0.8 to −0.4, n = 3 seeds): +0.1 from moving weights, +0.8 from training-mode noise, −1.8 from "
        "memorisation, +0.3 from the split (the validation file is easier than images held out of the training file). "
        "Averaged over the seeds, validation falls below the logged training accuracy only in the last epoch, 2."
    ]


def test_the_interval_in_the_sentence_is_the_t_interval():
    half = 100 * 4.302653 * SPREAD / np.sqrt(3)  # t at .975 on 2 df
    assert f"{4.1 - half:.1f} to {4.1 + half:.1f}" == "3.9 to 4.3"


def test_terms_are_explained_once():
    text = " ".join(told(pd.concat([rows("a"), rows("b")]), labels=("a", "b")))
    assert text.count("a mean over an epoch in which the net still learns") == 1
    assert text.count("from moving weights") == 4


@given(st.lists(st.floats(-0.2, 0.2), min_size=4, max_size=4), st.integers(0, 3))
def test_decimals_are_added_until_the_rounded_parts_sum_to_the_rounded_net(parts, places):
    shown, whole = gap.places_that_add_up(parts, sum(parts), places)
    unit = 10**shown
    rounded = sum(round(float(f"{part:.{shown}f}") * unit) for part in parts)
    assert whole == (rounded == round(float(f"{sum(parts):.{shown}f}") * unit))
    assert places <= shown <= places + gap.EXTRA_DECIMALS


def test_parts_that_add_up_at_no_decimals_say_that_they_are_rounded():
    third = {"accuracy": 0.9, "on_accuracy": 0.9 + 1 / 300, "off_accuracy": 0.9 + 2 / 300, "val_accuracy": 0.91}
    history = rows(seeds=1, epochs=[third | LATE_LOSS | without(["holdout"])])
    assert "+0.33 from memorisation and the split together" in told(history)[0]
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
    assert (
        "−1.2 from memorisation and the split together (nothing was held out of the training file, so the two cannot "
        "be told apart)" in text
    )


def test_without_a_probe_nothing_is_taken_apart_and_that_is_said_once():
    texts = told(pd.concat([rows(cell, **without(["on", "off"])) for cell in ("a", "b")]), labels=("a", "b"))
    assert "n = 3 seeds). No training images were scored after the epoch (probe=0), so the gap cannot" in texts[0]
    assert " ".join(texts).count("probe=0") == 1 and "moving weights" not in " ".join(texts)


def test_with_batch_normalisation_the_second_term_is_train_mode_against_inference_mode():
    layers = [
        {"class_name": "TimeDistributed", "layer": {"class_name": "BatchNormalization"}},
        {"class_name": "Dropout"},
    ]
    text = told(rows(), {"dropout=true/0": Stored({"layers": layers})})[0]
    assert "+2.4 from train mode − inference mode (batch against moving statistics and dropout)" in text
    assert "training-mode noise" not in text


def test_augmentation_is_named_as_training_mode_noise():
    spec = {"layers": [{"class_name": "Dropout"}], "transforms": {"augment": True}}
    assert (
        "+2.4 from training-mode noise (dropout and augmentation)" in told(rows(), {"dropout=true/0": Stored(spec)})[0]
    )


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
