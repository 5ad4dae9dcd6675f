"""`--help` lists every key with its default and what its own comment says."""

import re

from conftest import ROOT

from runner.help import help_text, program_version
from runner.images.choices import image_recipe
from runner.recipe import read_recipe
from runner.settings import StudySchema


def test_every_key_stands_in_the_help_with_its_meaning():
    text = help_text(image_recipe())
    for key in (*StudySchema.__dataclass_fields__, *image_recipe().keys):
        assert re.search(rf"^ *{key}(:| ).*", text, re.MULTILINE), key
    assert "dropout: true          # False leaves out every dropout layer of the model" in text
    assert "epochs: 10             # passes over the training examples" in text
    assert "final, stage_1, stage_2, " in text and "stage_9, stage_10" in text
    assert "noqa" not in text and "\n\n\n" not in text


def test_the_keys_of_a_recipe_of_ones_own_have_the_comments_beside_its_arguments(tmp_path):
    (tmp_path / "mine.py").write_text(
        "def data(noise=0.5):  # given to the inputs\n    ...\n\n\n"
        "def model(\n    data,\n    width=64,  # units\n    names=None,\n    kind='x',\n):\n    ...\n"
    )
    text = help_text(read_recipe(tmp_path / "mine.py"))
    lines = ("noise: 0.5             # given to the inputs", "width: 64              # units", "names: null", "kind: x")
    assert all(f"\n{line}\n" in text for line in lines)


def test_a_recipe_that_opens_with_a_byte_order_mark_has_its_help(tmp_path):
    source = "def data():\n    ...\n\ndef model(data, width=64):  # units\n    ...\n"
    (tmp_path / "mine.py").write_text(source, encoding="utf-8-sig")
    assert "width: 64              # units" in help_text(read_recipe(tmp_path / "mine.py"))


def test_the_version_is_the_one_of_the_project(monkeypatch):
    [declared] = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert program_version() in (f"ablation-runner {declared}", "ablation-runner, which is not installed here")
