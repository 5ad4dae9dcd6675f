"""What a reader is told of a net: its layers as they are written, shapes, parameters and how it is optimized."""

import keras
import numpy as np
import pytest
from conftest import SMALL_NET

from runner.images.model import build_model, make_optimizer
from runner.training.described import described


def test_a_net_is_described_by_what_is_not_kerass_own_default():
    net = described(build_model(SMALL_NET, (8, 8, 1), 3), [], 32)
    assert [tuple(layer.values()) for layer in net["layers"][1:]] == [
        ("conv", "Conv2D", "filters 4, kernel size 3 × 3, relu", "6 × 6 × 4", 40),
        ("drop_a", "Dropout", "rate 0.5", "6 × 6 × 4", 0),
        ("flat", "Flatten", "", "144", 0),
        ("hidden", "Dense", "units 8, relu", "8", 1160),
        ("drop_b", "Dropout", "rate 0.25", "8", 0),
        ("out", "Dense", "units 3, softmax", "3", 27),
    ]
    assert tuple(net["layers"][0].values())[1:] == ("Input", "", "8 × 8 × 1", 0)
    assert (net["parameters"], net["batch_size"]) == (1227, 32)


OPTIMIZERS = {
    "Adam, learning rate 0.001": make_optimizer("adam", 0.001, "constant", 1),
    "SGD, learning rate 0.1, momentum 0.9, nesterov True": keras.optimizers.SGD(0.1, 0.9, nesterov=True),
    "Adam, learning rate CosineDecay from 0.01": make_optimizer("adam", 0.01, "cosine", 30),
    "AdamW, learning rate 0.002, weight decay 0.1": keras.optimizers.AdamW(0.002, weight_decay=0.1),
}


@pytest.mark.parametrize("text", OPTIMIZERS)
def test_an_optimizer_is_told_with_its_rate_and_what_is_not_its_default(text):
    net = described(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), [OPTIMIZERS[text]], None)
    assert net["optimizers"] == [text]


def test_what_a_users_own_layer_or_schedule_cannot_be_asked_for_is_left_out():
    class Table(keras.layers.Layer):
        def __init__(self, table=None, **words):
            super().__init__(**words)
            self.table = table

        def call(self, x):
            return x

        def get_config(self):
            return {**super().get_config(), "table": np.arange(3)}

    class Root(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1 / float(step) if step == 0 else 0.1

    net = keras.Sequential([keras.Input((2, 2)), Table(), keras.layers.LSTM(3, activation="linear")])
    found = described(net, [keras.optimizers.SGD(Root())], None)
    assert [layer["arguments"] for layer in found["layers"][-2:]] == ["", "units 3, linear"]
    assert found["optimizers"] == ["SGD, learning rate Root"]


def test_a_model_of_classes_has_layers_without_shapes():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(0.01), name="d")

        def call(self, x):
            return self.dense(x)

    model = Own()
    model(keras.ops.ones((1, 2)))
    [layer] = described(model, [], None)["layers"]
    assert layer == {
        "name": "d",
        "kind": "Dense",
        "arguments": "units 3, kernel regularizer L2 0.01",
        "shape": "",
        "parameters": 9,
    }
