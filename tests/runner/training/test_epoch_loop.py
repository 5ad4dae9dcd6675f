"""A trajectory: as plain Keras trains, resumable to the bit, and measured without being disturbed."""

import statistics

import keras
import numpy as np
import pytest
from conftest import NOISY_NET, SMALL_NET, digest, made_arrays, small_spec

from runner.calling import measuring_of, parts_of
from runner.images import data, recipe
from runner.images.choices import DIVERGED_LOSS, image_recipe
from runner.images.layers import effective_layers
from runner.images.model import OPTIMIZERS, build_model
from runner.training.building import keyed_build
from runner.training.epoch_loop import EpochLoop, State
from runner.training.streams import batch_order

WITHOUT_DROPOUT = [layer for layer in SMALL_NET if layer["class_name"] != "Dropout"]


def dataset(*_):
    arrays = made_arrays()
    return data.Dataset(
        data.unit_pixels(arrays["x_train"]),
        arrays["y_train"].astype(np.int32),
        data.unit_pixels(arrays["x_test"]),
        arrays["y_test"].astype(np.int32),
    )


@pytest.fixture(autouse=True, scope="module")
def small_dataset_in_memory():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recipe, "load", dataset)
        yield


@pytest.fixture(scope="module")
def two_epochs(small_dataset_in_memory):
    """Two epochs of the small net with its dropout."""
    return trained(small_spec(), 2)


def made(spec, epochs):
    parts = parts_of(image_recipe(), spec, {"recipe": "images", "dataset": "npz", "path": "unread"}, epochs)
    return EpochLoop(parts, spec["seed"], measuring_of(spec), epochs)


def trained(spec, epochs, upto=None, state=None):
    trajectory = made(spec, epochs)
    if state is not None:
        trajectory.resume(state)
    while trajectory.state.epoch < (upto or epochs):
        trajectory.run_epoch()
    return trajectory


def examples(feed):
    """The images and labels of a feed of arrays, in order."""
    return tuple(part.numpy()[feed.places] for part in feed.tree)


def plain_net(layers, seed=0):
    with keyed_build(seed):
        return build_model(layers, (8, 8, 1), 3)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_an_epoch_is_the_one_that_plain_keras_trains(optimizer):
    spec = small_spec(layers=WITHOUT_DROPOUT, optimizer=optimizer)
    ours = trained(spec, 1)
    plain = plain_net(WITHOUT_DROPOUT)
    plain.compile(OPTIMIZERS[optimizer](0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = examples(ours.feeds.train)
    order = batch_order(0, 1, len(images))
    logged = plain.fit(images[order], labels[order], batch_size=16, shuffle=False, verbose=0).history
    for left, right in zip(ours.model.weights, plain.weights, strict=True):
        np.testing.assert_allclose(left.numpy(), right.numpy(), rtol=1e-4, atol=1e-6)
    row = ours.state.history[0]
    assert row["accuracy"] == pytest.approx(logged["accuracy"][0], abs=1e-6)
    assert row["loss"] == pytest.approx(logged["loss"][0], rel=1e-5)
    loss, accuracy = plain.evaluate(*examples(ours.feeds.validation), verbose=0)
    assert row["val_accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert row["val_loss"] == pytest.approx(loss, rel=1e-4)
    assert len(order) % 16 == 0 or len(order) > 16  # 96 images: whole batches


def test_a_last_batch_that_is_not_full_is_trained_on_as_keras_does():
    spec = small_spec(
        layers=WITHOUT_DROPOUT, measuring={"holdout": 0.25}, optimizer="sgd", learning_rate=0.1, batch_size=28
    )
    ours = trained(spec, 1)
    images, labels = examples(ours.feeds.train)
    assert len(images) == 90  # three batches of 28 and one of 6
    plain = plain_net(WITHOUT_DROPOUT)
    plain.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    order = batch_order(0, 1, 90)
    logged = plain.fit(images[order], labels[order], batch_size=28, shuffle=False, verbose=0).history
    np.testing.assert_allclose(ours.model.weights[0].numpy(), plain.weights[0].numpy(), rtol=1e-4, atol=1e-6)
    assert ours.state.history[0]["loss"] == pytest.approx(logged["loss"][0], rel=1e-5)


def test_penalties_on_weights_move_the_gradient_as_in_keras_and_not_the_logged_loss():
    layers = [*WITHOUT_DROPOUT[:-1], WITHOUT_DROPOUT[-1] | {"kernel_regularizer": "l2"}]
    ours, without = (trained(small_spec(layers=each, optimizer="sgd"), 1) for each in (layers, WITHOUT_DROPOUT))
    twin = plain_net(layers)
    plain = keras.Model(twin.inputs, twin.outputs)
    plain.compile(OPTIMIZERS["sgd"](0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = examples(ours.feeds.train)
    order = batch_order(0, 1, len(images))
    logged = plain.fit(images[order], labels[order], batch_size=16, shuffle=False, verbose=0).history
    for left, right in zip(ours.model.weights, plain.weights, strict=True):
        np.testing.assert_allclose(left.numpy(), right.numpy(), rtol=1e-4, atol=1e-6)
    assert not np.allclose(ours.model.weights[-2].numpy(), without.model.weights[-2].numpy(), rtol=1e-4, atol=1e-6)
    assert ours.state.history[0]["loss"] < logged["loss"][0] - 0.04  # Keras logs the penalty too
    expected = keras.losses.sparse_categorical_crossentropy(
        examples(ours.feeds.validation)[1], plain.predict(examples(ours.feeds.validation)[0], verbose=0)
    )
    assert ours.state.history[0]["val_loss"] == pytest.approx(float(np.mean(expected)), rel=1e-4)


def test_the_holdout_is_never_trained_on_and_does_not_depend_on_how_images_are_given():
    plain, other = (made(small_spec(**changes), 1).feeds for changes in ({}, {"normalize": "column_l2"}))
    train, holdout = plain.train.places.tolist(), plain.holdout.places.tolist()
    assert (len(train), len(holdout)) == (96, 24) and sorted([*train, *holdout]) == list(range(120))
    assert other.holdout.places.tolist() == holdout != made(small_spec(seed=1), 1).feeds.holdout.places.tolist()
    np.testing.assert_array_equal(examples(plain.holdout)[1], examples(other.holdout)[1])


@pytest.mark.parametrize(("layers", "augment"), [(SMALL_NET, False), (NOISY_NET, True)])
def test_a_trajectory_that_is_resumed_ends_bit_identical(layers, augment):
    spec = small_spec(layers=layers, binarize=True, augment=augment)
    whole, resumed = made(spec, 3), made(spec, 3)
    *halves, end = [whole.run_epoch() for _ in range(3)]
    for half in halves:
        resumed.resume(half)
        while resumed.state.epoch < 3:
            resumed.run_epoch()
        assert digest(resumed.state) == digest(end)


def test_a_finished_trajectory_extended_is_the_long_one_bit_for_bit(two_epochs):
    assert digest(trained(small_spec(), 4, state=two_epochs.state).state) == digest(trained(small_spec(), 4).state)


def test_with_a_cosine_schedule_the_length_changes_every_epoch():
    spec = small_spec(optimizer="sgd", learning_rate=0.1, schedule="cosine")
    short, long = trained(spec, 2), trained(spec, 4, upto=2)
    assert digest(short.state) != digest(long.state)


@pytest.mark.parametrize("layers", [SMALL_NET, NOISY_NET])
def test_measuring_leaves_the_weights_bit_identical(layers, two_epochs):
    measured = two_epochs if layers is SMALL_NET else trained(small_spec(layers=layers), 2)
    unmeasured = trained(small_spec(layers=layers, measuring={"probe": 0, "probe_draws": 0}), 2)
    assert "on_accuracy" not in unmeasured.state.history[0]
    for left, right in zip(measured.state.weights, unmeasured.state.weights, strict=True):
        np.testing.assert_array_equal(left, right)


def test_augmentation_moves_training_images_and_no_others():
    trajectory = trained(small_spec(layers=WITHOUT_DROPOUT, augment=True), 1)
    row, model = trajectory.state.history[0], trajectory.model
    assert row["on_loss_se"] > 1e-6 and row["on_loss"] != pytest.approx(row["off_loss"], rel=1e-5)
    images, labels = examples(trajectory.feeds.validation)
    losses = keras.losses.sparse_categorical_crossentropy(labels, model.predict(images, verbose=0))
    assert row["val_loss"] == pytest.approx(float(np.mean(losses)), rel=1e-5)


def test_without_dropout_the_probe_scores_alike_in_both_modes():
    row = trained(small_spec(layers=WITHOUT_DROPOUT), 1).state.history[0]
    assert row["on_accuracy"] == row["off_accuracy"]
    assert row["on_loss"] == pytest.approx(row["off_loss"], rel=1e-6)
    assert row["on_accuracy_se"] == 0


def test_dropout_off_is_what_inference_gives(two_epochs):
    images, labels = examples(two_epochs.probe)
    expected = two_epochs.model.predict(images, verbose=0).argmax(axis=1)
    assert two_epochs.state.history[-1]["off_accuracy"] == pytest.approx(np.mean(expected == labels), abs=1e-9)
    assert len(images) == 40


def test_the_stored_predictions_give_the_validation_accuracy(two_epochs):
    labels = examples(two_epochs.feeds.validation)[1]
    for row, predicted in zip(two_epochs.state.history, two_epochs.state.predictions, strict=True):
        assert row["val_accuracy"] == np.mean(predicted == labels)
        assert predicted.dtype == np.uint8


def test_training_mode_is_a_mean_of_whole_draws_and_its_error_is_their_spread():
    trajectory = trained(small_spec(measuring={"probe_draws": 4}), 1)
    images, labels = examples(trajectory.probe)
    drawn = {"accuracy": [], "loss": []}
    for draw in range(4):
        trajectory.noise.stand_at(0, "probe", 1, draw)
        scores = [np.array(trajectory.model(images[at : at + 16], training=True)) for at in range(0, 40, 16)]
        scores = np.concatenate(scores).astype(np.float64)
        drawn["accuracy"].append(float(np.mean(scores.argmax(axis=1) == labels)))
        drawn["loss"].append(float(-np.log(scores[np.arange(40), labels]).mean()))
    row = trajectory.state.history[0]
    for metric, figures in drawn.items():
        assert row[f"on_{metric}"] == pytest.approx(statistics.mean(figures), rel=1e-5)
        assert row[f"on_{metric}_se"] == pytest.approx(statistics.stdev(figures) / 4**0.5, rel=1e-4)
        assert row[f"on_{metric}_se"] > 0


DIVERGING = {"optimizer": "sgd", "learning_rate": 1e38}


def test_an_infinite_learning_rate_ends_as_diverged_and_resuming_knows_it():
    spec = small_spec(**DIVERGING)
    state = trained(spec, 1).state
    assert state.diverged
    again = State(state.epoch, state.weights, state.slots, state.history, state.predictions)
    assert trained(spec, 1, state=again).state.diverged


def test_a_loss_far_above_guessing_ends_as_diverged():
    state = trained(small_spec(layers=WITHOUT_DROPOUT[1:], optimizer="sgd", learning_rate=3e4), 1).state
    loss = state.history[0]["val_loss"]
    assert np.isfinite(loss) and loss > DIVERGED_LOSS * np.log(3)
    assert state.diverged


DENSE = {"class_name": "Dense", "units": 3, "activation": "softmax"}
FLAT = {"class_name": "Flatten"}


@pytest.mark.parametrize(
    ("layers", "augment", "sources"),
    [
        ([FLAT, DENSE], False, []),
        ([{"class_name": "SpatialDropout2D", "rate": 0.5}, FLAT, DENSE], False, ["dropout"]),
        ([{"class_name": "Dropout", "rate": 0.5, "noise_shape": None}, FLAT, DENSE], False, ["dropout"]),
        ([FLAT, DENSE], True, ["augmentation"]),
        ([{"class_name": "RandomFlip"}, FLAT, DENSE], False, ["augmentation"]),
        ([{"class_name": "GaussianNoise", "stddev": 0.1}, FLAT, DENSE], False, ["noise"]),
        (
            [
                {"class_name": "TimeDistributed", "layer": {"class_name": "BatchNormalization"}},
                {"class_name": "Dropout", "rate": 0.5},
                FLAT,
                DENSE,
            ],
            True,
            ["augmentation", "batch against moving statistics", "dropout"],
        ),
    ],
)
def test_what_makes_training_mode_differ_is_named_from_the_layers(layers, augment, sources):
    spec = small_spec(layers=effective_layers(layers, True), augment=augment)
    assert made(spec, 1).train_mode == sources
