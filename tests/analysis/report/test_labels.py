"""Labels that differ are shown as labels that differ, short and without folders, whatever they are rendered into."""

import pandas as pd
import pytest
from conftest import recorded_study
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis import read
from analysis.figures.text import drawn, wrap
from analysis.report.evidence import gather
from analysis.report.files import write_report
from analysis.report.labels import LEVEL_LENGTH, labels_of, shortened, without_folders
from analysis.words.markup import latex, markdown, one_line

RENDERINGS = {
    "a sentence": lambda text: markdown(one_line(text)),
    "the answer": lambda text: one_line(text, 24),
    "LaTeX": latex,
    "a figure": drawn,
    "a narrow figure": lambda text: wrap(text, 1.0, lines=3),
}
LONG = "a_rather_long_value_of_a_setting_that_goes_on_and_on"


@settings(max_examples=50)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=5, unique=True))
@example(["", " ", "\t"])
@example(["高い", "低い", "ø"])
@example([f"{LONG}_{middle}_{LONG}" for middle in ("one", "two")])
@example(["é", "e\u0301"])
@example(["a (1)", "a (1) ", "a"])
@example(["/home/me/a/mnist.npz", "/home/me/b/mnist.npz", "~/mnist.npz"])
def test_labels_that_differ_stay_different_in_every_rendering(texts):
    shown = shortened(texts)
    for name, rendering in RENDERINGS.items():
        assert len({rendering(text) for text in shown}) == len(texts), name
    assert all(len(text) <= LEVEL_LENGTH + len(" (5)") for text in shown)


SHOWN = {
    "short labels stay as they are": (["true", "false", "1e-3"], ["true", "false", "1e-3"]),
    "what long labels have in common is cut first": (
        [f"{LONG}={value}, {LONG}=3" for value in ("0.1", "0.25")],
        ["… 0.1 …", "… 0.25 …"],
    ),
    "of paths the last parts that tell them apart": (["/data/x/a/t.npz", "/data/x/b/t.npz"], ["a/t.npz", "b/t.npz"]),
    "a folder inside a label goes": (["x=/home/me/t.npz", "x='~/me/u.npz'"], ["x=t.npz", "x='u.npz'"]),
    "letters that the font lacks are numbered": (["高い", "低い"], ["高い (1)", "低い (2)"]),
    "Greek is in the font and in LaTeX": (["α", "β"], ["α", "β"]),
}


@pytest.mark.parametrize("claim", SHOWN)
def test_what_a_label_becomes(claim):
    assert shortened(SHOWN[claim][0]) == SHOWN[claim][1]


@pytest.mark.parametrize("text", ["3/4", "a/b.npz", "https://example.org/x", "kg/m", "not/a/root"])
def test_what_is_no_folder_of_a_machine_stays(text):
    assert without_folders(text) == text


LEVELS = [f"/home/me/runs/{name}/{LONG}.npz" for name in ("first", "second", "高い")]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = recorded_study(tmp_path_factory.mktemp("labels"), {"path": LEVELS, "学習": ["true", "false"]}, seeds=3)
    write_report(folder)
    return folder


def test_a_report_shows_the_labels_and_what_they_stand_for(study):
    text = (study / "report.md").read_text()
    first, second, third = gather(study).labels.levels["path"].values()
    assert third.endswith(" (3)") and len({first, second, third}) == 3
    assert "/home/me" not in text + (study / "report.html").read_text() + (study / "tables" / "effects.tex").read_text()
    assert f"{first} stands for {LONG}.npz" in text.replace("\\", "")
    assert "高" in text and "?" not in (study / "tables" / "comparison.tex").read_text()


def test_the_csv_files_keep_what_was_written(study):
    tables = {name: pd.read_csv(study / "tables" / f"{name}.csv") for name in ("runs", "history", "cells", "effects")}
    for name in ("runs", "history", "cells"):
        assert set(tables[name]["path"]) == set(LEVELS) and "学習" in tables[name], name
        assert set(tables[name]["cell"]) == {f"path={path}, 学習={on}" for path in LEVELS for on in ("true", "false")}
    effects = tables["effects"]
    assert set(effects["level"]) >= {LEVELS[1], LEVELS[2], "false", f"{LEVELS[1]}:false"}
    assert set(effects["contrast"]) >= {f"path: {LEVELS[0]} → {LEVELS[1]}", "学習: true → false"}
    assert list(read(study).runs["path"].unique()) == LEVELS


def test_a_factor_may_be_called_as_a_column_of_the_effects_is(tmp_path):
    evidence = gather(recorded_study(tmp_path, {"level": LEVELS}, seeds=2))
    assert list(evidence.labels.written(evidence.study.runs)["level"].unique()) == LEVELS
    assert set(evidence.labels.written(evidence.effects)["level"]) == set(LEVELS[1:])


LAYERS_OUT = {"model.without": ["[]", '["conv_1"]', '["conv_1","drop_1"]'], "augment": ["nothing", "flips"]}


def test_layers_that_are_left_out_are_named_as_such_and_kept_as_written_in_the_csv_files(tmp_path):
    folder = recorded_study(tmp_path, LAYERS_OUT, seeds=2)
    evidence = gather(folder)
    contrasts = set(evidence.effects["contrast"])
    assert {"without conv_1", "without conv_1 and drop_1", "augment: nothing → flips"} <= contrasts
    assert "without conv_1 × augment" in contrasts and not any("[" in contrast for contrast in contrasts)
    assert evidence.study.cells[:3] == [
        "augment=nothing, without=nothing",
        "augment=flips, without=nothing",
        "augment=nothing, without=conv_1",
    ]
    assert evidence.labels.legend("without") == []
    written = evidence.labels.written(evidence.effects)
    mains = written[written["kind"].eq("main")].drop_duplicates("contrast").set_index("contrast")
    assert mains["baseline"].to_dict() == {
        'model.without: [] → ["conv_1"]': "[]",
        'model.without: [] → ["conv_1","drop_1"]': "[]",
        "augment: nothing → flips": "nothing",
    }


def test_levels_that_are_lists_lose_their_quotes_unless_two_would_be_one():
    def shown(*levels):
        declared = {"factors": [{"key": "callbacks", "levels": list(levels)}], "cells": []}
        return list(labels_of(declared).levels["callbacks"].values())

    assert shown("[]", '["a","b"]', "[1,2]") == ["[]", "[a, b]", "[1,2]"]
    assert shown('["a, b"]', '["a","b"]') == ['["a, b"]', '["a","b"]']


def test_cells_of_many_factors_are_called_by_what_is_off_the_baseline():
    keys = [f"switch_number_{place}" for place in range(12)]
    cells = [dict.fromkeys(keys, "true"), {**dict.fromkeys(keys, "true"), keys[7]: "false"}]
    cells = [{"label": str(place), "levels": levels} for place, levels in enumerate(cells)]
    factors = [{"key": key, "levels": ["true", "false"]} for key in keys]
    labels = labels_of({"factors": factors, "cells": cells})
    assert list(labels.cells.values()) == ["0", "1"]  # as they are called
    cells = [{**cell, "label": ", ".join(f"{key}={level}" for key, level in cell["levels"].items())} for cell in cells]
    labels = labels_of({"factors": factors, "cells": cells})
    assert list(labels.cells.values()) == ["baseline", "switch_number_7=false"]
