"""The noise of training is a function of (seed, place in the net, epoch), whatever else draws."""

import random

import keras
import numpy as np
import pytest
from conftest import SMALL_NET

from runner.images.model import build_model
from runner.training.building import keyed_build
from runner.training.noise import Noise, StepGenerator


def built(layers, seed=4):
    with keyed_build(seed):
        return build_model(layers, (8, 8, 1), 3)


def masks_of(layers, step=3):
    """The masks that the net's layers draw from ones in training at a step of epoch 1, by layer name."""
    model = built(layers)
    Noise(model).stand_at(4, "training", 1)
    ones = np.ones((5, 6, 7, 2), np.float32)
    drawn = {}
    for layer in model.layers:
        if layer.name.startswith("drop"):
            drawn[layer.name] = [np.array(layer(ones, training=True)) > 0 for _ in range(step + 1)][step]
    return drawn


# Keras's own layers draw from seed generators of their own, the program's dropout from step generators.
KERAS_NET = [
    {**layer, "noise_shape": None} if layer["class_name"] == "Dropout" else layer
    for layer in [*SMALL_NET[:1], {"class_name": "SpatialDropout2D", "rate": 0.5, "name": "drop_m"}, *SMALL_NET[1:]]
]


@pytest.mark.parametrize("layers", [SMALL_NET, KERAS_NET])
def test_the_masks_of_one_layer_stay_when_another_is_removed(layers):
    both = masks_of(layers)
    alone = masks_of([layer for layer in layers if layer["name"] != "drop_a"])
    assert {"drop_a", "drop_b"} <= set(both) and set(alone) == set(both) - {"drop_a"}
    for name, mask in alone.items():
        np.testing.assert_array_equal(mask, both[name])
    assert not np.array_equal(both["drop_a"], both["drop_b"])


@pytest.mark.parametrize("layers", [SMALL_NET, KERAS_NET])
def test_masks_differ_between_steps_and_come_again(layers):
    drawn = [masks_of(layers, step)["drop_a"].tolist() for step in (0, 1, 0)]
    assert drawn[0] == drawn[2] != drawn[1]


def test_masks_differ_between_epochs_seeds_and_draws():
    model = built(SMALL_NET)
    layer, noise, drawn = model.get_layer("drop_a"), Noise(model), []
    for seed, *name in ((4, "training", 1), (4, "training", 2), (5, "training", 1), (4, "probe", 1, 0)):
        noise.stand_at(seed, *name)
        drawn.append(np.array(layer(np.ones((64, 8)), training=True)).tobytes())
    assert len(set(drawn)) == 4


def test_a_step_generator_gives_the_streams_key_and_counts_steps():
    generator = StepGenerator()
    generator.state.assign(np.array([3, 5, 0], np.uint32))
    seeds = [generator.next_seed().numpy().tolist() for _ in range(3)]
    assert seeds == [[3 * 2**32 + 5, step] for step in range(3)]


def test_a_layer_is_known_by_its_name_or_where_it_has_none_by_its_rank_among_its_kind():
    with keyed_build(0):
        inner = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.1), keras.layers.GaussianNoise(0.1)])
        net = keras.Sequential(
            [keras.Input((4,)), keras.layers.Dropout(0.5), inner, keras.layers.Dropout(0.2, name="d")]
        )
    assert [place for place, _ in Noise(net).places] == [
        ("dropout#0",),
        ("sequential#0/dropout#0",),
        ("sequential#0/gaussian_noise#0",),
        ("d",),
    ]


def test_what_user_code_may_draw_from_stands_at_the_stream_too():
    noise, drawn = Noise(None), []
    for name in (("training", 1), ("training", 2), ("training", 1)):
        noise.stand_at(0, *name)
        own = np.random.random()  # noqa: NPY002
        drawn.append((random.random(), own, np.array(keras.random.uniform((2,))).tolist()))
    assert drawn[0] == drawn[2] and all(left != right for left, right in zip(drawn[0], drawn[1], strict=True))
