"""Initial weights are functions of (seed, path of the variable): the rest of the net leaves them as they are."""

import json
import random
import subprocess
import sys

import numpy as np
from conftest import ROOT, SMALL_NET

from runner.images.model import build_model
from runner.training.building import keyed_build
from runner.training.streams import stream_key


def test_building_leaves_pythons_and_numpys_own_streams_alone():
    for stream, number in ((random, random.random), (np.random, np.random.random)):
        stream.seed(5)
        expected = number()
        stream.seed(5)
        with keyed_build(0):
            build_model(SMALL_NET, (8, 8, 1), 3)
            number()
        assert number() == expected


def kernels(layers, seed=0):
    with keyed_build(seed):
        model = build_model(layers, (8, 8, 1), 3)
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
        "import json, sys; sys.path[:0] = ['tests/runner/training', 'tests', '.']; import test_building as t\n"
        "print(json.dumps([float(w.sum()) for ws in t.kernels(t.SMALL_NET).values() for w in ws]))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == here


def test_a_kernel_is_what_kerass_initializer_draws_with_the_seed_of_the_layers_own_stream():
    import keras

    seed = random.Random(stream_key(7, "initial weights", "hidden")).randint(1, int(1e9))
    expected = keras.initializers.GlorotUniform(seed)((144, 8))
    np.testing.assert_array_equal(kernels(SMALL_NET, 7)["hidden"][0], np.array(expected))


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
