"""A train_step of one's own: is training on adversarial images worth its cost on clean and on disturbed digits?

    python -m runner -m recipe=examples/own_step.py adversarial=false,true strength=0.1,0.3 epochs=10

Half of each batch is disturbed along the sign of its gradient (Goodfellow et al. 2015) where `adversarial` is on;
validation is on clean images of scikit-learn's digits.
"""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits


def data():
    x, y = load_digits(return_X_y=True)
    x = x / 16.0
    return {"x": x[:1297], "y": y[:1297], "validation_data": (x[1297:], y[1297:])}


class Adversarial(keras.Model):
    def __init__(self, width, adversarial, strength):
        super().__init__()
        self.hidden = keras.layers.Dense(width, activation="relu", name="hidden")
        self.classes = keras.layers.Dense(10, activation="softmax", name="classes")
        self.adversarial, self.strength = adversarial, strength

    def call(self, x):
        return self.classes(self.hidden(x))

    def train_step(self, batch):
        x, y = batch
        if self.adversarial:
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = self.compute_loss(x, y, self(x, training=True))
            disturbed = tf.clip_by_value(x + self.strength * tf.sign(tape.gradient(loss, x)), 0.0, 1.0)
            half = tf.shape(x)[0] // 2
            x = tf.concat([x[:half], disturbed[half:]], axis=0)
        with tf.GradientTape() as tape:
            predicted = self(x, training=True)
            loss = self.compute_loss(x, y, predicted)
        self._loss_tracker.update_state(loss, sample_weight=tf.shape(x)[0])
        weights = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        return self.compute_metrics(x, y, predicted)


def model(data, width: int = 64, adversarial: bool = False, strength: float = 0.1):
    net = Adversarial(width, adversarial, strength)
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net
