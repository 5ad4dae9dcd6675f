"""A study's declaration comes back as it was written, or is refused in one sentence with the reason."""

import os

import pytest
from made import STUDY

from runner.store import StoreError, read_study
from runner.store.studies import OPTIONAL

REPORTED = {"cell": "dropout=true", "metric": "val_accuracy", "value": 0.9, "source": "table 1", "dataset": ""}
WEIGHTS = {"cell": "dropout=false", "random": 9, "shared": 7, "apart": ["dense_1/kernel"], "resized": ["out/kernel"]}


def test_a_study_comes_back_as_it_was_declared(store):
    assert read_study(store.write_study("mine", STUDY)) == STUDY


def test_what_a_study_need_not_hold_comes_back_too(store):
    told = {"reported": [REPORTED], "initial_weights": [WEIGHTS], "explicit_seeds": ["out/kernel"], "notes": ["One."]}
    told["reported_at"] = [{"seeds": 5, "until": False}]
    assert read_study(store.write_study("mine", STUDY | told)) == STUDY | told


def test_a_study_with_a_changed_value_is_refused(store):
    path = store.write_study("mine", STUDY) / "study.json"
    path.write_text(path.read_text().replace('"epochs": 2', '"epochs": 3'))
    with pytest.raises(StoreError, match=r"it does not match its own checksum\). Run the study's command again\."):
        read_study(path.parent)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("schema", 1, "no schema version 2"),
        ("schema", None, "no schema version 2"),
        ("name", 5, "gives name that"),
        ("design", [], "gives design that"),
        ("factors", {"dropout": ["true"]}, "gives factors that"),
        ("factors", [{"key": "dropout", "levels": [True, False]}], "gives factors that"),
        ("factors", [{"key": "batch_size", "levels": ["32"]}], "a cell lacks a level of a factor"),
        ("seeds", [-1], "gives seeds that"),
        ("cells", [], "runs of no cell"),
        ("cells", [{"label": "a"}], "gives cells that"),
        ("cells", [STUDY["cells"][0]] * 2, "two of its cells have one label"),
        ("runs", [], "has no runs"),
        ("runs", [{**STUDY["runs"][0], "run": "../../outside"}], "gives runs that"),
        ("runs", [{**STUDY["runs"][0], "epochs": 0}], "gives runs that"),
        ("runs", [{**STUDY["runs"][0], "cell": 2}], "runs of no cell"),
        ("inert", ["dropout"], "gives inert that"),
        ("epochs_shared", "none", "gives epochs_shared that"),
        ("recipe", None, "gives recipe that"),
        ("mode", "leave-two-out", "gives mode that"),
        ("metrics", {"accuracy": 0.001}, "gives metrics that"),
        ("metrics", ["accuracy"], "gives metrics that"),
        ("metrics", [], "at least one"),
        ("metrics", [STUDY["metrics"][0]] * 2, "must be a list of distinct metrics"),
        ("metrics", [{"name": "accuracy"}], "a metric cannot be read"),
        ("metrics", [{**STUDY["metrics"][0], "colour": "red"}], "a metric cannot be read"),
        ("metrics", [{**STUDY["metrics"][0], "better": "louder"}], "a metric has a value that no metric has"),
        ("metrics", [{**STUDY["metrics"][0], "scale": 10**400}], "gives metrics that no study has"),
        ("comparisons", [["a"]], "gives comparisons that"),
        ("reported", [{**REPORTED, "metric": "val_loss"}], "it reports a figure of no metric"),
        ("reported", [{**REPORTED, "metric": "accuracy"}], "it reports a figure of no metric"),
        ("reported", [{**REPORTED, "cell": "dropout=maybe"}], "it reports a figure of no cell"),
        ("initial_weights", [{**WEIGHTS, "shared": -1}], "gives initial_weights that"),
        ("initial_weights", [{**WEIGHTS, "apart": "dense_1/kernel"}], "gives initial_weights that"),
        ("initial_weights", [{"cell": "dropout=true"}], "gives initial_weights that"),
        ("initial_weights", [{**WEIGHTS, "cell": "dropout=maybe"}], "it tells the initial weights of no cell"),
        ("explicit_seeds", "dense/kernel", "gives explicit_seeds that"),
        ("notes", [None], "gives notes that"),
        ("figures", "png", "gives figures that"),
        ("figures", ["png", "jpg"], "gives figures that"),
        ("reported_at", [5], "gives reported_at that"),
        ("reported_at", [{"seeds": 5, "until": "decided"}], "gives reported_at that"),
    ],
)
def test_a_foreign_study_is_refused_in_one_sentence_with_the_reason(store, key, value, reason):
    folder = store.write_study("mine", {**STUDY, key: value})
    with pytest.raises(StoreError, match=reason) as refused:
        read_study(folder)
    assert "\n" not in str(refused.value) and "Run the study's command again." in str(refused.value)
    folder = store.write_study("mine", {name: given for name, given in STUDY.items() if name != key})
    if key in OPTIONAL:
        assert read_study(folder)["name"] == "mine"
    else:
        with pytest.raises(StoreError, match=f"does not give {key}|no schema version 2"):
            read_study(folder)


def test_a_screening_of_other_than_two_levels_is_refused(store):
    one = [{"key": "dropout", "levels": ["true", "false", "half"]}]
    folder = store.write_study("mine", {**STUDY, "design": "screening", "factors": one})
    with pytest.raises(StoreError, match="it screens a factor that has not two levels"):
        read_study(folder)


@pytest.mark.parametrize("thing", ["gone", "folder", "pipe"])
def test_a_study_without_a_declaration_is_refused_in_one_sentence(store, thing):
    path = store.write_study("mine", STUDY) / "study.json"
    path.unlink()
    if thing == "folder":
        path.mkdir()
    elif thing == "pipe":
        os.mkfifo(path)
    with pytest.raises(StoreError, match=r"study\.json is (missing|no plain file)"):
        read_study(path.parent)


def test_a_study_is_not_written_through_a_link(store, tmp_path):
    (tmp_path / "outside").mkdir()
    (store.root / "mine").symlink_to(tmp_path / "outside")
    with pytest.raises(StoreError, match="is a link or a file"):
        store.write_study("mine", {})
    assert not list((tmp_path / "outside").iterdir())
