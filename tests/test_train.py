"""A trajectory: as plain Keras trains, resumable to the bit, and measured without being disturbed."""

import hashlib

import keras
import numpy as np
import pytest
from conftest import SMALL_NET, made_arrays, small_spec

from runner import data
from runner.model import build_model
from runner.settings import LEARNING_RATES
from runner.streams import batch_order
from runner.train import DIVERGED_LOSS, OPTIMIZERS, State, Trajectory, before_net, draw_error, make_optimizer

WITHOUT_DROPOUT = [layer for layer in SMALL_NET if layer["class_name"] != "Dropout"]
NOISY = [
    {"class_name": "Conv2D", "filters": 4, "kernel_size": 3, "name": "conv"},
    {"class_name": "BatchNormalization", "name": "norm"},
    {"class_name": "GaussianNoise", "stddev": 0.3, "name": "noise"},
    {"class_name": "SpatialDropout2D", "rate": 0.5, "name": "maps"},
    {"class_name": "Dropout", "rate": 0.3, "name": "drop"},
    {"class_name": "Flatten", "name": "flat"},
    {"class_name": "Dense", "units": 3, "activation": "softmax", "kernel_regularizer": "l2", "name": "out"},
]


def dataset():
    arrays = made_arrays()
    return data.Dataset(
        data.unit_pixels(arrays["x_train"]),
        arrays["y_train"].astype(np.int32),
        data.unit_pixels(arrays["x_test"]),
        arrays["y_test"].astype(np.int32),
    )


def trained(spec, epochs, upto=None, state=None):
    splits = data.split(dataset(), spec["seed"], spec["dataset"]["holdout"], *before_net(spec["transforms"]))
    trajectory = Trajectory(spec, splits, epochs)
    if state is not None:
        trajectory.resume(state)
    while trajectory.state.epoch < (upto or epochs):
        trajectory.run_epoch()
    return trajectory


def digest(state: State) -> str:
    """The sha256 of all that a trajectory is: weights, slots, measured history, predictions; not the seconds."""
    found = hashlib.sha256()
    for array in (*state.weights, *state.slots, *state.predictions):
        found.update(np.ascontiguousarray(array).tobytes())
    for row in state.history:
        found.update(repr({key: value for key, value in row.items() if not key.endswith("seconds")}).encode())
    return found.hexdigest()


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_an_epoch_is_the_one_that_plain_keras_trains(optimizer):
    spec = small_spec(
        layers=WITHOUT_DROPOUT,
        training={"optimizer": optimizer, "learning_rate": 0.01, "schedule": "constant", "batch_size": 16},
    )
    ours = trained(spec, 1)
    plain, _ = build_model(WITHOUT_DROPOUT, (8, 8, 1), 3, spec["seed"])
    plain.compile(OPTIMIZERS[optimizer](0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    splits, order = ours.splits, batch_order(0, 1, len(ours.splits.x_train))
    logged = plain.fit(splits.x_train[order], splits.y_train[order], batch_size=16, shuffle=False, verbose=0).history
    for left, right in zip(ours.model.weights, plain.weights, strict=True):
        np.testing.assert_allclose(left.numpy(), right.numpy(), rtol=1e-4, atol=1e-6)
    row = ours.state.history[0]
    assert row["accuracy"] == pytest.approx(logged["accuracy"][0], abs=1e-6)
    assert row["loss"] == pytest.approx(logged["loss"][0], rel=1e-5)
    loss, accuracy = plain.evaluate(splits.x_validation, splits.y_validation, verbose=0)
    assert row["val_accuracy"] == pytest.approx(accuracy, abs=1e-6)
    assert row["val_loss"] == pytest.approx(loss, rel=1e-4)
    assert len(order) % 16 == 0 or len(order) > 16  # 96 images: whole batches


def test_a_last_batch_that_is_not_full_is_trained_on_as_keras_does():
    spec = small_spec(
        layers=WITHOUT_DROPOUT,
        dataset={"sha256": "tested", "classes": 3, "holdout": 0.25},
        training={"optimizer": "sgd", "learning_rate": 0.1, "schedule": "constant", "batch_size": 28},
    )
    ours = trained(spec, 1)
    assert len(ours.splits.x_train) == 90  # three batches of 28 and one of 6
    plain, _ = build_model(WITHOUT_DROPOUT, (8, 8, 1), 3, 0)
    plain.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    order = batch_order(0, 1, 90)
    logged = plain.fit(
        ours.splits.x_train[order], ours.splits.y_train[order], batch_size=28, shuffle=False, verbose=0
    ).history
    np.testing.assert_allclose(ours.model.weights[0].numpy(), plain.weights[0].numpy(), rtol=1e-4, atol=1e-6)
    assert ours.state.history[0]["loss"] == pytest.approx(logged["loss"][0], rel=1e-5)


@pytest.mark.parametrize("layers", [SMALL_NET, NOISY])
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("augment", [False, True])
def test_a_trajectory_that_is_resumed_ends_bit_identical(layers, at, augment):
    spec = small_spec(layers=layers, transforms={"normalize": "unit", "binarize": True, "augment": augment})
    whole = trained(spec, 3)
    half = trained(spec, at)
    assert digest(trained(spec, 3, state=half.state).state) == digest(whole.state)


def test_a_finished_trajectory_extended_is_the_long_one_bit_for_bit():
    spec = small_spec()
    assert digest(trained(spec, 4, state=trained(spec, 2).state).state) == digest(trained(spec, 4).state)


def test_with_a_cosine_schedule_the_length_changes_every_epoch():
    training = {"optimizer": "sgd", "learning_rate": 0.1, "schedule": "cosine", "batch_size": 16}
    short, long = trained(small_spec(training=training), 2), trained(small_spec(training=training), 4, upto=2)
    assert digest(short.state) != digest(long.state)


@pytest.mark.parametrize("layers", [SMALL_NET, NOISY])
def test_measuring_leaves_the_weights_bit_identical(layers):
    measured = trained(small_spec(layers=layers), 2)
    unmeasured = trained(small_spec(layers=layers, measuring={"probe": 0, "probe_draws": 0}), 2)
    assert "on_accuracy" not in unmeasured.state.history[0]
    for left, right in zip(measured.state.weights, unmeasured.state.weights, strict=True):
        np.testing.assert_array_equal(left, right)


def test_augmentation_moves_training_images_and_no_others():
    spec = small_spec(layers=WITHOUT_DROPOUT, transforms={"normalize": "unit", "binarize": False, "augment": True})
    trajectory = trained(spec, 1)
    row, model = trajectory.state.history[0], trajectory.model
    assert row["on_loss_se"] > 1e-6 and row["on_loss"] != pytest.approx(row["off_loss"], rel=1e-5)
    losses = keras.losses.sparse_categorical_crossentropy(
        trajectory.splits.y_validation, model.predict(trajectory.splits.x_validation, verbose=0)
    )
    assert row["val_loss"] == pytest.approx(float(np.mean(losses)), rel=1e-5)


def test_without_dropout_the_probe_scores_alike_in_both_modes():
    row = trained(small_spec(layers=WITHOUT_DROPOUT), 1).state.history[0]
    assert row["on_accuracy"] == row["off_accuracy"]
    assert row["on_loss"] == pytest.approx(row["off_loss"], rel=1e-6)
    assert row["on_accuracy_se"] == 0


def test_dropout_off_is_what_inference_gives():
    trajectory = trained(small_spec(), 1)
    expected = trajectory.model.predict(trajectory.probe_images, verbose=0).argmax(axis=1)
    share = np.mean(expected == trajectory.probe_labels)
    assert trajectory.state.history[0]["off_accuracy"] == pytest.approx(share, abs=1e-9)
    assert len(trajectory.probe_images) == 40


def test_the_stored_predictions_give_the_validation_accuracy():
    trajectory = trained(small_spec(), 2)
    for row, predicted in zip(trajectory.state.history, trajectory.state.predictions, strict=True):
        assert row["val_accuracy"] == np.mean(predicted == trajectory.splits.y_validation)
        assert predicted.dtype == np.uint8


def test_the_error_of_the_draws_is_that_of_repeated_means():
    random = np.random.default_rng(0)
    chance = random.random(50)
    draws = random.random((4, 50)) < chance
    means = (random.random((20_000, 4, 50)) < chance).mean(axis=(1, 2))
    assert draw_error(draws) == pytest.approx(means.std(), rel=0.25)


def test_an_infinite_learning_rate_ends_as_diverged():
    training = {"optimizer": "sgd", "learning_rate": 1e38, "schedule": "constant", "batch_size": 16}
    state = trained(small_spec(training=training), 1).state
    assert state.diverged


def test_a_loss_far_above_guessing_ends_as_diverged():
    training = {"optimizer": "sgd", "learning_rate": 3e4, "schedule": "constant", "batch_size": 16}
    state = trained(small_spec(training=training, layers=WITHOUT_DROPOUT[1:]), 1).state
    loss = state.history[0]["val_loss"]
    assert np.isfinite(loss) and loss > DIVERGED_LOSS * np.log(3)
    assert state.diverged


def test_resuming_a_trajectory_that_diverged_knows_it():
    training = {"optimizer": "sgd", "learning_rate": 1e38, "schedule": "constant", "batch_size": 16}
    spec = small_spec(training=training)
    state = trained(spec, 1).state
    again = State(state.epoch, state.weights, state.slots, state.history, state.predictions)
    assert trained(spec, 1, state=again).state.diverged


def test_the_default_learning_rates_are_those_of_keras():
    assert set(LEARNING_RATES) == set(OPTIMIZERS)
    for name, optimizer in OPTIMIZERS.items():
        assert float(optimizer().learning_rate.numpy()) == pytest.approx(LEARNING_RATES[name])


def test_cosine_falls_to_zero_over_all_steps():
    training = {"optimizer": "sgd", "learning_rate": 0.1, "schedule": "cosine", "batch_size": 10}
    rate = make_optimizer(training, images=95, epochs=3)._learning_rate
    assert float(rate(0)) == pytest.approx(0.1)
    assert float(rate(15)) == pytest.approx(0.05)
    assert float(rate(30)) == pytest.approx(0.0, abs=1e-8)
