"""Designs from the command line to the report: named studies, arms, one at a time from either end, layers left out."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from conftest import here, made_row, made_summary, small_study

from runner import pool
from runner.images.choices import CONF
from runner.store import Snapshot, Store

NAMED = {
    "archive": "design arms: 14 cells x 4 seeds",
    "augmentation": "design factorial: 2 cells x 4 seeds",
    "binarize_x_activation": "design factorial: 4 cells x 4 seeds",
    "components": "design one_at_a_time (leave-one-out): 9 cells x 4 seeds",
    "dropout_x_binarize_x_epochs": "design factorial: 8 cells x 5 seeds",
    "riddle": "design factorial: 4 cells x 4 seeds",
    "smoke": "design factorial: 2 cells x 2 seeds",
}


# ---- named studies


def test_every_named_study_is_tested_here():
    assert {path.stem for path in (CONF / "study").glob("*.yaml")} == set(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_a_named_study_opens_with_its_command_and_its_plan_can_be_run(name, tmp_path):
    head = [line for line in (CONF / "study" / f"{name}.yaml").read_text().splitlines() if line[:1] == "#"]
    [typed] = [line for line in head if line.startswith("#   python -m runner -m ")]
    assert any(line.startswith("# Cost: ") for line in head) and any(line.startswith("# Result: ") for line in head)
    done = here(*typed.split()[4:], "dry_run=true", f"results_dir={tmp_path}")
    assert f"study {name}, {NAMED[name]}" in done.stdout


def test_the_archive_compares_every_stage_once_and_shares_the_final_nets_training(tmp_path):
    done = here("-m", "study=archive", "dry_run=true", f"results_dir={tmp_path}")
    compared = dict(re.findall(r"^  (\S+) against (\S+)$", done.stdout, re.MULTILINE))
    assert len(compared) == 13 and compared["stage_9"] == "stage_7" and compared["final_30"] == "stage_9"
    assert "70 runs of 65 trainings" in done.stdout and "epochs saved by sharing trainings: 50" in done.stdout


def test_a_value_on_the_command_line_replaces_that_axis_only(tmp_path):
    done = here("-m", "study=riddle", "dropout=false", "seed=3,4", "dry_run=true", f"results_dir={tmp_path}")
    assert "study riddle, design factorial: 2 cells x 2 seeds (3, 4)" in done.stdout
    assert "normalize: column_l2, unit (baseline column_l2)" in done.stdout and "  dropout:" not in done.stdout


# ---- arms

ARMS = (
    "arms={plain:['dropout=false'],noisy:[],longer:['epochs=3'],other net:['model=stage_1']}",
    "against={longer:[noisy,plain]}",
    "reported=[{cell:noisy,val_accuracy:0.5,val_loss:1.0,source:'a|b <i>c</i>'}]",
)


@pytest.fixture(scope="module")
def arms(npz, tmp_path_factory):
    """The folder of a finished study with four arms and two seeds, and what its command printed."""
    results = tmp_path_factory.mktemp("arms")
    done = here(*small_study(npz, results, *ARMS, "seed=0,1", "name=armed"))
    return results / "armed", done


def test_arms_are_trained_compared_and_reported(arms):
    folder, _ = arms
    declaration = json.loads((folder / "study.json").read_text())
    assert declaration["design"] == "arms"
    assert declaration["factors"] == [{"key": "arm", "levels": ["plain", "noisy", "longer", "other net"]}]
    assert declaration["comparisons"] == [
        ["noisy", "plain"],
        ["longer", "noisy"],
        ["longer", "plain"],
        ["other net", "plain"],
    ]
    runs = pd.read_csv(folder / "tables" / "runs.csv")
    assert set(runs["status"]) == {"complete"} and len(runs) == 8
    assert runs.groupby("arm")["epochs"].first().to_dict() == {"plain": 2, "noisy": 2, "longer": 3, "other net": 2}
    effects = pd.read_csv(folder / "tables" / "effects.csv")
    primary = effects[effects["response"].eq("val_loss")]
    assert primary["contrast"].tolist() == [f"{arm} against {other}" for arm, other in declaration["comparisons"]]
    losses = runs.pivot_table("val_loss", "seed", "arm")
    assert primary["estimate"].tolist()[1] == pytest.approx((losses["longer"] - losses["noisy"]).mean(), abs=1e-12)
    text = (folder / "report.md").read_text()
    assert "## Reported and reproduced" in text and r"a\|b \<i\>c\</i\>" in text
    assert "Of 4 comparisons on validation accuracy" in text
    assert len(pd.read_csv(folder / "tables" / "reported.csv")) == 2


def test_arms_that_differ_in_epochs_share_one_training(arms):
    folder, done = arms
    assert "[6/6]" in done.stderr
    runs = pd.read_csv(folder / "tables" / "runs.csv")
    assert runs[runs["arm"].eq("noisy")]["run"].tolist() == runs[runs["arm"].eq("longer")]["run"].tolist()


def test_the_same_arms_again_train_nothing(arms, npz):
    folder, first = arms
    again = here(*small_study(npz, folder.parent, *ARMS, "seed=0,1", "name=armed"))
    assert again.stderr == "" and again.stdout == first.stdout


def test_what_the_command_sets_holds_for_every_arm_but_an_arms_own_setting_wins(npz, tmp_path):
    arguments = small_study(npz, tmp_path, ARMS[0], "model=stage_4", "epochs=7", "seed=0", "dry_run=true")
    done = here(*arguments)
    assert "4 runs of 2 trainings" in done.stdout  # stage_4 has no dropout: plain, noisy and longer are one training
    assert "14 epochs" in done.stdout
    assert "conv2d_1, max_pooling2d_1, flatten_1, dense_1, dense_2" in done.stdout


def test_a_baseline_may_be_named(npz, tmp_path):
    done = here(*small_study(npz, tmp_path, ARMS[0], "baseline=noisy", "dry_run=true"))
    assert "arm: noisy, plain, longer, other net (baseline noisy)" in done.stdout
    assert "  plain against noisy" in done.stdout


MISTAKES = {
    "study must be one of archive,": ["-m", "study=archiv"],
    "Did you mean archive?": ["-m", "study=archve"],
    "study must have one value in a study": ["-m", "study=archive,smoke"],
    "study must be run with -m; got a command that trains one run. Add -m.": ["study=archive"],
    "dropout must have one value in a study with arms, which form no grid; got True, False.": [
        "-m",
        "study=archive",
        "dropout=true,false",
    ],
    "design must be left out in a study with arms": ["-m", "study=archive", "design=one_at_a_time"],
    "against must name one of the arms": ["-m", "study=archive", "+against.stage_0=stage_1"],
    "against.stage_2 must name one of the arms": ["-m", "study=archive", "against.stage_2=stage_0"],
    "arms.a cannot be run: dropuot is no key of this program. Did you mean dropout?": ["-m", "arms={a:['dropuot=1']}"],
    "arms.a cannot be run: dropout must have one value in an arm; got 'dropout=1,0'.": [
        "-m",
        "arms={a:['dropout=1,0']}",
    ],
    "arms.a cannot be run: seed must be set for the whole study": ["-m", "arms={a:['seed=1']}"],
    "arms.a cannot be run: epochs must be at least 1; got 0.": ["-m", "arms={a:['epochs=0']}"],
    "arms.a cannot be run: Every argument must have the form": ["-m", "arms={a:['dropout']}"],
    "arms.a cannot be run: model must be one of dense, final": ["-m", "arms={a:['model=stage_99']}"],
    "arms must have names of at most 60 letters": ["-m", "arms={..x:[]}"],
    "reported.0.cell must be a cell of this study; got 'x'": [
        "-m",
        "dropout=true,false",
        "reported=[{cell:x,val_loss:1,source:y}]",
    ],
}


@pytest.mark.parametrize("sentence", MISTAKES)
def test_a_mistake_in_a_study_is_one_sentence(sentence, tmp_path):
    done = here(*MISTAKES[sentence], f"results_dir={tmp_path / 'r'}", check=2)
    assert sentence in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "r").exists()


def test_a_study_file_with_a_name_twice_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "twice.yaml").write_text("# @package _global_\narms:\n  a: []\n  a: [dropout=false]\n")
    place = f"hydra.searchpath=[file://{tmp_path}]"
    done = here("-m", "study=twice", place, f"results_dir={tmp_path / 'r'}", check=2)
    assert "twice.yaml must be YAML with each key once; line 4: found duplicate key a." in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


# ---- one at a time


def record_at_once(jobs, *_):
    """Record made runs in place of trained ones: without dropout all scores are two points better."""
    for job in jobs:
        random = np.random.default_rng([*job.id.encode()])
        base = 0.8 + (0.02 if "dropout=false" in job.label else 0.0) + random.normal(0, 0.001)
        row, predictions = made_row(1, base, broken=False), np.zeros(60, np.uint8)
        made = Snapshot(1, [np.zeros(2, np.float32)], [], [row], [predictions], [])
        Store(job.results_dir).commit(job.id, job.spec, made, made_summary(job.study, "complete", 1, 60))


COMPONENTS = ("design=one_at_a_time", "epochs=1")


def test_leave_one_out_and_add_one_are_named_and_compared_once_both_are_run(npz, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "run_jobs", record_at_once)
    out = (*COMPONENTS, "seed=0", "dropout=true,false", "augment=true,false", "name=out")
    add = (*COMPONENTS, "seed=0", "dropout=false,true", "augment=false,true", "name=add")
    planned = here(*small_study(npz, tmp_path, *out, "dry_run=true"))
    assert "design one_at_a_time (leave-one-out): 3 cells" in planned.stdout
    assert "once add-one is recorded as well" in planned.stdout
    here(*small_study(npz, tmp_path, *out))
    text = (tmp_path / "out" / "report.md").read_text()
    assert "Leave-one-out: all components are on in the baseline" in text and "cannot be said" in text
    assert "design one\\_at\\_a\\_time (leave-one-out)" in text and "## Leave-one-out against add-one" not in text
    here(*small_study(npz, tmp_path, *add))
    text = (tmp_path / "add" / "report.md").read_text()
    assert "Add-one: all components are off in the baseline" in text and "(add-one)" in text
    assert "## Leave-one-out against add-one" in text
    assert "leave-one-out is recorded as well" in here(*small_study(npz, tmp_path, *add, "dry_run=true")).stdout
    ends = pd.read_csv(tmp_path / "add" / "tables" / "ends.csv").set_index(["component", "response"])
    parts = [pd.read_csv(tmp_path / name / "tables" / "runs.csv") for name in ("out", "add")]
    runs = pd.concat(parts).drop_duplicates("cell").set_index(["dropout", "augment"])
    loss = pd.concat(parts).groupby(["dropout", "augment"])["val_loss"].mean()
    assert len(runs) == 4
    on, off = loss[True, True] - loss[False, True], loss[True, False] - loss[False, False]
    row = ends.loc[("dropout", "val_loss")]
    assert row[["all_on", "all_off", "difference"]].tolist() == pytest.approx([on, off, on - off], abs=1e-12)
    again = here(*small_study(npz, tmp_path, *out))
    assert again.stderr == "" and "## Leave-one-out against add-one" in (tmp_path / "out" / "report.md").read_text()


def test_layers_are_left_out_one_at_a_time(npz, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "run_jobs", record_at_once)
    layers = "model.without=[],[conv2d_1,dropout_1]"
    arguments = small_study(npz, tmp_path, *COMPONENTS, "model=stage_6", layers, "name=layers", "seed=0,1")
    assert "conv2d_1, max_pooling2d_1, dropout_1, flatten_1" in here(*arguments, "dry_run=true").stdout
    here(*arguments)
    runs = pd.read_csv(tmp_path / "layers" / "tables" / "runs.csv")
    assert runs["model.without"].unique().tolist() == ["[]", '["conv2d_1","dropout_1"]']
    text = (tmp_path / "layers" / "report.md").read_text()
    assert "Leave-one-out: all components are on" in text
    assert r"leaving out conv2d\_1 and dropout\_1" in text


def test_layers_left_out_can_be_arms(npz, tmp_path):
    arms = "arms={whole:[],bare:['model.without=[dropout_1]'],also:['dropout=false']}"
    done = here(*small_study(npz, tmp_path, arms, "seed=0", "dry_run=true"))
    assert "3 runs of 2 trainings" in done.stdout  # without its only dropout layer, or with dropout off: one net


# ---- screening

SCREENED = (
    *("design=screening", "dropout=true,false", "binarize=true,false", "normalize=unit,column_l2"),
    *("optimizer=adam,sgd", "batch_size=16,32", "epochs=1", "name=screened"),
)


def test_five_components_are_screened_in_16_cells(npz, tmp_path, monkeypatch):
    planned = here(*small_study(npz, tmp_path, *SCREENED, "seed=0,1", "dry_run=true"))
    assert "design screening: 16 cells x 2 seeds (0, 1)" in planned.stdout
    assert planned.stdout.count("the figure for ") == 7 and " and cannot be told apart" in planned.stdout
    ahead = here(*small_study(npz, tmp_path, *SCREENED, "until=decided", "dry_run=true"))
    assert (
        "design screening: 16 cells x 4 seeds" in ahead.stdout and "at worst, 20 seeds: 320 trainings" in ahead.stdout
    )
    monkeypatch.setattr(pool, "run_jobs", record_at_once)
    here(*small_study(npz, tmp_path, *SCREENED, "seed=0,1"))
    folder = tmp_path / "screened"
    text = (folder / "report.md").read_text()
    assert "Screening: every effect is averaged over the other components switched both ways" in text
    assert "leaving out" not in text and "- The figure for dropout × " in text
    effects = pd.read_csv(folder / "tables" / "effects.csv")
    main = effects[effects["kind"].eq("main") & effects["response"].eq("val_loss")].set_index("factor")
    runs = pd.read_csv(folder / "tables" / "runs.csv", dtype={"dropout": str})
    means = runs.groupby("dropout")["val_loss"].mean()
    assert len(runs) == 32 and len(main) == 5 and main["p_holm"].notna().all()
    assert main.loc["dropout", "estimate"] == pytest.approx(means["false"] - means["true"], abs=1e-12)
    assert main.loc["dropout", "estimate"] == pytest.approx(-0.01, abs=0.001)  # made_row's loss falls by half a gain
    assert set(effects.loc[effects["kind"].eq("shared"), "primary"]) == {False}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            SCREENED[:3],
            "design=screening must have 5 to 12 factors of two levels; got 2. Sweep all combinations instead.",
        ),
        ((*SCREENED[:5], "epochs=1,2,3"), "design=screening must have factors of two levels; got epochs with 3."),
    ],
)
def test_a_screening_of_other_factors_is_refused_in_a_sentence(arguments, sentence, npz, tmp_path):
    done = here(*small_study(npz, tmp_path / "r", *arguments), check=2)
    assert sentence in done.stderr and len(done.stderr.strip().splitlines()) == 1
