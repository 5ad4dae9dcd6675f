"""The report of a study whose seeds were added look by look: one table, what is decided, a figure, ragged seeds."""

import pandas as pd
import pytest
from conftest import recorded_study
from reports import written

from analysis.report.evidence import gather
from runner.store import Store, read_study

FACTORS = {"dropout": ["true", "false"], "binarize": ["true", "false"]}


def looked_at(root, seeds, dropped=(), design="factorial", factors=FACTORS, budget=9, **keywords):
    """A recorded study that declares looks; the runs of (cell, seed) in `dropped` are not declared."""
    folder = recorded_study(root, factors, seeds=seeds, **keywords)
    declaration = read_study(folder)
    until = {"until": {"max_seeds": budget, "futile": False}, "design": design}
    runs = [run for run in declaration["runs"] if (run["cell"], run["seed"]) not in dropped]
    return Store(root).write_study("made", declaration | until | {"runs": runs})


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = looked_at(tmp_path_factory.mktemp("looked"), 7)
    return folder, *written(folder)


def test_the_report_says_when_was_looked_and_how_much_is_decided(study):
    _, text, result = study
    assert result.complete
    assert "Looked at after 4 and 6 seeds; interval and p hold over all looks" in text
    assert "1 seed beyond these 6 waits for the look after 9" in text
    assert "of 6 contrasts are decided, that is established or smaller than of interest." in text
    assert "95 % interval over all looks" in text and "p pooled |" not in text and "| seeds |" not in text


def test_the_looks_are_a_table_and_a_figure(study):
    folder, text, _ = study
    looks = pd.read_csv(folder / "tables" / "looks.csv")
    assert set(looks["planned"]) == {4, 6} and set(looks["response"]) == {"val_accuracy", "val_loss"}
    effects = pd.read_csv(folder / "tables" / "effects.csv")
    last = looks[looks["planned"].eq(6)].set_index(["response", "contrast"])
    rows = effects[effects["primary"] & effects["kind"].ne("simple")].set_index(["response", "contrast"])
    assert rows["p_holm"].to_dict() == pytest.approx(last["p_holm"].to_dict()) and set(rows["n"]) == {6}
    assert "(figures/looks.png)" in text and (folder / "figures" / "looks.png").exists()


def test_arms_that_stopped_miss_nothing_and_each_cell_has_its_own_seeds(tmp_path):
    dropped = [(1, seed) for seed in (4, 5)]
    folder = looked_at(tmp_path, 6, dropped, "arms", {"arm": ["one", "two", "three"]}, images=1000)
    text, _ = written(folder)
    assert "design arms: 3 cells × 4 to 6 seeds (0 to 5) = 16 runs" in text
    assert "missing" not in text and "Incomplete" not in text and "What failed" not in text
    assert "each cell's own (n)" in text and "Each cell's curves are of its own 4 to 6 seeds." in text
    assert "Cells are compared here over the seeds that all of them were trained with." in text
    assert gather(folder).cells.set_index("cell")["n"].to_dict() == {"arm=one": 6, "arm=two": 4, "arm=three": 6}


def test_a_study_that_stopped_before_its_first_look_says_so(tmp_path):
    folder = looked_at(tmp_path, 3)
    text, _ = written(folder)
    assert "Not looked at yet: the first look takes 4 seeds, and there are 3." in text
    assert not (folder / "figures" / "looks.png").exists()


def test_a_diverging_arm_costs_only_itself(tmp_path):
    factors = {"arm": ["one", "two", "three"]}
    folder = looked_at(tmp_path, 4, (), "arms", factors, diverged=((2, 0), (2, 1), (2, 2), (2, 3)))
    written(folder)
    effects = pd.read_csv(folder / "tables" / "effects.csv").set_index(["response", "contrast"])
    assert effects.loc[("val_accuracy", "two against one"), "n"] == 4
    assert effects.loc[("val_accuracy", "three against one"), "grade"] == "cannot be said"
