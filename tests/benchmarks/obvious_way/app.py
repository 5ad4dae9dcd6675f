"""Train one configuration with plain Keras: Hydra's basic launcher, `fit` on NumPy arrays, the history as CSV.

What `study.py` compares this program with.
"""

from pathlib import Path

import hydra
import keras
import numpy as np
import pandas as pd
from hydra.core.hydra_config import HydraConfig
from keras import layers
from omegaconf import DictConfig


def load(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the arrays, pixels float32 in [0, 1] with a channel axis."""
    with np.load(path) as file:
        x_train, x_test = (file[name].astype("float32")[..., None] / 255 for name in ("x_train", "x_test"))
        return x_train, file["y_train"], x_test, file["y_test"]


def build(dropout: bool) -> keras.Model:
    """Return the compiled final net."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            *([layers.Dropout(0.5)] if dropout else []),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            *([layers.Dropout(0.5)] if dropout else []),
            layers.Flatten(),
            layers.Dense(128, activation="sigmoid"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(config: DictConfig) -> None:
    """Train, validate after every epoch, write history.csv into Hydra's folder of the job."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(config.seed)
    x_train, y_train, x_test, y_test = load(config.path)
    model = build(config.dropout)
    history = model.fit(
        x_train, y_train, batch_size=config.batch_size, epochs=config.epochs, validation_data=(x_test, y_test)
    )
    folder = Path(HydraConfig.get().runtime.output_dir)
    pd.DataFrame(history.history).to_csv(folder / "history.csv", index_label="epoch")


if __name__ == "__main__":
    main()
