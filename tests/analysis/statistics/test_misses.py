"""Missed examples and confusion: counted by hand, or by a plainer route."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from answers import LABELS, PREDICTIONS
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import misses as errors


def test_missed_images_are_counted_over_all_cells_most_missed_first():
    table = errors.missed(PREDICTIONS, LABELS)
    assert table["example"].tolist() == [0, 2, 3]
    assert table["label"].tolist() == [4, 1, 4]
    assert table["missed_by"].tolist() == [5, 2, 1]
    assert table["runs"].tolist() == [6, 6, 6]


def test_answers_are_listed_most_frequent_first_and_ties_by_class():
    table = errors.missed(PREDICTIONS, LABELS).set_index("example")
    assert table["answers"].to_dict() == {0: "9 ×4, 3 ×1, 4 ×1", 2: "1 ×4, 2 ×1, 7 ×1", 3: "4 ×5, 9 ×1"}


def test_each_cell_has_the_share_of_its_own_runs_that_miss_the_image():
    table = errors.missed(PREDICTIONS, LABELS).set_index("example")
    assert table["dropout=true"].to_dict() == pytest.approx({0: 2 / 3, 2: 0.0, 3: 1 / 3})
    assert table["dropout=false"].to_dict() == pytest.approx({0: 1.0, 2: 2 / 3, 3: 0.0})


def test_images_missed_by_as_many_runs_keep_their_order():
    predictions = {"a": np.array([[1, 0, 1, 1]], np.uint8)}
    assert errors.missed(predictions, np.zeros(4, np.uint8))["example"].tolist() == [0, 2, 3]


def test_without_runs_nothing_is_missed():
    assert errors.missed({}, LABELS).empty


@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.integers(1, 30))
def test_counting_in_chunks_agrees_with_counting_run_by_run(seed, runs, images):
    random = np.random.default_rng(seed)
    predictions = random.integers(0, 5, (runs, images)).astype(np.uint8)
    expected = np.zeros((images, 5), int)
    for run, image in product(range(runs), range(images)):
        expected[image, predictions[run, image]] += 1
    whole = errors.CHUNK
    try:
        errors.CHUNK = 2 * images
        assert (errors.count_answers(predictions, 5) == expected).all()
    finally:
        errors.CHUNK = whole


def test_confusion_counts_true_class_by_given_class_over_all_runs():
    counts = errors.confusion(PREDICTIONS["dropout=true"], LABELS, 10)
    expected = np.zeros((10, 10), int)
    expected[4, 9], expected[4, 4], expected[7, 7], expected[1, 1] = 3, 3, 3, 3
    assert (counts == expected).all()


def test_labels_of_any_whole_number_type_give_the_same_counts():
    wide = errors.missed(PREDICTIONS, LABELS.astype(np.int64))
    pd.testing.assert_frame_equal(wide, errors.missed(PREDICTIONS, LABELS))


def test_more_classes_than_a_byte_holds_are_counted_as_well():
    labels = np.array([300, 2, 700], np.int64)
    answers = {"a": np.array([[300, 300, 700], [299, 300, 44]], np.uint16)}
    table = errors.missed(answers, labels)
    assert table[["example", "label", "missed_by", "answers"]].to_dict("records") == [
        {"example": 1, "label": 2, "missed_by": 2, "answers": "300 ×2"},
        {"example": 0, "label": 300, "missed_by": 1, "answers": "299 ×1, 300 ×1"},
        {"example": 2, "label": 700, "missed_by": 1, "answers": "44 ×1, 700 ×1"},
    ]


def test_the_most_frequent_mistakes_are_those_of_the_confusion_matrix():
    random = np.random.default_rng(0)
    labels = random.integers(0, 6, 200)
    answers = np.where(random.random((4, 200)) < 0.6, labels, random.integers(0, 6, (4, 200))).astype(np.uint16)
    counts = errors.confusion(answers, labels, 6)
    table = errors.confused({"a": answers, "b": answers[:1]}, labels, 7)
    of_a = table[table["cell"].eq("a")]
    off = sorted((counts[i, j] for i in range(6) for j in range(6) if i != j), reverse=True)
    assert of_a["count"].tolist() == off[:7]
    assert [counts[row["label"], row["answer"]] for row in of_a.to_dict("records")] == off[:7]
    assert of_a["of"].tolist() == [counts[label].sum() for label in of_a["label"]]
    assert len(table) == 14 and errors.confused({}, labels, 7).empty


@pytest.mark.parametrize("right", [0, 1, 81, 100])
def test_the_interval_of_a_share_is_that_of_wilson(right):
    from statsmodels.stats.proportion import proportion_confint

    expected = proportion_confint(right, 100, method="wilson")
    assert errors.wilson_interval(right / 100, 100) == pytest.approx(expected, abs=1e-12)
