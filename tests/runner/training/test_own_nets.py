"""Any Keras net trains as Keras's fit trains it, from matched weights, and goes on bit-identically where it stopped."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import digest
from keras import layers
from own_nets import (
    MEASURING,
    Subclassed,
    TwoOptimizers,
    compiled,
    data_of,
    functional,
    parts,
    rows,
    trained,
)

from runner.training.building import keyed_build
from runner.training.epoch_loop import EpochLoop
from runner.training.parts import Measuring
from runner.training.streams import batch_order


def initial(make, **arguments):
    """The random initial weights of a net, by path."""
    return EpochLoop(parts(lambda: compiled(make(**arguments))), 0, MEASURING, 1).initial_weights


@pytest.mark.parametrize("make", [functional, Subclassed])
@pytest.mark.parametrize("names", [True, False])
def test_every_initial_weight_is_the_same_with_and_without_a_dropout_between(make, names):
    with_dropout, without = (initial(make, drop=drop, names=names) for drop in (True, False))
    assert with_dropout == without and len(without) == {functional: 10, Subclassed: 7}[make]
    assert len(set(without.values())) == len(without)  # and no two weights are one


def test_an_unnamed_layer_more_shifts_names_and_a_named_one_does_not():
    def dense(names, extra):
        x = inputs = keras.Input((5,))
        for name in ("first", *(["extra"] if extra else []), "last"):
            x = layers.Dense(5, **({"name": name} if names else {}))(x)
        return compiled(keras.Model(inputs, layers.Dense(3, activation="softmax", name="out")(x)))

    def found(names, extra):
        return EpochLoop(parts(lambda: dense(names, extra), data_of(rows)), 0, MEASURING, 1).initial_weights

    plain, more = found(True, False), found(True, True)
    assert {path: more[path] for path in plain} == plain and len(more) == len(plain) + 1
    shifted = found(False, True)
    assert shifted["dense_1/kernel"] == found(False, False)["dense_1/kernel"]  # by name: it is the extra one


def test_other_seeds_give_other_weights_and_the_same_seed_the_same():
    first, again, other = (
        EpochLoop(parts(lambda: compiled(functional())), seed, MEASURING, 1).initial_weights for seed in (0, 0, 1)
    )
    assert first == again
    assert not set(first.values()) & set(other.values())


def test_a_seed_in_the_recipes_code_is_kept_and_told():
    def net():
        kernel = keras.initializers.GlorotUniform(seed=7)
        outputs = layers.Dense(3, kernel_initializer=kernel, activation="softmax", name="out")
        return compiled(keras.Sequential([keras.Input((5,)), layers.Dense(4, name="hidden"), outputs]))

    one, two = (EpochLoop(parts(net, data_of(rows)), seed, MEASURING, 1) for seed in (0, 1))
    assert one.explicit_seeds == two.explicit_seeds == ["sequential/out/kernel"]
    assert one.initial_weights["sequential/out/kernel"] == two.initial_weights["sequential/out/kernel"]
    assert one.initial_weights["sequential/hidden/kernel"] != two.initial_weights["sequential/hidden/kernel"]


def test_weights_that_the_recipe_loads_or_freezes_survive():
    def net():
        built = keras.Sequential([keras.Input((5,)), layers.Dense(4, name="hidden"), layers.Dense(3, name="out")])
        built.layers[0].set_weights([np.full((5, 4), 0.25), np.ones(4)])
        built.layers[0].trainable = False
        return compiled(built, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    trajectory = trained(parts(net, data_of(rows)), 2)
    np.testing.assert_array_equal(trajectory.state.weights[0], np.full((5, 4), 0.25, np.float32))
    assert len(trajectory.model.trainable_variables) == 2


# ---- as Keras's fit trains


def two_inputs():
    left, right = keras.Input((5,), name="left"), keras.Input((3,), name="right")
    joined = layers.Concatenate()([layers.Dense(4, name="a")(left), layers.Dense(4, name="b")(right)])
    outputs = {
        "kind": layers.Dense(3, activation="softmax", name="kind")(joined),
        "size": layers.Dense(1, name="size")(joined),
    }
    built = keras.Model({"left": left, "right": right}, outputs)
    losses = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    built.compile(
        "adam", losses, metrics={"kind": ["accuracy"], "size": ["mae"]}, loss_weights={"kind": 1.0, "size": 0.1}
    )
    return built


def two_inputs_data():
    def part(examples, seed):
        x, y = rows(examples, seed)
        return {"left": x, "right": x[:, :3] ** 2}, {"kind": y, "size": x.sum(axis=1, keepdims=True)}

    x, y = part(100, 0)
    return {"x": x, "y": y, "validation_data": part(60, 1)}


def dense(units=3, activation="softmax", **words):
    def net():
        hidden = layers.Dense(8, activation="relu", kernel_regularizer=words.get("penalty"), name="hidden")
        outputs = layers.Dense(units, activation=activation, dtype="float32", name="out")
        built = keras.Sequential([keras.Input((5,)), hidden, layers.BatchNormalization(name="bn"), outputs])
        return compiled(built, **words.get("compile", {}))

    return net


def binary():
    x, y = rows()
    xv, yv = rows(60, 1)
    return {"x": x, "y": (y > 0).astype(int), "validation_data": (xv, (yv > 0).astype(int))}


WEIGHTS = np.random.default_rng(3).random(100)
AUC = {"loss": "binary_crossentropy", "metrics": ["AUC"]}
REGRESSION = {"loss": keras.losses.Huber(), "metrics": ["mae", "r2_score"]}
CASES = {
    "several inputs and outputs in dicts": (two_inputs, two_inputs_data(), {}),
    "a masked LSTM": (lambda: compiled(lstm()), data_of(), {}),
    "sample weights": (dense(), data_of(rows, sample_weight=WEIGHTS), {}),
    "weighted metrics": (dense(compile={"weighted_metrics": ["accuracy"]}), data_of(rows, sample_weight=WEIGHTS), {}),
    "class weights": (dense(), data_of(rows), {"class_weight": {0: 2.0, 1: 0.5, 2: 1.0}}),
    "a penalty on weights": (dense(penalty="l2"), data_of(rows), {}),
    "one sigmoid unit and the AUC": (dense(1, "sigmoid", compile=AUC), binary(), {}),
    "a regression": (dense(1, None, compile=REGRESSION), {**data_of(rows), "y": rows()[0].sum(axis=1)}, {}),
    "order as given": (dense(), data_of(rows), {"shuffle": False}),
    "two optimizers in an own train_step": (lambda: own_steps(), data_of(rows), {}),
}


def lstm():
    words = layers.Embedding(20, 8, mask_zero=True, name="words")
    return keras.Sequential(
        [keras.Input((6,)), words, layers.LSTM(4, name="lstm"), layers.Dense(3, "softmax", name="out")]
    )


def own_steps():
    built = TwoOptimizers()
    built.drop.rate = 0.0
    return compiled(built, optimizer=None, loss=None, metrics=())


@functools.cache
def measured(case):
    """The case's trajectory of two epochs, and its state after each; its last batch is not full."""
    net, data, fit = CASES[case]
    trajectory = EpochLoop(parts(net, data, **fit), 0, Measuring(0.25, 30, 2), 2)
    return trajectory, [trajectory.run_epoch() for _ in range(2)]


@pytest.mark.parametrize("case", CASES)
def test_what_is_logged_is_what_keras_fit_prints_for_the_same_order(case):
    net, data, fit = CASES[case]
    trajectory, [first, _] = measured(case)
    order = trajectory.feeds.train.places
    order = order if fit.get("shuffle") is False else order[batch_order(0, 1, 75)]
    with keyed_build(0):
        plain = net()
        plain(tf.nest.map_structure(lambda part: tf.constant(np.asarray(part)[:2]), data["x"]))
    picked = tf.nest.map_structure(
        lambda part: np.asarray(part)[order], {key: data[key] for key in ("x", "y", "sample_weight") if key in data}
    )
    words = {"batch_size": 16, "class_weight": fit.get("class_weight"), "validation_data": data["validation_data"]}
    logged = plain.fit(**picked, **words, shuffle=False, verbose=0).history
    row = first.history[0]
    assert set(logged) <= set(row)
    for name, [value] in logged.items():
        assert row[name] == pytest.approx(value, rel=2e-5, abs=2e-6), name
    assert len(plain.weights) == len(trajectory.model.weights)
    for ours, theirs in zip(first.weights, plain.weights, strict=False):  # theirs has no variables of TensorFlow's own
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_the_gaps_terms_sum_to_validation_minus_logged_for_every_metric(case):
    trajectory, [_, last] = measured(case)
    for row in last.history:
        for metric in trajectory.compiled:
            logged, on, off, held, val = (
                row[f"{split}{metric.name}"] for split in ("", "on_", "off_", "holdout_", "val_")
            )
            assert (on - logged) + (off - on) + (held - off) + (val - held) == pytest.approx(val - logged, abs=1e-12)


# ---- going on


ARRAYS_OF_VARIABLES = pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's own, with NumPy 2


def schedule():
    return keras.optimizers.schedules.CosineDecay(0.05, 100)


def averaged():
    return dense(compile={"optimizer": keras.optimizers.AdamW(schedule(), use_ema=True, ema_momentum=0.9)})()


def half_precision():
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        return dense()()
    finally:
        keras.mixed_precision.set_dtype_policy(before)


def plateau():
    return [
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=0, min_delta=10.0),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
    ]


def moved(shift=True):
    def data():
        x, y = rows()
        noise = keras.layers.GaussianNoise(0.5)
        train = tf.data.Dataset.from_tensor_slices((x.astype(np.float32), y)).batch(16)
        return {"x": train.map(lambda x, y: (noise(x, training=True), y)), "validation_data": rows(60, 1)}

    return data


GOING_ON = {
    "functional, with attention and batch normalization": (lambda: compiled(functional()), data_of(), {}),
    "subclassed, with noise of its own": (lambda: compiled(Subclassed()), data_of(), {}),
    "AdamW, moving averages, cosine": (averaged, data_of(rows), {}),
    "mixed precision": (half_precision, data_of(rows), {}),
    "two optimizers and a TensorFlow variable": (
        lambda: compiled(TwoOptimizers(), optimizer=None, loss=None, metrics=()),
        data_of(rows),
        {},
    ),
    "callbacks that set the rate": (dense(), data_of(rows), {"callbacks": plateau}),
    "a dataset with noise in its map": (dense(), moved(), {}),
}


@functools.cache
def whole(case):
    """The case's recipe, its trajectory of three epochs, and its state after each."""
    net, data, fit = GOING_ON[case]
    recipe = parts(net, data, **fit)
    trajectory = EpochLoop(recipe, 0, MEASURING, 3)
    return recipe, trajectory, [trajectory.run_epoch() for _ in range(3)]


@ARRAYS_OF_VARIABLES
@pytest.mark.parametrize("case", GOING_ON)
def test_a_trajectory_of_any_net_that_is_resumed_ends_bit_identical(case):
    recipe, _, [_, half, end] = whole(case)
    assert digest(trained(recipe, 3, state=half).state) == digest(end)


@ARRAYS_OF_VARIABLES
def test_callbacks_set_the_rate_as_they_do_in_fit():
    _, trajectory, _ = whole("callbacks that set the rate")
    rate = trajectory.model.optimizer.learning_rate.numpy()
    assert rate == pytest.approx(0.001 * 0.9**3 * 0.5**2, rel=1e-5)  # the first epoch is the best so far


def stopping():
    return [keras.callbacks.EarlyStopping("val_loss", min_delta=10.0, patience=2)]


def test_a_callback_ends_a_training_and_its_epoch_is_the_outcome():
    recipe = parts(dense(), data_of(rows), callbacks=stopping)
    alone = trained(recipe, 20, upto=2)
    half = alone.state
    assert not half.stopped
    end = alone.run_epoch()
    assert (end.epoch, end.stopped) == (3, True)  # nothing is 10 better than the first epoch
    again = trained(recipe, 20, state=half)
    assert digest(again.state) == digest(end) and again.state.stopped


# ---- measuring


@ARRAYS_OF_VARIABLES
@pytest.mark.parametrize(
    "case", ["subclassed, with noise of its own", "mixed precision", "a dataset with noise in its map"]
)
def test_measuring_any_net_leaves_its_training_bit_identical(case):
    recipe, _, [_, watched, _] = whole(case)
    unmeasured = trained(recipe, 2, measuring=Measuring(0.2, 0, 2)).state
    assert "on_loss" in watched.history[0] and "on_loss" not in unmeasured.history[0]
    for left, right in zip(watched.weights, unmeasured.weights, strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_net_without_noise_does_not_pay_for_training_mode(monkeypatch):
    def no_norm():
        return compiled(keras.Sequential([keras.Input((5,)), layers.Dense(3, activation="softmax", name="out")]))

    trajectory = EpochLoop(parts(no_norm, data_of(rows)), 0, MEASURING, 1)
    monkeypatch.setattr(trajectory.graphs, "score_training", None)
    row = trajectory.run_epoch().history[0]
    assert trajectory.train_mode == []
    assert (row["on_loss"], row["on_accuracy"]) == (row["off_loss"], row["off_accuracy"])
    assert row["on_loss_se"] == row["on_accuracy_se"] == 0


TRAIN_MODES = {
    "dropout": (lambda: layers.Dropout(0.5), ["dropout"]),
    "a dropout that drops nothing": (lambda: layers.Dropout(0.0), []),
    "batch statistics": (lambda: layers.BatchNormalization(), ["batch against moving statistics"]),
    "noise": (lambda: layers.GaussianNoise(0.1), ["noise"]),
    "a layer of one's own": (lambda: Doubling(), ["noise"]),
    "nothing": (lambda: layers.LayerNormalization(), []),
}


class Doubling(layers.Layer):
    """Differs in training mode, for which no known layer stands."""

    def call(self, x, training=False):
        return x * 2 if training else x


@pytest.mark.parametrize("case", TRAIN_MODES)
def test_what_makes_training_mode_differ_is_found(case):
    layer, sources = TRAIN_MODES[case]

    def net():
        return compiled(keras.Sequential([keras.Input((5,)), layers.Dense(4), layer(), layers.Dense(3, "softmax")]))

    assert EpochLoop(parts(net, data_of(rows)), 0, MEASURING, 1).train_mode == sources


def test_training_mode_is_scored_as_the_nets_own_forward_pass_in_training_mode():
    def net():
        return compiled(keras.Sequential([keras.Input((5,)), Doubling(), layers.Dense(3, "softmax", name="out")]))

    trajectory = trained(parts(net, data_of(rows)), 1)
    row, probe = trajectory.state.history[0], trajectory.probe
    x, y = (part.numpy()[probe.places] for part in probe.tree)
    scores = trajectory.model(x, training=True).numpy()
    assert row["on_accuracy"] == np.mean(scores.argmax(axis=1) == y)
    expected = keras.losses.sparse_categorical_crossentropy(y, scores)
    assert row["on_loss"] == pytest.approx(float(np.mean(expected)), rel=1e-5)
    assert row["on_loss"] != pytest.approx(row["off_loss"], rel=1e-3)


# ---- predictions


def test_predictions_are_classes_where_outputs_are_class_scores():
    many = trained(parts(dense(300), data_of(rows)), 1)
    assert many.classes.count == 300 and many.state.predictions[0].dtype == np.uint16
    two, [_, last] = measured("one sigmoid unit and the AUC")
    expected = (two.model.predict(binary()["validation_data"][0], verbose=0)[:, 0] > 0.5).astype(int)
    assert two.classes.count == 2 and last.predictions[1].tolist() == expected.tolist()
    none, _ = measured("a regression")
    assert none.classes is None and none.state.predictions[0].shape == (0,) and none.validation_key == ""


def test_one_hot_labels_and_own_steps_are_classified_too():
    x, y = rows()
    xv, yv = rows(60, 1)
    hot = {"x": x, "y": np.eye(3)[y], "validation_data": (xv, np.eye(3)[yv])}
    net = dense(compile={"loss": "categorical_crossentropy"})
    trajectory = trained(parts(net, hot), 1)
    assert trajectory.classes.labels.tolist() == yv.tolist()
    row = trajectory.state.history[0]
    assert row["val_accuracy"] == np.mean(trajectory.state.predictions[0] == yv)


def test_the_records_of_a_net_do_not_depend_on_what_was_built_before():
    def net():
        return compiled(
            keras.Sequential([keras.Input((5,)), layers.Dense(4), layers.Dropout(0.5), layers.Dense(3, "softmax")])
        )

    alone = digest(trained(parts(net, data_of(rows)), 1).state)
    EpochLoop(parts(lambda: compiled(Subclassed(names=False))), 0, MEASURING, 1)
    assert digest(trained(parts(net, data_of(rows)), 1).state) == alone
