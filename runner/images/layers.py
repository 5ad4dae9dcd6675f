"""A user's list of layers -> the list that takes effect: every layer named, toggles applied, one spelling."""

import re
from collections import Counter
from typing import Any

DROPOUT_LAYERS = (
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
)
SQUARE_ARGUMENTS = ("kernel_size", "pool_size", "strides", "dilation_rate")
# What Keras takes where nothing is written, for the layers most nets are made of (held against Keras by a test).
DEFAULTS: dict[str, dict[str, Any]] = {
    "Conv2D": {
        "strides": 1,
        "padding": "valid",
        "dilation_rate": 1,
        "groups": 1,
        "activation": "linear",
        "use_bias": True,
        "kernel_initializer": "glorot_uniform",
        "bias_initializer": "zeros",
    },
    "Dense": {
        "activation": "linear",
        "use_bias": True,
        "kernel_initializer": "glorot_uniform",
        "bias_initializer": "zeros",
    },
    "MaxPooling2D": {"pool_size": 2, "padding": "valid"},
    "AveragePooling2D": {"padding": "valid"},
}

Layer = dict[str, Any]


def effective_layers(layers: Any, dropout: bool, without: tuple[str, ...] = ()) -> list[Layer]:
    """Return the layers a run is made of, named, less dropout layers where `dropout` is off, less those in `without`.

    Names are given before anything is taken out, so the layers that stay keep their names and
    with them their random streams. A dropout layer with rate 0 does nothing and is left out too.
    """
    named = name_layers(layers)
    check_without(named, without)
    kept = [layer for layer in named if layer["name"] not in without]
    return [plain_spelling(layer) for layer in kept if not is_idle_dropout(layer, dropout)]


def name_layers(layers: list[Layer]) -> list[Layer]:
    """Return the layers with a `name` each: the user's own, else its class in snake case and a count per class."""
    check_layers(layers)
    counts: Counter[str] = Counter()
    named = []
    for layer in layers:
        stem = snake_case(layer["class_name"])
        counts[stem] += 1
        named.append({**layer, "name": layer.get("name") or f"{stem}_{counts[stem]}"})
    check_unique([layer["name"] for layer in named])
    return named


def snake_case(class_name: str) -> str:
    """Return `max_pooling2d` for `MaxPooling2D`, as Keras names layers."""
    spaced = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", class_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()


def plain_spelling(layer: Layer) -> Layer:
    """Return the layer without arguments that say what Keras does anyway, and [3, 3] written as 3."""
    defaults = DEFAULTS.get(layer["class_name"], {})
    plain = {key: square(value) if key in SQUARE_ARGUMENTS else value for key, value in layer.items()}
    if plain.get("activation", "linear") is None:
        del plain["activation"]
    return {key: value for key, value in plain.items() if key not in defaults or not same(value, defaults[key])}


def square(value: Any) -> Any:
    """Return 3 for [3, 3]; anything else unchanged."""
    if isinstance(value, list) and value and all(same(part, value[0]) for part in value):
        return value[0]
    return value


def same(left: Any, right: Any) -> bool:
    """Tell whether two values are equal and of one type, so that 1 is not True."""
    return type(left) is type(right) and left == right


def is_idle_dropout(layer: Layer, dropout: bool) -> bool:
    """Tell whether the layer is a dropout layer that is switched off or has rate 0."""
    return layer["class_name"] in DROPOUT_LAYERS and (not dropout or layer.get("rate") == 0)


def check_layers(layers: Any) -> None:
    """Raise ValueError unless `layers` is a non-empty list of mappings that each name a `class_name`."""
    if not isinstance(layers, list) or not layers:
        raise ValueError(
            f"model.layers must be a list of layers; got {layers!r}. See runner/images/conf/model/ for examples."
        )
    for place, layer in enumerate(layers):
        if not isinstance(layer, dict) or not isinstance(layer.get("class_name"), str):
            raise ValueError(f"model.layers[{place}] must be a mapping with a class_name such as Dense; got {layer!r}.")


def check_unique(names: list[str]) -> None:
    """Raise ValueError if two layers share a name, since they would share their random streams too."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"model.layers must have distinct names; got {twice[0]!r} more than once. Rename one.")


def check_without(named: list[Layer], without: tuple[str, ...]) -> None:
    """Raise ValueError if `model.without` names a layer that the model does not have."""
    names = [layer["name"] for layer in named]
    for name in without:
        if name not in names:
            raise ValueError(f"model.without must list layers of this model, {names}; got {name!r}.")
