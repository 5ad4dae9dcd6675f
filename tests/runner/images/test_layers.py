"""A list of layers becomes the list that takes effect: named, toggled, spelled one way."""

import pytest
from conftest import ROOT

from runner.images.layers import DEFAULTS, effective_layers, name_layers, snake_case

NET = [
    {"class_name": "Conv2D", "filters": 4, "kernel_size": 3},
    {"class_name": "Dropout", "rate": 0.5},
    {"class_name": "Conv2D", "filters": 2, "kernel_size": 3},
    {"class_name": "SpatialDropout2D", "rate": 0.5},
    {"class_name": "Dense", "units": 3, "activation": "softmax"},
]


def names(layers):
    return [layer["name"] for layer in layers]


@pytest.mark.parametrize("class_name", ["Conv2D", "MaxPooling2D", "Dense", "BatchNormalization", "LSTM", "GRUCell"])
def test_default_names_are_those_of_keras(class_name):
    from keras.src.utils.naming import to_snake_case

    assert snake_case(class_name) == to_snake_case(class_name)


def test_names_count_per_class():
    assert names(name_layers(NET)) == ["conv2d_1", "dropout_1", "conv2d_2", "spatial_dropout2d_1", "dense_1"]


def test_without_dropout_the_other_layers_keep_their_names():
    assert names(effective_layers(NET, dropout=False)) == ["conv2d_1", "conv2d_2", "dense_1"]


def test_dropout_of_rate_zero_is_no_layer():
    layers = [*NET[:1], {"class_name": "Dropout", "rate": 0}, {"class_name": "Dropout", "rate": 0.0}, NET[-1]]
    assert names(effective_layers(layers, dropout=True)) == ["conv2d_1", "dense_1"]


def test_named_layers_can_be_left_out():
    assert names(effective_layers(NET, True, ("conv2d_2",))) == [
        "conv2d_1",
        "dropout_1",
        "spatial_dropout2d_1",
        "dense_1",
    ]


def test_leaving_out_an_unknown_layer_says_which_there_are():
    with pytest.raises(ValueError, match=r"model.without must list layers of this model, \['conv2d_1'.*got 'conv9'"):
        effective_layers(NET, True, ("conv9",))


def test_spelling_does_not_matter():
    plain = {"class_name": "Conv2D", "filters": 4, "kernel_size": 3, "name": "c"}
    wordy = {**plain, "kernel_size": [3, 3], "strides": [1, 1], "padding": "valid", "activation": None}
    assert effective_layers([wordy], True) == effective_layers([plain], True) == [plain]


def test_what_changes_the_net_stays():
    layer = {
        "class_name": "Conv2D",
        "filters": 4,
        "kernel_size": [3, 5],
        "padding": "same",
        "use_bias": False,
        "name": "c",
    }
    assert effective_layers([layer], True) == [layer]


@pytest.mark.parametrize("class_name", DEFAULTS)
def test_the_defaults_that_are_left_out_are_those_of_keras(class_name):
    import inspect

    import keras

    signature = inspect.signature(getattr(keras.layers, class_name).__init__).parameters
    for name, value in DEFAULTS[class_name].items():
        default = signature[name].default
        expected = "linear" if name == "activation" and default is None else default
        assert value == (expected[0] if isinstance(expected, tuple) else expected), name


def test_two_layers_of_one_name_are_refused():
    with pytest.raises(ValueError, match="distinct names; got 'a' more than once"):
        name_layers([{"class_name": "Dense", "name": "a"}, {"class_name": "Flatten", "name": "a"}])


@pytest.mark.parametrize("layers", [None, [], "Dense", [3], [{"units": 3}]])
def test_what_is_no_list_of_layers_is_refused(layers):
    with pytest.raises(ValueError, match=r"model.layers(\[0\])? must be a (list|mapping)"):
        name_layers(layers)


def test_examples_of_lists_of_layers_lie_where_the_refusal_says():
    with pytest.raises(ValueError, match=r"got None\. See runner/images/conf/model/ for examples\.$"):
        name_layers(None)
    assert (ROOT / "runner" / "images" / "conf" / "model" / "final.yaml").is_file()
