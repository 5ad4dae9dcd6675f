"""Which recipe a command asks for, told from its arguments before Hydra starts: the keys depend on it."""

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from runner.contents import stamp
from runner.errors import BadInput
from runner.images.choices import CONF, NAME, image_recipe
from runner.recipe import Recipe, read_recipe

OWN_CONF = "conf"  # folder of the user's project with studies, models and datasets of their own


def chosen_recipe() -> Recipe:
    """Return the recipe of the program's own command: `recipe=` in it, or in the study file that it names."""
    return recipe_named(asked_for(sys.argv[1:]))


def recipe_named(name: str) -> Recipe:
    """Return the built-in recipe, or the one in a Python file; BadInput where there is none."""
    if name in ("", NAME):
        return image_recipe()
    if not name.endswith(".py"):
        raise BadInput(f"recipe must be {NAME}, the built-in one, or a Python file such as mine.py; got {name!r}.")
    recipe = read_recipe(Path(name).expanduser())
    return _as_it_stands(recipe.path, tuple((str(file), stamp(str(file))) for file in recipe.files))


@cache
def _as_it_stands(path: Path, _: tuple[Any, ...]) -> Recipe:
    """Return the recipe, read once as long as none of its files changes."""
    return read_recipe(path)


def asked_for(arguments: Sequence[str]) -> str:
    """Return what the arguments, or the study that they name, say for `recipe`; "" where nothing."""
    written = _last(arguments, "recipe")
    if written:
        return written
    study = _last(arguments, "study")
    return _of_study(study) if study else ""


def _last(arguments: Sequence[str], key: str) -> str:
    found = ""
    for word in arguments:
        name, equals, value = word.lstrip("+").partition("=")
        if name == key and equals:
            found = value.strip().strip("'\"")
    return found


def _of_study(study: str) -> str:
    """Return what a study's file says for `recipe`; what else is in it Hydra reads and words."""
    import yaml

    for folder in (Path(OWN_CONF), CONF):
        path = folder / "study" / f"{study}.yaml"
        if path.is_file():
            try:
                content = yaml.safe_load(path.read_text(encoding="utf-8"))
            except (OSError, ValueError, yaml.YAMLError):
                return ""
            return str(content.get("recipe") or "") if isinstance(content, dict) else ""
    return ""


def conf_folders() -> list[Path]:
    """Return the folders that Hydra searches beside the program's own: the recipe's, and the user's project's."""
    own = Path.cwd() / OWN_CONF
    return [*chosen_recipe().conf_folders, *([own] if own.is_dir() else [])]
