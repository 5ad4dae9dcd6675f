"""Files that the tools themselves wrote: values equal to the last digit to what was logged."""

import math
import sqlite3
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from analysis.foreign import Refused, read, read_options, tensorboard, understand
from runner.store.studies import check_declaration


def values(histories, run, metric):
    history = histories.history
    return history.loc[history["run"].eq(run), metric].dropna().tolist()


def place(histories, name):
    return histories.runs["id"].tolist().index(name)


# ---- Hydra and Keras


@pytest.mark.parametrize("sweep", ["plain", "renamed"])
def test_keras_csv_under_hydra_is_read_to_the_last_digit_whatever_the_output_subdir_is_called(unpacked, logged, sweep):
    histories = read([f"{unpacked('hydra_keras')}/{sweep}"])
    assert histories.source == "Hydra multirun"
    for job in range(4):
        run = place(histories, f"hydra_keras/{sweep}/{job}")
        for metric, series in logged["hydra_keras"][f"{sweep}/{job}"].items():
            assert values(histories, run, metric) == series
    assert histories.config["dropout"].tolist() == [0.0, 0.0, 0.5, 0.5]
    assert histories.config["seed"].tolist() == [0, 1, 0, 1]
    assert histories.config["net.width"].tolist() == [4, 4, 4, 4]


def test_a_hydra_multirun_is_understood_from_its_files_alone(unpacked, logged):
    understanding = understand(read([f"{unpacked('hydra_keras')}/plain"]))
    assert understanding.declaration["factors"] == [{"key": "dropout", "levels": ["0", "0.5"]}]
    assert understanding.declaration["seeds"] == [0, 1]
    assert understanding.runs["epochs"].tolist() == [3, 3, 3, 3]
    last = [logged["hydra_keras"][f"plain/{job}"]["val_loss"][-1] for job in range(4)]
    assert understanding.runs["val_loss"].tolist() == last
    assert understanding.history["epoch"].tolist() == [1, 2, 3] * 4
    check_declaration(understanding.declaration)


def test_a_hydra_job_without_a_history_is_counted_as_unfinished(unpacked, tmp_path):
    folder = unpacked("hydra_keras")
    (tmp_path / folder / "plain" / "1" / "training.csv").unlink()
    understanding = understand(read([f"{folder}/plain"]))
    assert understanding.runs["status"].tolist() == ["complete", "unfinished", "complete", "complete"]
    assert "1 job without a history, counted as unfinished" in understanding.text


def test_jobs_count_in_the_order_of_their_numbers(unpacked, tmp_path):
    folder = unpacked("hydra_keras")
    (tmp_path / folder / "plain" / "1").rename(tmp_path / folder / "plain" / "10")
    ids = read([f"{folder}/plain"]).runs["id"].tolist()
    assert ids == [f"hydra_keras/plain/{job}" for job in (0, 2, 3, 10)]


def test_two_multiruns_are_joined_and_a_run_that_says_the_same_counts_once(unpacked):
    folder = unpacked("hydra_keras")
    understanding = understand(read([f"{folder}/plain", f"{folder}/renamed"]))
    assert len(understanding.runs) == 4
    assert "4 runs: the same as another, to the last digit" in understanding.text


def test_a_config_group_that_was_swept_names_the_factor(unpacked, tmp_path):
    folder = unpacked("hydra_keras")
    for job, (net, width) in enumerate([("small", 4), ("small", 4), ("large", 8), ("large", 8)]):
        settings = tmp_path / folder / "plain" / str(job) / ".hydra"
        (settings / "config.yaml").write_text(f"seed: {job % 2}\nnet:\n  width: {width}\n  depth: {width}\n")
        (settings / "overrides.yaml").write_text(f"- net={net}\n- seed={job % 2}\n")
    understanding = understand(read([f"{folder}/plain"]))
    assert understanding.declaration["factors"] == [{"key": "net", "levels": ["small", "large"]}]
    assert "net.width, net.depth, net: vary together, so they are one factor, net" in understanding.text


# ---- Lightning


def test_lightning_rows_of_an_epoch_are_one_and_its_test_stands_at_the_last_epoch(unpacked, logged):
    histories = read([unpacked("lightning")])
    for version in range(4):
        run = place(histories, f"lightning/runs/version_{version}")
        told = logged["lightning"][f"runs/version_{version}"]
        assert values(histories, run, "val_loss") == told["val_loss"]
        assert values(histories, run, "test_acc") == told["test_acc"]
        assert histories.history.loc[histories.history["run"].eq(run), "epoch"].tolist() == [0, 1, 2]
    assert histories.metrics == ["test_acc", "train_loss", "val_loss"]
    assert histories.config["dropout"].tolist() == [0.0, 0.0, 0.5, 0.5]


def test_of_a_metric_by_step_and_by_epoch_the_epochs_is_kept(unpacked, tmp_path):
    histories = read([unpacked("lightning")])
    written = pd.read_csv(tmp_path / "lightning" / "runs" / "version_2" / "metrics.csv")
    assert values(histories, 2, "train_loss") == written["train_loss_epoch"].dropna().tolist()


# ---- MLflow


@pytest.fixture(params=["mlflow_files", "mlflow_sqlite"])
def store(request, unpacked):
    return read([unpacked(request.param)])


def test_mlflow_is_read_to_the_last_digit_in_the_order_of_start(store, logged):
    for run in (0, 1, 2, 3):
        for metric, series in logged["mlflow"][f"run{run}"].items():
            assert list(map(repr, values(store, run, metric))) == series
    assert store.config["dropout"].tolist()[:4] == [0.0, 0.0, 0.5, 0.5]
    assert store.config["net/kind"].tolist()[0] == "cnn"


def test_mlflow_deleted_runs_are_left_out_and_said_so(store):
    assert len(store.runs) == 6
    assert store.notes == ("1 run deleted in MLflow",)


def test_mlflow_failed_and_diverged_runs_are_shown(store):
    understanding = understand(store)
    assert understanding.runs["status"].tolist() == [*["complete"] * 4, "diverged", "failed"]
    assert understanding.runs["val_loss"].isna().tolist() == [False] * 4 + [True] * 2
    assert "6: 4 complete, 1 diverged, 0 unfinished, 1 failed" in understanding.text


def test_mlflow_values_that_are_not_finite_are_kept_apart_from_missing_ones(store):
    assert values(store, 4, "train/loss") == [1.0, math.inf, math.inf]
    assert values(store, 4, "val/loss") == [1.0, math.inf, math.inf]


def test_a_figure_that_was_logged_once_is_of_the_last_epoch(store, logged):
    understanding = understand(store)
    told = [float(logged["mlflow"][f"run{run}"]["test/accuracy"][0]) for run in range(4)]
    assert understanding.runs["val_accuracy"].tolist()[:4] == told
    assert "val_accuracy: one figure a run, taken as of the last epoch" in understanding.text


def test_both_mlflow_stores_of_one_study_are_understood_alike(unpacked):
    files, database = (understand(read([unpacked(name)])) for name in ("mlflow_files", "mlflow_sqlite"))
    pd.testing.assert_frame_equal(files.runs, database.runs)
    pd.testing.assert_frame_equal(files.history, database.history)


def test_metric_lines_of_two_three_and_five_fields_are_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "mlruns" / "0" / "abc"
    (run / "metrics").mkdir(parents=True)
    (run / "meta.yaml").write_text("run_uuid: abc\nstatus: 3\nlifecycle_stage: active\nstart_time: 1\n")
    (run / "metrics" / "two").write_text("1 0.5\n2 0.25\n")
    (run / "metrics" / "three").write_text("2 0.25 1\n1 0.5 0\n")
    (run / "metrics" / "five").write_text("1 nan 0 data abcdef\n2 0.125 1 data abcdef\n")
    histories = read(["mlruns"])
    assert values(histories, 0, "two") == [0.5, 0.25]
    assert values(histories, 0, "three") == [0.5, 0.25]
    assert values(histories, 0, "five") == [math.inf, 0.125]
    (run / "metrics" / "four").write_text("1 2 3 4\n")
    with pytest.raises(Refused, match=r"metrics/four must have lines of 2, 3 or 5 fields.*got '1 2 3 4'"):
        read(["mlruns"])


def test_reading_a_sqlite_store_writes_nothing(unpacked, tmp_path):
    path = tmp_path / unpacked("mlflow_sqlite") / "mlflow.db"
    path.chmod(0o444)
    before = path.read_bytes()
    read([path])
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["mlflow.db"]


def test_a_database_that_is_not_mlflows_is_not_read(tmp_path):
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("create table runs (id text)")
    database.close()
    with pytest.raises(Refused, match=r"PATH must hold Hydra job folders.*got nothing of these at"):
        read([tmp_path])


# ---- TensorBoard


@pytest.fixture
def events(unpacked):
    pytest.importorskip("tensorboard")
    return unpacked("tensorboard")


@pytest.mark.parametrize("writer", ["keras", "torch", "hparams"])
def test_tensorboard_points_are_the_float32_that_was_logged(events, logged, writer):
    histories = read([f"{events}/{writer}"])
    names = [name for name in logged["tensorboard"] if name.startswith(writer)]
    assert histories.runs["id"].tolist() == [f"tensorboard/{name}" for name in names]
    for run, name in enumerate(names):
        for metric, series in logged["tensorboard"][name].items():
            assert values(histories, run, metric) == [float(np.float32(value)) for value in series]


@pytest.mark.parametrize("writer", ["keras", "torch", "hparams"])
def test_tensorboard_settings_come_from_folder_names_or_the_plugin(events, writer):
    understanding = understand(read([f"{events}/{writer}"]))
    assert understanding.declaration["factors"] == [{"key": "dropout", "levels": ["0", "0.5"]}]
    assert understanding.declaration["seeds"] == [0, 1]
    assert understanding.runs["epochs"].tolist() == [3, 3, 3, 3]


def test_all_points_of_a_long_and_restarted_run_are_there(events, logged):
    histories = read([f"{events}/restarted"])
    series = [float(np.float32(value)) for value in logged["tensorboard"]["restarted/run"]["val_loss"]]
    assert len(series) == 231
    assert values(histories, 0, "val_loss") == series
    assert histories.history["epoch"].tolist() == list(range(231))


def test_a_record_that_was_cut_off_ends_its_file(events, tmp_path):
    path = next((tmp_path / events / "torch" / "dropout=0.0,seed=0").iterdir())
    whole = len(read([path.parent]).history)
    path.write_bytes(path.read_bytes()[:-5])
    assert len(read([path.parent]).history) == whole
    path.write_bytes(path.read_bytes()[:120])
    assert len(read([path.parent]).history) < whole


def test_a_damaged_record_is_refused(events, tmp_path):
    path = next((tmp_path / events / "torch" / "dropout=0.0,seed=0").iterdir())
    whole = path.read_bytes()
    for place, told in ((150, "a record is damaged"), (0, "a length is damaged")):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(Refused, match=rf"must be a TensorBoard event file; it cannot be read as that \({told}\)"):
            read([path.parent])


def test_event_files_without_tensorboard_are_refused_in_one_sentence(unpacked, monkeypatch):
    tensorboard._messages.cache_clear()
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    with pytest.raises(Refused, match="needs the package tensorboard, which is not installed: pip install tensorboard"):
        read([unpacked("tensorboard")])


def test_no_reader_imports_tensorflow(events):
    code = (
        "import sys; from analysis.foreign import read; read(sys.argv[1:]); "
        "print(sorted({'tensorflow', 'keras', 'torch', 'mlflow', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"{events}/keras"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(__import__("pathlib").Path(__file__).parents[3])},
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_options_apply_to_event_files(events):
    understanding = understand(read([f"{events}/keras"]), read_options(baseline="dropout=0.50", pair="seed"))
    assert understanding.declaration["factors"][0]["levels"] == ["0.5", "0"]
    assert understanding.declaration["paired"] is True


def test_event_files_below_a_hydra_job_have_its_settings(events, tmp_path):
    for job in range(4):
        folder = tmp_path / "sweep" / str(job)
        (folder / ".hydra").mkdir(parents=True)
        (folder / ".hydra" / "config.yaml").write_text(f"seed: {job % 2}\nnet:\n  rate: {job // 2}\n")
        (tmp_path / events / "hparams" / f"run{job}").rename(folder / "logs")
    understanding = understand(read(["sweep"]), read_options(factors="net.rate"))
    assert understanding.declaration["factors"] == [{"key": "net.rate", "levels": ["0", "1"]}]
    assert understanding.declaration["seeds"] == [0, 1]


def test_tensorboards_own_reader_told_to_keep_all_gives_the_same(events, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    folder = tmp_path / events / "restarted" / "run"
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    theirs = {
        point.step: tensor_util.make_ndarray(point.tensor_proto).item() for point in accumulator.Tensors("val_loss")
    }
    ours = read([folder]).history
    assert dict(zip(ours["epoch"], ours["val_loss"], strict=True)) == theirs
