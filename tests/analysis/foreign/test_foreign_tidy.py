"""Tidy tables: a row a run, or a row per run and epoch."""

import itertools
import math
import random

import pandas as pd
import pytest

from analysis.foreign import Refused, read, read_options, understand
from runner.metrics import UnknownMetric


def rows_of_runs(arms=("plain", "wide"), seeds=range(3), **more):
    draw = random.Random(0)
    return [
        {"model": arm, "seed": seed, "val_loss": draw.random(), "val_accuracy": draw.random()} | more
        for arm in arms
        for seed in seeds
    ]


def rows_of_epochs(factors, seeds=range(3), epochs=range(5), start=0):
    draw = random.Random(0)
    return [
        dict(zip(factors, levels, strict=True))
        | {"seed": seed, "epoch": epoch + start, "loss": draw.random(), "val_loss": draw.random()}
        for levels in itertools.product(*factors.values())
        for seed in seeds
        for epoch in epochs
    ]


def test_a_row_a_run_is_read_to_the_last_digit(written):
    rows = rows_of_runs()
    understanding = understand(read([written(rows)]))
    assert understanding.runs["val_loss"].tolist() == [row["val_loss"] for row in rows]
    assert understanding.runs["val_accuracy"].tolist() == [row["val_accuracy"] for row in rows]
    assert list(understanding.runs) == [
        *("run", "cell", "model", "seed", "epochs", "status", "val_accuracy", "val_loss"),
    ]
    assert understanding.runs["epochs"].tolist() == [1] * 6
    assert len(understanding.history) == 0
    assert understanding.runs["run"].is_unique


def test_a_row_an_epoch_is_read_without_a_column_that_names_the_run(written):
    rows = rows_of_epochs({"dropout": [0.5, 0.0], "width": [32, 64]})
    understanding = understand(read([written(rows)]))
    declaration = understanding.declaration
    assert declaration["design"] == "factorial"
    assert declaration["factors"] == [
        {"key": "dropout", "levels": ["0.5", "0"]},
        {"key": "width", "levels": ["32", "64"]},
    ]
    assert [cell["label"] for cell in declaration["cells"]] == [
        *("dropout=0.5, width=32", "dropout=0.5, width=64", "dropout=0, width=32", "dropout=0, width=64"),
    ]
    assert understanding.history["val_loss"].tolist() == [row["val_loss"] for row in rows]
    assert understanding.history["epoch"].tolist() == [1, 2, 3, 4, 5] * 12


def test_the_order_of_rows_does_not_matter_but_for_the_baseline(written):
    rows = rows_of_epochs({"model": ["a", "b"]})
    shuffled = [rows[0], *random.Random(1).sample(rows[1:], len(rows) - 1)]
    first, second = (understand(read([written(each)])) for each in (rows, shuffled))
    pd.testing.assert_frame_equal(first.runs, second.runs)
    pd.testing.assert_frame_equal(first.history, second.history)


def test_parquet_gives_what_csv_gives(written, tmp_path):
    pytest.importorskip("pyarrow")
    rows = rows_of_epochs({"model": ["a", "b"]})
    pd.DataFrame(rows).to_parquet(tmp_path / "table.parquet")
    first, second = understand(read([written(rows)])), understand(read([tmp_path / "table.parquet"]))
    pd.testing.assert_frame_equal(first.history, second.history)
    assert first.declaration == second.declaration


def test_epochs_from_one_are_left_as_they_are(written):
    understanding = understand(read([written(rows_of_epochs({"model": ["a", "b"]}, start=1))]))
    assert understanding.history["epoch"].tolist() == [1, 2, 3, 4, 5] * 6


@pytest.mark.parametrize("start", [0, 1])
def test_histories_of_one_epoch_are_whole_whatever_it_is_called(written, start):
    understanding = understand(read([written(rows_of_epochs({"width": [32, 64]}, epochs=[0], start=start))]))
    assert set(understanding.runs["status"]) == {"complete"} and set(understanding.runs["epochs"]) == {1}


def test_a_nan_that_was_written_is_a_divergence_and_a_blank_is_not(tmp_path):
    lines = ["model,seed,epoch,loss,val_loss"]
    for model, seed in itertools.product("ab", range(3)):
        lines += [f"{model},{seed},{epoch},{0.5 + seed / 10},{0.25 + seed / 10}" for epoch in range(3)]
    lines[9] = "a,2,2,nan,nan"
    lines[12] = "b,0,2,,"
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    understanding = understand(read([tmp_path / "table.csv"]))
    assert understanding.runs["status"].tolist() == [
        *("complete", "complete", "diverged", "unfinished", "complete", "complete"),
    ]
    assert "6: 4 complete, 1 diverged, 1 unfinished, 0 failed" in understanding.text
    assert understanding.history["val_loss"].isna().sum() == 1


def test_a_run_that_diverged_early_needs_no_at(written):
    rows = [row for row in rows_of_epochs({"model": ["a", "b"]}) if not (row["seed"] == 2 and row["epoch"] > 1)]
    for row in rows:
        if row["seed"] == 2 and row["epoch"] == 1:
            row |= {"loss": math.inf, "val_loss": math.inf}
    understanding = understand(read([written(rows)]))
    assert understanding.runs["status"].tolist() == ["complete", "complete", "diverged"] * 2
    at_first = understand(read([written(rows)]), read_options(at="epoch=1"))
    assert at_first.runs["status"].tolist() == ["complete"] * 6


def test_a_column_status_is_the_runs_status(written):
    rows = rows_of_runs(seeds=range(4))
    states = ["finished", "finished", "crashed", "running"] * 2
    understanding = understand(read([written([row | {"status": s} for row, s in zip(rows, states, strict=True)])]))
    assert understanding.runs["status"].tolist() == ["complete", "complete", "failed", "unfinished"] * 2


def test_a_run_column_that_numbers_the_runs_of_a_cell_is_a_replicate_number(written):
    rows = [row | {"run": row.pop("seed")} for row in rows_of_epochs({"model": ["a", "b"]})]
    understanding = understand(read([written(rows)]))
    assert understanding.runs["seed"].tolist() == [0, 1, 2, 0, 1, 2]
    assert "replicates, numbered; 3 in every cell complete" in understanding.text
    rows = [row | {"trial": row.pop("seed")} for row in rows_of_runs()]
    assert understand(read([written(rows)])).declaration["seeds"] == [0, 1, 2]


def test_a_history_per_file_takes_settings_from_the_files_names(written):
    draw = random.Random(0)
    for dropout, seed in itertools.product((0.5, 0.0), (0, 1)):
        rows = [{"epoch": epoch, "loss": draw.random(), "val_loss": draw.random()} for epoch in range(3)]
        written(rows, f"logs/dropout={dropout},seed={seed}.csv")
    understanding = understand(read(["logs"]), read_options(baseline="dropout=0.5"))
    assert understanding.declaration["factors"] == [{"key": "dropout", "levels": ["0.5", "0"]}]
    assert understanding.declaration["seeds"] == [0, 1]


def test_several_tables_of_one_kind_are_joined(written):
    first, second = written(rows_of_runs(("a",)), "a.csv"), written(rows_of_runs(("b",)), "b.csv")
    understanding = understand(read([first, second]))
    assert understanding.declaration["factors"] == [{"key": "model", "levels": ["a", "b"]}]
    assert len(understanding.runs) == 6
    assert understanding.runs["val_loss"].tolist() == [row["val_loss"] for row in rows_of_runs(("a",))] * 2


def test_a_table_with_epochs_and_one_without_are_not_joined(written):
    written(rows_of_runs(), "logs/a.csv")
    written(rows_of_epochs({"model": ["a", "b"]}), "logs/b.csv")
    with pytest.raises(Refused, match=r"tables of one kind; logs/b.csv has a row per run and epoch, logs/a.csv has no"):
        read(["logs"])


def test_a_measured_column_of_unknown_direction_is_refused_by_name_unless_better_says_it(written):
    rows = [row | {"f1": row["val_accuracy"] / 2} for row in rows_of_runs()]
    with pytest.raises(
        UnknownMetric,
        match=r"--better must say whether higher or lower is better for f1; got nothing, and it is no metric of "
        r"Keras's own. Add --better f1=higher .*\(or --factors, where f1 is a setting\)",
    ):
        understand(read([written(rows)]))
    options = read_options(better="f1=higher", sesoi="f1=0.002", primary="f1")
    metrics = understand(read([written(rows)]), options).declaration["metrics"]
    assert [(each["name"], each["better"], each["primary"], each["sesoi"]) for each in metrics] == [
        ("f1", "higher", True, 0.002),
        ("loss", "lower", False, None),
        ("accuracy", "higher", False, 0.001),
    ]


def test_the_same_row_twice_counts_once_and_other_values_are_refused(written):
    rows = rows_of_epochs({"model": ["a", "b"]})
    assert len(understand(read([written([*rows, rows[3]])])).history) == len(rows)
    with pytest.raises(
        Refused,
        match=r"one row per run and epoch; the run with model=a, seed=0 is there twice with other values at epoch 3",
    ):
        read([written([*rows, rows[3] | {"val_loss": 9.0}])])


def test_a_history_with_an_epoch_left_out_is_refused(written):
    rows = rows_of_epochs({"model": ["a", "b"]})
    with pytest.raises(
        Refused, match=r"epochs were left out of run table.csv, line 17, which has epoch 4 where 3 should"
    ):
        understand(
            read(
                [written([row for row in rows if not (row["seed"] == 0 and row["model"] == "b" and row["epoch"] == 3)])]
            )
        )
    with pytest.raises(Refused, match=r"which has epoch 5 where 1 should be"):
        understand(read([written([row | {"epoch": row["epoch"] + 5} for row in rows])]))


def test_every_tenth_epoch_alike_in_all_runs_is_read_and_said(written):
    rows = [row | {"epoch": (row["epoch"] + 1) * 10} for row in rows_of_epochs({"model": ["a", "b"]})]
    understanding = understand(read([written(rows)]))
    assert understanding.history["epoch"].tolist() == [10, 20, 30, 40, 50] * 6
    assert understanding.runs["epochs"].tolist() == [50] * 6
    assert "epochs 10, 20, 30, ... are there, alike in all runs" in understanding.text


def test_steps_are_counted_as_epochs_and_said(written):
    rows = [row | {"step": row.pop("epoch") * 100 + 100} for row in rows_of_epochs({"model": ["a", "b"]})]
    understanding = understand(read([written(rows)]))
    assert understanding.history["epoch"].tolist() == [1, 2, 3, 4, 5] * 6
    assert "logged steps are counted as epochs 1, 2, 3, ..." in understanding.text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must have a row for every run"),
        ("model,seed,val_loss\n", "must have a row for every run"),
        ("model,epoch,val_loss\na,x,0.5\n", "must have whole numbers in its column epoch"),
        ("model,epoch,val_loss\na,0.5,0.5\n", "must have whole numbers in its column epoch"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path, text, told):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(Refused, match=told if text else "got nothing of these at"):
        read([tmp_path / "table.csv"])


@pytest.mark.parametrize("spread", ["val_loss_std", "val_loss_sem", "val_loss/ci95"])
def test_a_table_of_means_is_refused(written, spread):
    rows = [{"model": model, "val_loss_mean": 0.5, spread: 0.1} for model in "ab"]
    with pytest.raises(
        Refused,
        match=rf"table.csv must hold runs one by one; it is aggregated already, since {spread} stands beside "
        r"val_loss_mean. Export the runs themselves, a row each.",
    ):
        read([written(rows)])
    with pytest.raises(Refused, match=rf"{spread} stands beside val_loss\."):
        read([written([{"val_loss": row["val_loss_mean"]} | row for row in rows])])


def test_a_column_state_that_holds_no_states_is_a_setting(written):
    rows = [row | {"state": row.pop("model")} for row in rows_of_runs(("solid", "liquid"))]
    understanding = understand(read([written(rows)]))
    assert understanding.declaration["factors"] == [{"key": "state", "levels": ["solid", "liquid"]}]
    assert set(understanding.runs["status"]) == {"complete"}


def test_columns_may_be_separated_by_semicolons_or_tabs(tmp_path):
    rows = pd.DataFrame(rows_of_runs())
    for sign, name in ((",", "a.csv"), (";", "b.csv"), ("\t", "c.tsv")):
        rows.to_csv(tmp_path / name, sep=sign, index=False)
    first, *others = (understand(read([tmp_path / name])) for name in ("a.csv", "b.csv", "c.tsv"))
    for other in others:
        pd.testing.assert_frame_equal(first.runs, other.runs)


def test_an_index_that_was_written_along_is_no_column(tmp_path):
    pd.DataFrame(rows_of_runs()).to_csv(tmp_path / "table.csv")
    assert understand(read([tmp_path / "table.csv"])).text.endswith("left out nothing\n")


def test_parquet_columns_of_other_types_are_plain_values(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(rows_of_runs(("a", "b")))
    frame = frame.astype({"seed": "Int64", "model": "category"})
    frame["sizes"] = [[1, 2] if model == "a" else [3] for model in frame["model"]]
    frame["amp"] = frame["model"].eq("a")
    frame.to_parquet(tmp_path / "table.parquet")
    understanding = understand(read([tmp_path / "table.parquet"]))
    assert understanding.declaration["factors"] == [
        {"key": "model+sizes+amp", "levels": ["a+[1, 2]+true", "b+[3]+false"]},
    ]
    assert understanding.declaration["seeds"] == [0, 1, 2]


def test_a_row_a_run_may_say_at_which_epoch_it_ended(written):
    rows = [row | {"epoch": 10} for row in rows_of_runs()]
    assert understand(read([written(rows)])).runs["epochs"].tolist() == [10] * 6
    rows[0]["epoch"] = 7
    understanding = understand(read([written(rows)]))
    assert understanding.runs["epochs"].tolist() == [7, *[10] * 5]
    assert "figures are of runs that ended at different epochs, 7 to 10" in understanding.text
