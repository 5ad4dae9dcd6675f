"""What is found in runs: factors, seeds, metrics, levels, the epoch at which they are looked at; and how it is told."""

import itertools
import random

import pytest

from analysis.foreign import Options, Refused, read, read_options, understand
from runner.metrics import read_metrics
from runner.store.studies import check_declaration


def rows(factors, seeds=range(3), epochs=None, **follows):
    """Return rows of every combination; `follows` gives columns as functions of a row."""
    draw = random.Random(0)
    found = []
    for levels in itertools.product(*factors.values()):
        for seed in seeds:
            for epoch in epochs or [None]:
                row = dict(zip(factors, levels, strict=True)) | {"seed": seed}
                row |= {} if epoch is None else {"epoch": epoch}
                row |= {"val_accuracy": draw.random(), "val_loss": draw.random()}
                found.append(row | {name: make(row, len(found)) for name, make in follows.items()})
    return found


@pytest.fixture
def understood(written):
    def understand_rows(found, **options):
        return understand(read([written(found)]), read_options(**options))

    return understand_rows


def factors_of(understanding):
    return {factor["key"]: factor["levels"] for factor in understanding.declaration["factors"]}


# ---- factors


def test_a_column_that_is_other_in_every_run_is_no_factor_and_said(understood):
    found = rows({"model": ["a", "b"]}, folder=lambda row, n: f"out/{n}", note_number=lambda row, n: n * 7)
    understanding = understood(found)
    assert factors_of(understanding) == {"model": ["a", "b"]}
    assert "folder, note_number: other in every run, or in most" in understanding.text


def test_names_of_runs_places_and_times_are_no_factors_though_they_repeat(understood):
    found = rows({"model": ["a", "b"]}, host=lambda row, n: f"h{n % 2}", train_seconds=lambda row, n: n // 2)
    understanding = understood(found)
    assert factors_of(understanding) == {"model": ["a", "b"]}
    assert "host, train_seconds: names a run, a place, a time or a size" in understanding.text


def test_keys_that_vary_together_are_one_factor_and_said(understood):
    found = rows({"model": ["a", "b"]}, width=lambda row, n: {"a": 32, "b": 64}[row["model"]])
    understanding = understood(found)
    assert factors_of(understanding) == {"model+width": ["a+32", "b+64"]}
    assert "model, width: vary together, so they are one factor, model+width" in understanding.text
    assert factors_of(understood(found, baseline="width=64")) == {"model+width": ["b+64", "a+32"]}
    assert factors_of(understood(found, factors="model")) == {"model": ["a", "b"]}


def test_a_key_that_follows_from_another_is_no_factor(understood):
    found = rows({"model": ["cnn3", "cnn5", "mlp"]}, family=lambda row, n: row["model"][:3])
    understanding = understood(found)
    assert factors_of(understanding) == {"model": ["cnn3", "cnn5", "mlp"]}
    assert "family: follows from model" in understanding.text


def test_a_name_of_the_cell_does_not_stand_for_its_factors(understood):
    found = rows({"model": ["a", "b"], "lr": [0.1, 0.2]}, group=lambda row, n: f"{row['model']}-{row['lr']}")
    understanding = understood(found)
    assert factors_of(understanding) == {"model": ["a", "b"], "lr": ["0.1", "0.2"]}
    assert "group: says the same as model, lr together" in understanding.text


def test_a_key_set_in_a_few_runs_only_is_left_out_and_said(understood):
    found = rows({"model": ["a", "b"]}, seeds=range(6), patience=lambda row, n: 3 if n < 2 else None)
    understanding = understood(found)
    assert factors_of(understanding) == {"model": ["a", "b"]}
    assert "patience (2 of 12 runs): set in a few runs only" in understanding.text
    assert factors_of(understood(found, factors="model,patience", seed="none"))["arm"] == [
        *("model=a, patience=3", "model=a, patience=(not set)", "model=b, patience=(not set)"),
    ]


def test_a_key_not_set_in_a_minority_of_runs_has_a_level_for_that(understood):
    found = rows({"model": ["a", "b", "c"]}, rate=lambda row, n: None if row["model"] == "c" else 0.1 + n % 2)
    understanding = understood(found, factors="rate", seed="none")
    assert factors_of(understanding) == {"rate": ["0.1", "1.1", "(not set)"]}
    found = rows({"model": ["a", "b"], "rate": [0.1, 0.2, None]})
    understanding = understood(found)
    assert factors_of(understanding)["rate"] == ["0.1", "0.2", "(not set)"]
    assert "rate: not set in 6 of 18 runs, which is a level of its own" in understanding.text


def test_what_varies_with_the_seed_is_no_factor(understood):
    found = rows({"model": ["a", "b"]}, split=lambda row, n: f"split{row['seed']}")
    understanding = understood(found)
    assert factors_of(understanding) == {"model": ["a", "b"]}
    assert "split: varies with the seed" in understanding.text


def test_factors_that_options_name_are_the_factors_and_the_others_are_said(understood):
    understanding = understood(rows({"model": ["a", "b"], "lr": [0.1, 0.2]}), factors="model", seed="none")
    assert factors_of(understanding) == {"model": ["a", "b"]}
    assert "lr: not among --factors" in understanding.text


def test_a_key_that_is_called_as_a_metric_is_a_factor_beside_it(understood):
    found = rows({"loss": ["mse", "huber"]}, epochs=range(2))
    understanding = understood(found, baseline="loss=huber")
    assert factors_of(understanding) == {"config.loss": ["huber", "mse"]}
    assert understanding.runs["val_loss"].tolist()[:3] == [row["val_loss"] for row in found[7::2]]


def test_a_messy_table_is_understood_with_all_that_is_no_factor_told(understood):
    found = rows({"model": ["gat", "gcn", "mlp"], "lr": [0.01, 0.001], "hidden": [64, 128]}, seeds=(0, 1))
    draw = random.Random(1)
    found = [row for place, row in enumerate(found) if place not in (9, 14)]
    for number, row in enumerate(found):
        row |= {"family": "dense" if row["model"] == "mlp" else "gnn", "heads": 8 if row["model"] == "gat" else None}
        row |= {
            "run_name": f"{row['model']}-{number}",
            "started": 1.7e9 + 31.7 * number,
            "n_params": 1000 * row["hidden"],
        }
        row |= {
            "epochs_run": 50 + number % 20,
            "device": f"cuda:{number % 2}",
            "optimizer": "adam",
            "wall_time": draw.random(),
        }
        row |= {"ckpt": f"/ck/{number}.pt", "note": "" if number else "first", "test_accuracy": draw.random()}
    understanding = understood(found, factors="", better="started=neither")
    assert factors_of(understanding) == {
        "model": ["gat", "gcn", "mlp"],
        "lr": ["0.01", "0.001"],
        "hidden": ["64", "128"],
    }
    for told in (
        "n_params, device, wall_time: names a run, a place, a time or a size",
        "heads (8 of 22 runs), note (1 of 22 runs): set in a few runs only",
        "epochs_run, ckpt: other in every run, or in most",
        "family: follows from model",
    ):
        assert told in understanding.text
    assert [metric["name"] for metric in understanding.declaration["metrics"] if metric["primary"]] == [
        "accuracy",
        "loss",
    ]


# ---- design, levels and baseline


def test_the_first_level_written_is_the_baseline_and_an_option_moves_it(understood):
    found = rows({"dropout": [0.5, 0.0], "model": ["b", "a"]})
    assert factors_of(understood(found)) == {"dropout": ["0.5", "0"], "model": ["b", "a"]}
    moved = understood(found, baseline="dropout=0.0,model=a")
    assert factors_of(moved) == {"dropout": ["0", "0.5"], "model": ["a", "b"]}
    assert moved.declaration["cells"][0] == {"label": "dropout=0, model=a", "levels": {"dropout": "0", "model": "a"}}
    assert moved.runs["cell"].iloc[0] == "dropout=0, model=a"


def test_missing_combinations_make_arms_named_by_their_levels(understood):
    found = [row for row in rows({"a": [0, 1], "b": [0, 1]}) if (row["a"], row["b"]) != (1, 1)]
    declaration = understood(found).declaration
    assert declaration["design"] == "arms"
    assert declaration["factors"] == [{"key": "arm", "levels": ["a=0, b=0", "a=0, b=1", "a=1, b=0"]}]
    assert declaration["comparisons"] == [["a=0, b=1", "a=0, b=0"], ["a=1, b=0", "a=0, b=0"]]
    check_declaration(declaration)
    moved = understood(found, baseline="a=1").declaration
    assert moved["factors"][0]["levels"][0] == "a=1, b=0"
    with pytest.raises(Refused, match="--baseline must be levels that come together in a run; a=1, b=1 do not"):
        understood(found, baseline="a=1,b=1")


def test_the_declaration_is_one_that_the_store_takes(understood):
    declaration = understood(rows({"a": [0, 1], "b": [0, 1]}, epochs=range(2)), pair="seed").declaration
    check_declaration(declaration)
    assert declaration["schema"] == 2
    assert declaration["name"] == "a_x_b"
    assert (declaration["source"], declaration["paired"]) == ("tidy table", True)
    assert [metric.name for metric in read_metrics(declaration["metrics"])] == ["accuracy", "loss"]
    assert declaration["runs"][3] | {"run": ""} == {"run": "", "cell": 1, "seed": 0, "epochs": 2}


def test_ids_do_not_depend_on_where_the_files_lie(written):
    found = rows({"a": [0, 1]})
    first, second = (understand(read([written(found, name)])) for name in ("one.csv", "far/away.csv"))
    assert first.declaration == second.declaration
    assert first.runs["run"].str.fullmatch("[0-9a-f]{24}").all()


# ---- seeds


@pytest.mark.parametrize("key", ["seed", "random_seed", "rng_seed", "data.seed", "Seed"])
def test_seeds_are_known_by_their_names(understood, key):
    found = [row | {key: row.pop("seed") + 5} for row in rows({"a": [0, 1]})]
    understanding = understood(found)
    assert understanding.declaration["seeds"] == [5, 6, 7]
    assert f"{key}: 5, 6, 7; 3 in every cell complete" in understanding.text


def test_without_a_seed_replicates_are_numbered_within_the_cell(understood):
    found = [{key: value for key, value in row.items() if key != "seed"} for row in rows({"a": [0, 1]})]
    understanding = understood(found)
    assert understanding.runs["seed"].tolist() == [0, 1, 2, 0, 1, 2]
    with pytest.raises(Refused, match="--pair seed needs a seed of whole numbers in every run; got none"):
        understood(found, pair="seed")


def test_cells_may_have_other_seeds_and_other_numbers_of_them(understood):
    found = [row for row in rows({"a": [0, 1]}, seeds=range(8)) if (row["seed"] < 3) == (row["a"] == 0)]
    understanding = understood(found)
    assert understanding.runs["seed"].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert "3 to 5 in a cell complete" in understanding.text


def test_a_second_seed_is_said(understood):
    found = rows({"a": [0, 1]}, **{"data.seed": lambda row, n: row["seed"] // 2})
    assert "data.seed: a seed that numbers no replicates" in understood(found).text


def test_a_seed_column_of_another_name_is_named_by_an_option(understood):
    found = [row | {"r": row.pop("seed")} for row in rows({"a": [0, 1]})]
    assert understood(found, seed="r").declaration["seeds"] == [0, 1, 2]


def test_runs_of_a_cell_that_agree_in_every_figure_are_told(understood):
    found = [row | {"val_loss": 0.5, "val_accuracy": 0.25 + row["a"]} for row in rows({"a": [0, 1]})]
    assert "4 of 6 complete runs agree with another of their cell in every figure" in understood(found).text


# ---- where, at


def test_where_keeps_the_runs_that_are_asked_for(understood):
    found = rows({"dataset": ["x", "y"], "model": ["a", "b"]})
    understanding = understood(found, where="dataset=y")
    assert factors_of(understanding) == {"model": ["a", "b"]}
    assert understanding.runs["val_loss"].tolist() == [row["val_loss"] for row in found if row["dataset"] == "y"]


def uneven():
    return [row for row in rows({"a": [0, 1]}, epochs=range(5)) if row["epoch"] < 5 - row["seed"]]


def test_epochs_of_unequal_number_are_looked_at_where_at_says(understood):
    last = understood(uneven(), at="last")
    assert last.runs["epochs"].tolist() == [5, 4, 3] * 2
    assert last.runs["val_loss"].tolist() == [row["val_loss"] for row in uneven() if row["epoch"] == 4 - row["seed"]]
    third = understood(uneven(), at="epoch=3")
    assert third.runs["epochs"].tolist() == [3] * 6
    assert third.runs["val_loss"].tolist() == [row["val_loss"] for row in uneven() if row["epoch"] == 2]
    assert third.history["epoch"].max() == 3
    fourth = understood(uneven(), at="epoch=4")
    assert fourth.runs["status"].tolist() == ["complete", "complete", "unfinished"] * 2
    assert fourth.history.groupby("run", observed=True)["epoch"].max().tolist() == [4, 4, 3] * 2


def test_epochs_that_a_factor_sets_may_differ(understood):
    found = [row for row in rows({"epochs": [2, 4]}, epochs=range(4)) if row["epoch"] < row["epochs"]]
    understanding = understood(found)
    assert understanding.runs["val_loss"].tolist() == [
        row["val_loss"] for row in found if row["epoch"] == row["epochs"] - 1
    ]
    assert factors_of(understanding) == {"config.epochs": ["2", "4"]}
    assert understanding.runs["epochs"].tolist() == [2] * 3 + [4] * 3
    check_declaration(understanding.declaration)


def test_validation_every_second_epoch_is_as_of_the_last_one_that_has_it(understood):
    found = rows({"a": [0, 1]}, epochs=range(5), loss=lambda row, n: n / 7)
    for row in found:
        if row["epoch"] % 2 == 0:
            row |= {"val_loss": None, "val_accuracy": None}
    understanding = understood(found)
    assert understanding.runs["val_loss"].tolist() == [row["val_loss"] for row in found if row["epoch"] == 3]
    assert understanding.runs["loss"].tolist() == [row["loss"] for row in found if row["epoch"] == 4]
    assert "val_loss: as of the last epoch that has it, since none has it at the last" in understanding.text


# ---- the text


def test_the_text_tells_everything_in_order(understood):
    found = rows({"dropout": [0.5, 0.0]}, epochs=range(2), host=lambda row, n: f"h{row['seed'] % 2}")
    assert understood(found, name="mine").text == (
        "mine: read from tidy table\n"
        "  runs     6: 6 complete, 0 diverged, 0 unfinished, 0 failed\n"
        "  seeds    seed: 0, 1, 2; 3 in every cell complete\n"
        "  factors  dropout: 0.5 (baseline), 0\n"
        "  design   factorial, 2 cells: every combination of levels is there\n"
        "  metrics  accuracy: higher is better, primary, smallest effect of interest 0.001\n"
        "           loss: lower is better, primary\n"
        "  compared unpaired: a seed that runs of another tool share makes them no block; --pair seed says\n"
        "             otherwise\n"
        "  notes    looked at after the last epoch, 2\n"
        "  left out host: names a run, a place, a time or a size\n"
    )


def test_the_defaults_are_those_of_no_option_at_all():
    assert read_options() == Options()
