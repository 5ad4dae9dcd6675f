"""Nets, data and trajectories of recipes of one's own, small, for the tests of training."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from runner.training.epoch_loop import EpochLoop
from runner.training.parts import Measuring, Parts

MEASURING = Measuring(holdout=0.2, probe=30, draws=2)


def named(names, name):
    return {"name": name} if names else {}


def functional(drop=True, names=True, extra=False):
    """Embedding, bidirectional LSTM, attention, batch normalization, dense layers."""
    tokens = keras.Input((6,), dtype="int32", **named(names, "tokens"))
    x = layers.Embedding(20, 8, mask_zero=True, **named(names, "embedding"))(tokens)
    if extra:
        x = layers.Dense(8, **named(names, "extra"))(x)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True, dropout=0.2), **named(names, "lstm"))(x)
    if drop:
        x = layers.Dropout(0.3, **named(names, "drop"))(x)
    attended = layers.MultiHeadAttention(2, 4, dropout=0.1, **named(names, "attention"))(x, x)
    x = layers.Add(**named(names, "add"))([x, attended])
    x = layers.BatchNormalization(**named(names, "normalization"))(x)
    x = layers.GlobalAveragePooling1D(**named(names, "pool"))(x)
    outputs = layers.Dense(3, activation="softmax", **named(names, "out"))(x)
    return keras.Model(tokens, outputs, **named(names, "net"))


class Subclassed(keras.Model):
    """A GRU, blocks in a list, a weight of its own, noise from a seed generator of its own."""

    def __init__(self, drop=True, names=True):
        super().__init__()
        self.embedding = layers.Embedding(20, 8, **named(names, "embedding"))
        self.gru = layers.GRU(4, dropout=0.2, **named(names, "gru"))
        self.drop = layers.Dropout(0.3, **named(names, "drop")) if drop else None
        self.blocks = [layers.Dense(4, activation="relu", **named(names, f"block_{place}")) for place in range(2)]
        self.out = layers.Dense(3, activation="softmax", **named(names, "out"))
        self.noise = keras.random.SeedGenerator()

    def build(self, shape):
        self.scale = self.add_weight(shape=(4,), initializer="random_normal", name="scale")
        super().build(shape)

    def call(self, x, training=False):
        x = self.gru(self.embedding(x))
        x = self.drop(x, training=training) if self.drop else x
        for block in self.blocks:
            x = block(x)
        if training:
            x = x + 0.01 * keras.random.normal(keras.ops.shape(x), seed=self.noise, dtype=x.dtype)
        return self.out(x * (1 + self.scale))


class TwoOptimizers(keras.Model):
    """An encoder and a classifier with an optimizer each, metrics of its own, and a count in a TensorFlow variable."""

    def __init__(self):
        super().__init__()
        self.encoder = layers.Dense(6, activation="relu", name="encoder")
        self.drop = layers.Dropout(0.2, name="drop")
        self.classifier = layers.Dense(3, name="classifier")
        self.slow, self.fast = keras.optimizers.SGD(0.01, momentum=0.9), keras.optimizers.Adam(0.01)
        self.tracker = keras.metrics.Mean(name="loss")
        self.hits = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        self.steps_taken = tf.Variable(0, dtype=tf.int64, trainable=False)

    def call(self, x, training=False):
        return self.classifier(self.drop(self.encoder(x), training=training))

    @property
    def metrics(self):
        return [self.tracker, self.hits]

    def logged(self, y, scores):
        losses = keras.losses.sparse_categorical_crossentropy(y, scores, from_logits=True)
        self.tracker.update_state(losses)
        self.hits.update_state(y, scores)
        return tf.reduce_mean(losses)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape(persistent=True) as tape:
            loss = self.logged(y, self(x, training=True))
        for optimizer, layer in ((self.slow, self.encoder), (self.fast, self.classifier)):
            weights = layer.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.steps_taken.assign_add(1)
        return {"loss": self.tracker.result(), "accuracy": self.hits.result()}

    def test_step(self, data):
        x, y = data
        self.logged(y, self(x, training=False))
        return {"loss": self.tracker.result(), "accuracy": self.hits.result()}


def tokens(examples=100, seed=0):
    """Token sequences (n, 6) whose class is the commonest third of the vocabulary."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, examples)
    x = random.integers(1, 7, (examples, 6)) + 6 * np.where(random.random((examples, 6)) < 0.7, y[:, None], 0)
    return x.astype(np.int32), y.astype(np.int32)


def rows(examples=100, seed=0):
    """A table (n, 5) of three classes."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 3, examples)
    return random.normal(size=(examples, 5)) + np.eye(3, 5)[y] * 2, y


def data_of(make=tokens, **more):
    """What `data` returns: training and validation examples."""
    x, y = make()
    return {"x": x, "y": y, "validation_data": make(60, 1), **more}


def compiled(net, optimizer="adam", loss="sparse_categorical_crossentropy", metrics=("accuracy",), **words):
    """The net, compiled."""
    net.compile(optimizer, loss, metrics=list(metrics), **words)
    return net


def parts(model, data=None, **fit):
    """A recipe of functions without arguments."""
    given = data_of() if data is None else data
    return Parts(
        data=given if callable(given) else lambda: given,
        model=lambda data: model(),
        fit=lambda data: (
            {"batch_size": 16} | {key: value() if callable(value) else value for key, value in fit.items()}
        ),
    )


def trained(recipe, epochs, upto=None, state=None, seed=0, measuring=MEASURING):
    """The recipe's trajectory after some epochs."""
    trajectory = EpochLoop(recipe, seed, measuring, epochs)
    if state is not None:
        trajectory.resume(state)
    while trajectory.state.epoch < (upto or epochs) and not trajectory.state.stopped:
        trajectory.run_epoch()
    return trajectory
