"""The command that a report prints can be typed again as it stands, and shows no folder of a machine from its root."""

import shlex

import pytest

from runner.typed import typed_again


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder to work in, beside one with data."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path


TYPED = {
    "-m dropout=true,false": "-m dropout=true,false",
    "dataset.path=data/mnist.npz": "dataset.path=data/mnist.npz",
    "dataset.path={here}/project/data/mnist.npz": "dataset.path=data/mnist.npz",
    "dataset.path={here}/common/mnist.npz": "dataset.path=../common/mnist.npz",
    "dataset.path={here}/a.npz,{here}/project/b.npz": "dataset.path=../a.npz,b.npz",
    "recipe={here}/project/mine.py": "recipe=mine.py",
    "results_dir={here}/project/elsewhere": "results_dir=elsewhere",
    "results_dir=results dropout=true,false": "dropout=true,false",
    "study=archive ++analysis.better.f1=higher": "study=archive ++analysis.better.f1=higher",
}


@pytest.mark.parametrize("words", TYPED)
def test_paths_are_told_from_where_one_works(folder, words):
    told = typed_again(words.format(here=folder).split())
    assert told == f"python -m runner {TYPED[words]}" and str(folder) not in told


@pytest.mark.parametrize(
    "word",
    [
        "dataset.path='my data.npz'",
        'dataset.path="it\'s mine.npz"',
        "dataset.path='{here}/project/my data, all.npz'",
        "dataset.path='{here}/project/it\\'s.npz',b.npz",
        "model.without=[],[dropout_1]",
        "name=a b",
        "analysis.sesoi={mae: 0.1}",
    ],
)
def test_what_is_quoted_stays_one_word_with_the_same_value(folder, word):
    typed = word.replace("{here}", str(folder))
    python, dash, program, again = shlex.split(typed_again([typed]))
    assert (python, dash, program) == ("python", "-m", "runner")
    assert again == typed.replace(f"{folder}/project/", "")
