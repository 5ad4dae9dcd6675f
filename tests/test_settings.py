"""Settings are checked before anything trains, and every refusal names the key, what was expected and what came."""

import dataclasses
import re

import pytest

from runner.settings import (
    LEARNING_RATES,
    PLAIN_KEYS,
    STUDY_KEYS,
    BadInput,
    Schema,
    nearest,
    run_settings,
    study_settings,
)

GOOD = {
    "dropout": True,
    "binarize": False,
    "normalize": "unit",
    "augment": False,
    "epochs": 10,
    "seed": 0,
    "batch_size": 32,
    "optimizer": "adam",
    "learning_rate": None,
    "schedule": "constant",
    "holdout": 0.1,
    "probe": 100,
    "probe_draws": 2,
    "dataset": {"name": "digits", "path": None, "classes": 10},
    "model": {"layers": [{"class_name": "Dropout", "rate": 0.5}, {"class_name": "Dense", "units": 10}]},
    "name": None,
    "design": "factorial",
    "dry_run": False,
    "results_dir": "results",
    "workers": None,
    "workers_per_gpu": 1,
    "threads": 1,
    "analysis": {"sesoi": {"accuracy": 0.001, "loss": 0.005}},
    "arms": None,
    "baseline": None,
    "against": None,
    "reported": None,
}


def test_good_settings_pass():
    settings = run_settings(GOOD)
    assert settings.learning_rate == LEARNING_RATES["adam"] == 0.001
    assert [layer["name"] for layer in settings.layers] == ["dropout_1", "dense_1"]
    assert study_settings(GOOD).sesoi == {"accuracy": 0.001, "loss": 0.005}


def test_dropout_off_leaves_the_layers_out():
    assert [layer["name"] for layer in run_settings(GOOD | {"dropout": False}).layers] == ["dense_1"]


REFUSED = {
    "epochs must be at least 1; got 0.": {"epochs": 0},
    "epochs must be at least 1; got -3.": {"epochs": -3},
    "epochs must be a whole number; got True.": {"epochs": True},
    "seed must be at least 0; got -1.": {"seed": -1},
    "batch_size must be at least 1; got 0.": {"batch_size": 0},
    "probe_draws must be at least 2; got 1.": {"probe_draws": 1},
    "holdout must be a share from 0 to 0.9; got 1.5.": {"holdout": 1.5},
    "holdout must be a share from 0 to 0.9; got nan.": {"holdout": float("nan")},
    "learning_rate must be a finite number above 0; got nan. A usual one is 0.001.": {"learning_rate": float("nan")},
    "learning_rate must be a finite number above 0; got -0.1. A usual one is 0.001.": {"learning_rate": -0.1},
    "normalize must be one of column_l2, unit; got 'units'. Did you mean unit?": {"normalize": "units"},
    "schedule must be one of constant, cosine; got 'cosin'. Did you mean cosine?": {"schedule": "cosin"},
    "dataset.classes must be at most 256; got 300.": {"dataset": {"name": "npz", "path": "x", "classes": 300}},
    "model.layers must leave at least one layer; dropout and model.without took all of them.": {
        "dropout": False,
        "model": {"layers": [{"class_name": "Dropout", "rate": 0.5}]},
    },
    "model must name a file in conf/model/; got None.": {"model": None},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_run_that_cannot_be_trained_is_refused_in_a_sentence(sentence):
    with pytest.raises(BadInput, match=f"^{re.escape(sentence)}$"):
        run_settings(GOOD | REFUSED[sentence])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"design": "factorail"}, "design must be one of factorial, one_at_a_time; got 'factorail'"),
        ({"workers": 0}, "workers must be at least 1; got 0"),
        ({"threads": 0}, "threads must be at least 1; got 0"),
        ({"results_dir": ""}, "results_dir must name a folder; got nothing"),
        ({"analysis": {"sesoi": {"accuracy": 0.0, "loss": 1.0}}}, "analysis.sesoi.accuracy must be above 0; got 0.0"),
    ],
)
def test_a_study_that_cannot_be_run_is_refused_in_a_sentence(change, sentence):
    with pytest.raises(BadInput, match=sentence):
        study_settings(GOOD | change)


def test_every_key_is_a_runs_or_a_studys():
    keys = {field.name for field in dataclasses.fields(Schema)}
    roots = {key.split(".")[0] for key in PLAIN_KEYS} | {"model"} | (set(STUDY_KEYS) - {"hydra"})
    assert keys == roots


def test_the_nearest_key_is_offered():
    assert nearest("dropuot", ["dropout", "binarize"]) == ["dropout"]
    assert nearest("zzz", ["dropout", "binarize"]) == []
