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

INPUT = "input"  # what `inputs` calls the examples themselves
BLOCK = "Sequential"  # a layer made of `layers`
BESIDE_CONFIG = {"class_name", "config", "module", "name", "registered_name", "build_config", "inputs"}

Layer = dict[str, Any]


def effective_layers(
    layers: Any, dropout: bool, without: tuple[str, ...] = (), classes: int | None = None
) -> list[Layer]:
    """Return the layers a run is made of, named, less dropout layers where `dropout` is off, less those in `without`.

    Names are given before anything is taken out, so the layers that stay keep their names and
    with them their random streams. A dropout layer with rate 0 does nothing and is left out too. What took a layer that
    is left out takes its first input instead, and what then leads nowhere goes as well. `units` and `filters` that are
    None, as `${dataset.classes}` leaves them, are `classes`.
    """
    check_layers(layers)
    named = name_layers([one_spelling(of_classes(layer, classes)) for layer in layers])
    check_without(named, without)
    taken = inputs_of_each(named)
    gone = {layer["name"] for layer in named if layer["name"] in without or is_idle_dropout(layer, dropout)}
    kept = [layer for layer in named if layer["name"] not in gone]
    found = reconnected(kept, taken, gone)
    return [plain_spelling(_less_dropout(layer, dropout)) for layer in found]


def of_classes(value: Any, classes: int | None) -> Any:
    """Return a layer, or a part of one, with a unit or a filter a class where their number is None, at any depth."""
    if isinstance(value, list):
        return [of_classes(each, classes) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: classes if each is None and key in ("units", "filters") else of_classes(each, classes)
        for key, each in value.items()
    }


def _less_dropout(layer: Layer, dropout: bool) -> Layer:
    """Return a block without its idle dropout layers; any other layer unchanged."""
    if layer["class_name"] != BLOCK:
        return layer
    inner = [_less_dropout(each, dropout) for each in layer["layers"] if not is_idle_dropout(each, dropout)]
    return {**layer, "layers": inner}


# ---- one spelling for what Keras and people write in several


def one_spelling(value: Any) -> Any:
    """Return {class_name: L2, l2: 0.01} for Keras's {class_name: L2, config: {l2: 0.01}}, at any depth."""
    if isinstance(value, list):
        return [one_spelling(each) for each in value]
    if not isinstance(value, dict):
        return value
    plain = {key: one_spelling(each) for key, each in value.items()}
    if not (set(plain) <= BESIDE_CONFIG and "class_name" in plain and isinstance(plain.get("config"), dict)):
        return plain
    said = {key: _short(each) for key, each in plain["config"].items() if not _goes_without_saying(key, each)}
    return {key: plain[key] for key in ("class_name", "name", "inputs") if key in plain} | said


def _short(value: Any) -> Any:
    """Return `glorot_uniform` for what is nothing but the class GlorotUniform."""
    return snake_case(value["class_name"]) if isinstance(value, dict) and set(value) == {"class_name"} else value


def _goes_without_saying(key: str, value: Any) -> bool:
    """Tell whether a part of a config as Keras writes it says what holds anyway."""
    policy = value.get("name") if isinstance(value, dict) else value
    return value is None or (key == "trainable" and value is True) or (key == "dtype" and policy == "float32")


def name_layers(layers: Any, prefix: str = "") -> list[Layer]:
    """Return the layers with a `name` each: the user's own, else its class in snake case and a count per class.

    Layers of a block are named after it.
    """
    check_layers(layers)
    counts: Counter[str] = Counter()
    named = []
    for layer in layers:
        stem = snake_case(layer["class_name"])
        counts[stem] += 1
        name = layer.get("name") or f"{prefix}{stem}_{counts[stem]}"
        inner = {"layers": name_layers(layer.get("layers"), f"{name}_")} if layer["class_name"] == BLOCK else {}
        named.append({**layer, "name": name, **inner})
    check_unique([layer["name"] for layer in named])
    return named


# ---- what each layer takes


def inputs_of(layer: Layer, before: str) -> list[str]:
    """Return the names of what a named layer takes: what `inputs` names, else the layer `before` it."""
    inputs = layer.get("inputs", before)
    return [inputs] if isinstance(inputs, str) else inputs


def inputs_of_each(named: list[Layer]) -> dict[str, list[str]]:
    """Return what each layer takes by its name; ValueError unless that stands before it, and all lead to the last."""
    taken: dict[str, list[str]] = {}
    before = INPUT
    for layer in named:
        inputs, known = inputs_of(layer, before), [INPUT, *taken]
        if not isinstance(inputs, list) or not inputs or any(name not in known for name in inputs):
            raise ValueError(
                f"inputs of the model layer {layer['name']!r} must name layers before it, {', '.join(known)}; got "
                f"{layer['inputs']!r}."
            )
        taken[layer["name"]] = inputs
        before = layer["name"]
    if INPUT in taken and any("inputs" in layer for layer in named):
        raise ValueError(f"model.layers must not name a layer {INPUT!r}, which inputs calls the examples. Rename it.")
    idle = [name for name in taken if name not in leading_to(before, taken)]
    if idle:
        raise ValueError(f"the model layer {idle[0]!r} must lead to the last; no layer takes it. Name it in inputs.")
    return taken


def leading_to(last: str, taken: dict[str, list[str]]) -> set[str]:
    """Return the names of the last layer and of all that lead to it."""
    found, open_ends = set[str](), [last]
    while open_ends:
        name = open_ends.pop()
        if name not in found:
            found.add(name)
            open_ends += taken.get(name, [])
    return found


def reconnected(kept: list[Layer], taken: dict[str, list[str]], gone: set[str]) -> list[Layer]:
    """Return the layers that stay and lead to the last, `inputs` written only where it is not the layer before."""

    def stands_for(name: str) -> str:
        while name in gone:
            name = taken[name][0]
        return name

    now = {layer["name"]: [stands_for(name) for name in taken[layer["name"]]] for layer in kept}
    useful = leading_to(stands_for(next(reversed(taken))), now)
    before, found = INPUT, []
    for layer in kept:
        if layer["name"] not in useful:
            continue
        inputs = now[layer["name"]]
        plain = {key: value for key, value in layer.items() if key != "inputs"}
        found.append(plain if inputs == [before] else {**plain, "inputs": inputs if len(inputs) > 1 else inputs[0]})
        before = layer["name"]
    return found


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
    """Tell whether the layer is a dropout layer that is switched off or has rate 0, or wraps one."""
    wrapped = layer.get("layer")
    if isinstance(wrapped, dict) and "class_name" in wrapped:
        return is_idle_dropout(wrapped, dropout)
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
