"""Layers become a Keras net with the study's shapes; the ones that make no net are refused in a sentence."""

import keras
import numpy as np
import pytest
import yaml
from conftest import SMALL_NET

from runner.images.layers import effective_layers
from runner.images.model import build_model, make_optimizer
from runner.recipe import CONF
from runner.training.noise import Noise

OUT = {"class_name": "Dense", "units": 3, "activation": "softmax", "name": "out"}
FLAT = {"class_name": "Flatten", "name": "flat"}
STAGES = [*(f"stage_{number}" for number in range(1, 13)), "final"]


def configured(name):
    """The layers of a file of runner/images/conf/model as the program composes them."""
    from hydra import compose, initialize_config_dir
    from hydra.core.config_store import ConfigStore
    from omegaconf import OmegaConf

    from runner.images.choices import image_recipe
    from runner.recipe import schema_of
    from runner.settings import StudySchema

    ConfigStore.instance().store("schema", node=schema_of(image_recipe(), StudySchema))
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", [f"model={name}"])
    return effective_layers(OmegaConf.to_container(config, resolve=True)["model"]["layers"], True, classes=10)


def test_the_final_net_is_that_of_the_study():
    model = build_model(configured("final"), (28, 28, 1), 10)
    assert [layer.output.shape[1:] for layer in model.layers[1:]] == [
        (26, 26, 64),
        (13, 13, 64),
        (13, 13, 64),
        (11, 11, 32),
        (5, 5, 32),
        (5, 5, 32),
        (800,),
        (128,),
        (10,),
    ]
    counts = [layer.count_params() for layer in model.layers if layer.count_params()]
    assert counts == [640, 18_464, 102_528, 1_290]
    assert model.count_params() == 122_922


def test_the_stages_are_twelve_different_nets_and_the_final_one_is_stage_9():
    nets = {name: yaml.dump(configured(name)) for name in STAGES}
    assert nets["stage_9"] == nets["final"]
    assert len(set(nets.values())) == 12


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_builds_on_mnists_images(name):
    model = build_model(configured(name), (28, 28, 1), 10)
    assert model.output_shape == (None, 10)
    assert model.layers[-1].activation is keras.activations.softmax


def test_a_net_may_end_in_a_block_that_ends_in_a_softmax():
    ends = {"class_name": "Sequential", "name": "end", "layers": [FLAT, OUT]}
    assert build_model([ends], (8, 8, 1), 3).output_shape == (None, 3)
    ends["layers"] = [FLAT, OUT | {"activation": "relu"}]
    with pytest.raises(ValueError, match="must end in a softmax; the last layer 'out' has the activation 'relu'"):
        build_model([ends], (8, 8, 1), 3)


REFUSED = {
    r"must use built-in Keras layers; got 'Conv2'. Did you mean Conv2D": [{"class_name": "Conv2", "name": "c"}, OUT],
    r"must use built-in Keras layers; got 'Lambda'": [{"class_name": "Lambda", "name": "l"}, OUT],
    r"must use built-in Keras layers; got 'TFSMLayer'": [{"class_name": "TFSMLayer", "name": "l"}, OUT],
    r"must end in one unit a class, 3; the last layer 'flat' gives \(64\)": [FLAT],
    r"must end in one unit a class, 3; the last layer 'out' gives \(8, 8, 3\)": [OUT],
    r"must end in a softmax; the last layer 'out' has the activation 'linear'": [FLAT, OUT | {"activation": "linear"}],
    r"layer 'c' \(Conv2D\) must leave at least one pixel of its input \(8, 8, 1\)": [
        {"class_name": "Conv2D", "filters": 1, "kernel_size": 9, "name": "c"},
        FLAT,
        OUT,
    ],
    r"layer 'd' \(Dropout\) must fit.*rate must be at least 0 and below 1; got 1.5": [
        {"class_name": "Dropout", "rate": 1.5, "name": "d"},
        FLAT,
        OUT,
    ],
    r"layer 'h' \(Dense\) must fit its input of shape \(64\); Keras says: .*unit": [
        FLAT,
        {"class_name": "Dense", "unit": 3, "name": "h"},
        OUT,
    ],
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_layers_that_make_no_net_are_refused_in_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        build_model(REFUSED[sentence], (8, 8, 1), 3)
    assert "\n" not in str(refused.value)


def test_any_keras_layer_may_stand_in_a_net():
    layers = [
        {"class_name": "SeparableConv2D", "filters": 4, "kernel_size": 3, "name": "s"},
        {"class_name": "LayerNormalization", "name": "n"},
        {"class_name": "GlobalAveragePooling2D", "name": "g"},
        {"class_name": "Dense", "units": 3, "name": "d"},
        {"class_name": "Softmax", "name": "p"},
    ]
    model = build_model(layers, (8, 8, 1), 3)
    assert model.predict(np.zeros((2, 8, 8, 1)), verbose=0).sum() == pytest.approx(2)


def test_a_regularizer_may_be_written_with_its_arguments():
    layers = [FLAT, OUT | {"kernel_regularizer": {"class_name": "L2", "l2": 0.5}}]
    model = build_model(layers, (2, 2, 1), 3)
    kernel = model.layers[-1].kernel.numpy()
    assert float(model.losses[0]) == pytest.approx(0.5 * np.square(kernel).sum(), rel=1e-6)


def test_mask_streams_are_those_of_the_dropout_layers():
    model = build_model(SMALL_NET, (8, 8, 1), 3)
    assert [place for place, _ in Noise(model).places] == [("drop_a",), ("drop_b",)]


def test_the_logged_loss_of_a_net_with_penalties_is_its_cross_entropy():
    model = build_model([FLAT, OUT | {"kernel_regularizer": {"class_name": "L2", "l2": 0.5}}], (2, 2, 1), 3)
    model.compile("sgd", "sparse_categorical_crossentropy")
    images, labels = np.random.default_rng(0).random((6, 2, 2, 1)), np.array([0, 1, 2, 0, 1, 2])
    expected = keras.losses.sparse_categorical_crossentropy(labels, model.predict(images, verbose=0))
    assert model.evaluate(images, labels, verbose=0) == pytest.approx(float(np.mean(expected)), rel=1e-6)
    assert float(model.losses[0]) > 0.1


def test_cosine_falls_to_zero_over_all_steps():
    rate = make_optimizer("sgd", 0.1, "cosine", steps=30)._learning_rate
    assert float(rate(0)) == pytest.approx(0.1)
    assert float(rate(15)) == pytest.approx(0.05)
    assert float(rate(30)) == pytest.approx(0.0, abs=1e-8)


def test_a_skip_connection_adds_what_it_names():
    layers = [
        {"class_name": "Dense", "units": 4, "name": "a"},
        {"class_name": "Dense", "units": 4, "name": "b"},
        {"class_name": "Add", "inputs": ["b", "a"], "name": "add"},
        {"class_name": "Concatenate", "inputs": ["add", "input"], "name": "beside"},
        OUT,
    ]
    model = build_model(layers, (5,), 3)
    a, b, _, _, out = model.layers[1:]
    images = np.random.default_rng(0).random((2, 5)).astype("float32")
    hidden = a(images) + b(a(images))
    expected = out(np.concatenate([hidden, images], axis=1))
    np.testing.assert_allclose(model(images), expected, rtol=1e-5)
    assert model.count_params() == 5 * 4 + 4 + 4 * 4 + 4 + 9 * 3 + 3


def test_layers_that_cannot_be_joined_are_refused_with_both_shapes():
    layers = [FLAT, {"class_name": "Concatenate", "inputs": ["flat", "input"], "name": "both"}, OUT]
    with pytest.raises(
        ValueError, match=r"'both' \(Concatenate\) must fit its input of shape \(4\) and \(2, 2, 1\); Keras says"
    ):
        build_model(layers, (2, 2, 1), 3)


def test_layers_may_be_nested_in_blocks_and_wrappers():
    block = {
        "class_name": "Sequential",
        "layers": [{"class_name": "Dense", "units": 4}, {"class_name": "Dropout", "rate": 0.5}],
    }
    cells = [{"class_name": "LSTMCell", "units": 3}, {"class_name": "LSTMCell", "units": 2}]
    layers = [
        {"class_name": "TimeDistributed", "layer": {"class_name": "Dense", "units": 6}, "name": "timed"},
        {"class_name": "Bidirectional", "layer": {"class_name": "RNN", "cell": cells}, "name": "both"},
        *effective_layers([block], True),
        OUT,
    ]
    model = build_model(layers, (7, 2), 3)
    assert model.layers[2].output.shape == (None, 4) and model.output_shape == (None, 3)
    assert type(model.layers[3].layers[-1]).__name__ == "KeyedDropout"


def test_a_net_of_images_given_a_table_says_what_a_table_takes():
    with pytest.raises(ValueError, match="A row of numbers takes layers such as Dense, as model=dense has them"):
        build_model([{"class_name": "Conv2D", "filters": 4, "kernel_size": 3, "name": "conv"}, OUT], (30,), 3)
