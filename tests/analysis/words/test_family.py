"""What is tested and from which epochs is said in a line, and the note speaks of no column that is not there."""

import numpy as np
import pytest
from designs import RESPONSES, TWO_BY_TWO, random_values, runs_of, table_of

from analysis.words.family import effects_note, epochs_text, family_sentence, moving_sentence
from analysis.words.phrases import few


def table(**losses):
    """The effects of a 2 x 2 study of five seeds."""
    return table_of(runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 5), **losses), TWO_BY_TWO)


def test_the_family_and_its_size_are_one_line():
    assert family_sentence(table(), RESPONSES) == (
        "tests: 3 contrasts × validation accuracy = 3, corrected together (Holm, 5 %); all else is exploratory"
    )
    both = table(val_loss=random_values(TWO_BY_TWO, 5, seed=1))
    assert family_sentence(both, RESPONSES).startswith(
        "tests: 3 contrasts × validation accuracy and validation loss = 6,"
    )


def test_contrasts_that_cannot_be_tested_are_not_counted():
    runs = runs_of(TWO_BY_TWO, random_values(TWO_BY_TWO, 5))
    inert = runs.assign(run=runs["dropout"] + runs["seed"].astype(str))
    assert family_sentence(table_of(inert, TWO_BY_TWO), RESPONSES).startswith(
        "tests: 3 contrasts × validation accuracy less 2 that cannot be tested = 1,"
    )
    assert family_sentence(table().iloc[:0], RESPONSES) == "tests: none"


def test_simple_effects_are_said_to_be_corrected_among_themselves():
    values = 0.9 + np.random.default_rng(0).normal(0, 1e-4, (6, 4)) + np.array([0, 0, -0.03, 0])
    assert "; 4 simple effects corrected among themselves;" in family_sentence(
        table_of(runs_of(TWO_BY_TWO, values), TWO_BY_TWO), RESPONSES
    )


def test_it_is_said_which_epochs():
    assert epochs_text([10, 10], 3) == "means of epochs 8 to 10"
    assert epochs_text([10], 1) == "of epoch 10"
    assert epochs_text([10, 30], 1) == "of epochs 10 and 30"
    assert epochs_text([30, 10], 3) == "means of epochs 8 to 10 and 28 to 30"


def test_a_window_that_still_moves_is_said():
    assert moving_sentence(RESPONSES["val_accuracy"], ["a=1", "a=2"]) == (
        "The mean validation accuracy over the window still moves at a=1 and a=2, so it is that of a slightly earlier "
        "training."
    )


def test_the_note_tells_only_of_what_is_there():
    plain = effects_note(table(), 1, "image", 10_000)
    assert "; seeds is how many" in plain
    looked = effects_note(table(), 1, "image", 10_000, looked=True)
    assert "seeds is how many" not in looked and "how many seeds" not in looked  # a column that is not there
    assert "†" not in plain and "± images" not in plain and "share their variances" not in plain
    assert "± seeds is the standard error that is due to seeds. d_z" in plain
    assert "± is the standard error. n is" in effects_note(table(), 1, "image", 10_000, paired=False)
    assert "Matched seeds make arms differ in the factor alone" in plain
    full = table().assign(floored=True, moderated=True, se_examples=0.01, alike=True)
    told = effects_note(full, 2, "image", 10_000)
    assert "† the seeds spread by less" in told and "share their variances" in told and "p pooled" in told
    assert "± images that due to the 10,000 validation images, which no seed removes" in told
    assert "all terms and both responses" in told


@pytest.mark.parametrize(
    ("count", "told"),
    [(1, "a"), (2, "a and b"), (3, "a; b; and c"), (4, "a; b; c; and d"), (5, "a; b; c; and 2 other cells")],
)
def test_a_few_cells_are_named_and_never_one_counted(count, told):
    assert few(list("abcde"[:count])) == told
