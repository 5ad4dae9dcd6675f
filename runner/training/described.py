"""A compiled model, before it is trained -> what a reader is told of it: layers, shapes, parameters, optimizers."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import keras

UNSAID = ("name", "dtype", "trainable", "seed", "batch_shape", "layers", "data_format", "sparse", "ragged")
IDLE = (None, "linear")  # activations that do nothing
LIMIT = 90  # characters of a layer's arguments


def described(model: keras.Model, optimizers: Iterable[keras.Optimizer], batch_size: int | None) -> dict[str, Any]:
    """Return the net in plain JSON: its layers, their arguments that are not Keras's own, and how it is optimized.

    A shape is that of one example, "" where the layer is not told it; the rate is that before the first step.
    """
    layers = [_layer(layer) for layer in model.layers]
    return {
        "layers": layers,
        "parameters": int(model.count_params()),
        "optimizers": [_optimizer(optimizer) for optimizer in optimizers],
        "batch_size": int(batch_size or 0),
    }


def _layer(layer: keras.Layer) -> dict[str, Any]:
    kind = type(layer).__name__
    return {
        "name": layer.name,
        "kind": {"InputLayer": "Input", "KeyedDropout": "Dropout"}.get(kind, kind),
        "arguments": _arguments(layer)[:LIMIT],
        "shape": _shape(layer),
        "parameters": int(layer.count_params()) if layer.built else 0,
    }


def _shape(layer: keras.Layer) -> str:
    """Return `26 × 26 × 64`, "" where the layer has no one output."""
    try:
        shape = layer.output.shape[1:]
    except (AttributeError, ValueError, RuntimeError):
        return ""
    return " × ".join("any" if size is None else str(size) for size in shape)


def _arguments(layer: Any) -> str:
    """Return a layer's or an optimizer's arguments that differ from their defaults, `filters 64, relu`."""
    try:
        config, defaults = layer.get_config(), _defaults(type(layer))
        said = {key: value for key, value in config.items() if key not in UNSAID and key in defaults}
        texts = [_said(key, value) for key, value in said.items() if not _same(value, defaults[key])]
        return ", ".join(filter(None, texts))
    except Exception:  # a user's own class may raise anything, or hold what compares with nothing
        return ""


def _defaults(kind: type) -> dict[str, Any]:
    """Return the defaults of a class's arguments; of one that has none, what equals nothing."""
    parameters = inspect.signature(kind).parameters
    return {name: each.default for name, each in parameters.items() if name not in ("args", "kwargs")}


def _same(value: Any, default: Any) -> bool:
    if isinstance(value, dict):  # an initializer and such, as Keras writes it
        name = str(value.get("class_name", "")).lower()
        return isinstance(default, str) and name == default.replace("_", "").lower()
    listed = list(value) if isinstance(value, tuple) else value
    wanted = list(default) if isinstance(default, tuple) else default
    if isinstance(listed, list) and isinstance(wanted, int):
        return all(each == wanted for each in listed)
    return listed == wanted or (value in IDLE and default in IDLE)


def _said(key: str, value: Any) -> str:
    """Return `filters 64`, `kernel size 3 × 3`; of an activation its name alone."""
    if isinstance(value, Mapping):
        inside = value.get("config")
        parts = inside.items() if isinstance(inside, Mapping) else ()
        numbers = [f"{each:g}" for _, each in parts if isinstance(each, float | int) and each]
        text = " ".join([str(value.get("class_name", "")), *numbers])
    elif isinstance(value, list | tuple):
        text = " × ".join(map(str, value))
    else:
        text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if key == "activation" else f"{key.replace('_', ' ')} {text}"


def _first(rate: keras.optimizers.schedules.LearningRateSchedule) -> str:
    """Return ` from 0.001`, "" of a user's own schedule that has no rate before the first step."""
    try:
        return f" from {float(rate(0)):.6g}"
    except Exception:
        return ""


def _optimizer(optimizer: keras.Optimizer) -> str:
    """Return `Adam, learning rate 0.001`, with what else differs from Keras's defaults."""
    rate = getattr(optimizer, "_learning_rate", None)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        scheduled = f"{type(rate).__name__}{_first(rate)}"
    else:
        scheduled = f"{float(optimizer.learning_rate):.6g}"
    others = [text for text in _arguments(optimizer).split(", ") if text and not text.startswith("learning rate")]
    return ", ".join([type(optimizer).__name__, f"learning rate {scheduled}", *others])
