"""A study's folder belongs to one declaration: what extends it may have it, anything else gets another name."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import GOOD, made_summary
from made import ACCURACY

from runner.claims import free_name
from runner.contents import Contents
from runner.errors import BadInput
from runner.images.choices import image_recipe
from runner.plan import Cell, Declared, declaration, make_plan
from runner.settings import run_settings
from runner.store import Snapshot


def plan(store, levels=("true", "false"), seeds=(0, 1), **changes):
    """A study of dropout."""
    declared = [
        Declared(
            Cell({"dropout": level}),
            run_settings({**GOOD, **changes, "dropout": level == "true", "seed": seed}, image_recipe()),
        )
        for level in levels
        for seed in seeds
    ]
    return make_plan({"dropout": tuple(levels)}, "factorial", declared, Contents(store))


@pytest.fixture
def written(store):
    """What writes a plan's study, its records and its report."""

    def write(study, name="dropout", recorded=True):
        told = {"recipe": "images", "metrics": [ACCURACY.described()]}
        store.write_study(name, declaration(study, name, "") | told)
        for each in study.trajectories.values() if recorded else ():
            rows = [{"epoch": epoch, "val_loss": 1.0} for epoch in range(1, each.epochs + 1)]
            end = Snapshot(each.epochs, [], [], rows, [np.zeros(2, np.uint8)] * each.epochs, [])
            store.commit(each.id, each.spec, end, made_summary("made", "complete", each.epochs))
        (store.root / name / "report.md").write_text("mine")

    return write


def name_of(study, store, adding=False):
    return free_name(study, store, "dropout", False, adding)


def test_an_empty_folder_is_free_and_one_with_foreign_files_is_not(store):
    assert name_of(plan(store), store) == ("dropout", "")
    (store.root / "dropout").mkdir()
    assert name_of(plan(store), store) == ("dropout", "")
    (store.root / "dropout" / "thesis.md").write_text("mine")
    name, told = name_of(plan(store), store)
    assert name == "dropout-2" and "dropout holds files that no study wrote; this study is written to" in told


@pytest.mark.parametrize(
    "more",
    [{}, {"seeds": (0, 1, 2)}, {"epochs": 30}, {"levels": ("true", "false", "maybe")}, {"levels": ("false", "true")}],
    ids=["the same", "seeds", "epochs", "levels", "another baseline"],
)
def test_what_extends_a_study_may_have_its_folder(store, written, more):
    written(plan(store))
    assert name_of(plan(store, **more), store) == ("dropout", "")


@pytest.mark.parametrize(
    "other",
    [{"seeds": (0,)}, {"seeds": (2, 3)}, {"epochs": 5}, {"levels": ("true",)}, {"optimizer": "sgd"}, {"holdout": 0.2}],
    ids=["fewer seeds", "other seeds", "fewer epochs", "fewer levels", "another optimizer", "another holdout"],
)
def test_what_does_not_gets_a_name_of_its_own_and_keeps_it(store, written, other):
    written(plan(store))
    study = plan(store, **other)
    name, told = name_of(study, store)
    assert name == "dropout-2" and "dropout holds another study, or more of this one" in told
    written(study, "dropout-2")
    assert name_of(study, store)[0] == "dropout-2" and name_of(plan(store), store)[0] == "dropout"


def test_a_name_that_the_user_gave_is_not_changed_but_refused(store, written):
    written(plan(store))
    with pytest.raises(BadInput, match=r"^name must be of a folder that is empty or of this same study; .* name=\.$"):
        free_name(plan(store, optimizer="sgd"), store, "dropout", True, False)


def test_a_study_whose_code_was_changed_is_the_same_study(store, written, monkeypatch):
    before = plan(store)
    for each in before.trajectories.values():
        each.spec = {**each.spec, "numerics": 1, "recipe": {**each.spec["recipe"], "code": "before"}}
    from runner.store import record_id

    for run, each in zip(before.runs, list(before.trajectories.values()), strict=True):
        each.id = record_id(each.spec)
        before.runs[before.runs.index(run)] = replace(run, id=each.id)
    before.trajectories = {each.id: each for each in before.trajectories.values()}
    written(before)
    assert name_of(plan(store), store) == ("dropout", "")
    assert name_of(plan(store, optimizer="sgd"), store)[0] == "dropout-2"


def test_a_report_whose_records_are_gone_is_kept_and_a_study_that_never_trained_is_not(store, written):
    written(plan(store, optimizer="sgd"), recorded=False)
    assert name_of(plan(store), store)[0] == "dropout-2"
    (store.root / "dropout" / "report.md").unlink()
    assert name_of(plan(store), store)[0] == "dropout"


def test_a_run_that_failed_has_nothing_to_lose_so_that_mended_code_may_take_the_folder(store, written):
    before = plan(store, optimizer="sgd")
    written(before, recorded=False)
    for each in before.trajectories.values():
        store.save_failure(each.id, {"label": "made", "reason": "a mistake", "traceback": ""})
    assert name_of(plan(store), store) == ("dropout", "")


def test_seeds_that_are_added_look_by_look_begin_again_with_few(store, written):
    written(plan(store, seeds=range(6)))
    assert name_of(plan(store, seeds=range(4)), store, adding=True) == ("dropout", "")
    assert name_of(plan(store, seeds=range(4), optimizer="sgd"), store, adding=True)[0] == "dropout-2"
