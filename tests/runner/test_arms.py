"""Arms and reported figures as a study file writes them: what they mean, and one sentence for what cannot be run."""

import re

import pytest

from runner.arms import check_reported, read_arms, read_reported
from runner.errors import BadInput
from runner.metrics import Compiled, register

ARMS = {"a": ["dropout=true"], "b": ["dropout=false"], "c": []}
CELLS = {"a": "arm=a", "b": "arm=b"}


def arms(**changes):
    return read_arms({"arms": ARMS, "baseline": None, "against": None} | changes)


def test_the_first_arm_is_the_baseline_and_the_others_are_compared_with_it():
    found = arms()
    assert found.overrides == {"a": ("dropout=true",), "b": ("dropout=false",), "c": ()}
    assert found.comparisons == (("b", "a"), ("c", "a"))


def test_a_named_baseline_stands_first_and_is_what_the_others_are_compared_with():
    found = arms(baseline="b")
    assert list(found.overrides) == ["b", "a", "c"]
    assert found.comparisons == (("a", "b"), ("c", "b"))


def test_an_arm_is_compared_with_all_that_it_names_and_no_longer_with_the_baseline():
    assert arms(against={"c": ["b", "a", "b"]}).comparisons == (("b", "a"), ("c", "b"), ("c", "a"))
    assert arms(against={"c": "b"}).comparisons == (("b", "a"), ("c", "b"))
    assert arms(against={"a": "c"}).comparisons == (("a", "c"), ("b", "a"), ("c", "a"))


def test_without_arms_there_are_none():
    assert arms(arms=None) is None


REFUSED = {
    "arms must map names to lists": {"arms": {}},
    "arms must map names to lists of overrides": {"arms": ["a"]},
    "arms must have names of at most 60 letters": {"arms": {"../x": []}},
    "got 'a|b'": {"arms": {"a|b": []}},
    "got '<b>x</b>'": {"arms": {"<b>x</b>": []}},
    "got 'a\\nb'": {"arms": {"a\nb": []}},
    "got '=1'": {"arms": {"=1": []}},
    "got ''": {"arms": {"": []}},
    "got 'a '": {"arms": {"a ": []}},
    "got 1. Put a name that YAML reads as something else in quotes.": {"arms": {1: []}},
    "got True. Put a name": {"arms": {True: []}},
    "arms must have names of at most 60 letters, digits": {"arms": {"x" * 61: []}},
    "arms.a must be a list of overrides, such as [dropout=false]; got 'dropout=false'.": {
        "arms": {"a": "dropout=false"}
    },
    "arms.a must be a list of overrides, such as [dropout=false]; got [{'dropout': False}].": {
        "arms": {"a": [{"dropout": False}]}
    },
    "baseline must name one of the arms a, b, c; got 'd'.": {"baseline": "d"},
    "against must name one of the arms a, b, c; got 'd'.": {"against": {"d": "a"}},
    "against.b must name one of the arms a, b, c; got 'd'.": {"against": {"b": ["a", "d"]}},
    "against.b must name one of the arms a, b, c; got None.": {"against": {"b": None}},
    "against.b must name another arm; got 'b' itself.": {"against": {"b": "b"}},
    "against must map arms to the arms they are compared with; got 'a'.": {"against": "a"},
    "against must stand beside arms": {"arms": None, "against": {"b": "a"}},
    "baseline must stand beside arms": {"arms": None, "baseline": "a"},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_arms_that_cannot_be_run_are_refused_in_a_sentence(sentence):
    with pytest.raises(BadInput, match=re.escape(sentence)) as refusal:
        arms(**REFUSED[sentence])
    assert "\n" not in str(refusal.value)


def test_the_nearest_arm_is_offered():
    with pytest.raises(BadInput, match=r"got 'stage_11'\. Did you mean stage_1\?"):
        arms(arms={"stage_1": [], "other": []}, baseline="stage_11")


def test_each_metric_of_a_reported_entry_is_a_row():
    entry = {"cell": "a", "val_accuracy": 0.9897, "val_loss": 0.03, "source": "table 1", "dataset": "mnist"}
    again = {"cell": "a", "val_loss": 0, "source": "appendix"}
    assert read_reported([entry, again], CELLS) == [
        {"cell": "arm=a", "metric": "val_accuracy", "value": 0.9897, "source": "table 1", "dataset": "mnist"},
        {"cell": "arm=a", "metric": "val_loss", "value": 0.03, "source": "table 1", "dataset": "mnist"},
        {"cell": "arm=a", "metric": "val_loss", "value": 0.0, "source": "appendix", "dataset": ""},
    ]
    assert read_reported(None, CELLS) == []


GIVEN = {"cell": "a", "val_accuracy": 0.9, "source": "x"}
UNREPORTED = {
    "reported must be a list of figures with their cell and source; got {'cell': 'a'}.": {"cell": "a"},
    "reported.0 must have the keys cell, source, dataset, val_<metric>; got 'a'.": ["a"],
    "reported.0.accuracy is no key of a reported figure": [GIVEN | {"accuracy": 0.9}],
    "reported.0.cell must be a cell of this study; got 'd'.": [GIVEN | {"cell": "d"}],
    "reported.0.val_accuracy must be a number; got nan.": [GIVEN | {"val_accuracy": float("nan")}],
    "reported.0.val_accuracy must be a number; got [0.9].": [GIVEN | {"val_accuracy": [0.9]}],
    "reported.0.val_loss must be a number; got True.": [GIVEN | {"val_loss": True}],
    "reported.0.source must be text of at most 200 characters; got None.": [{"cell": "a", "val_loss": 1.0}],
    "reported.0.source must be text": [GIVEN | {"source": "x" * 201}],
    "reported.0.dataset must be text": [GIVEN | {"dataset": 3}],
    "reported.0 must give a figure, such as val_loss; got none.": [{"cell": "a", "source": "x"}],
}


@pytest.mark.parametrize("sentence", UNREPORTED)
def test_figures_that_are_not_reported_plainly_are_refused_in_a_sentence(sentence):
    with pytest.raises(BadInput, match=re.escape(sentence)):
        read_reported(UNREPORTED[sentence], CELLS)


METRICS = register(
    [
        Compiled("accuracy", "sparse_categorical_accuracy"),
        Compiled("loss", "sparse_categorical_crossentropy"),
        Compiled("mean_error", "mean_error"),
    ],
    {"better": {"mean_error": "neither"}},
)
IMPOSSIBLE = {
    "reported val_accuracy of arm=a must be a share from 0 to 1; got 98.97.": {"val_accuracy": 98.97},
    "reported val_accuracy of arm=a must be a share from 0 to 1; got -0.1.": {"val_accuracy": -0.1},
    "reported val_loss of arm=a must be a number from 0 (nats); got -1.0.": {"val_loss": -1},
    "reported must give figures of this study's metrics, val_accuracy, val_loss, val_mean_error; got val_auc.": {
        "val_auc": 0.9
    },
}


@pytest.mark.parametrize("sentence", IMPOSSIBLE)
def test_figures_that_no_metric_of_the_study_can_have_are_refused_in_a_sentence(sentence):
    rows = read_reported([{"cell": "a", "source": "x"} | IMPOSSIBLE[sentence]], CELLS)
    with pytest.raises(BadInput, match=f"^{re.escape(sentence)}$"):
        check_reported(rows, METRICS)


def test_figures_that_metrics_of_the_study_can_have_are_taken():
    entry = {"cell": "a", "source": "x", "val_accuracy": 1, "val_loss": 30, "val_mean_error": -5}
    rows = read_reported([entry], CELLS)
    check_reported(rows, METRICS)
    assert [row["value"] for row in rows] == [1.0, 30.0, -5.0]
