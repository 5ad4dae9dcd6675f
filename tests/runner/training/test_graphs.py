"""Steps that cannot be repeated, and models that are no compiled Keras model, are refused in a sentence."""

import keras
import pytest
import tensorflow as tf
from keras import layers
from own_nets import MEASURING, compiled, data_of, parts, rows

from runner.errors import BadInput
from runner.training.epoch_loop import EpochLoop
from runner.training.graphs import Logs, flattened
from runner.training.state import check_names


def net(*more, **words):
    return keras.Sequential([keras.Input((5,)), *more, layers.Dense(3, activation="softmax", name="out")], **words)


class Noisy(keras.Model):
    """Draws from TensorFlow's own stream in its step."""

    def __init__(self, draw):
        super().__init__()
        self.out, self.draw = layers.Dense(3, activation="softmax"), draw

    def call(self, x, training=False):
        return self.out(x + self.draw(tf.shape(x)) if training else x)


STATEFUL = {
    "RandomStandardNormal": tf.random.normal,
    "RandomUniform": tf.random.uniform,
    "RandomShuffle": lambda shape: tf.cast(tf.random.shuffle(tf.range(5)), tf.float32),
}


@pytest.mark.parametrize("operation", STATEFUL)
def test_a_step_that_draws_from_tensorflows_own_stream_is_refused(operation):
    recipe = parts(lambda: compiled(Noisy(STATEFUL[operation])), data_of(rows))
    with pytest.raises(BadInput, match=rf"it uses TensorFlow's own \({operation}\). Take keras.random with"):
        EpochLoop(recipe, 0, MEASURING, 1).check()


def test_a_step_that_draws_from_a_seed_generator_is_not():
    generator = keras.random.SeedGenerator(1)
    built = Noisy(lambda shape: keras.random.normal(shape, seed=generator))
    built.generator = generator
    trajectory = EpochLoop(parts(lambda: compiled(built), data_of(rows)), 0, MEASURING, 1)
    trajectory.check()
    assert trajectory.train_mode == ["noise"]


REFUSED = {
    "model must return a compiled keras.Model; got str": lambda: "model",
    "model must return a compiled model; this one was not. Call model.compile": net,
    "model must not be compiled with run_eagerly=True": lambda: compiled(net(), run_eagerly=True),
    "a metric must not be called 'val_x', which is a column of every history": lambda: compiled(
        net(), metrics=[keras.metrics.SparseCategoricalAccuracy(name="val_x")]
    ),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_model_that_cannot_be_trained_is_refused(sentence):
    with pytest.raises(BadInput) as refused:
        EpochLoop(parts(REFUSED[sentence], data_of(rows)), 0, MEASURING, 1)
    assert str(refused.value).startswith(sentence)


def test_a_model_that_logs_nothing_in_both_steps_is_refused():
    with pytest.raises(BadInput, match="must log metrics of the same names; they share none"):
        check_names([])


def test_logs_are_single_numbers_and_groups_are_flattened():
    logs = flattened({"loss": 1.0, "parts": {"a": 2.0, "b": 3.0}})
    assert logs == {"loss": 1.0, "a": 2.0, "b": 3.0}
    assert Logs(logs).names == ("loss", "a", "b")
    with pytest.raises(BadInput, match="must log single numbers; a is an array"):
        Logs({"a": tf.ones(3)})
