"""Labels in any form that people have become classes from 0, and what became of them is told."""

import numpy as np
import pytest

from runner.images.labels import read_classes

PLAIN = np.array([0, 1, 2, 2, 1, 0])


def classes_of(train, test=None, given=None):
    test = train if test is None else test
    return read_classes(train, test, (len(PLAIN), len(PLAIN)), given)


ONE_HOT = np.eye(3)[PLAIN]
FORMS = {
    "": PLAIN.astype(np.uint8),
    "labels are float64, whole numbers from 0": PLAIN.astype(float),
    "labels are texts, whole numbers from 0": PLAIN.astype(str),
    "labels are one-hot rows of 3": ONE_HOT,
    "labels are numbered as classes: 1 is 0, 2 is 1, 3 is 2": PLAIN + 1,
    "labels are numbered as classes: -1 is 0, 0 is 1, 1 is 2": PLAIN - 1,
    "labels are numbered as classes: 0 is 0, 100 is 1, 200 is 2": PLAIN * 100,
    "labels are numbered as classes: ant is 0, bee is 1, cat is 2": np.array(["ant", "bee", "cat"])[PLAIN],
    "labels are numbered as classes: ant is 0, bee is 1, dog is 2": np.array([b"ant", b"bee", b"dog"])[PLAIN],
    "labels are numbered as classes: 8 is 0, 9 is 1, 10 is 2": (PLAIN + 8).astype(str),
}


@pytest.mark.parametrize("note", FORMS)
def test_labels_of_any_form_are_the_same_classes_and_the_numbering_is_told(note):
    found = classes_of(FORMS[note])
    assert found.train.tolist() == found.test.tolist() == PLAIN.tolist() and found.count == 3
    assert found.train.dtype == np.int32
    assert len(found.notes) == bool(note) and all(each.startswith(note) for each in found.notes)
    same = classes_of(FORMS[note], given=3)  # the number that is told, given: the same classes
    assert (same.train.tolist(), same.notes) == (found.train.tolist(), found.notes)
    column = classes_of(FORMS[note][:, None]) if FORMS[note].ndim == 1 else found
    assert column.train.tolist() == PLAIN.tolist()


def test_a_number_of_classes_that_is_given_is_what_the_net_gets():
    found = classes_of(PLAIN, given=5)
    assert found.count == 5
    assert found.notes == ("classes 3 and 4 never occur in y_train or y_test, though the net has an output for each",)


def test_two_classes_are_two():
    assert classes_of(PLAIN > 0).count == 2 and classes_of(PLAIN.clip(0, 1)).count == 2


REFUSED = {
    "y_train must hold whole numbers or texts, a class each; got 0.5": (PLAIN / 2, PLAIN, None),
    "y_test must hold a label for each example; got NaN for 6 of 6": (PLAIN, np.full(6, np.nan), None),
    "y_train must hold whole numbers or texts, a class each; got datetime64": (PLAIN.astype("M8[D]"), PLAIN, None),
    r"y_train must have one label for each of the 6 images, or one-hot rows.*\(6, 3\) with other": (
        ONE_HOT / 2,
        PLAIN,
        None,
    ),
    "y_test must hold labels of the kind of y_train, numbers; got texts": (PLAIN, np.array(["a"] * 6), None),
    "must hold the 3 classes that dataset.classes says, from 0 to 2; got 5 to 8, 4 in all": (PLAIN + 5, PLAIN + 6, 3),
    "y_train must hold at least 2 classes; got 0 alone": (PLAIN * 0, PLAIN * 0, None),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_labels_that_are_no_classes_are_refused_in_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        classes_of(*REFUSED[sentence])
    assert "\n" not in str(refused.value)


def test_a_quantity_is_not_taken_for_classes():
    prices = np.arange(60) * 1000
    with pytest.raises(
        ValueError, match="y_train must hold classes; got 120 different values in 120 examples"
    ) as refused:
        read_classes(prices, prices + 1, (60, 60), None)
    assert "a recipe of your own" in str(refused.value)
