"""Nets side by side: metrics that all cells share, initial weights that are shared, and what is told of both."""

import pytest

from runner.errors import BadInput
from runner.metrics import Compiled
from runner.nets import Facts, describe, side_by_side
from runner.plan import Cell, Plan, Run

LOSS, ACCURACY = (
    Compiled("loss", "sparse_categorical_crossentropy"),
    Compiled("accuracy", "sparse_categorical_accuracy"),
)
MAE = Compiled("mae", "mean_absolute_error")
NONE = {"better": {}, "sesoi": {}, "primary": None}


def plan(*levels):
    cells = [Cell({"f": level}) for level in levels]
    return Plan({"f": levels}, "factorial", cells, [0], [Run(place, 0, 1, level) for place, level in enumerate(levels)])


def facts(compiled=(LOSS, ACCURACY), loss="a", weights=None, **more):
    return Facts(list(compiled), loss, weights or {}, **more)


def test_the_metrics_of_all_cells_are_compared_first_metric_and_loss_being_primary():
    told = side_by_side(plan("x", "y"), {"x": facts(), "y": facts()}, NONE)
    assert [(metric.name, metric.primary) for metric in told.metrics] == [("accuracy", True), ("loss", True)]
    assert told.notes == []


def test_a_metric_that_a_cell_lacks_is_left_out_and_said_so():
    told = side_by_side(plan("x", "y"), {"x": facts((LOSS, MAE)), "y": facts((LOSS,))}, NONE)
    assert [metric.name for metric in told.metrics] == ["loss"]
    assert told.notes == ["mae is not compared, since not every cell logs it."]


def test_losses_of_different_functions_are_not_compared():
    told = side_by_side(plan("x", "y"), {"x": facts((LOSS, MAE)), "y": facts((LOSS, MAE), "huber delta=1.0")}, NONE)
    assert [(metric.name, metric.primary) for metric in told.metrics] == [("mae", True)]
    assert told.notes == [
        "The loss is not compared, since the loss function differs between cells: a; huber delta=1.0."
    ]
    with pytest.raises(BadInput, match=r"must share a metric that can be compared.*metrics=\['mae'\]"):
        side_by_side(plan("x", "y"), {"x": facts((LOSS,)), "y": facts((LOSS,), "b")}, NONE)


def test_a_setting_of_a_metric_that_is_none_is_refused():
    with pytest.raises(
        BadInput, match=r"analysis\.primary must name metrics that the model is compiled with, loss, acc"
    ):
        side_by_side(plan("x"), {"x": facts()}, NONE | {"primary": ["val_auc"]})
    with pytest.raises(BadInput, match=r"analysis.better must say whether f1 is better higher or lower; got nothing"):
        side_by_side(plan("x"), {"x": facts((LOSS, Compiled("f1", "mine")))}, NONE)


WEIGHTS = {"a/kernel": "5x5:01", "b/kernel": "5x5:02", "out/kernel": "5x3:03"}


def test_a_cell_that_shares_all_initial_weights_is_not_mentioned():
    more = {**WEIGHTS, "extra/kernel": "5x7:04"}
    told = side_by_side(plan("x", "y"), {"x": facts(weights=WEIGHTS), "y": facts(weights=dict(WEIGHTS))}, NONE)
    assert told.initial_weights == []
    told = side_by_side(plan("x", "y"), {"x": facts(weights=WEIGHTS), "y": facts(weights=more)}, NONE)
    assert told.initial_weights == [{"cell": "f=y", "random": 4, "shared": 3, "apart": [], "resized": ["extra/kernel"]}]


def test_weights_that_a_shifted_name_keeps_apart_are_named():
    base = {"dense/kernel": "5x5:01", "dense_1/kernel": "5x3:03"}
    shifted = {"dense/kernel": "5x5:01", "dense_1/kernel": "5x5:09", "dense_2/kernel": "5x3:08"}
    told = side_by_side(plan("x", "y"), {"x": facts(weights=base), "y": facts(weights=shifted)}, NONE)
    [found] = told.initial_weights
    assert (found["random"], found["shared"], found["apart"]) == (3, 1, ["dense_2/kernel"])
    assert describe(told) == [
        "f=y: 1 of 3 initial weights are shared with the baseline; give name= to the layers of dense_2/kernel, so that "
        "they are shared too"
    ]


def test_weights_of_another_shape_ask_for_nothing():
    wide = {"a/kernel": "5x5:01", "b/kernel": "5x9:05", "out/kernel": "9x3:06"}
    told = side_by_side(plan("x", "y"), {"x": facts(weights=WEIGHTS), "y": facts(weights=wide)}, NONE)
    assert describe(told) == [
        "f=y: 1 of 3 initial weights are shared with the baseline; the others are of other layers or shapes"
    ]


def test_nothing_is_said_of_weights_without_the_baselines():
    assert side_by_side(plan("x", "y"), {"y": facts(weights=WEIGHTS)}, NONE).initial_weights == []


def test_a_seed_in_the_code_and_callbacks_left_out_are_told_once():
    one = facts(explicit_seeds=["out/kernel"], notes=["The callback CSVLogger is left out: every history is recorded."])
    told = side_by_side(plan("x", "y"), {"x": one, "y": one}, NONE)
    assert describe(told) == [
        "the recipe's code gives out/kernel a seed of its own, so that every seed of the study starts from the same "
        "weights there; leave the seed out",
        "The callback CSVLogger is left out: every history is recorded",
    ]


def test_each_distinct_net_is_described_once_with_its_cells():
    nets = {"a": {"layers": ["one"]}, "b": {"layers": ["two"]}, "c": {"layers": ["one"]}}
    told = side_by_side(plan(*nets), {name: facts(net=net) for name, net in nets.items()}, NONE)
    assert told.nets == [
        {"layers": ["one"], "minimizes": "a", "cells": ["f=a", "f=c"]},
        {"layers": ["two"], "minimizes": "a", "cells": ["f=b"]},
    ]
    assert side_by_side(plan("a"), {"a": facts()}, NONE).nets == []  # of older records nothing is told
