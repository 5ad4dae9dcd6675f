"""Keyed layers: what they draw is a function of (stream key, step), and nothing happens outside training."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import SMALL_NET
from scipy import ndimage

from runner.images.data import transform
from runner.images.keyed import MAX_SHIFT, MAX_TURN, KeyedDropout, ShiftAndTurn, Transform, keep_mask, move
from runner.images.model import build_model
from runner.training.building import keyed_build
from runner.training.noise import Noise
from runner.training.streams import stream_key


def standing(layer, epoch=1):
    """Let the layer's stream stand at the first step of a training epoch; return the layer."""
    net = keras.Sequential([layer])
    Noise(net).stand_at(0, "training", epoch)
    return layer


def test_keyed_dropout_scales_what_it_keeps_and_is_idle_in_inference():
    layer = standing(KeyedDropout(0.3, name="d"))
    ones = tf.ones((200, 100))
    outputs = layer(ones, training=True).numpy()
    assert sorted(np.unique(outputs)) == pytest.approx([0, 1 / 0.7])
    assert outputs.mean() == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(layer(ones).numpy(), ones.numpy())


def test_the_gradient_of_keyed_dropout_is_its_mask():
    layer = standing(KeyedDropout(0.5, name="d"))
    ones = tf.Variable(tf.ones((8, 8)))
    with tf.GradientTape() as tape:
        outputs = layer(ones, training=True)
    np.testing.assert_array_equal(tape.gradient(outputs, ones).numpy(), outputs.numpy())


def test_a_mask_is_drawn_from_the_layers_own_stream_at_the_step():
    layer = standing(KeyedDropout(0.5, name="d"), epoch=3)
    for step in range(3):
        seed = tf.constant([stream_key(0, "training", 3, "d"), step], tf.int64)
        kept = layer(tf.ones((5, 6)), training=True).numpy() > 0
        np.testing.assert_array_equal(kept, keep_mask(tf.constant([5, 6]), 0.5, seed).numpy())


@pytest.mark.parametrize("rate", [0.5, 0.25, 0.3, 0.1, 0.9])
def test_a_mask_drops_its_rate(rate):
    kept = keep_mask(tf.constant([400_001]), rate, tf.constant([1, 2], tf.int64)).numpy()
    spread = np.sqrt(rate * (1 - rate) / kept.size)
    assert abs((1 - kept.mean()) - rate) < 5 * spread


def images(count=5, side=12):
    """Smooth blobs in [0, 1], (count, side, side, 1)."""
    random = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(random.random((count, side, side)), (0, 1.5, 1.5))
    return ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)[..., None]


@pytest.mark.parametrize(("degrees", "right", "down"), [(0, 1.5, -0.5), (7, 0, 0), (-10, 2, 1.25)])
def test_moving_is_what_scipys_affine_transform_does(degrees, right, down):
    angle, pictures = np.radians(degrees), images(1)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # of (row, column)
    middle = np.array([5.5, 5.5])
    offset = middle - turn @ (middle + np.array([down, right]))
    expected = ndimage.affine_transform(pictures[0, :, :, 0], turn, offset, order=1, mode="grid-constant")
    moved = move(pictures, tf.constant([angle], tf.float32), tf.constant([[right, down]], tf.float32))
    np.testing.assert_allclose(moved[0, :, :, 0], expected, atol=1e-5)


def test_a_whole_shift_moves_pixels_and_fills_with_zero():
    pictures = images(1)
    moved = move(pictures, tf.constant([0.0]), tf.constant([[2.0, 1.0]])).numpy()
    np.testing.assert_allclose(moved[0, 1:, 2:], pictures[0, :-1, :-2], atol=1e-6)
    assert moved[0, 0].max() == 0 and moved[0, :, :2].max() == 0


def test_augmentation_is_idle_outside_training_and_keyed_inside():
    layer, pictures = ShiftAndTurn(name="a"), images()
    first, other = (standing(layer)(pictures, training=True).numpy(), layer(pictures, training=True).numpy())
    again = standing(layer)(pictures, training=True).numpy()
    np.testing.assert_array_equal(layer(pictures).numpy(), pictures)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other) and not np.allclose(first, pictures)


def test_augmentation_draws_within_its_limits():
    draws = tf.random.stateless_uniform([4000, 3], [1, 2], -1.0, 1.0).numpy()
    assert np.abs(draws).max() <= 1 and draws.std() == pytest.approx(1 / np.sqrt(3), rel=0.02)
    assert MAX_SHIFT == 2 and np.degrees(MAX_TURN) == pytest.approx(10)


@pytest.mark.parametrize("normalize", ["unit", "column_l2"])
@pytest.mark.parametrize("binarize", [False, True])
def test_transforming_in_the_net_is_transforming_before_it(normalize, binarize):
    pictures = images()
    pictures[:, :, 3] = 0
    inside = Transform(normalize, binarize)(pictures).numpy()
    np.testing.assert_allclose(inside, transform(pictures, normalize, binarize), rtol=1e-6, atol=1e-7)


def test_an_augmented_net_keeps_its_kernels_and_its_other_streams():
    nets = []
    for augmented in (None, {"normalize": "unit", "binarize": True}):
        with keyed_build(0):
            nets.append(build_model(SMALL_NET, (8, 8, 1), 3, augmented))
    plain, moving = nets
    for left, right in zip(plain.weights, moving.weights, strict=True):
        np.testing.assert_array_equal(left.numpy(), right.numpy())
    places = [Noise(net).places for net in nets]
    assert [place for place, _ in places[1]] == [("augmentation",), *(place for place, _ in places[0])]
    for net in nets:
        Noise(net).stand_at(0, "training", 1)
    states = [{place: generator.state.numpy().tolist() for place, generator in each} for each in places]
    assert {place: states[1][place] for place in states[0]} == states[0] and len(states[0]) == 2
