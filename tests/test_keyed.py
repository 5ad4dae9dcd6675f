"""Keyed layers: what they draw is a function of (stream key, step), and nothing happens outside training."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import SMALL_NET
from scipy import ndimage

from runner.data import transform
from runner.keyed import MAX_SHIFT, MAX_TURN, Augmentation, KeyedDropout, StepStreams, Transform, move
from runner.model import build_model


def standing(step=0):
    """Streams that stand at a step of the first training epoch, once a layer has entered itself."""
    streams = StepStreams()

    def stand(at=step):
        streams.stand_at(tf.constant(streams.keys(0, "training", 1)), tf.constant(at))

    return streams, stand


def test_keyed_dropout_scales_what_it_keeps_and_is_idle_in_inference():
    streams, stand = standing()
    layer = KeyedDropout(0.3, streams, name="d")
    stand()
    ones = tf.ones((200, 100))
    outputs = layer(ones, training=True).numpy()
    assert sorted(np.unique(outputs)) == pytest.approx([0, 1 / 0.7])
    assert outputs.mean() == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(layer(ones).numpy(), ones.numpy())


def test_the_gradient_of_keyed_dropout_is_its_mask():
    streams, stand = standing()
    layer = KeyedDropout(0.5, streams, name="d")
    stand()
    ones = tf.Variable(tf.ones((8, 8)))
    with tf.GradientTape() as tape:
        outputs = layer(ones, training=True)
    np.testing.assert_array_equal(tape.gradient(outputs, ones).numpy(), outputs.numpy())


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
    streams, stand = standing()
    layer, pictures = Augmentation(streams, name="a"), images()
    stand(0)
    first = layer(pictures, training=True).numpy()
    again = layer(pictures, training=True).numpy()
    stand(1)
    other = layer(pictures, training=True).numpy()
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
    plain, streams = build_model(SMALL_NET, (8, 8, 1), 3, 0)
    moving, more = build_model(SMALL_NET, (8, 8, 1), 3, 0, {"normalize": "unit", "binarize": True})
    for left, right in zip(plain.weights, moving.weights, strict=True):
        np.testing.assert_array_equal(left.numpy(), right.numpy())
    assert more.layer_names == ["augmentation", *streams.layer_names]
    assert more.keys(0, "training", 1)[1:].tolist() == streams.keys(0, "training", 1).tolist()
