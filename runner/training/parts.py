"""A recipe's functions as training calls them, and what `data` returns of them by content."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from runner.training import building, feeds
from runner.training.noise import Noise
from runner.training.streams import stream_key


@dataclass(frozen=True)
class Parts:
    """A recipe's functions, their arguments given but for what they are given here."""

    data: Callable[[], Mapping[str, Any]]
    model: Callable[[Mapping[str, Any]], keras.Model]
    fit: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    data_seed: int = 0  # of what `data` draws: the run's where it takes `seed`, else 0
    hopeless_loss: float = float("inf")  # no net that learns loses more, in training and in validation
    own_seeds: bool = False  # whether `model` takes the seed, so that a seed in its code is no mistake
    foreign: bool = True  # whether the functions are a user's, so that their steps are looked through
    digest: str | None = None  # of what `data` must return, where the caller knows it
    pictures: Callable[[], np.ndarray | None] | None = (
        None  # the validation examples as images, where the inputs are not
    )
    pictures_of: str = ""  # what tells those pictures from others with the same labels


@dataclass(frozen=True)
class Measuring:
    """What is measured beside what fit logs."""

    holdout: float  # share of the training arrays that is never trained on
    probe: int  # training examples scored in training and in inference mode, at most
    draws: int  # of the noise of training mode


def call_data(parts: Parts) -> tuple[Mapping[str, Any], building.Build]:
    """Return what `data` returns, and the seed generators that it made, for layers in a dataset's map."""
    with building.keyed_build(parts.data_seed) as build, building.seeded(stream_key(parts.data_seed, "data")):
        data = parts.data()
    feeds.check_words("data", data, feeds.DATA_WORDS)
    return data, build


def data_digest(parts: Parts, data: Mapping[str, Any], build: building.Build, readings: int = 2) -> str:
    """Return the digest of what `data` returned; BadInput where a dataset gives other elements when read again."""
    noise = Noise(None, build.generators)
    return feeds.digest(data, lambda: noise.stand_at(parts.data_seed, "digest"), readings)


def has_dataset(data: Mapping[str, Any]) -> bool:
    """Tell whether any of the data is a tf.data dataset, which reads files that Python does not see."""
    return any(isinstance(part, tf.data.Dataset) for part in tf.nest.flatten(dict(data)))
