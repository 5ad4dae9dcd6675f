"""A list of named layers -> a compiled keras.Model, by the stages of `runner.images.recipe`."""

import difflib
from typing import Any

import keras
import tensorflow as tf

from runner.images.keyed import KeyedDropout, ShiftAndTurn, Transform
from runner.images.layers import BLOCK, INPUT, Layer, inputs_of

AUGMENTATION, TRANSFORM = "augmentation", "transform"  # names that no layer of a user may have where they are used
BUILT_IN = {"initializer": keras.initializers, "regularizer": keras.regularizers, "constraint": keras.constraints}
# They run code from outside or stand for something other than a layer of a net.
REFUSED = ("FlaxLayer", "Input", "InputLayer", "InputSpec", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper")
OPTIMIZERS = {
    "adagrad": keras.optimizers.Adagrad,
    "adam": keras.optimizers.Adam,
    "adamax": keras.optimizers.Adamax,
    "adamw": keras.optimizers.AdamW,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


class Net(keras.Model):
    """A model whose logged loss is its cross-entropy: penalties on weights move the gradient, not the figure."""

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        """Return Keras's loss; of penalties the gradient stays and the value is taken off."""
        total = super().compute_loss(*args, **kwargs)
        return total - tf.stop_gradient(tf.add_n(self.losses)) if self.losses else total


def build_model(
    layers: list[Layer], input_shape: tuple[int, ...], classes: int, augmented: dict[str, Any] | None = None
) -> keras.Model:
    """Return the net; ValueError, one sentence, where the layers do not make one.

    `input_shape` is (height, width, channels) of images, (columns,) of a table. With `augmented`, the transforms of
    `runner.images.data.transform`, the net moves unit-scaled images itself in training, and
    transforms them after that.
    """
    inputs = outputs = keras.Input(input_shape)
    if augmented is not None:
        outputs = Transform(**augmented, name=TRANSFORM)(ShiftAndTurn(name=AUGMENTATION)(inputs))
    made, before = {INPUT: outputs}, INPUT
    for layer in layers:
        taken = [made[name] for name in inputs_of(layer, before)]
        outputs = apply_layer(layer, taken[0] if len(taken) == 1 else taken)
        made[before := layer["name"]] = outputs
    check_outputs(layers[-1], outputs, classes)
    model = keras.Model(inputs, outputs)
    return Net(inputs, outputs) if model.losses else model


def make_optimizer(name: str, learning_rate: float, schedule: str, steps: int) -> keras.Optimizer:
    """Return the optimizer; with the schedule `cosine` its rate falls to zero over all `steps`."""
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps) if schedule == "cosine" else learning_rate
    return OPTIMIZERS[name](learning_rate=rate)


def apply_layer(layer: Layer, inputs: Any) -> Any:
    """Return the symbolic outputs of one layer."""
    name = layer["name"]
    try:
        outputs = make_layer(layer)(inputs)
    except UnknownLayer:
        raise
    except Exception as error:
        if "negative" in str(error).lower() and not isinstance(inputs, list):
            raise ValueError(no_pixels(layer, inputs)) from None
        raise ValueError(
            f"model layer {name!r} ({layer['class_name']}) must fit its input of shape {shapes(inputs)}; "
            f"Keras says: {first_sentence(error)}{'' if layer['class_name'] == 'Dense' else flat_hint(inputs)}"
        ) from None
    if any(size is not None and size < 1 for size in outputs.shape):
        raise ValueError(no_pixels(layer, inputs))
    return outputs


def no_pixels(layer: Layer, inputs: Any) -> str:
    """Return the sentence for a layer that shrinks its input to nothing."""
    return (
        f"model layer {layer['name']!r} ({layer['class_name']}) must leave at least one pixel of its input "
        f"{shapes(inputs)}; it leaves none. Pool or convolve less before it."
    )


class UnknownLayer(ValueError):
    """A class name that is not one of Keras's layers."""


def make_layer(layer: Layer) -> keras.layers.Layer:
    """Return the Keras layer of `layer`; mappings with a class_name among the arguments become layers too."""
    arguments = {key: value for key, value in layer.items() if key not in ("class_name", "inputs")}
    if layer["class_name"] == BLOCK:
        inner = [make_layer(each) for each in arguments.pop("layers")]
        return keras.Sequential(inner, **arguments)
    if layer["class_name"] == "Dropout" and set(arguments) <= {"name", "rate"}:
        return KeyedDropout(arguments.pop("rate", None), **arguments)
    nested = {key: make_argument(key, value) for key, value in arguments.items()}
    return layer_class(layer["class_name"])(**nested)


def make_argument(key: str, value: Any) -> Any:
    """Return what a layer's argument stands for: a mapping with a class_name is a regularizer and such, or a layer."""
    if isinstance(value, list):
        return [make_argument(key, each) for each in value]
    if not (isinstance(value, dict) and "class_name" in value):
        return value
    kind = key.rpartition("_")[2]
    if kind in BUILT_IN:
        config = {name: each for name, each in value.items() if name != "class_name"}
        return BUILT_IN[kind].get({"class_name": str(value["class_name"]), "config": config})
    return make_layer(value)


def layer_class(class_name: str) -> type[keras.layers.Layer]:
    """Return Keras's built-in layer class of that name; UnknownLayer with the nearest names where there is none."""
    found: Any = getattr(keras.layers, class_name, None)
    if is_layer(found) and class_name not in REFUSED:
        return found
    known = [name for name in dir(keras.layers) if is_layer(getattr(keras.layers, name)) and name not in REFUSED]
    near = difflib.get_close_matches(class_name, known, n=3) or ["Conv2D", "Dense", "Flatten"]
    raise UnknownLayer(
        f"model.layers must use built-in Keras layers; got {class_name!r}. Did you mean {' or '.join(near)}?"
    )


def is_layer(found: Any) -> bool:
    """Tell whether something found in keras.layers is a layer class."""
    return isinstance(found, type) and issubclass(found, keras.layers.Layer)


def check_outputs(last: Layer, outputs: Any, classes: int) -> None:
    """Raise ValueError unless the net ends in `classes` probabilities."""
    if tuple(outputs.shape) != (None, classes):
        raise ValueError(
            f"model.layers must end in one unit a class, {classes}; the last layer {last['name']!r} gives "
            f"{plain(outputs.shape)}. Flatten before it, or set its units or dataset.classes."
        )
    while last["class_name"] == BLOCK:
        last = last["layers"][-1]
    if last["class_name"] != "Softmax" and last.get("activation") != "softmax":
        raise ValueError(
            f"model.layers must end in a softmax; the last layer {last['name']!r} has the activation "
            f"{last.get('activation', 'linear')!r}. Set activation: softmax."
        )


def flat_hint(inputs: Any) -> str:
    """Return what a table takes, "" where the input is none."""
    table = not isinstance(inputs, list) and len(inputs.shape) == 2
    return " A row of numbers takes layers such as Dense, as model=dense has them." if table else ""


def shapes(inputs: Any) -> str:
    """Return the shape of what a layer takes, of several one after the other."""
    return " and ".join(plain(each.shape) for each in (inputs if isinstance(inputs, list) else [inputs]))


def plain(shape: tuple[int | None, ...]) -> str:
    """Return `(28, 28, 1)` for (None, 28, 28, 1)."""
    return "(" + ", ".join(str(size) for size in shape[1:]) + ")"


def first_sentence(error: Exception) -> str:
    """Return the first line of an error's text that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and not line.startswith("Exception encountered")]
    return lines[0] if lines else type(error).__name__
