"""Histories written for other tools: read back by this program's own readers they are the recorded ones."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, recorded_study
from recipes import recorded_recipe

from analysis import read as read_study
from analysis.__main__ import main
from analysis.export.runs import CannotExport, exported, plain
from analysis.export.tensorboard import write_events
from analysis.foreign import read
from runner.metrics import Compiled

FACTORS = {"dropout": ["true", "false"], "rate": ["0.1", "1e-3"]}
WRITTEN = {"True": "true", "False": "false", "0.001": "1e-3"}  # levels by how they are read back


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return recorded_study(tmp_path_factory.mktemp("exported"), FACTORS, seeds=2, epochs=4)


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def compared(histories, study, equal):
    """Check every value of every run against the study's history; how many there were."""
    levels = study.runs.astype({"seed": int}).set_index([*study.factors, "seed"])["cell"]
    seen = 0
    for place, row in histories.config.iterrows():
        named = [
            {"True": "true", "False": "false", "0.001": "1e-3"}.get(str(row[key]), str(row[key])) for key in FACTORS
        ]
        cell = levels[(*named, int(row["seed"]))]
        mine = study.history[study.history["cell"].eq(cell) & study.history["seed"].eq(int(row["seed"]))]
        theirs = histories.history[histories.history["run"].eq(place)]
        assert theirs["epoch"].tolist() == mine["epoch"].tolist()
        for metric in histories.metrics:
            assert equal(mine[metric].to_numpy(float), theirs[metric].to_numpy(float))
            seen += len(mine)
    return seen


# ---- TensorBoard


def test_tensorboard_has_every_value_as_the_nearest_float32(folder, tmp_path):
    study = read_study(folder)
    assert write_events(study, tmp_path) == tmp_path / "made"
    histories = read([str(tmp_path)])
    assert len(histories.runs) == 8 and set(histories.runs["status"]) == {"complete"}
    assert {"val_accuracy", "accuracy", "on_loss_se", "train_seconds"} <= set(histories.metrics)
    seen = compared(histories, study, lambda mine, theirs: np.array_equal(mine.astype(np.float32), theirs))
    assert seen == 8 * 4 * len(histories.metrics)
    assert histories.config["dropout"].tolist().count(True) == 4 and set(histories.config["rate"]) == {0.1, "1e-3"}


def test_tensorboards_own_reader_reads_the_runs_and_their_hyperparameters(folder, tmp_path):
    program = (
        "import sys\n"
        "sys.modules['tensorflow'] = None\n"  # its own reader would import it
        "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n"
        "from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData\n"
        f"found = EventAccumulator({str(tmp_path / 'made' / 'dropout=true,rate=0.1,seed=1')!r}).Reload()\n"
        "print([(event.step, event.value) for event in found.Scalars('val_loss')])\n"
        "told = found.SummaryMetadata('_hparams_/session_start_info').plugin_data\n"
        "print(told.plugin_name)\n"
    )
    study = read_study(folder)
    write_events(study, tmp_path)
    words = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    values, plugin = done.stdout.splitlines()
    mine = study.history[study.history["cell"].eq("dropout=true, rate=0.1") & study.history["seed"].eq(1)]
    expected = [(int(row.epoch), float(np.float32(row.val_loss))) for row in mine.itertuples()]
    assert values == str(expected) and plugin == "hparams"


def test_the_same_records_give_the_same_event_files(folder, tmp_path):
    study = read_study(folder)
    first, second = (files_of(write_events(study, tmp_path / name)) for name in ("one", "two"))
    assert first == second and len(first) == 8
    assert files_of(write_events(study, tmp_path / "one")) == first


def test_a_run_that_diverged_keeps_what_it_logged_and_missing_ones_are_counted(tmp_path, capsys, monkeypatch):
    folder = recorded_study(tmp_path / "results", FACTORS, seeds=2, lost=((0, 0),), diverged=((1, 1),))
    monkeypatch.setattr(sys, "argv", ["analysis", "export", str(folder), "--to", "tensorboard", str(tmp_path / "out")])
    assert main() == 0
    assert capsys.readouterr().out == (
        f"7 runs of made; 1 run without a history left out\ntensorboard: {tmp_path / 'out' / 'made'}\n"
    )
    histories = read([str(tmp_path / "out")])
    assert sorted(histories.runs["status"]) == ["complete"] * 6 + ["failed"]
    failed = histories.runs.index[histories.runs["status"].eq("failed")][0]
    assert np.isinf(histories.history.loc[histories.history["run"].eq(failed), "loss"]).all()


def test_names_of_users_are_no_paths(tmp_path):
    hostile = ["../../up", "/etc/passwd", "a/b", "..", "a b", "a_b", "x" * 300, "\u00fc"]
    study = read_study(recorded_study(tmp_path / "results", {"model": hostile}, seeds=1, epochs=1))
    write_events(study, tmp_path / "out")
    runs = list((tmp_path / "out" / "made").iterdir())
    assert len(runs) == len(hostile) and all(path.is_dir() and len(path.name) < 160 for path in runs)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"made"}
    assert {path.name for path in tmp_path.iterdir()} == {"results", "out"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("3", 3),
        ("true", True),
        ("01", "01"),
        ("1e-3", "1e-3"),
        ("NaN", "NaN"),
        ("[1]", "[1]"),
        ("a", "a"),
    ],
)
def test_a_level_is_a_number_only_where_it_is_written_as_one(text, value):
    assert plain(text) == value and type(plain(text)) is type(value)


# ---- MLflow


def test_mlflow_has_every_value_to_the_last_bit(folder, tmp_path):
    pytest.importorskip("mlflow", reason="the optional extra mlflow is not installed")
    from analysis.export.mlflow import write_experiment

    study = read_study(folder)
    assert write_experiment(study, tmp_path / "out") == tmp_path / "out" / "mlflow.db"
    histories = read([str(tmp_path / "out")])
    assert len(histories.runs) == 8 and set(histories.runs["status"]) == {"complete"}
    assert compared(histories, study, np.array_equal) == 8 * 4 * len(histories.metrics)
    with pytest.raises(CannotExport, match="must not have the study yet; got an experiment named 'made' there"):
        write_experiment(study, tmp_path / "out")


def test_mlflow_takes_any_name_of_a_metric_and_keeps_what_a_diverged_run_logged(tmp_path):
    pytest.importorskip("mlflow", reason="the optional extra mlflow is not installed")
    from analysis.export.mlflow import write_experiment

    compiled = [Compiled(name, "mine", "higher") for name in ("../a|b<i>", "../a|b_i_", "/x", ".")]
    study = read_study(recorded_recipe(tmp_path / "one", [*compiled, Compiled("loss", "huber")], {}, seeds=1))
    write_experiment(study, tmp_path / "out")
    histories = read([str(tmp_path / "out")])
    assert len(histories.metrics) == len(exported(study)[0].metrics) and {"loss", "_x"} <= set(histories.metrics)
    broken = read_study(recorded_study(tmp_path / "two", FACTORS, seeds=1, diverged=((1, 0),)))
    write_experiment(broken, tmp_path / "broken")
    histories = read([str(tmp_path / "broken")])
    failed = histories.runs.index[histories.runs["status"].eq("failed")]
    assert np.isinf(histories.history.loc[histories.history["run"].isin(failed), "loss"]).tolist() == [True]


def test_without_mlflow_one_sentence_says_what_to_install(folder, tmp_path, capsys, monkeypatch):
    for name in ("mlflow", "mlflow.tracking"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(sys, "argv", ["analysis", "export", str(folder), "--to", "mlflow", str(tmp_path / "out")])
    assert main() == 2
    assert capsys.readouterr().err == (
        "--to mlflow needs the package mlflow, which is not installed: pip install mlflow.\n"
    )


# ---- both


@pytest.mark.parametrize("to", ["tensorboard", "mlflow"])
def test_what_cannot_be_exported_is_refused_in_a_sentence(folder, tmp_path, to, capsys, monkeypatch):
    lost = tuple((cell, 0) for cell in range(2))
    empty = recorded_study(tmp_path / "results", {"dropout": ["true", "false"]}, seeds=1, lost=lost)
    for study, sentence in ((empty, "the study must have runs with a history; 'made' has none."), (tmp_path, "the st")):
        monkeypatch.setattr(sys, "argv", ["analysis", "export", str(study), "--to", to, str(tmp_path / "out")])
        assert main() == 2
        said = capsys.readouterr()
        assert said.err.startswith(sentence) and said.out == "" and said.err.count("\n") == 1
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr(sys, "argv", ["analysis", "export", str(folder), "--to", to, str(tmp_path / "file")])
    assert main() == 2 and "DIR must be a folder; got the file" in capsys.readouterr().err


def test_no_tensorflow_is_imported_by_an_export(folder, tmp_path):
    program = (
        "import sys; from analysis.export.command import main\n"
        f"main([{str(folder)!r}, '--to', 'tensorboard', {str(tmp_path)!r}])\n"
        "print([name for name in ('tensorflow', 'keras', 'matplotlib', 'mlflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]" and done.stderr == ""


def test_a_study_of_ones_own_recipe_is_exported_with_its_metrics(tmp_path):
    study = read_study(recorded_recipe(tmp_path, seeds=2, stopped={("64", 1): 4}))
    found = exported(study)
    assert {run.name for run in found} >= {"width=64,seed=0", "width=128,seed=1"}
    stopped = next(run for run in found if run.name == "width=64,seed=1")
    assert stopped.epochs == [1, 2, 3, 4] and stopped.status == "complete" and stopped.seconds == [3.0, 6.0, 9.0, 12.0]
    assert {"mae", "val_mae", "on_mae", "val_loss"} <= set(stopped.metrics) and "holdout_mae" not in stopped.metrics
    assert pd.Series([value for name, _, _, value in stopped.points() if name == "val_mae"]).equals(
        study.history[study.history["cell"].eq("width=64") & study.history["seed"].eq(1)]["val_mae"].reset_index(
            drop=True
        )
    )
