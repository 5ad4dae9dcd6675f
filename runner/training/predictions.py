"""What a compiled model logs and predicts: its metrics by kind, and classes where its outputs are class scores."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from runner.metrics import Compiled, snake_case

GENERIC = ("mean", "mean_metric_wrapper", "sum", "metric")  # classes that say nothing of what they measure
UNTOLD = ("name", "reduction", "dtype", "axis", "built")  # settings of a loss that are not its function
ONE_CLASS_EACH = ("sparse_categorical_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy")
ONE_OF_TWO = ("binary_crossentropy", "binary_focal_crossentropy")


@dataclass(frozen=True)
class Classes:
    """The classes that examples have and are given."""

    count: int
    labels: np.ndarray  # (examples,) int64, of the validation examples
    decide: Callable[[Any], tf.Tensor]  # outputs (batch, ...) -> (batch,) int32


def find_classes(model: keras.Model, outputs: Any, labels: Any) -> Classes | None:
    """Return the classes where the model has one output of class scores under a cross-entropy, else None.

    `outputs` is the model's symbolic output; `labels` the validation's, whole numbers (n,) or (n, 1), or one-hot.
    """
    shape = getattr(outputs, "shape", None)
    if not isinstance(labels, np.ndarray) or shape is None or labels.dtype.kind not in "iufb":
        return None
    kind, width = kind_of(model.loss), shape[-1] if len(shape) == 2 else 1 if len(shape) == 1 else None
    if kind in ONE_CLASS_EACH and width is not None and width > 1:
        if labels.ndim == 2 and labels.shape[1] == width:
            labels = labels.argmax(axis=1)
        decide = _likeliest
    elif kind in ONE_OF_TWO and width == 1:
        threshold = 0.0 if _has_logits(model.loss) else 0.5
        width, decide = 2, lambda scores: tf.cast(tf.reshape(scores, [-1]) > threshold, tf.int32)
    else:
        return None
    labels = labels.reshape(len(labels), -1)
    if labels.shape[1] != 1 or (labels != np.rint(labels)).any() or labels.min() < 0 or labels.max() >= width:
        return None
    return Classes(int(width), labels[:, 0].astype(np.int64), decide)


def _likeliest(scores: tf.Tensor) -> tf.Tensor:
    return tf.argmax(scores, axis=-1, output_type=tf.int32)


def _has_logits(loss: Any) -> bool:
    return isinstance(loss, keras.losses.Loss) and bool(loss.get_config().get("from_logits"))


def kind_of(loss_or_metric: Any) -> str:
    """Return the snake-cased name of the class or function of Keras, or the user's, behind a loss or metric."""
    if isinstance(loss_or_metric, str):
        return snake_case(loss_or_metric)
    function = getattr(loss_or_metric, "_fn", None)
    name = snake_case(type(loss_or_metric).__name__)
    if callable(function) and name in (*GENERIC, "loss_function_wrapper"):
        return snake_case(getattr(function, "__name__", name))
    if callable(loss_or_metric) and hasattr(loss_or_metric, "__name__"):
        return snake_case(loss_or_metric.__name__)
    return name


def loss_text(loss: Any) -> str:
    """Return what tells one loss function from another: its kind and settings."""
    if isinstance(loss, keras.losses.Loss):
        settings = {**vars(loss), **getattr(loss, "_fn_kwargs", {})}
        plain = {key: value for key, value in settings.items() if not key.startswith("_") and key not in UNTOLD}
        told = [f"{key}={value}" for key, value in sorted(plain.items()) if isinstance(value, bool | int | float | str)]
        return " ".join([kind_of(loss), *told])
    if isinstance(loss, dict):
        return str({key: loss_text(value) for key, value in loss.items()})
    if isinstance(loss, list | tuple):
        return str([loss_text(value) for value in loss])
    return "the model's own" if loss is None else kind_of(loss)


def compiled_metrics(model: keras.Model, names: Iterable[str]) -> list[Compiled]:
    """Return what is known of each logged name."""
    return [_compiled(name, model) for name in names]


def _compiled(name: str, model: keras.Model) -> Compiled:
    if name == "loss":
        plain = isinstance(model.loss, str | keras.losses.Loss) or callable(model.loss)
        return Compiled(name, kind_of(model.loss) if plain else "loss")
    metric = _metric_named(name, model)
    kind = kind_of(metric) if metric is not None else snake_case(name)
    better = {"up": "higher", "down": "lower"}.get(getattr(metric, "_direction", None) or "", "")
    return Compiled(name, snake_case(name) if kind in GENERIC else kind, better)


def _metric_named(name: str, model: keras.Model) -> keras.metrics.Metric | None:
    """Return the metric that logs under the name, which of several outputs begins with the output's."""
    metrics = list(_flat(model.metrics))
    exact = [metric for metric in metrics if metric.name == name]
    return next(iter(exact or [metric for metric in metrics if name.endswith(f"_{metric.name}")]), None)


def _flat(metrics: Iterable[keras.metrics.Metric]) -> Iterable[keras.metrics.Metric]:
    for metric in metrics:
        if type(metric).__name__ == "CompileMetrics":
            yield from _flat(metric.metrics)
        else:
            yield metric
