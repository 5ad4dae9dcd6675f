"""A list of named layers -> a keras.Model whose initial weights and dropout masks come from named streams."""

import difflib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from runner.layers import Layer
from runner.streams import layer_stream, stream_key

# They run code from outside or stand for something other than a layer of a net.
REFUSED = ("FlaxLayer", "Input", "InputLayer", "InputSpec", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper")


class MaskStreams:
    """Where the mask streams of a net stand: one key a layer, and the step; set while a step is traced or run."""

    def __init__(self) -> None:
        self.layer_names: list[str] = []
        self._keys: tf.Tensor | None = None  # (layers,) int64
        self._step: tf.Tensor | None = None  # () int64

    def keys(self, seed: int, *name: str | int) -> np.ndarray:
        """Return a key a dropout layer for the stream `name`: int64, (layers,); no layer's depends on another."""
        return np.array([stream_key(seed, *name, layer) for layer in self.layer_names], np.int64)

    def stand_at(self, keys: tf.Tensor, step: tf.Tensor) -> None:
        """Let the masks that are drawn next be those of `step` in the streams with `keys`."""
        self._keys, self._step = keys, tf.cast(step, tf.int64)

    def seed_of(self, layer_name: str) -> tf.Tensor:
        """Return the stateless seed of the layer's mask where the streams stand: int64, shape (2,)."""
        return tf.stack([self._keys[self.layer_names.index(layer_name)], self._step])


class KeyedDropout(keras.layers.Layer):
    """Keras's Dropout with a mask that is a function of (stream key, step) alone, so no state needs saving.

    A random byte a unit decides where the rate is a multiple of 1/256, else a 32-bit word, so that
    the share that is dropped is `rate` to 2**-32. Kept units are scaled by 1 / (1 - rate).
    """

    def __init__(self, rate: float, streams: MaskStreams, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
            raise ValueError(f"rate must be at least 0 and below 1; got {rate!r}.")
        self.rate = float(rate)
        self.streams = streams
        streams.layer_names.append(self.name)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the inputs unchanged, or in training masked and scaled."""
        if not training:
            return inputs
        kept = keep_mask(tf.shape(inputs), self.rate, self.streams.seed_of(self.name))
        return inputs * (tf.cast(kept, inputs.dtype) / (1 - self.rate))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape


def keep_mask(shape: tf.Tensor, rate: float, seed: tf.Tensor) -> tf.Tensor:
    """Return booleans of `shape`, each false with probability `rate`, drawn from Philox at `seed`, int64 (2,)."""
    units = tf.reduce_prod(shape)
    if (rate * 256).is_integer():
        words = tf.random.stateless_uniform([(units + 3) // 4], seed, None, None, tf.uint32, alg="philox")
        draws, threshold = tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:units], int(rate * 256)
    else:
        draws = tf.random.stateless_uniform([units], seed, None, None, tf.uint32, alg="philox")
        threshold = round(rate * 2**32)
    return tf.reshape(draws >= tf.constant(threshold, draws.dtype), shape)


def build_model(
    layers: list[Layer], input_shape: tuple[int, ...], classes: int, seed: int
) -> tuple[keras.Model, MaskStreams]:
    """Return the net and its mask streams; ValueError, one sentence, where the layers do not make one.

    `input_shape` is (height, width, channels). Every layer is made and built inside the stream of its name.
    """
    streams = MaskStreams()
    inputs = outputs = keras.Input(input_shape)
    for layer in layers:
        outputs = apply_layer(layer, outputs, seed, streams)
    check_outputs(layers[-1], outputs, classes)
    return keras.Model(inputs, outputs), streams


def apply_layer(layer: Layer, inputs: Any, seed: int, streams: MaskStreams) -> Any:
    """Return the symbolic outputs of one layer, made and built inside its stream."""
    name = layer["name"]
    try:
        with layer_stream(seed, name):
            outputs = make_layer(layer, streams)(inputs)
    except UnknownLayer:
        raise
    except Exception as error:
        if "negative" in str(error).lower():
            raise ValueError(no_pixels(layer, inputs)) from None
        raise ValueError(
            f"model layer {name!r} ({layer['class_name']}) must fit its input of shape {plain(inputs.shape)}; "
            f"Keras says: {first_sentence(error)}"
        ) from None
    if any(size is not None and size < 1 for size in outputs.shape):
        raise ValueError(no_pixels(layer, inputs))
    return outputs


def no_pixels(layer: Layer, inputs: Any) -> str:
    """Return the sentence for a layer that shrinks its input to nothing."""
    return (
        f"model layer {layer['name']!r} ({layer['class_name']}) must leave at least one pixel of its input "
        f"{plain(inputs.shape)}; it leaves none. Pool or convolve less before it."
    )


class UnknownLayer(ValueError):
    """A class name that is not one of Keras's layers."""


def make_layer(layer: Layer, streams: MaskStreams) -> keras.layers.Layer:
    """Return the Keras layer of `layer`; mappings with a class_name among the arguments become layers too."""
    arguments = {key: value for key, value in layer.items() if key != "class_name"}
    if layer["class_name"] == "Dropout" and set(arguments) <= {"name", "rate"}:
        return KeyedDropout(arguments.pop("rate", None), streams, **arguments)
    nested = {
        key: make_layer(value, streams) if isinstance(value, dict) and "class_name" in value else value
        for key, value in arguments.items()
    }
    return layer_class(layer["class_name"])(**nested)


def layer_class(class_name: str) -> type[keras.layers.Layer]:
    """Return Keras's built-in layer class of that name; UnknownLayer with the nearest names where there is none."""
    found = getattr(keras.layers, class_name, None)
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
    if last["class_name"] != "Softmax" and last.get("activation") != "softmax":
        raise ValueError(
            f"model.layers must end in a softmax; the last layer {last['name']!r} has the activation "
            f"{last.get('activation', 'linear')!r}. Set activation: softmax."
        )


def plain(shape: tuple[int | None, ...]) -> str:
    """Return `(28, 28, 1)` for (None, 28, 28, 1)."""
    return "(" + ", ".join(str(size) for size in shape[1:]) + ")"


def first_sentence(error: Exception) -> str:
    """Return the first line of an error's text that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and not line.startswith("Exception encountered")]
    return lines[0] if lines else type(error).__name__
