"""Regression on a table: does the loss matter, Huber against squared error, for the mean absolute error?

    python -m runner -m recipe=examples/diabetes.py loss=mse,huber width=32,8 epochs=40

442 patients of scikit-learn's diabetes data, ten columns each; a quarter of them validates. The losses cannot be
compared with one another, so the report compares the mean absolute error, in units of disease progression.
"""

import keras
import numpy as np
from sklearn.datasets import load_diabetes


def data():
    x, y = load_diabetes(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    train, validation = order[110:], order[:110]
    return {"x": x[train], "y": y[train], "validation_data": (x[validation], y[validation])}


def model(data, loss: str = "mse", width: int = 32, dropout: float = 0.0, learning_rate: float = 0.01):
    scale = keras.layers.Normalization(name="scale")
    scale.adapt(data["x"])
    net = keras.Sequential(
        [
            keras.Input((10,)),
            scale,
            keras.layers.Dense(width, activation="relu", name="hidden"),
            keras.layers.Dropout(dropout, name="dropout"),
            keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(data["y"].mean()), name="progression"),
        ]
    )
    losses = {"mse": "mean_squared_error", "huber": keras.losses.Huber(delta=20.0)}
    net.compile(keras.optimizers.Adam(learning_rate), losses[loss], metrics=["mae"])
    return net


def fit(batch_size: int = 32):
    return {"batch_size": batch_size}
