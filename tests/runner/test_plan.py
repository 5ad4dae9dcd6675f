"""A plan: cells in order, one identity for one experiment, shared trajectories, what is missing."""

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from conftest import COMPILED, GOOD, made_summary
from hypothesis import given
from hypothesis import strategies as st

from runner import plan as planning
from runner.contents import Contents
from runner.errors import BadInput
from runner.images.choices import image_recipe
from runner.metrics import Compiled, register
from runner.plan import (
    Cell,
    Declared,
    assignments,
    component_mode,
    is_answered,
    study_name,
    trajectory_spec,
)
from runner.settings import PLAIN_KEYS, run_settings
from runner.store import Corrupt, Snapshot, Store, record_id
from runner.store.studies import check_declaration

CONTENTS = Contents(Store(Path("nowhere"), changes=False))
make_plan = partial(planning.make_plan, contents=CONTENTS)


def settings(**changes):
    return run_settings(GOOD | changes, image_recipe())


def declared(levels, seed=0, **changes):
    return Declared(Cell(levels), settings(**changes, seed=seed))


def identity(**changes):
    return record_id(trajectory_spec(settings(**changes), CONTENTS))


def test_a_factorial_design_crosses_the_factors_baseline_first():
    cells = assignments({"a": ["1", "2"], "b": ["x", "y", "z"]}, "factorial")
    assert [tuple(cell.values()) for cell in cells] == [
        ("1", "x"),
        ("1", "y"),
        ("1", "z"),
        ("2", "x"),
        ("2", "y"),
        ("2", "z"),
    ]


def test_one_at_a_time_changes_one_factor_from_the_baseline():
    cells = assignments({"a": ["1", "2"], "b": ["x", "y", "z"]}, "one_at_a_time")
    assert [tuple(cell.values()) for cell in cells] == [("1", "x"), ("2", "x"), ("1", "y"), ("1", "z")]


@pytest.mark.parametrize(
    ("design", "factors", "mode"),
    [
        ("one_at_a_time", {"dropout": ("true", "false"), "augment": ("true", "false")}, "leave-one-out"),
        ("one_at_a_time", {"dropout": ("false", "true"), "augment": ("false", "true")}, "add-one"),
        ("one_at_a_time", {"model.without": ("[]", '["a"]', '["a","b"]')}, "leave-one-out"),
        ("one_at_a_time", {"model.without": ("[]", '["a"]'), "dropout": ("true", "false")}, "leave-one-out"),
        ("one_at_a_time", {"model.without": ('["a"]', "[]")}, ""),
        ("one_at_a_time", {"dropout": ("true", "false"), "augment": ("false", "true")}, ""),
        ("one_at_a_time", {"dropout": ("true", "false"), "optimizer": ("adam", "sgd")}, ""),
        ("one_at_a_time", {}, ""),
        ("factorial", {"dropout": ("true", "false")}, ""),
    ],
)
def test_a_one_at_a_time_design_over_components_is_leave_one_out_or_add_one(design, factors, mode):
    assert component_mode(design, factors) == mode


def test_only_switches_have_another_end():
    def has_other_end(**factors):
        return make_plan(factors, "one_at_a_time", []).has_other_end()

    assert has_other_end(dropout=("true", "false"), augment=("true", "false"))
    assert not has_other_end(dropout=("true", "false"))
    assert not has_other_end(dropout=("true", "false"), augment=("false", "true"))
    assert not has_other_end(**{"dropout": ("true", "false"), "model.without": ("[]", '["a"]')})


def test_another_plan_is_answered_by_what_is_recorded_and_by_what_will_be(tmp_path):
    plan = make_plan({}, "factorial", [declared({}, epochs=10)])
    shorter, longer = (make_plan({}, "factorial", [declared({}, epochs=epochs)]) for epochs in (5, 20))
    store = Store(tmp_path)
    assert is_answered(shorter, plan, store) and is_answered(plan, plan, store)
    assert not is_answered(longer, plan, store)
    assert not is_answered(make_plan({}, "factorial", [declared({}, 1)]), plan, store)


BROKEN = {
    "it compares an arm that it does not have": {"comparisons": [["b", "z"]]},
    "it gives comparisons that no study has": {"comparisons": [["b"]]},
    "it reports a figure of no cell": {
        "reported": [{"cell": "z", "metric": "val_loss", "value": 1.0, "source": "x", "dataset": ""}]
    },
    "it reports a figure of no metric": {
        "reported": [{"cell": "arm=a", "metric": "val_auc", "value": 1.0, "source": "x", "dataset": ""}]
    },
    "it gives reported that no study has": {"reported": [{"cell": "arm=a", "metric": "val_loss"}]},
    "it gives other_end that no study has": {"other_end": {"cells": []}},
    "it has no runs, or runs of no cell": {"other_end": {"cells": [], "runs": []}},
}


@pytest.mark.parametrize("reason", BROKEN)
def test_a_declaration_that_contradicts_itself_is_not_believed(reason):
    runs = [declared({"arm": name}, dropout=name == "a") for name in ("a", "b")]
    plan = make_plan({"arm": ("a", "b")}, "arms", runs)
    plan.comparisons = (("b", "a"),)
    metrics = [metric.described() for metric in register([Compiled(*each) for each in COMPILED], {})]
    whole = planning.declaration(plan, "made", "python -m runner") | {"recipe": "images", "metrics": metrics}
    check_declaration(whole)
    assert whole["comparisons"] == [["b", "a"]] and "reported" not in whole and "other_end" not in whole
    with pytest.raises(Corrupt, match=f"^{reason}$"):
        check_declaration(whole | BROKEN[reason])


@pytest.mark.parametrize(("status", "left"), [("complete", 9), ("diverged", 0), ("stopped", 0)])
def test_a_training_that_ended_by_itself_is_done(store, status, left):
    plan = make_plan({}, "factorial", [declared({}, epochs=10)])
    [trajectory] = plan.trajectories.values()
    snapshot = Snapshot(1, [], [], [{"epoch": 1, "val_loss": 1.0}], [np.zeros(2, np.uint8)], [], status == "stopped")
    store.commit(trajectory.id, trajectory.spec, snapshot, made_summary("made", status, 1))
    found = planning.progress(plan, store)
    assert found.epochs_to_train == left and found.is_done(plan.runs[0]) == (left == 0)


def test_runs_of_one_trajectory_are_trained_once():
    runs = [declared({"epochs": str(epochs)}, seed, epochs=epochs) for epochs in (10, 30) for seed in (0, 1)]
    plan = make_plan({"epochs": ("10", "30")}, "factorial", runs)
    assert len(plan.runs) == 4 and len(plan.trajectories) == 2
    assert {trajectory.epochs for trajectory in plan.trajectories.values()} == {30}
    assert planning.epochs_shared(plan) == 20


def test_with_a_schedule_over_all_epochs_nothing_is_shared():
    runs = [declared({"epochs": str(epochs)}, epochs=epochs, schedule="cosine") for epochs in (10, 30)]
    plan = make_plan({"epochs": ("10", "30")}, "factorial", runs)
    assert len(plan.trajectories) == 2 and planning.epochs_shared(plan) == 0


def test_a_toggle_that_changes_nothing_is_found_out():
    dense = {"layers": [{"class_name": "Dense", "units": 10}]}
    runs = [
        declared({"dropout": str(on).lower()}, seed, dropout=on, model=dense) for on in (True, False) for seed in (0, 1)
    ]
    plan = make_plan({"dropout": ("true", "false")}, "factorial", runs)
    assert len(plan.trajectories) == 2
    assert plan.inert() == [("dropout", "")]


def test_a_toggle_that_changes_nothing_in_one_model_is_found_out_there():
    models = {"plain": {"layers": [{"class_name": "Dense", "units": 10}]}, "noisy": GOOD["model"]}
    runs = [
        declared({"model": name, "dropout": str(on).lower()}, dropout=on, model=model)
        for name, model in models.items()
        for on in (True, False)
    ]
    plan = make_plan({"model": ("plain", "noisy"), "dropout": ("true", "false")}, "factorial", runs)
    assert plan.inert() == [("dropout", "model=plain")] or ("model", "dropout=false") in plan.inert()
    assert ("dropout", "model=plain") in plan.inert() and ("dropout", "model=noisy") not in plan.inert()


def test_duplicate_seeds_are_one_run():
    plan = make_plan({}, "factorial", [declared({}), declared({}), declared({}, 1)])
    assert [run.seed for run in plan.runs] == [0, 1] == plan.seeds


def test_one_experiment_has_one_identity_however_it_is_written():
    explicit = {"layers": [*GOOD["model"]["layers"][:1], {"units": 10, "class_name": "Dense", "use_bias": True}]}
    assert identity() == identity(learning_rate=0.001) == identity(learning_rate=1e-3) == identity(model=explicit)
    assert identity() == identity(epochs=30)


CHANGES = [
    {"dropout": False},
    {"binarize": True},
    {"normalize": "column_l2"},
    {"augment": True},
    {"seed": 1},
    {"batch_size": 33},
    {"optimizer": "sgd"},
    {"learning_rate": 0.0011},
    {"schedule": "cosine"},
    {"holdout": 0.2},
    {"probe": 101},
    {"probe_draws": 3},
    {"dataset": GOOD["dataset"] | {"name": "mnist"}},  # its digest is pinned, so that nothing is read
    {"dataset": GOOD["dataset"] | {"classes": 11}},
    {"model": {"layers": [{"class_name": "Dropout", "rate": 0.4}, {"class_name": "Dense", "units": 10}]}},
    {"model": {"layers": [{"class_name": "Dropout", "rate": 0.5}, {"class_name": "Dense", "units": 11}]}},
]


def test_every_change_that_can_change_a_number_gives_another_identity():
    identities = [identity(), *(identity(**change) for change in CHANGES)]
    assert len(set(identities)) == len(identities)


def test_every_setting_of_a_run_but_its_epochs_is_in_the_identity():
    base = settings()
    fields = {field.name for field in dataclasses.fields(base)} - {"recipe", "values"}
    assert fields == set(PLAIN_KEYS)
    inside = {*fields, *base.values} - {"epochs"}  # a longer run passes through the shorter one, but for a schedule
    assert inside <= {key for change in CHANGES for key in change}


def test_where_a_dataset_lies_and_what_it_is_called_are_outside_the_identity(small_npz, tmp_path):
    moved = tmp_path / "moved.npz"
    moved.write_bytes(small_npz.read_bytes())
    datasets = [{"name": name, "path": str(path), "classes": 3} for name, path in (("npz", small_npz), ("npz", moved))]
    assert identity(dataset=datasets[0]) == identity(dataset=datasets[1]) != identity()
    assert "npz" not in repr(trajectory_spec(settings(dataset=datasets[0]), CONTENTS))


@given(st.floats(1e-6, 1.0), st.integers(0, 2**40), st.integers(1, 512))
def test_identity_is_a_function_of_the_values(rate, seed, batch):
    changes = {"learning_rate": rate, "seed": seed, "batch_size": batch}
    assert identity(**changes) == identity(**dict(reversed(changes.items())))
    assert identity(**changes) != identity(**{**changes, "seed": seed + 1})


def test_other_numerics_make_other_runs(monkeypatch):
    before = identity()
    monkeypatch.setattr(planning, "VERSION", planning.VERSION + 1)
    assert identity() != before


def test_a_study_is_named_after_its_factors():
    plan = make_plan({"dropout": ("true",), "model.layers.0.filters": ("1",)}, "factorial", [declared({})])
    assert study_name(plan, None) == "dropout_x_model.layers.0.filters"
    assert study_name(make_plan({}, "factorial", [declared({})]), None) == "baseline"
    hostile = make_plan({"../../etc": ("1",)}, "factorial", [declared({})])
    assert study_name(hostile, None) == "_.._etc"


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "", ".hidden", "-m", "runs", "Quarantine", "a\nb", "x" * 81, "a b", "é", "a|b", "=1"]
)
def test_a_name_that_is_no_plain_folder_name_is_refused(name):
    with pytest.raises(BadInput, match=r"^name must"):
        study_name(make_plan({}, "factorial", [declared({})]), name)


def test_no_name_leaves_the_results_folder():
    very_long = make_plan({"x" * 300: ("1",)}, "factorial", [declared({})])
    assert len(study_name(very_long, None)) == 80
