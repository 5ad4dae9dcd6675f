"""The digest of a recipe's data is made once and believed as long as the files it was read from are as they were."""

import pytest

from runner import processes
from runner.contents import Contents
from runner.errors import BadInput
from runner.images.choices import image_recipe
from runner.recipe import read_recipe
from runner.settings import Settings
from runner.store import Store

RECIPE = "def data(noise=0.0): ...\n\ndef model(data, width=1): ...\n"
SEEDED = RECIPE.replace("noise=0.0", "noise=0.0, seed=0")


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """What was asked of the process that makes data; it answers with a number a question, read from one file."""
    questions = []

    def answer(task, arguments, called):
        [each] = arguments
        questions.extend(each)
        return [{"digest": f"{len(questions)}", **reading(tmp_path)} for _ in each]

    monkeypatch.setattr(processes, "ask", answer)
    return questions


def reading(folder):
    from runner.contents import stamps

    return {"files": stamps([str(folder / "table.csv")]), "files_seen": not (folder / "stream").exists()}


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "table.csv").write_text("1\n")
    (tmp_path / "mine.py").write_text(RECIPE)
    return read_recipe(tmp_path / "mine.py")


def settings(recipe, seed=0, **values):
    defaults = {name: key.default for name, key in recipe.keys.items()}
    return Settings(recipe, {**defaults, **values}, 1, seed, 0.0, 10, 2)


def test_data_are_made_once_a_distinct_configuration_and_not_for_what_only_the_model_takes(asked, recipe, tmp_path):
    contents = Contents(Store(tmp_path / "r", changes=False))
    contents.learn([settings(recipe, seed, width=width) for seed in (0, 1) for width in (1, 2)])
    contents.learn([settings(recipe, noise=0.5)])
    assert [values["noise"] for _, values, _ in asked] == [0.0, 0.5]
    assert contents.digest(settings(recipe, 7, width=3)) == "1"


def test_data_that_take_the_seed_are_made_for_each(asked, recipe, tmp_path):
    (tmp_path / "mine.py").write_text(SEEDED)
    contents = Contents(Store(tmp_path / "r", changes=False))
    contents.learn(settings(read_recipe(tmp_path / "mine.py"), seed) for seed in (0, 3))
    assert [seed for _, _, seed in asked] == [0, 3]


def test_what_was_learned_is_kept_until_a_file_changes(asked, recipe, tmp_path):
    store = Store(tmp_path / "r")
    for _ in range(2):
        assert Contents(store).digest(settings(recipe)) == "1"
    assert len(asked) == 1
    (tmp_path / "table.csv").write_text("22\n")
    assert Contents(store).digest(settings(recipe)) == "2"
    (tmp_path / "table.csv").unlink()
    assert Contents(store).digest(settings(recipe)) == "3"


def test_what_tensorflow_read_is_made_anew_each_time(asked, recipe, tmp_path):
    (tmp_path / "stream").touch()
    store = Store(tmp_path / "r")
    assert [Contents(store).digest(settings(recipe)) for _ in range(2)] == ["1", "2"]


def test_a_dry_run_keeps_nothing(asked, recipe, tmp_path):
    Contents(Store(tmp_path / "r", changes=False)).learn([settings(recipe)])
    assert not (tmp_path / "r").exists()


def test_a_damaged_note_is_not_believed(asked, recipe, tmp_path):
    store = Store(tmp_path / "r")
    Contents(store).learn([settings(recipe)])
    [note] = (store.runs / ".data").iterdir()
    note.write_text(note.read_text().replace('"digest": "1"', '"digest": "7"'))
    assert Contents(store).digest(settings(recipe)) == "2"


def test_problems_of_data_are_told_each_once(monkeypatch, recipe, tmp_path):
    monkeypatch.setattr(processes, "ask", lambda task, arguments, called: [{"problem": "mine.py, line 1"}] * 2)
    with pytest.raises(BadInput, match=r"^mine\.py, line 1$"):
        Contents(Store(tmp_path / "r")).learn([settings(recipe), settings(recipe, noise=1.0)])


def test_the_built_in_datasets_are_known_without_a_process(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "ask", None)
    values = {"dataset": {"name": "digits", "path": None, "classes": 10}, "binarize": False, "normalize": "unit"}
    images = Settings(image_recipe(), {**values, "augment": False}, 1, 0, 0.1, 10, 2)
    assert Contents(Store(tmp_path, changes=False)).digest(images).startswith("cd415732753d")
