"""What is missed is told with its numbers, of images or of whatever an example is."""

import numpy as np
import pandas as pd
from answers import DROPOUT, LABELS, LEVELS, PREDICTIONS, split_cells
from designs import ACCURACY, MAE

from analysis.reading.study import Design
from analysis.statistics.mcnemar import mcnemar_contrasts
from analysis.statistics.misses import missed
from analysis.statistics.splits import SUMMARY_COLUMNS, split_by_factor
from analysis.words.misses import (
    last_looks_sentence,
    mcnemar_sentences,
    missed_sentence,
    share_among,
    split_sentences,
    wilson_sentence,
)


def test_pairs_of_nets_that_differ_are_counted_in_words():
    answers = {cell: np.repeat(rows, 4, axis=1) for cell, rows in PREDICTIONS.items()}
    table = mcnemar_contrasts(answers, np.repeat(LABELS, 4), LEVELS, DROPOUT)
    table = table.assign(differ=2, better=1, worse=1)
    assert mcnemar_sentences(table) == [
        "dropout: true → false: 2 of 3 pairs of nets with the same seed differ by McNemar's exact test at .05 "
        "(the changed net is better in 1, worse in 1). In the median pair the changed net alone gets 0 images right, "
        "the other alone 4. This compares trained nets, not recipes."
    ]
    assert "gets 0 examples right" in mcnemar_sentences(table, "example")[0]


def test_a_training_that_is_looked_at_twice_is_said_to_count_once():
    design = Design("factorial", {"dropout": ("true", "false"), "epochs": ("3", "30")})
    assert len(last_looks_sentence(design)) == 1
    for other in (DROPOUT, Design("factorial", {"epochs": ("3", "30")}), Design("one_at_a_time", design.factors)):
        assert last_looks_sentence(other) == []


def test_too_few_runs_say_nothing_of_a_split():
    cells, labels = split_cells(baseline=[0], level=[3], runs=3)
    assert split_sentences(split_by_factor(cells, labels, LEVELS, DROPOUT).contrasts) == [
        "dropout: true → false: too few runs to say whether it changes which images are missed (exploratory)."
    ]


def test_what_the_validation_set_leaves_open_is_told_of_a_share_of_right_answers_at_its_end_too():
    told = wilson_sentence(ACCURACY, 0.99, 10_000)
    assert told.startswith("With 10,000 validation images, an accuracy of 99.00 % is known to 98.79 to 99.18 % from")
    assert "an accuracy of 100.0 % is known to 96.3 to 100.0 % from" in wilson_sentence(ACCURACY, 1.0, 100)
    assert share_among([MAE, ACCURACY]) == ACCURACY and share_among([MAE]) is None


def test_images_that_almost_every_run_misses_are_counted_in_words():
    misses = [20, 20, 18, 17, 1]
    cells, labels = split_cells(baseline=misses + [0] * 1495, level=misses + [0] * 1495, runs=20)
    table = missed({"dropout=true": cells["dropout=true"]}, labels)
    assert missed_sentence(table, 20, 1500) == (
        "3 of 1,500 validation images are missed by at least 9 of 10 runs (n = 20 runs), 2 by every run; 1,495 are "
        "missed by none. The most missed is image 0, of class 0 (answers: 1 ×20)."
    )
    assert missed_sentence(table, 20, 1500, "example").endswith(
        "The most missed is example 0, of class 0 (answers: 1 ×20)."
    )


def test_with_fewer_than_ten_runs_almost_every_means_every():
    table = missed(PREDICTIONS, LABELS)
    assert missed_sentence(table, 6, 4).startswith(
        "0 of 4 validation images are missed by every one of 6 runs; 1 is missed by none."
    )


def test_one_run_cannot_show_what_every_run_misses():
    table = missed({"a": PREDICTIONS["dropout=true"][:1]}, LABELS)
    assert missed_sentence(table, 1, 4) == (
        "One run alone cannot show which images every run misses; it misses 1 of 4 validation images."
    )


def test_flawless_runs_are_said_to_miss_nothing():
    table = missed({"a": np.stack([LABELS, LABELS])}, LABELS)
    assert missed_sentence(table, 2, 4) == "No validation image of 4 is missed by any of 2 runs."


def test_a_split_is_told_with_what_chance_would_give():
    summary = pd.DataFrame([["a: 0 → 1", 5, 1, 0.25, 0.001], ["b: x → y", 0, 0, 0.25, 0.001]])
    summary.columns = SUMMARY_COLUMNS
    assert split_sentences(summary) == [
        "a: 0 → 1: the share of runs that miss an image changes by half or more for 6 images (up for 5, down for 1); "
        "runs shuffled between the two levels would give about 0.2 (exploratory).",
        "b: x → y: for no image does the share of runs that miss it change by half or more (exploratory).",
    ]
