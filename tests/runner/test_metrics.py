"""The registry: Keras's metrics come known, a user's own must say its direction, settings must fit what is compiled."""

import keras
import pytest

from runner.metrics import (
    Compiled,
    Metric,
    UnknownMetric,
    default_primary,
    metric_of,
    read_metrics,
    register,
    snake_case,
)
from runner.training.predictions import compiled_metrics

LOSS, MAE = Compiled("loss", "huber"), Compiled("mae", "mean_absolute_error")


def test_accuracy_and_cross_entropy_are_shown_as_people_show_them():
    accuracy, loss = register(
        [Compiled("loss", "sparse_categorical_crossentropy"), Compiled("accuracy", "sparse_categorical_accuracy")], {}
    )
    assert (accuracy.unit, accuracy.difference_unit, accuracy.scale, accuracy.sesoi) == (
        "%",
        "percentage points",
        100,
        0.001,
    )
    assert (loss.unit, loss.scale, loss.sesoi, loss.better) == ("nats", 1.0, 0.005, "lower")
    assert accuracy.primary and loss.primary


KNOWN = {
    ("AUC", "auc"): ("AUC", "higher", 0.0, 1.0),
    ("mae", "mean_absolute_error"): ("mean absolute error", "lower", 0.0, None),
    ("r2_score", "r2_score"): ("R²", "higher", None, 1.0),
    ("loss", "anything"): ("loss", "lower", None, None),
    ("size_loss", "mine"): ("size loss", "lower", None, None),
    ("my_recall", "recall"): ("my recall", "higher", 0.0, 1.0),
}


@pytest.mark.parametrize("compiled", KNOWN)
def test_what_is_known_of_a_metric(compiled):
    metric = metric_of(Compiled(*compiled))
    assert (metric.label, metric.better, metric.low, metric.high) == KNOWN[compiled]
    assert metric.sesoi is None and metric.unit == "" and metric.scale == 1.0


def test_a_metric_of_the_users_own_says_its_direction_or_is_refused():
    with pytest.raises(
        UnknownMetric, match=r"whether f1 is better higher or lower; got nothing, .* analysis\.better\.f1="
    ):
        register([LOSS, Compiled("f1", "f1")], {})
    found = register([LOSS, Compiled("f1", "f1")], {"better": {"val_f1": "higher"}})
    assert [(metric.name, metric.better) for metric in found] == [("f1", "higher"), ("loss", "lower")]
    assert metric_of(Compiled("f1", "f1", "higher")).better == "higher"  # where Keras itself says so


def test_primary_metrics_come_first_and_the_smallest_effects_are_the_users():
    found = register(
        [LOSS, MAE, Compiled("AUC", "auc")], {"primary": ["val_AUC"], "sesoi": {"mae": 0.05, "loss": None}}
    )
    assert [(metric.name, metric.primary, metric.sesoi) for metric in found] == [
        ("AUC", True, None),
        ("loss", False, None),
        ("mae", False, 0.05),
    ]
    assert default_primary(["size_loss", "loss", "mae"]) == ["mae", "loss"] and default_primary(["loss"]) == ["loss"]


REFUSED = {
    "analysis.better must name metrics that the model is compiled with, loss, mae; got 'f1'.": {
        "better": {"f1": "higher"}
    },
    "analysis.better.mae must be one of higher, lower, neither; got 'up'.": {"better": {"mae": "up"}},
    "analysis.sesoi.mae must be above 0, or null for none; got 0.": {"sesoi": {"mae": 0}},
    "analysis.sesoi.mae must be above 0, or null for none; got True.": {"sesoi": {"mae": True}},
    "analysis.sesoi must name metrics that the model is compiled with, loss, mae; got 'acuracy'.": {
        "sesoi": {"acuracy": 1}
    },
    "analysis.primary must name at least one metric; got an empty list.": {"primary": []},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_settings_that_fit_no_metric_are_refused(sentence):
    with pytest.raises(UnknownMetric) as refused:
        register([LOSS, MAE], REFUSED[sentence])
    assert str(refused.value) == sentence


def test_metrics_are_read_as_they_were_described_and_nothing_else_is():
    found = register([LOSS, MAE], {})
    assert read_metrics([metric.described() for metric in found]) == found
    good = found[0].described()
    for broken in ([], [good, good], [{**good, "better": "up"}], [{**good, "scale": 0}], [{**good, "more": 1}]):
        with pytest.raises(ValueError, match="metric"):
            read_metrics(broken)


def test_every_metric_of_keras_says_its_direction():
    for name in dir(keras.metrics):
        kind = getattr(keras.metrics, name)
        abstract = ("Metric", "Mean", "Sum", "MeanMetricWrapper", "KLD")
        if isinstance(kind, type) and issubclass(kind, keras.metrics.Metric) and name not in abstract:
            assert isinstance(metric_of(Compiled("m", snake_case(kind.__name__))), Metric), name


def test_what_a_model_is_compiled_with_is_found_by_the_class_behind_the_name():
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    net.compile("sgd", keras.losses.Huber(), metrics=["mae", keras.metrics.R2Score(name="fit"), own])
    net._symbolic_build(data_batch=(keras.KerasTensor((None, 3)), keras.KerasTensor((None, 1))))
    found = compiled_metrics(net, net.get_metrics_result())
    assert found == [
        Compiled("loss", "huber"),
        Compiled("mae", "mean_absolute_error", "lower"),
        Compiled("fit", "r2_score", "higher"),
        Compiled("own", "own"),
    ]


def own(y, scores):
    """A metric of the user's own."""
    return keras.ops.abs(y - scores)
