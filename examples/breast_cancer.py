"""Imbalanced binary classification: do class weights help to find the rare class, and does the AUC notice?

    python -m runner -m recipe=examples/breast_cancer.py weighted=false,true dropout=0.0,0.3 epochs=30 \
        'analysis.primary=[AUC,recall]'

scikit-learn's breast cancer data with every sixth malignant tumour kept, about one in ten. The rate halves where the
validation loss no longer falls, and training ends where it has not fallen for eight epochs.
"""

import keras
import numpy as np
from sklearn.datasets import load_breast_cancer


def data(kept: int = 6):
    x, benign = load_breast_cancer(return_X_y=True)
    malignant = 1 - benign
    rare = np.flatnonzero(malignant)
    rows = np.sort(np.concatenate([np.flatnonzero(benign), rare[::kept]]))
    rows = np.random.default_rng(0).permutation(rows)
    x, y = x[rows], malignant[rows]
    return {"x": x[130:], "y": y[130:], "validation_data": (x[:130], y[:130])}


def model(data, width: int = 16, dropout: float = 0.0):
    scale = keras.layers.Normalization(name="scale")
    scale.adapt(data["x"])
    inputs = keras.Input((30,))
    hidden = keras.layers.Dense(width, activation="relu", name="hidden")(scale(inputs))
    hidden = keras.layers.Dropout(dropout, name="dropout")(hidden)
    net = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="malignant")(hidden))
    metrics = [keras.metrics.AUC(name="AUC"), keras.metrics.Recall(name="recall")]
    net.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=metrics)
    return net


def fit(data, weighted: bool = False):
    share = float(data["y"].mean())
    stop = keras.callbacks.EarlyStopping("val_loss", patience=8)
    slow_down = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=3)
    weights = {0: 0.5 / (1 - share), 1: 0.5 / share} if weighted else None
    return {"batch_size": 16, "class_weight": weights, "callbacks": [slow_down, stop]}
