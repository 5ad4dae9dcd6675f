"""The report says what was trained: every setting, the layers of every net, the data, and words for a paper."""

import pytest
from conftest import recorded_study

from analysis import read
from analysis.report.evidence import gather
from analysis.report.files import write_report
from analysis.report.recipe import recipe_lines
from runner.store import Store, StoreError, read_study


def layer(name, kind, arguments="", shape="8", parameters=0):
    return {"name": name, "kind": kind, "arguments": arguments, "shape": shape, "parameters": parameters}


LAYERS = [
    layer("conv", "Conv2D", "filters 4, relu", "6 × 6 × 4", 40),
    layer("drop", "Dropout", "rate 0.5"),
    layer("out", "Dense"),
]
OPTIMIZED = {
    "optimizers": ["Adam, learning rate 0.001"],
    "batch_size": 32,
    "minimizes": "sparse_categorical_crossentropy",
}
TRAINED = {
    "settings": {"batch_size": "32", "normalize": "unit", "dataset": "mnist"},
    "nets": [
        {"layers": LAYERS, "parameters": 1227, "cells": ["dropout=true"], **OPTIMIZED},
        {"layers": [LAYERS[0], LAYERS[2]], "parameters": 1227, "cells": ["dropout=false"], **OPTIMIZED},
    ],
}


def declared(tmp_path, **changes):
    folder = recorded_study(tmp_path, {"dropout": ["true", "false"]}, seeds=3)
    Store(tmp_path).write_study(folder.name, {**read_study(folder), **changes})
    return folder


def test_the_recipe_is_told_in_the_report(tmp_path):
    folder = declared(tmp_path, trained=TRAINED)
    write_report(folder)
    section = (folder / "report.md").read_text().partition("## Recipe\n")[2].partition("\n## ")[0].replace("\\", "")
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    assert rows[2:8] == [
        ["dropout", "true and false", "swept"],
        ["epochs", "3", "fixed"],
        ["batch_size", "32", "fixed"],
        ["dataset", "mnist", "fixed"],
        ["normalize", "unit", "fixed"],
        ["seed", "0 to 2", "replicates"],
    ]
    assert ["conv", "Conv2D", "filters 4, relu", "6 × 6 × 4", "40"] in rows
    assert "Data: 96 training, 24 held-out and 40 validation images of 3 classes." in section
    assert "Net of dropout=false: Adam, learning rate 0.001; batches of 32" in section
    assert "the layers above, without drop." in section
    assert (
        "> We compared 2 settings, levels of dropout (true, false), on npz (96 training, 24 held-out and 40 validation "
        "images of 3 classes). Each was trained from 3 random seeds, matched across settings, for 3 epochs by Adam, "
        "learning rate 0.001 in batches of 32, minimizing sparse categorical crossentropy; the net has 1,227 "
        "parameters. Figures are those after the last epoch, none selected by validation."
    ) in section
    assert "@software{ablation_runner," in section


def test_of_nets_that_differ_only_what_they_share_is_told_and_looks_are(tmp_path):
    nets = [{**net, "minimizes": loss} for net, loss in zip(TRAINED["nets"], ("mse", "huber"), strict=True)]
    folder = declared(
        tmp_path,
        trained={"settings": {"path": "/home/me/mine.csv"}, "nets": nets},
        initial_weights=[{"cell": "dropout=false", "random": 4, "shared": 3, "apart": [], "resized": ["out/kernel"]}],
        until={"max_seeds": 9, "futile": False},
    )
    text = "\n".join(recipe_lines(gather(folder)))
    assert "3 random seeds, matched across settings but for initial weights of 1 cell, for 3 epochs by Adam" in text
    assert "in batches of 32; the net has" in text and "minimizing" not in text
    assert "95 % intervals that hold over all looks, which share the 5 % chance of a false finding" in text
    assert "mine.csv" in text and "/home" not in text


def test_nets_that_were_not_built_have_no_shapes(tmp_path):
    unknown = [{**each, "shape": "", "parameters": None} for each in LAYERS]
    net = {"layers": unknown, "parameters": None, "cells": ["dropout=true"], **OPTIMIZED}
    lines = recipe_lines(gather(declared(tmp_path, trained={"settings": {}, "nets": [net]})))
    assert "| layer | kind | arguments |" in lines and "parameters" not in "".join(lines)


def test_the_rows_of_a_table_are_examples_and_no_images(tmp_path):
    shapes = {"image": "28 × 28 × 1", "example": "30"}
    for noun, shape in shapes.items():
        trained = {"settings": {"example": shape}, "nets": []}
        assert read(declared(tmp_path / noun, trained=trained)).example == noun


def test_a_study_of_an_earlier_version_has_no_such_section(tmp_path):
    assert recipe_lines(gather(recorded_study(tmp_path, {"dropout": ["true", "false"]}))) == []


def test_what_is_no_description_is_refused(tmp_path):
    with pytest.raises(StoreError, match="it gives trained that no study has"):
        read_study(declared(tmp_path / "a", trained={"settings": {"a": 1}, "nets": []}))
    strange = {**TRAINED["nets"][0], "cells": ["dropout=maybe"]}
    with pytest.raises(StoreError, match="it describes the net of no cell"):
        read_study(declared(tmp_path / "b", trained={"settings": {}, "nets": [strange]}))
