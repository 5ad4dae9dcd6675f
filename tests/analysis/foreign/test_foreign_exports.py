"""W&B's exports and Sacred's files, written by hand from their formats."""

import json
import math

import pandas as pd
import pytest

from analysis.foreign import Refused, read, understand


def test_wandb_charts_are_read_with_the_settings_of_the_table_of_runs(charts):
    understanding = understand(read([charts()]))
    assert understanding.declaration["source"] == "W&B exports"
    assert understanding.declaration["factors"] == [{"key": "dropout", "levels": ["0", "0.5"]}]
    assert understanding.declaration["seeds"] == [0, 1]
    expected = [0.1 * (number + 1) + 2 / 3 / 10 for number in range(4)]
    assert understanding.runs["val_loss"].tolist() == expected
    assert understanding.runs["val_accuracy"].tolist() == [value + 1 / 7 for value in expected]
    assert understanding.history["epoch"].tolist() == [1, 2, 3] * 4


def test_wandb_charts_of_groups_are_refused(charts):
    with pytest.raises(
        Refused,
        match=r"chart0.csv must hold runs one by one; it is aggregated already, since a - val/loss__MIN differs from "
        r"a - val/loss.*Ungroup the runs in W&B",
    ):
        read([charts(spread=0.01)])


def test_wandb_charts_without_a_table_of_runs_are_refused(charts):
    with pytest.raises(
        Refused, match=r"must hold the table of runs beside chart0.csv.*got none. Export the runs table"
    ):
        read([charts(table=False)])


def test_wandb_runs_that_the_table_lacks_are_named(charts, tmp_path):
    folder = charts()
    path = tmp_path / folder / "runs.csv"
    pd.read_csv(path).iloc[:3].to_csv(path, index=False)
    with pytest.raises(Refused, match="must have a row for every run of the charts; it has none for d"):
        read([folder])


def test_wandb_states_are_statuses(charts):
    assert set(read([charts(state="crashed")]).runs["status"]) == {"failed"}
    assert set(read([charts(state="running")]).runs["status"]) == {"unfinished"}


def test_wandb_history_dumps_are_read_by_epoch_with_the_last_value_of_each(dumps):
    understanding = understand(read([dumps()]))
    assert understanding.runs["val_loss"].tolist() == [1 / 12] * 4
    assert understanding.runs["loss"].tolist() == [1 / 8, 1 / 9, 1 / 8, 1 / 9]
    assert understanding.declaration["factors"] == [{"key": "dropout", "levels": ["0", "0.5"]}]
    assert understanding.runs["epochs"].tolist() == [3] * 4


def test_a_sampled_wandb_history_is_refused(written):
    rows = [
        {
            "_step": step,
            "_runtime": step,
            "_timestamp": step,
            "val_loss": 0.5 + seed,
            "config.seed": seed,
            "config.lr": lr,
        }
        | {"run": f"{lr}-{seed}"}
        for lr in (0.1, 0.2)
        for seed in (0, 1)
        for step in (0, 1, 2, 5, 9)
    ]
    with pytest.raises(
        Refused,
        match=r"steps were left out of run 0.1-0, which has step 5 where 3 should be, as in a sampled export",
    ):
        understand(read([written(rows)]))


def test_a_wandb_table_of_runs_alone_is_a_row_a_run(charts, tmp_path):
    folder = charts()
    rows = pd.read_csv(tmp_path / folder / "runs.csv").assign(ID=["i", "j", "k", "l"], _step=[9, 9, 8, 9], _runtime=3.5)
    rows["val/loss"] = [0.1, 0.2, 0.3, 0.4]
    rows.to_csv(tmp_path / "runs.csv", index=False)
    understanding = understand(read(["runs.csv"]))
    assert understanding.declaration["factors"] == [{"key": "dropout", "levels": ["0", "0.5"]}]
    assert understanding.runs["val_loss"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert understanding.runs["epochs"].tolist() == [1] * 4
    assert understanding.declaration["seeds"] == [0, 1]


# ---- Sacred


def test_sacred_runs_are_read_to_the_last_digit_with_their_status(sacred):
    histories = read(["sacred"])
    assert histories.source == "Sacred file storage"
    assert histories.runs["status"].tolist() == ["complete"] * 3 + ["unfinished"]
    assert histories.config["net.sizes"].tolist() == ["[3,4]"] * 4
    understanding = understand(histories)
    assert understanding.declaration["factors"] == [{"key": "net.dropout", "levels": ["0", "0.5"]}]
    assert understanding.runs["val_loss"].tolist()[:3] == [0.1 * number + 2 / 3 for number in (1, 2, 3)]
    assert understanding.runs["status"].tolist() == ["complete"] * 3 + ["unfinished"]
    assert math.isnan(understanding.runs["val_loss"].iloc[3])
    assert len(understanding.history) == 11


def test_sacred_values_that_numpy_wrote_and_that_are_not_finite_are_read(sacred):
    values = [{"py/object": "numpy.float64", "dtype": "float64", "value": 0.25}, float("nan")]
    (sacred / "1" / "metrics.json").write_text(
        json.dumps({"val.loss": {"steps": [0, 1], "timestamps": ["t", "t"], "values": values}})
    )
    histories = read(["sacred"])
    assert histories.history.loc[histories.history["run"].eq(0), "val.loss"].tolist() == [0.25, math.inf]


def test_a_sacred_run_without_metrics_has_its_result(sacred):
    for number in (1, 2, 3, 4):
        (sacred / str(number) / "metrics.json").unlink()
        (sacred / str(number) / "run.json").write_text(json.dumps({"status": "COMPLETED", "result": number / 7}))
    histories = read(["sacred"])
    assert histories.history["result"].tolist() == [number / 7 for number in (1, 2, 3, 4)]


def test_a_damaged_metrics_file_is_named(sacred):
    (sacred / "2" / "metrics.json").write_text('{"val.loss": {"steps": [0]}}')
    with pytest.raises(Refused, match=r"sacred/2/metrics.json must give steps and values of every metric"):
        read(["sacred"])
    (sacred / "2" / "metrics.json").write_text('{"val.loss": ')
    with pytest.raises(Refused, match=r"sacred/2/metrics.json must be JSON; it cannot be read as that \("):
        read(["sacred"])
