"""What the README tells a reader to type works, and what it names exists."""

import re
import runpy
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, here, made_arrays

from analysis.__main__ import main as analyse

README = (ROOT / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"`python -m runner ([^`]+)`", README)))
SWEEPS = [words for words in COMMANDS if words.split()[0] not in ("verify", "prune", "du") and ".py" not in words]
EXAMPLES = [words for words in COMMANDS if "recipe=examples/" in words]  # run, at small size, in test_examples.py


def test_the_two_commands_stand_alone_on_the_first_screen():
    blocks = re.findall(r"^    (pip .*)$", README, re.MULTILINE)
    assert blocks[:2] == [
        "pip install -e . && python -m runner -m dropout=true,false binarize=true,false",
        "pip install -e '.[test]' && pytest",
    ]
    assert "'.[test]'" in (ROOT / ".ci" / "run").read_text()
    assert README.index(blocks[1]) < 3000


@pytest.mark.parametrize("words", SWEEPS)
def test_every_command_of_the_readme_makes_a_plan(words, tmp_path):
    np.savez(tmp_path / "mnist.npz", **made_arrays())
    arguments = shlex.split(words.replace("dataset.path=mnist.npz", f"dataset.path={tmp_path / 'mnist.npz'}"))
    arguments = [word for word in arguments if not word.startswith(("dry_run=", "results_dir="))]
    done = here(*arguments, "dry_run=true", f"results_dir={tmp_path / 'r'}")
    assert re.search(r"study \S.*: [\d,]+ cells? x \d+ seeds?", done.stdout), done.stdout
    assert len(SWEEPS) >= 10


def test_every_file_that_the_readme_links_exists():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    paths = [link for link in links if "://" not in link]
    assert paths and [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("words", EXAMPLES)
def test_every_example_of_the_readme_opens_with_the_readmes_command(words):
    [recipe] = re.findall(r"recipe=(examples/\w+\.py)", words)
    head = (ROOT / recipe).read_text().split('"""')[1].replace("\\\n        ", "")
    assert f"python -m runner {words}" in head
    recipes = [path for path in (ROOT / "examples").glob("*.py") if "\ndef model(" in path.read_text()]
    assert len(EXAMPLES) == len(recipes)


def test_plain_keras_writes_what_the_readmes_command_imports(tmp_path, monkeypatch, capsys):
    first, then = re.search(r"`python (examples/plain_keras\.py \S+) && python -m analysis ([^`]+)`", README).groups()
    script, folder = first.split()
    assert f"python {first}\n    python -m analysis {then}\n" in (ROOT / script).read_text()
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / script))["main"](Path(folder), seeds=2, epochs=1)
    monkeypatch.setattr(sys, "argv", ["analysis", *then.split(), "--dry-run"])
    assert analyse() == 0
    said = capsys.readouterr().out
    assert "runs     8: 8 complete" in said and "factors  optimizer: adam (baseline), sgd" in said
    assert "seed: 0, 1; 2 in every cell complete" in said
