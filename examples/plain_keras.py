"""Plain Keras, without this program: a loop over choices and seeds, every history written by CSVLogger.

    python examples/plain_keras.py histories
    python -m analysis import histories/histories.csv --name plain_keras

It imports nothing of this program. Does the optimizer, or scaling the inputs, matter for a small net on scikit-learn's
digits? `fit` is called as anybody calls it; the last lines put the runs' files into one table, a row a run and epoch.
"""

import itertools
import sys
from pathlib import Path

import keras
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def train(optimizer, scaled, seed, epochs, path):
    x, y = load_digits(return_X_y=True)
    x = x / 16 if scaled else x
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=500, random_state=0, stratify=y)
    keras.utils.set_random_seed(seed)
    net = keras.Sequential([keras.layers.Dense(32, activation="relu"), keras.layers.Dense(10, activation="softmax")])
    net.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    log = keras.callbacks.CSVLogger(path)
    net.fit(x_train, y_train, validation_data=(x_val, y_val), epochs=epochs, verbose=0, callbacks=[log])


def main(folder, seeds=5, epochs=12):
    folder.mkdir(parents=True, exist_ok=True)
    tables = []
    for optimizer, scaled, seed in itertools.product(["adam", "sgd"], [True, False], range(seeds)):
        path = folder / f"{optimizer}_{scaled}_{seed}.csv"
        train(optimizer, scaled, seed, epochs, path)
        tables.append(pd.read_csv(path).assign(optimizer=optimizer, scaled=scaled, seed=seed))
    pd.concat(tables).to_csv(folder / "histories.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
