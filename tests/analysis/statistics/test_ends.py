"""Leave-one-out against add-one: contributions at either end, and whether they differ, from planted values."""

import numpy as np
import pandas as pd
import pytest
from designs import RESPONSES
from scipy import stats

from analysis.statistics import ends
from analysis.words.ends import ends_sentences, ends_table
from runner.plan import assignments

FACTORS = ["a", "b", "c"]
SEEDS = 6


def contributions(runs, other):
    """Contributions to both primary responses."""
    return ends.contributions(runs, other, FACTORS, ["val_accuracy", "val_loss"])


def made_runs(levels, together=0.0, seeds=SEEDS):
    """One-at-a-time runs whose accuracy is the sum of what is on, a and b giving `together` more with each other."""
    random = np.random.default_rng(3)
    rows = []
    for cell in assignments(dict.fromkeys(FACTORS, levels), "one_at_a_time"):
        on = {name: cell[name] == "true" for name in FACTORS}
        gain = 0.03 * on["a"] + 0.02 * on["b"] + 0.01 * on["c"] + together * (on["a"] and on["b"])
        label = ", ".join(f"{key}={level}" for key, level in cell.items())
        for seed in range(seeds):
            value = 0.8 + 0.01 * seed + gain + random.normal(0, 1e-4)
            row = {"cell": label, **cell, "seed": seed, "status": "complete"}
            rows.append(row | {"val_accuracy": value, "val_loss": 1 - value})
    return pd.DataFrame(rows)


def test_contributions_are_on_minus_off_at_either_end_whichever_was_run_first():
    out, add = made_runs(["true", "false"]), made_runs(["false", "true"])
    for found in (contributions(out, add), contributions(add, out)):
        accuracy = found[found["response"].eq("val_accuracy")].set_index("component")
        for name, size in {"a": 0.03, "b": 0.02, "c": 0.01}.items():
            assert accuracy.loc[name, "all_on"] == pytest.approx(size, abs=5e-4)
            assert accuracy.loc[name, "all_off"] == pytest.approx(size, abs=5e-4)
        assert (found["n"] == SEEDS).all()


def test_components_that_act_together_differ_between_the_ends_and_are_named():
    found = contributions(made_runs(["true", "false"], 0.05), made_runs(["false", "true"], 0.05))
    accuracy = found[found["response"].eq("val_accuracy")].set_index("component")
    assert accuracy.loc["a", "all_on"] == pytest.approx(0.08, abs=5e-4)
    assert accuracy.loc["a", "all_off"] == pytest.approx(0.03, abs=5e-4)
    assert accuracy.loc["a", "difference"] == pytest.approx(0.05, abs=1e-3)
    assert accuracy.loc["a", "p"] < 0.001 and accuracy.loc["c", "p"] > 0.05
    first, *_, last = ends_sentences(found, RESPONSES)
    assert "what a contributes to validation accuracy depends on the other components: +7.99" in first
    assert last.endswith("that what c contributes depends on the others is not shown.")
    assert len(ends_sentences(found, RESPONSES)) == 5
    assert list(ends_table(found, RESPONSES)["component"]) == ["a", "a", "b", "b", "c", "c"]


def test_the_interval_and_p_of_a_difference_are_those_of_its_seeds():
    out, add = made_runs(["true", "false"], 0.05), made_runs(["false", "true"], 0.05)
    both = pd.concat([out, add]).pivot_table("val_accuracy", "seed", "cell")
    on = both["a=true, b=true, c=true"] - both["a=true, b=true, c=false"]
    off = both["a=false, b=false, c=true"] - both["a=false, b=false, c=false"]
    row = contributions(out, add).set_index(["component", "response"]).loc[("c", "val_accuracy")]
    interval = stats.ttest_rel(on, off).confidence_interval()
    assert row["difference_low"] == pytest.approx(interval.low, abs=1e-12)
    assert row["difference_high"] == pytest.approx(interval.high, abs=1e-12)


def test_a_seed_that_lacks_a_cell_of_either_end_is_left_out():
    out, add = made_runs(["true", "false"]), made_runs(["false", "true"])
    add.loc[add["seed"].eq(2) & add["cell"].eq("a=true, b=false, c=false"), "status"] = "missing"
    assert (contributions(out, add)["n"] == SEEDS - 1).all()


def test_one_seed_gives_contributions_without_intervals():
    found = contributions(made_runs(["true", "false"], seeds=1), made_runs(["false", "true"], seeds=1))
    assert found["all_on"].notna().all() and found["p"].isna().all() and found["difference_low"].isna().all()
    assert ends_sentences(found, RESPONSES) == [
        "Exploratory, leave-one-out against add-one: that what a, b and c contribute depends on the others is not "
        "shown."
    ]
