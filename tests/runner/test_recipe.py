"""A recipe's keys come from its functions' signatures, read without running the file; what can be no key is refused."""

import textwrap
import typing

import pytest
from omegaconf import OmegaConf

from runner.errors import BadInput
from runner.recipe import read_recipe, schema_of
from runner.settings import StudySchema

GOOD = """
    import nothing_of_this_name  # never imported here

    def data(noise=0.0, seed=0): ...

    def model(data, width=64, dropout: float = 0, net: "str" = "a", sizes=(3, 4), rate=None, flag=True): ...

    def fit(batch_size: int | None = 32, kind: Literal["x", "y"] = "x", more={"a": 1}): ...
"""


def recipe_of(tmp_path, text):
    path = tmp_path / "mine.py"
    path.write_text(textwrap.dedent(text))
    return read_recipe(path)


def test_the_defaults_of_the_arguments_are_the_keys(tmp_path):
    recipe = recipe_of(tmp_path, GOOD)
    assert {name: key.default for name, key in recipe.keys.items()} == {
        "noise": 0.0,
        "width": 64,
        "dropout": 0.0,
        "net": "a",
        "sizes": [3, 4],
        "rate": None,
        "flag": True,
        "batch_size": 32,
        "kind": "x",
        "more": {"a": 1},
    }
    assert (recipe.name, recipe.data_takes_seed, recipe.depends_on_epochs({})) == ("mine.py", True, False)


def test_types_come_from_annotations_and_else_from_defaults(tmp_path):
    keys = recipe_of(tmp_path, GOOD).keys
    assert (keys["width"].type, keys["dropout"].type, keys["net"].type, keys["flag"].type) == (int, float, str, bool)
    assert keys["sizes"].type == list[typing.Any] and keys["rate"].type is typing.Any
    assert keys["batch_size"].type == typing.Optional[int]  # noqa: UP045
    assert (keys["kind"].type, keys["kind"].choices) == (str, ("x", "y"))


def test_the_schema_has_the_studys_keys_and_the_recipes_and_checks_types(tmp_path):
    config = OmegaConf.structured(schema_of(recipe_of(tmp_path, GOOD), StudySchema))
    assert config.width == 64 and config.epochs == 0 and config.sizes == [3, 4]
    config.merge_with(OmegaConf.create({"dropout": 1, "rate": 0.5, "more": {"b": 2}, "batch_size": None}))
    assert config.dropout == 1.0 and config.rate == 0.5 and config.batch_size is None
    for wrong in ({"width": "wide"}, {"flag": "perhaps"}, {"widht": 3}):
        with pytest.raises(Exception, match=str(next(iter(wrong)))):
            config.merge_with(OmegaConf.create(wrong))


def test_a_choice_that_the_annotation_does_not_allow_is_refused(tmp_path):
    recipe = recipe_of(tmp_path, GOOD)
    values = {name: key.default for name, key in recipe.keys.items()}
    assert recipe.settled(values) == values
    with pytest.raises(BadInput, match=r"^kind must be one of x, y; got 'z'\.$"):
        recipe.settled(values | {"kind": "z"})


def test_what_no_function_reads_is_no_part_of_a_runs_identity(tmp_path):
    body = "def data(a=1, b=2):\n    return a\ndef model(data, b=2, c=3, d=4):\n    d = 5\n    return lambda: b\n"
    values = {"a": 1, "b": 2, "c": 3, "d": 4}
    assert set(recipe_of(tmp_path, body).identity(values)) == {"a", "b", "d"}
    assert set(recipe_of(tmp_path, body.replace("lambda: b", "locals()")).identity(values)) == set(values)


DATA = "def data(): ...\n"
REFUSED = {
    "recipe must define the functions data and model; mine.py has no function model": DATA,
    "recipe must be a Python file; mine.py cannot be parsed (line 1: ": "def data(:\n",
    "mine.py: model must take data, what the function data returned": DATA + "def model(width=3): ...",
    "mine.py: data must not take data, which is what it returns": "def data(data): ...\ndef model(data): ...",
    "mine.py, line 2: model must name each argument, since they are the config keys; got *sizes": (
        DATA + "def model(data, *sizes): ..."
    ),
    "mine.py, line 2: model must name each argument, since they are the config keys; got **more": (
        DATA + "def model(data, **more): ..."
    ),
    "mine.py, line 2: model's argument width must have a default": DATA + "def model(data, width): ...",
    "mine.py, line 2: model's argument width must have a plain default (a number, text, True, False, None, a list or a "
    "dict of them); got np.sqrt(4)": DATA + "def model(data, width=np.sqrt(4)): ...",
    "mine.py, line 2: model's argument kinds must have a plain default": DATA + "def model(data, kinds={1, 2}): ...",
    "mine.py: a must have one default; data says 1 and model says 2": "def data(a=1): ...\ndef model(data, a=2): ...",
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_a_file_that_is_no_recipe_is_refused_in_a_sentence(sentence, tmp_path):
    with pytest.raises(BadInput) as refused:
        recipe_of(tmp_path, REFUSED[sentence])
    assert str(refused.value).startswith(sentence) and "\n" not in str(refused.value)


def test_an_argument_with_the_name_of_a_studys_key_is_refused(tmp_path):
    for name in ("workers", "design", "study", "hydra"):
        recipe = recipe_of(tmp_path, DATA + f"def model(data, {name}=1): ...")
        with pytest.raises(BadInput, match=rf"^mine\.py: no argument may be called {name}, which is a key of every"):
            schema_of(recipe, StudySchema)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"recipe must be a Python file; '.*nowhere.py' cannot be read \(No such file"):
        read_recipe(tmp_path / "nowhere.py")
    with pytest.raises(BadInput, match=r"cannot be read \(Is a directory"):
        read_recipe(tmp_path)
    (tmp_path / "latin.py").write_bytes(b"# \xe9\n")
    with pytest.raises(BadInput, match=r"in UTF-8; '.*latin.py' is not"):
        read_recipe(tmp_path / "latin.py")
