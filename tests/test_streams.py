"""Random streams are functions of (seed, name), and runs that share a stream draw the same numbers."""

import json
import random
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, SMALL_NET

from runner.keyed import StepStreams, keep_mask
from runner.model import build_model
from runner.streams import batch_order, generator, layer_stream, stream_key


def test_a_key_is_the_sha256_of_seed_and_name():
    import hashlib

    expected = int.from_bytes(hashlib.sha256(b"7/5:split").digest()[:8], "big") >> 1
    assert stream_key(7, "split") == expected


def test_names_that_join_alike_have_different_keys():
    assert stream_key(0, "a", "b") != stream_key(0, "a/1:b")
    assert stream_key(1, "2") != stream_key(12)


def test_a_generator_starts_where_its_name_says():
    first, second = generator(3, "split").random(4), generator(3, "split").random(4)
    assert first.tolist() == second.tolist()
    assert generator(3, "probe").random(4).tolist() != first.tolist()


def test_the_batch_order_depends_on_seed_and_epoch_alone():
    assert batch_order(1, 2, 50).tolist() == batch_order(1, 2, 50).tolist()
    assert sorted(batch_order(1, 2, 50)) == list(range(50))
    assert batch_order(1, 2, 50).tolist() != batch_order(1, 3, 50).tolist()
    assert batch_order(1, 2, 50).tolist() != batch_order(2, 2, 50).tolist()


def test_making_a_layer_leaves_pythons_own_stream_alone():
    random.seed(5)
    expected = random.random()
    random.seed(5)
    with layer_stream(0, "dense_1"):
        random.random()
    assert random.random() == expected


def kernels(layers, seed=0):
    model, _ = build_model(layers, (8, 8, 1), 3, seed)
    return {layer.name: [weight.numpy() for weight in layer.weights] for layer in model.layers if layer.weights}


def test_every_kernel_is_the_same_with_dropout_on_and_off():
    with_dropout = kernels(SMALL_NET)
    without = kernels([layer for layer in SMALL_NET if layer["class_name"] != "Dropout"])
    assert set(with_dropout) == set(without) == {"conv", "hidden", "out"}
    for name, weights in with_dropout.items():
        for left, right in zip(weights, without[name], strict=True):
            np.testing.assert_array_equal(left, right)


def test_two_layers_of_one_shape_have_kernels_of_their_own():
    twins = [{"class_name": "Dense", "units": 64, "name": name} for name in ("first", "second")]
    found = kernels([{"class_name": "Flatten", "name": "flat"}, *twins, twins[0] | {"name": "third"}, SMALL_NET[-1]])
    assert not np.array_equal(found["second"][0], found["third"][0])


def test_another_seed_gives_other_kernels():
    assert not np.array_equal(kernels(SMALL_NET, 0)["conv"][0], kernels(SMALL_NET, 1)["conv"][0])


def test_kernels_are_the_same_in_another_process_and_after_other_nets():
    kernels([{"class_name": "Flatten", "name": "f"}, SMALL_NET[-1]])
    here = [float(weight.sum()) for weights in kernels(SMALL_NET).values() for weight in weights]
    program = (
        "import json, sys; sys.path[:0] = ['tests', '.']; import test_streams as t\n"
        "print(json.dumps([float(w.sum()) for ws in t.kernels(t.SMALL_NET).values() for w in ws]))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == here


def test_layers_inside_a_wrapper_are_seeded_by_the_wrappers_name():
    layers = [
        {"class_name": "Reshape", "target_shape": [8, 8], "name": "rows"},
        {"class_name": "Bidirectional", "layer": {"class_name": "LSTM", "units": 2}, "name": "both"},
        SMALL_NET[-1],
    ]
    first, second = kernels(layers)["both"], kernels(layers)["both"]
    for left, right in zip(first, second, strict=True):
        np.testing.assert_array_equal(left, right)
    assert not np.array_equal(first[0], first[3])  # forward and backward kernels differ


def masks_of(layers):
    """The masks that the net draws in training at step 3 of epoch 1, by layer name."""
    import tensorflow as tf

    _, streams = build_model(layers, (8, 8, 1), 3, seed=4)
    streams.stand_at(tf.constant(streams.keys(4, "training", 1)), tf.constant(3))
    shape = tf.constant([5, 6])
    return {name: keep_mask(shape, 0.5, streams.seed_of(name)).numpy() for name in streams.layer_names}


def test_the_masks_of_one_layer_stay_when_another_is_removed():
    both = masks_of(SMALL_NET)
    alone = masks_of([layer for layer in SMALL_NET if layer["name"] != "drop_a"])
    assert set(both) == {"drop_a", "drop_b"}
    np.testing.assert_array_equal(alone["drop_b"], both["drop_b"])
    assert not np.array_equal(both["drop_a"], both["drop_b"])


def test_masks_differ_between_steps():
    import tensorflow as tf

    streams = StepStreams()
    streams.layer_names.append("d")
    drawn = []
    for step in (0, 1, 0):
        streams.stand_at(tf.constant(streams.keys(0, "training", 1)), tf.constant(step))
        drawn.append(keep_mask(tf.constant([64]), 0.5, streams.seed_of("d")).numpy().tolist())
    assert drawn[0] == drawn[2] != drawn[1]


@pytest.mark.parametrize("rate", [0.5, 0.25, 0.3, 0.1, 0.9])
def test_a_mask_drops_its_rate(rate):
    import tensorflow as tf

    kept = keep_mask(tf.constant([400_001]), rate, tf.constant([1, 2], tf.int64)).numpy()
    spread = np.sqrt(rate * (1 - rate) / kept.size)
    assert abs((1 - kept.mean()) - rate) < 5 * spread
