"""The built-in recipe: image classifiers written as a list of layers, with the choices that studies of them ask about.

It is a recipe as a user's own: the defaults of the arguments are the config keys, and any of them is a factor. What
may be written for each is checked by `runner.images.choices`, without TensorFlow.
"""

from typing import Any

import keras
import numpy as np

from runner.images.data import Dataset, load, transform
from runner.images.layers import effective_layers
from runner.images.model import build_model, make_optimizer
from runner.images.reading import Named
from runner.training.streams import holdout_size

MEASURE_BATCH = 200  # images scored at once in inference mode; the fastest of 32 to 1000 on a core with 2 MB of cache


def data(
    dataset: dict[str, Any] = {},  # noqa: B006  # name, path and classes, as a file of runner/images/conf/dataset/ gives them
    binarize: bool = False,  # True turns pixels of at least 0.5 into 1 and the rest into 0
    normalize: str = "unit",  # unit: pixels in [0, 1]; column_l2: each image column divided by its L2 norm
    augment: bool = False,  # True shifts training images by up to 2 pixels and turns them by up to 10 degrees, anew
) -> dict[str, Any]:
    """Return the images as the net is given them: as they are where it moves them first and transforms them itself."""
    images = loaded(dataset)
    before_net = ("unit", False) if augment else (normalize, binarize)
    return {
        "x": transform(images.x_train, *before_net),
        "y": images.y_train,
        "validation_data": (transform(images.x_test, *before_net), images.y_test),
    }


def model(
    data: dict[str, Any],
    dataset: dict[str, Any] = {},  # noqa: B006
    binarize: bool = False,
    normalize: str = "unit",
    augment: bool = False,
    model: dict[str, Any] = {},  # noqa: B006  # layers, and what is left out of them, as a file of runner/images/conf/model/ has it
    dropout: bool = True,  # False leaves out every dropout layer of the model
    optimizer: str = "adam",  # adagrad, adam, adamax, adamw, nadam, rmsprop, sgd
    learning_rate: float | None = None,  # None takes Keras's default of the optimizer
    schedule: str = "constant",  # constant, or cosine: down to zero over all epochs
    batch_size: int = 32,  # images a step
    epochs: int = 0,
    holdout: float = 0.0,
) -> keras.Model:
    """Return the compiled net."""
    layers = effective_layers(model["layers"], dropout, tuple(model["without"]))
    augmented = {"normalize": normalize, "binarize": binarize} if augment else None
    net = build_model(layers, data["x"].shape[1:], dataset["classes"], augmented)
    images = len(data["x"]) - holdout_size(len(data["x"]), holdout)
    net.compile(
        make_optimizer(optimizer, float(learning_rate or 0), schedule, epochs * -(-images // batch_size)),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return net


def fit(batch_size: int = 32) -> dict[str, Any]:
    """Return fit's own words."""
    return {"batch_size": batch_size, "validation_batch_size": MEASURE_BATCH}


def pictures(dataset: dict[str, Any]) -> np.ndarray | None:
    """Return the validation images as they were, whatever a net is given: float32 in [0, 1], (n, h, w, c).

    None where the examples are a table's.
    """
    examples = loaded(dataset).x_test
    return examples if examples.ndim == 4 else None


def loaded(dataset: dict[str, Any]) -> Dataset:
    """Return the dataset's arrays, checked."""
    named = Named(dataset["name"], dataset["path"], dataset.get("target"), dataset.get("size"))
    return load(named, dataset["sha256"], dataset["classes"])
