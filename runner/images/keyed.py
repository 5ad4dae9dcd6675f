"""Keras layers that draw from a stateless generator keyed by (stream, step): dropout at a byte a unit, augmentation."""

import math
from typing import Any

import keras
import tensorflow as tf

from runner.training.noise import StepGenerator

MAX_SHIFT = 2.0  # pixels, along each axis
MAX_TURN = math.radians(10)


class KeyedDropout(keras.layers.Layer):
    """Keras's Dropout with a mask that is a function of (stream, step) alone.

    A random byte a unit decides where the rate is a multiple of 1/256, else a 32-bit word, so that
    the share that is dropped is `rate` to 2**-32. Kept units are scaled by 1 / (1 - rate).
    """

    def __init__(self, rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
            raise ValueError(f"rate must be at least 0 and below 1; got {rate!r}.")
        self.rate = float(rate)
        self.generator = StepGenerator()

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the inputs unchanged, or in training masked and scaled."""
        if not training:
            return inputs
        kept = keep_mask(tf.shape(inputs), self.rate, self.generator.next_seed())
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


class ShiftAndTurn(keras.layers.Layer):
    """Shifts each image by up to 2 pixels and turns it by up to 10 degrees, in training only.

    Three uniform draws an image are a function of (stream, step), as dropout's masks are.
    Pixels are interpolated (bilinear); what comes in from outside is 0.
    """

    augments = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.generator = StepGenerator()

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the images unchanged, or in training moved; float32, (n, h, w, c)."""
        if not training:
            return inputs
        draws = tf.random.stateless_uniform([tf.shape(inputs)[0], 3], self.generator.next_seed(), -1.0, 1.0)
        return move(inputs, draws[:, 0] * MAX_TURN, draws[:, 1:] * MAX_SHIFT)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape


class Transform(keras.layers.Layer):
    """`runner.images.data.transform` inside the net, for images that are moved first."""

    def __init__(self, normalize: str, binarize: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.normalize, self.binarize = normalize, binarize

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the images binarized where asked, then normalized; float32, (n, h, w, c)."""
        images = tf.cast(inputs >= 0.5, inputs.dtype) if self.binarize else inputs
        if self.normalize == "unit":
            return images
        return tf.math.divide_no_nan(images, tf.sqrt(tf.reduce_sum(tf.square(images), axis=1, keepdims=True)))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the input's shape."""
        return input_shape


def move(images: tf.Tensor, angles: tf.Tensor, shifts: tf.Tensor) -> tf.Tensor:
    """Return the images turned counter-clockwise by `angles`, radians, (n,), then shifted by `shifts`, pixels, (n, 2).

    A shift is (right, down). Images are (n, h, w, c); the turn is about the middle.
    """
    height, width = images.shape[1], images.shape[2]
    x_middle, y_middle = (width - 1) / 2, (height - 1) / 2
    cosine, sine = tf.cos(angles), tf.sin(angles)
    # An output pixel takes its value from where it was before: shifted back, then turned back about the middle.
    x_from, y_from = x_middle + shifts[:, 0], y_middle + shifts[:, 1]
    zero = tf.zeros_like(angles)
    transforms = tf.stack(
        [
            *(cosine, -sine, x_middle - cosine * x_from + sine * y_from),
            *(sine, cosine, y_middle - sine * x_from - cosine * y_from),
            *(zero, zero),
        ],
        axis=1,
    )  # (n, 8)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=tf.constant([height, width]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
