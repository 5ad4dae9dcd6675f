"""The gap's terms sum to it, for every metric and whatever was measured, and are averaged like any metric."""

import time

import numpy as np
import pandas as pd
import pytest
from designs import ACCURACY, LOSS, MAE, METRICS
from gaps import EARLY, EARLY_LOSS, ERRORS, LATE, LATE_LOSS, nets, rows, without
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics import gap
from analysis.statistics.intervals import interval

SHARES = st.floats(0, 1)
NATS = st.floats(0, 50)


def terms(history):
    return gap.terms(history, METRICS)


def value(frame, term, response="accuracy", epoch=1):
    """The values of a term, one per run."""
    chosen = (frame["term"] == term) & (frame["response"] == response) & (frame["epoch"] == epoch)
    return frame.loc[chosen, "value"].to_numpy()


# ---- terms


def test_the_terms_are_the_differences_of_neighbouring_scores():
    frame = terms(rows(seeds=1))
    expected = {"net": 0.041, "moving_weights": 0.029, "train_mode_noise": 0.024, "memorisation": -0.009}
    assert {term: value(frame, term)[0] for term in expected} == pytest.approx(expected)
    assert value(frame, "split_difference")[0] == pytest.approx(-0.003)
    assert value(frame, "moving_weights", "loss")[0] == pytest.approx(-0.10)


@given(st.tuples(*[SHARES] * 5), st.tuples(*[NATS] * 5))
def test_the_terms_sum_to_the_net_gap(accuracies, losses):
    names = ("", "on_", "off_", "holdout_", "val_")
    scores = dict(zip([f"{name}accuracy" for name in names], accuracies, strict=True))
    scores |= dict(zip([f"{name}loss" for name in names], losses, strict=True))
    frame = terms(rows(seeds=1, epochs=[scores]))
    assert value(frame, "net")[0] == accuracies[4] - accuracies[0]
    assert value(frame, "net", "loss")[0] == losses[4] - losses[0]
    for response in ("accuracy", "loss"):
        total = sum(value(frame, term, response)[0] for term in gap.STEPS)
        assert total == pytest.approx(value(frame, "net", response)[0], rel=0, abs=1e-12)


@given(*[SHARES] * 4)
def test_the_terms_sum_to_the_net_gap_without_a_holdout(logged, on, off, val):
    scores = {"accuracy": logged, "on_accuracy": on, "off_accuracy": off, "val_accuracy": val}
    frame = terms(rows(seeds=1, epochs=[LATE | LATE_LOSS | scores | without(["holdout"])]))
    assert set(frame["term"]) == {"net", "moving_weights", "train_mode_noise", "memorisation_and_split"}
    total = sum(value(frame, term)[0] for term in ("moving_weights", "train_mode_noise", "memorisation_and_split"))
    assert total == pytest.approx(value(frame, "net")[0], rel=0, abs=1e-12)


def test_without_a_probe_there_is_only_the_net_gap():
    frame = terms(rows(**without(["on", "off", "holdout"])))
    assert set(frame["term"]) == {"net"}
    assert len(frame) == 3 * 2 * 2
    absent = terms(rows().drop(columns=[name for name in rows() if name.startswith(("on_", "off_", "holdout_"))]))
    assert set(absent["term"]) == {"net"}


@given(st.tuples(*[SHARES] * 5), st.sets(st.sampled_from(["on", "off", "holdout"])))
def test_the_terms_sum_to_the_net_gap_whatever_was_not_measured(scores, absent):
    names = ("", "on_", "off_", "holdout_", "val_")
    measured = dict(zip([f"{name}accuracy" for name in names], scores, strict=True))
    frame = terms(rows(seeds=1, epochs=[EARLY | EARLY_LOSS | measured | without(absent)]))
    parts = frame[(frame["response"] == "accuracy") & (frame["term"] != "net")]
    assert len(parts) == (4 - len(absent) if len(absent) < 3 else 0)
    if len(parts):
        assert parts["value"].sum() == pytest.approx(value(frame, "net")[0], rel=0, abs=1e-12)


def test_without_a_probe_a_holdout_tells_the_split_and_the_rest_is_one():
    frame = terms(rows(seeds=1, **without(["on", "off"])))
    first = "moving_weights_and_train_mode_noise_and_memorisation"
    assert set(frame["term"]) == {"net", first, "split_difference"}
    assert value(frame, first)[0] == pytest.approx(0.944 - 0.900)
    assert value(frame, "split_difference")[0] == pytest.approx(-0.003)


def test_a_metric_of_any_name_and_size_has_the_same_terms():
    scores = dict(zip(("mae", "on_mae", "off_mae", "holdout_mae", "val_mae"), (40.0, 35, 30, 32, 31), strict=True))
    frame = gap.terms(pd.DataFrame([{"cell": "a", "seed": 0, "epoch": 1, "on_mae_se": 0.5, **scores}]), [MAE])
    assert dict(zip(frame["term"], frame["value"], strict=True)) == {
        "net": -9,
        "moving_weights": -5,
        "train_mode_noise": -5,
        "memorisation": 2,
        "split_difference": -1,
    }


def test_cells_with_and_without_a_holdout_keep_their_own_terms():
    frame = terms(pd.concat([rows("holdout=0.1"), rows("holdout=0", **without(["holdout"]))]))
    found = frame.groupby("cell")["term"].unique().map(set)
    assert found["holdout=0.1"] == {"net", *gap.STEPS}
    assert found["holdout=0"] == {"net", "moving_weights", "train_mode_noise", "memorisation_and_split"}


def test_terms_carry_the_keys_of_the_run_and_no_metrics():
    frame = terms(rows().assign(dropout="true", train_seconds=1.0, measure_seconds=1.0, cpu_seconds=1.0))
    keys = ["run", "cell", "seed", "epochs", "epoch", "dropout"]
    assert list(frame) == [*keys, "response", "term", "value", "monte_carlo_se"]


def test_a_lost_loss_leaves_the_accuracy_terms_and_no_warning():
    frame = terms(rows(seeds=1, loss=np.inf, on_loss=np.nan, off_loss=np.inf, holdout_loss=np.inf, val_loss=np.inf))
    assert value(frame, "memorisation")[0] == pytest.approx(-0.009)
    assert np.isnan(value(frame, "memorisation", "loss")[0])


def test_the_error_of_the_drawn_masks_goes_with_the_two_terms_that_hold_on():
    frame = terms(rows(seeds=1, on_accuracy_se=0.002, on_loss_se=0.01))
    carried = frame[(frame["response"] == "accuracy") & (frame["epoch"] == 1)].set_index("term")["monte_carlo_se"]
    nothing = {"net": 0.0, "memorisation": 0.0, "split_difference": 0.0}
    assert carried.to_dict() == {"moving_weights": 0.002, "train_mode_noise": 0.002, **nothing}


# ---- means over seeds


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=8))
def test_means_and_intervals_are_those_of_the_comparison_table(values):
    history = pd.concat([rows(seeds=1).assign(seed=seed, val_accuracy=each) for seed, each in enumerate(values)])
    row = gap.means(terms(history)).query("response == 'accuracy' and epoch == 2 and term == 'net'").iloc[0]
    mean, low, high = interval(np.array(values) - LATE["accuracy"])
    assert row["n"] == len(values)
    assert [row["mean"], row["low"], row["high"]] == pytest.approx([mean, low, high], abs=1e-9, nan_ok=True)


def test_one_run_without_a_number_leaves_no_mean_of_the_others():
    history = rows()
    history.loc[0, "val_loss"] = np.nan
    averaged = gap.means(terms(history)).set_index(["response", "epoch", "term"])
    assert averaged.loc[("loss", 1, "net"), ["mean", "low", "high"]].isna().all()
    assert averaged.loc[("loss", 1, "memorisation"), "mean"] == pytest.approx(0.03)


def test_the_error_of_a_mean_over_seeds_is_that_of_independent_draws():
    averaged = gap.means(terms(rows(seeds=4, on_accuracy_se=0.002))).set_index(["response", "epoch", "term"])
    assert averaged.loc[("accuracy", 1, "moving_weights"), "monte_carlo_se"] == pytest.approx(0.001)  # 0.002 / sqrt(4)


def test_means_keep_the_order_of_the_cells():
    history = pd.concat([rows(cell) for cell in ("b", "a", "c")])
    averaged = gap.means(terms(history))
    assert averaged["cell"].unique().tolist() == ["b", "a", "c"]
    assert list(averaged) == ["cell", "response", "epoch", "term", "mean", "low", "high", "n", "monte_carlo_se"]


def test_no_history_gives_empty_frames():
    empty = rows().iloc[:0]
    assert gap.means(terms(empty)).empty and gap.run_gaps(empty, METRICS).empty and gap.crossing(empty, ACCURACY) == {}


def test_ten_thousand_runs_of_thirty_epochs_take_seconds():
    epochs = np.tile(np.arange(1, 31), 10_000)
    run = np.repeat(np.arange(10_000), 30)
    keys = {"run": run.astype(str), "cell": (run // 5).astype(str), "seed": run % 5, "epochs": 30, "epoch": epochs}
    history = pd.DataFrame(keys | EARLY | EARLY_LOSS | ERRORS)
    started = time.process_time()
    averaged = gap.means(terms(history))
    assert len(averaged) == 2_000 * 30 * 2 * 5
    assert time.process_time() - started < 10  # takes 1.2 s; a loop over rows takes minutes


# ---- one row per run


def test_run_gaps_are_those_of_the_last_epoch():
    gaps = gap.run_gaps(rows(), METRICS)
    assert gaps["seed"].tolist() == [0, 1, 2]
    assert gaps["gap_accuracy"].tolist() == pytest.approx([-0.007, -0.006, -0.005])
    assert gaps["gap_accuracy_memorisation"].tolist() == pytest.approx([-0.018] * 3)
    assert gaps["gap_loss_moving_weights"].tolist() == pytest.approx([-0.01] * 3)


def test_run_gaps_merge_into_runs_by_cell_and_seed():
    history = pd.concat([rows("a"), rows("b", seeds=2)])
    runs = history.drop_duplicates(["cell", "seed"])[["cell", "seed", "epochs"]]
    merged = runs.merge(gap.run_gaps(history, METRICS), on=["cell", "seed"], how="left", validate="one_to_one")
    assert len(merged) == 5 and merged["gap_loss_split_difference"].notna().all()


def test_run_gaps_are_empty_where_a_term_is_not_measured():
    gaps = gap.run_gaps(rows(**without(["holdout"])), METRICS)
    assert gaps["gap_accuracy_moving_weights"].notna().all() and "gap_accuracy_memorisation" not in gaps
    both = gap.run_gaps(pd.concat([rows("a"), rows("b", **without(["holdout"]))]), METRICS).set_index("cell")
    assert both.loc["b", ["gap_accuracy_memorisation", "gap_accuracy_split_difference"]].isna().all(axis=None)
    assert both.loc["a", "gap_accuracy_memorisation"].notna().all()
    assert both["gap_accuracy_memorisation_and_split"].notna().tolist() == [False] * 3 + [True] * 3


def test_run_gaps_over_a_window_are_the_means_of_its_epochs():
    history = rows()
    one, three = (gap.run_gaps(history, METRICS, window) for window in (1, 3))
    last = history[history["epoch"] > history["epoch"].max() - 3]
    expected = (last["val_accuracy"] - last["accuracy"]).groupby(last["seed"], sort=False).mean()
    assert three["gap_accuracy"].to_numpy() == pytest.approx(expected.to_numpy())
    assert list(three.columns) == list(one.columns) and len(three) == len(one)
    broken = history.copy()
    broken.loc[broken["epoch"].eq(broken["epoch"].max()), "val_accuracy"] = np.nan
    assert gap.run_gaps(broken, METRICS, 3)["gap_accuracy"].isna().all()


# ---- where validation falls behind training


@pytest.mark.parametrize(
    ("net", "epoch"),
    [((3, 1, -1, -2), 3), ((3, -1, 1, -2, -2), 4), ((-1, -2), 1), ((3, 2, 1), None), ((3, -2, 1), None)],
)
def test_the_epoch_from_which_validation_stays_worse_is_found_in_either_direction(net, epoch):
    history = nets(*net)
    assert gap.crossing(history, ACCURACY) == {"dropout=true": epoch}
    upside_down = history.assign(loss=1 - history["accuracy"], val_loss=1 - history["val_accuracy"])
    assert gap.crossing(upside_down, LOSS) == {"dropout=true": epoch}
