"""A tf.data pipeline with augmentation layers: do moved and turned digits help a small convolutional net?

    python -m runner -m recipe=examples/augmented.py augment=false,true dropout=0.0,0.4 epochs=10

scikit-learn's digits, 8x8. The layers draw in the pipeline, one image batch after the other, so their draws follow the
study's seeds; the held-out digits are given by `data`, since a dataset cannot be carved.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits


def data(augment: bool = False, batch: int = 32):
    x, y = load_digits(return_X_y=True)
    x = (x / 16.0).reshape(-1, 8, 8, 1).astype(np.float32)
    train = tf.data.Dataset.from_tensor_slices((x[:1200], y[:1200])).batch(batch)
    if augment:
        move = keras.layers.RandomTranslation(0.1, 0.1, fill_mode="constant")
        turn = keras.layers.RandomRotation(0.03, fill_mode="constant")
        train = train.map(lambda images, labels: (turn(move(images, training=True), training=True), labels))
    return {"x": train, "validation_data": (x[1300:], y[1300:]), "holdout": (x[1200:1300], y[1200:1300])}


def model(data, filters: int = 16, dropout: float = 0.0):
    net = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(filters, 3, activation="relu", name="convolution"),
            keras.layers.BatchNormalization(name="normalization"),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dropout(dropout, name="dropout"),
            keras.layers.Dense(10, activation="softmax", name="classes"),
        ]
    )
    net.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net
