"""What a recipe's data may be, in fit's words; what it may not be is refused in a sentence that says what to do."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from own_nets import rows

from runner.errors import BadInput
from runner.training.feeds import Arrays, Stream, digest, is_batched, read_feeds

X, Y = rows()
GOOD = {"x": X, "y": Y, "validation_data": rows(60, 1)}


def dataset(examples=100, batch=16, **words):
    return tf.data.Dataset.from_tensor_slices(rows(examples)).batch(batch, **words)


def test_arrays_are_split_into_training_and_holdout_and_all_is_used_once():
    feeds = read_feeds(GOOD, {}, 3, 0.25)
    assert (feeds.train.examples, feeds.holdout.examples, feeds.validation.examples) == (75, 25, 60)
    assert sorted([*feeds.train.places, *feeds.holdout.places]) == list(range(100))
    assert (feeds.batch_size, feeds.validation_batch_size, feeds.shuffle) == (32, 32, True)


def test_a_holdout_that_data_gives_is_taken_and_nothing_is_carved():
    feeds = read_feeds({**GOOD, "holdout": rows(7, 2)}, {}, 0, 0.5)
    assert (feeds.train.examples, feeds.holdout.examples) == (100, 7)


def test_a_dataset_is_not_carved_and_a_holdout_of_nothing_is_none():
    assert read_feeds({"x": dataset(), "validation_data": dataset(60)}, {}, 0, 0.5).holdout is None
    assert read_feeds(GOOD, {}, 0, 0.0).holdout is None


def test_floats_become_keras_floats_and_texts_and_frames_are_read():
    import pandas as pd

    feeds = read_feeds(
        {"x": {"text": ["a", "b"], "table": pd.DataFrame({"c": [1.0, 2.0]})}, "y": [0, 1], "validation_data": (X, Y)},
        {},
        0,
        0,
    )
    parts, labels = feeds.train.tree
    assert parts["text"].dtype == tf.string and parts["table"].dtype == tf.float32 and parts["table"].shape == (2, 1)
    assert labels.dtype == tf.int64


@pytest.mark.parametrize(
    ("spec", "batched"),
    [
        ((tf.TensorSpec([None, 28, 28]), tf.TensorSpec([None])), True),
        ((tf.TensorSpec([32, 28, 28]), tf.TensorSpec([32])), True),
        ((tf.TensorSpec([28, 28]), tf.TensorSpec([])), False),
        ((tf.TensorSpec([13]), tf.TensorSpec([1])), False),
    ],
)
def test_batches_are_told_from_single_examples(spec, batched):
    assert is_batched(spec) == batched


def test_a_dataset_of_single_examples_is_batched_and_counted():
    unbatched = tf.data.Dataset.from_tensor_slices(rows(70))
    feeds = read_feeds({"x": unbatched, "validation_data": rows(60, 1)}, {"batch_size": 16}, 0, 0)
    assert isinstance(feeds.train, Stream) and isinstance(feeds.validation, Arrays)
    assert (feeds.train.batches, feeds.train.examples) == (5, 70)
    assert feeds.train.taken(20).places.tolist() == list(range(20))


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, place):
        return X[place * 50 : place * 50 + 50], Y[place * 50 : place * 50 + 50]


REFUSED = {
    "data must return a dict, such as dict(x=...); got tuple": ((X, Y), {}),
    "data must not return 'epochs': say epochs= in the command": ({**GOOD, "epochs": 3}, {}),
    "data must not return 'z': it may return x, y, sample_weight, validation_data, holdout": ({**GOOD, "z": 3}, {}),
    "fit must not return 'validation_split': return validation_data from data": (GOOD, {"validation_split": 0.1}),
    "fit must not return 'steps_per_epoch': return a finite dataset": (GOOD, {"steps_per_epoch": 10}),
    "data must return a dict with x, arrays or a tf.data dataset; got none": ({"y": Y}, {}),
    "data must return validation_data, such as (x, y), since runs are compared": ({"x": X, "y": Y}, {}),
    "data must return validation_data as (x, y), (x, y, sample_weight) or a tf.data dataset; got str": (
        {**GOOD, "validation_data": "x"},
        {},
    ),
    "data must return x and what belongs to it with equally many examples; got [99, 100]": ({**GOOD, "y": Y[:99]}, {}),
    "data must return x with at least one example; got none": ({**GOOD, "x": X[:0], "y": Y[:0]}, {}),
    "data must return x as arrays of numbers or texts; got object": ({**GOOD, "x": np.array([{}] * 100)}, {}),
    "data must return x as arrays of numbers or texts, or as a tf.data dataset; got generator. Return what it holds": (
        {**GOOD, "x": (batch for batch in [(X, Y)])},
        {},
    ),
    "data must return x as arrays of numbers or texts, or as a tf.data dataset; got Batches": (
        {**GOOD, "x": Batches(), "y": None},
        {},
    ),
    "data must return x as a finite dataset; got an endless one": ({**GOOD, "x": dataset().repeat(), "y": None}, {}),
    "data must return x alone where it is a tf.data dataset": ({**GOOD, "x": dataset()}, {}),
    "fit must return batch_size as a whole number of at least 1; got 0": (GOOD, {"batch_size": 0}),
    "fit must return shuffle as True or False; got 'batch'": (GOOD, {"shuffle": "batch"}),
    "fit must not return class_weight where data returns sample_weight": (
        {**GOOD, "sample_weight": np.ones(100)},
        {"class_weight": {0: 1.0}},
    ),
    "fit may return class_weight only where y is one array of classes": (
        {**GOOD, "y": {"a": Y}},
        {"class_weight": {0: 1.0}},
    ),
    "holdout must leave an example to train on; 0.9 of 1 examples does not": ({**GOOD, "x": X[:1], "y": Y[:1]}, {}),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_data_that_fit_could_not_take_are_refused(sentence):
    data, fit = REFUSED[sentence]
    with pytest.raises(BadInput) as refused:
        read_feeds(data, fit, 0, 0.9)
    assert str(refused.value).startswith(sentence)


def nothing():
    """Rewind nothing."""


def test_the_digest_of_data_tells_every_change_and_no_other_writing():
    base = digest(GOOD, nothing)
    assert digest({**GOOD, "x": X.copy()}, nothing) == base == digest({**GOOD, "sample_weight": None}, nothing)
    moved = X.copy()
    moved[3, 1] += 1e-3
    for changed in ({"x": moved}, {"y": Y.astype(np.int8)}, {"x": X[:, :4]}, {"x": [X]}, {"validation_data": (X, Y)}):
        assert digest({**GOOD, **changed}, nothing) != base, changed


def test_texts_and_datasets_have_digests():
    texts = {**GOOD, "x": ["ab", "c"] * 50}
    assert digest(texts, nothing) == digest({**texts, "x": np.array(texts["x"])}, nothing)
    assert digest(texts, nothing) != digest({**texts, "x": ["ab", "d"] * 50}, nothing)
    read = {"x": dataset(), "validation_data": rows(60, 1)}
    assert digest(read, nothing) == digest({**read, "x": dataset()}, nothing)
    assert digest(read, nothing) != digest({**read, "x": dataset(99)}, nothing)


def test_a_dataset_that_gives_other_elements_the_second_time_is_refused():
    shuffled = dataset().unbatch().shuffle(100, seed=1).batch(16)
    with pytest.raises(BadInput, match="gives the same elements whenever it is read; this one gave others"):
        digest({"x": shuffled, "validation_data": rows(60, 1)}, nothing)
    once = dataset().unbatch().shuffle(100, seed=1, reshuffle_each_iteration=False).batch(16)
    assert len(digest({"x": once, "validation_data": rows(60, 1)}, nothing)) == 64
