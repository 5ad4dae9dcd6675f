"""The one flow of a command: what is missing is checked and trained, and the declaration tells what is known of it."""

import numpy as np
import pytest
from conftest import GOOD, made_summary

from runner import run
from runner.contents import Contents
from runner.errors import BadInput
from runner.images.choices import image_recipe
from runner.nets import facts_of
from runner.plan import Cell, Declared, make_plan
from runner.run import Undertaking, open_store, run_study
from runner.settings import run_settings, study_settings
from runner.store import Snapshot, Store, read_study


def undertaking(store, **changes):
    """A leave-one-out study of dropout and augmentation, one seed, in the store."""
    levels = [("true", "true"), ("false", "true"), ("true", "false")]
    declared = [
        Declared(
            Cell({"dropout": dropout, "augment": augment}),
            run_settings(GOOD | changes | {"dropout": dropout == "true", "augment": augment == "true"}, image_recipe()),
        )
        for dropout, augment in levels
    ]
    factors = {"dropout": ("true", "false"), "augment": ("true", "false")}
    plan = make_plan(factors, "one_at_a_time", declared, Contents(store))
    return Undertaking(plan, store, "made", study_settings(GOOD | changes))


def record(store, trajectory, **changes):
    """Commit a made record of the trajectory, as far as it goes."""
    epochs = trajectory.epochs
    rows = [{"epoch": epoch, "val_loss": 1.0} for epoch in range(1, epochs + 1)]
    snapshot = Snapshot(epochs, [], [], rows, [np.zeros(2, np.uint8)] * epochs, [])
    store.commit(trajectory.id, trajectory.spec, snapshot, made_summary("made", "complete", epochs) | changes)


@pytest.fixture
def checked(monkeypatch):
    """The jobs that were asked about before training; their nets are said to be as a made record has them."""
    asked = []

    def check(jobs, keep):
        asked.append(([job.id for job in jobs], keep))
        return {job.id: facts_of(made_summary("made", "complete", 1)) for job in jobs}

    monkeypatch.setattr(run, "check", check)
    return asked


def test_a_declaration_names_its_recipe_its_metrics_and_its_mode(store, checked):
    study = undertaking(store)
    written = read_study(run_study(study, "python -m runner", lambda jobs: None).folder)
    assert (written["schema"], written["recipe"], written["mode"]) == (2, "images", "leave-one-out")
    assert [(each["name"], each["sesoi"], each["primary"]) for each in written["metrics"]] == [
        ("accuracy", 0.001, True),
        ("loss", 0.005, True),
    ]


def test_only_what_is_missing_is_checked_and_trained(store, checked):
    study, trained = undertaking(store), []
    first, *rest = study.plan.trajectories.values()
    record(store, first)

    def train(jobs):
        trained.append([job.id for job in jobs])
        for each in rest:
            record(store, each)

    assert study.complete(train).missing == []
    assert checked == [([each.id for each in rest], True)] and trained == [[each.id for each in rest]]
    assert study.complete(train).missing == [] and len(checked) == len(trained) == 1


def test_the_declaration_stands_before_anything_trains_and_is_completed_after(store, checked):
    study, before = undertaking(store), []

    def train(jobs):
        before.append(read_study(store.study_folder("made")))
        for each in study.plan.trajectories.values():
            record(store, each, notes=["Told by the record."])

    after = read_study(run_study(study, "python -m runner", train).folder)
    assert [each.get("notes") for each in (*before, after)] == [None, ["Told by the record."]]


@pytest.mark.parametrize(
    ("analysis", "sentence"),
    [
        ({"sesoi": {"accuracy": 0.0}}, "analysis.sesoi.accuracy must be above 0, or null for none; got 0.0."),
        ({"sesoi": {"loss": float("nan")}}, "analysis.sesoi.loss must be above 0, or null for none; got nan."),
        ({"sesoi": {"acuracy": 0.1}}, "analysis.sesoi must name metrics that the model is compiled with"),
        ({"better": {"auc": "higher"}}, "analysis.better must name metrics that the model is compiled with"),
        ({"primary": ["val_auc"]}, "analysis.primary must name metrics that the model is compiled with"),
    ],
)
def test_what_is_said_of_metrics_that_the_nets_do_not_have_is_refused_before_anything_trains(
    store, checked, analysis, sentence
):
    trained = []
    study = undertaking(store, analysis=GOOD["analysis"] | analysis)
    with pytest.raises(BadInput, match=f"^{sentence}"):
        run_study(study, "python -m runner", lambda jobs: trained.append(jobs))
    assert trained == []


@pytest.mark.parametrize(
    ("asked", "sealed"),
    [(["png"], None), ([], []), (["svg", "pdf"], ["pdf", "svg"]), (["png", "pdf"], ["png", "pdf"])],
)
def test_what_figures_are_written_as_is_declared_where_it_is_not_png_alone(store, checked, asked, sealed):
    study = undertaking(store, analysis=GOOD["analysis"] | {"figures": asked})

    def train(jobs):
        for each in study.plan.trajectories.values():
            record(store, each)

    assert read_study(run_study(study, "python -m runner", train).folder).get("figures") == sealed


def test_a_reported_figure_that_no_metric_can_have_is_refused_before_anything_trains(store, checked):
    study = undertaking(store)
    label = study.plan.cells[0].label
    study.plan.reported = [{"cell": label, "metric": "val_accuracy", "value": 98.97, "source": "x", "dataset": ""}]
    with pytest.raises(BadInput, match=r"must be a share from 0 to 1; got 98\.97\.$"):
        run_study(study, "python -m runner", lambda jobs: pytest.fail("trained"))


def test_a_study_remembers_with_how_many_seeds_it_was_reported_as_long_as_its_factors_are_the_same(store, checked):
    study = undertaking(store)

    def train(jobs):
        for each in study.plan.trajectories.values():
            record(store, each)

    run_study(study, "python -m runner", lambda jobs: None)
    assert "reported_at" not in read_study(store.study_folder("made"))  # nothing was trained, so nothing is reported
    once = {"seeds": 1, "until": False}
    for _ in range(2):
        run_study(study, "python -m runner", train)
        assert read_study(store.study_folder("made"))["reported_at"] == [once]
    study.plan.seeds = [0, 1]
    assert study.reported_at(now=True) == [once, {"seeds": 2, "until": False}]
    study.plan.factors = {"dropout": ("true", "false")}
    assert study.reported_at(now=True) == [{"seeds": 2, "until": False}]
    (store.study_folder("made") / "study.json").write_text("{}")
    assert study.reported_at(now=False) == []


def trainer(study, store):
    """What records all trainings of the study."""

    def train(jobs):
        for each in study.plan.trajectories.values():
            record(store, each)

    return train


def test_two_commands_at_once_never_take_each_others_folder(store, checked):
    short, long = undertaking(store, epochs=1), undertaking(store, epochs=2)
    declared = {}

    def train_beside(jobs):  # meanwhile the other command, which goes further, begins and ends
        trainer(short, store)(jobs)
        declared["long"] = run_study(long, "the longer", trainer(long, store))

    mine = run_study(short, "the shorter", train_beside)
    theirs = declared["long"]
    assert (mine.folder.name, theirs.folder.name) == ("made-2", "made")
    assert [run["epochs"] for run in mine.declaration["runs"]] == [1, 1, 1]
    assert read_study(theirs.folder)["command"] == "the longer" and read_study(mine.folder)["command"] == "the shorter"


def test_what_is_told_of_a_taken_folder_names_both_and_a_given_name_is_refused(store, checked, capsys):
    run_study(undertaking(store), "python -m runner", trainer(undertaking(store), store))
    (store.root / "made" / "report.md").write_text("mine")
    other = undertaking(store, optimizer="sgd")
    assert run_study(other, "python -m runner", trainer(other, store)).folder.name == "made-2"
    assert f"{store.root / 'made'} holds another study, or more of this one" in capsys.readouterr().out
    named = undertaking(store, optimizer="rmsprop", name="made")
    with pytest.raises(BadInput, match=r"^name must be of a folder that is empty or of this same study"):
        run_study(named, "python -m runner", lambda jobs: pytest.fail("trained"))


def test_a_finished_store_that_may_only_be_read_is_read(store, checked):
    study = undertaking(store)
    written = run_study(study, "python -m runner", trainer(study, store))
    before = sorted(path for path in store.root.rglob("*"))
    study.store = Store(store.root, changes=False)
    again = run_study(study, "python -m runner", lambda jobs: pytest.fail("trained"))
    assert again.declaration == read_study(written.folder) and again.folder == written.folder
    assert sorted(path for path in store.root.rglob("*")) == before


def test_a_folder_that_may_not_be_written_is_opened_to_be_read(store, monkeypatch):
    settings = study_settings(GOOD | {"results_dir": str(store.root)})
    assert open_store(settings).changes
    monkeypatch.setattr(run.os, "access", lambda path, mode: path.name != "runs")
    assert not open_store(settings).changes
    assert open_store(study_settings(GOOD | {"results_dir": str(store.root / "new")})).changes
