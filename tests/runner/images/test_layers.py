"""A list of layers becomes the list that takes effect: named, toggled, spelled one way."""

import re

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


def test_units_of_none_are_a_unit_a_class():
    assert effective_layers([{"class_name": "Dense", "units": None, "name": "d"}], True, classes=7)[0]["units"] == 7


def test_classes_are_known_at_any_depth_and_as_filters_too():
    inner = [{"class_name": "Conv2D", "filters": None, "kernel_size": 1}, {"class_name": "GlobalAveragePooling2D"}]
    as_keras_writes = {"class_name": "Dense", "config": {"units": None, "activation": "softmax"}}
    block, dense = effective_layers([{"class_name": "Sequential", "layers": inner}, as_keras_writes], True, classes=7)
    assert block["layers"][0]["filters"] == 7 and dense["units"] == 7


KERAS = {
    "module": "keras.layers",
    "class_name": "Dense",
    "config": {
        "name": "d",
        "trainable": True,
        "dtype": {
            "module": "keras",
            "class_name": "DTypePolicy",
            "config": {"name": "float32"},
            "registered_name": None,
        },
        "units": 3,
        "activation": "softmax",
        "use_bias": True,
        "kernel_initializer": {
            "module": "keras.initializers",
            "class_name": "GlorotUniform",
            "config": {"seed": None},
            "registered_name": None,
        },
        "bias_initializer": {"class_name": "Zeros", "config": {}},
        "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.01}},
        "bias_constraint": None,
    },
    "registered_name": None,
    "build_config": {"input_shape": [None, 4]},
}


def test_a_layer_as_keras_writes_it_is_the_layer_as_people_write_it():
    regularizer = {"class_name": "L2", "l2": 0.01}
    plain = {"class_name": "Dense", "units": 3, "activation": "softmax", "kernel_regularizer": regularizer, "name": "d"}
    assert effective_layers([KERAS], True) == effective_layers([plain], True) == [plain]


SKIP = [
    {"class_name": "Conv2D", "filters": 4, "name": "a"},
    {"class_name": "Dropout", "rate": 0.5, "name": "drop"},
    {"class_name": "Conv2D", "filters": 4, "name": "b"},
    {"class_name": "Add", "inputs": ["b", "drop"], "name": "add"},
    {"class_name": "Dense", "name": "out"},
]


def inputs(layers):
    return {layer["name"]: layer["inputs"] for layer in layers if "inputs" in layer}


def test_what_took_a_layer_that_is_left_out_takes_its_first_input():
    assert inputs(effective_layers(SKIP, True)) == {"add": ["b", "drop"]}
    assert inputs(effective_layers(SKIP, False)) == {"add": ["b", "a"]}
    without = effective_layers(SKIP, False, ("b",))
    assert inputs(without) == {"add": ["a", "a"]} and names(without) == ["a", "add", "out"]


def test_a_skip_connection_is_left_out_with_the_layer_that_joins_it():
    assert effective_layers(SKIP, True, ("add",)) == [layer for layer in SKIP if layer["name"] != "add"]
    side = [
        SKIP[0],
        {"class_name": "Flatten", "name": "side"},
        {"class_name": "Add", "inputs": ["a", "side"], "name": "add"},
    ]
    assert names(effective_layers(side, True, ("add",))) == ["a"]  # what then leads nowhere goes


def test_naming_the_layer_before_changes_nothing():
    assert effective_layers([SKIP[0] | {"inputs": "input"}, SKIP[2] | {"inputs": ["a"]}], True) == [SKIP[0], SKIP[2]]


NO_INPUTS = {
    "inputs of the model layer 'add' must name layers before it, input, a, drop, b; got ['c'].": [
        *SKIP[:3],
        {"class_name": "Add", "inputs": ["c"], "name": "add"},
    ],
    "inputs of the model layer 'a' must name layers before it, input; got 'b'.": [SKIP[0] | {"inputs": "b"}, SKIP[2]],
    "inputs of the model layer 'a' must name layers before it, input; got 3.": [SKIP[0] | {"inputs": 3}],
    "the model layer 'drop' must lead to the last; no layer takes it. Name it in inputs.": [
        *SKIP[:3],
        {"class_name": "Dense", "inputs": "a", "name": "out"},
    ],
    "model.layers must not name a layer 'input', which inputs calls the examples. Rename it.": [
        SKIP[0] | {"name": "input"},
        SKIP[2] | {"inputs": "input"},
    ],
}


@pytest.mark.parametrize("sentence", NO_INPUTS)
def test_inputs_that_are_none_are_refused_in_a_sentence(sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        effective_layers(NO_INPUTS[sentence], True)


BLOCK = {
    "class_name": "Sequential",
    "name": "block",
    "layers": [{"class_name": "Dense", "units": 2}, {"class_name": "Dropout", "rate": 0.5}],
}


def test_layers_of_a_block_are_named_after_it_and_its_dropout_is_a_switch():
    [whole], [plain] = effective_layers([BLOCK], True), effective_layers([BLOCK], False)
    assert names(whole["layers"]) == ["block_dense_1", "block_dropout_1"]
    assert names(plain["layers"]) == ["block_dense_1"]
    wrapped = {"class_name": "TimeDistributed", "layer": {"class_name": "Dropout", "rate": 0.5}}
    assert names(effective_layers([wrapped, NET[-1]], False)) == ["dense_1"]
