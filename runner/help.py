"""What `--help` prints: examples, and every key with its default and its meaning, as its own comment gives it."""

import ast
import json
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from runner.finding import conf_folders
from runner.recipe import CONF, Recipe

USAGE = """\
Trains every combination of the choices in a Keras recipe over several seeds and reports which of them matter.

  python -m runner -m dropout=true,false binarize=true,false    a study: every combination, 5 seeds each
  python -m runner -m dropout=true,false dry_run=true           what it would train and how long that would take
  python -m runner -m dropout=true,false until=decided          as many seeds as it takes
  python -m runner -m recipe=mine.py width=64,128 epochs=20     a recipe of your own: functions data and model
  python -m runner dropout=false                                one run
  python -m runner verify | prune | du                          look after the results folder
  python -m analysis results/<study>                            write a study's report again"""
GROUPS = ("dataset", "model", "study")


def program_version() -> str:
    """Return the program's name and version."""
    try:
        return f"ablation-runner {version('ablation-runner')}"
    except PackageNotFoundError:
        return "ablation-runner, which is not installed here"


def help_text(recipe: Recipe) -> str:
    """Return the text for a command with this recipe."""
    keys = study_keys()
    parts = [USAGE, *keys[:2], *recipe_keys(recipe), *keys[2:], *choices()]
    return "\n".join(parts).rstrip()


def study_keys() -> list[str]:
    """Return the keys of every study as conf/config.yaml writes them, a part each."""
    text = (CONF / "config.yaml").read_text(encoding="utf-8")
    shown = text[text.index("# What is trained") : text.index("\nhydra:")].replace("# holdout ", "  holdout ")
    return [f"\n{part.rstrip()}" for part in re.split(r"\n(?=# [A-Z])", shown)]


def recipe_keys(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each key of the recipe: its default, and the comment beside the argument."""
    told = comments(recipe)
    yield f"\n# Of the recipe {recipe.name}; `key=a,b` with -m makes any of them, and of those above, a factor"
    for name, key in recipe.keys.items():
        default = "" if isinstance(key.default, dict) else json.dumps(key.default).strip('"')
        line = f"{name}: {default}"
        yield f"{line:22} # {told[name]}" if name in told else line


def comments(recipe: Recipe) -> dict[str, str]:
    """Return what stands as a comment beside the first writing of each argument of the recipe's functions."""
    source = recipe.path.read_text(encoding="utf-8-sig")
    lines, found = source.splitlines(), dict[str, str]()
    for function in ast.parse(source).body:
        if isinstance(function, ast.FunctionDef) and function.name in recipe.functions:
            for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
                comment = lines[argument.lineno - 1].rpartition("  # ")[2]
                if "  # " in lines[argument.lineno - 1] and not comment.startswith("noqa"):
                    found.setdefault(argument.arg, comment.strip())
    return found


def choices() -> Iterator[str]:
    """Yield a line for each folder of files that a key chooses from."""
    yield "\n# Files that a key chooses from, in conf/ of the program and of the folder that you work in"
    for group in GROUPS:
        names = {path.stem for folder in (CONF, *conf_folders()) for path in (folder / group).glob("*.yaml")}
        if names:
            yield f"{group}: {', '.join(sorted(names, key=in_order))}"


def in_order(name: str) -> list[object]:
    """Return what sorts `stage_2` before `stage_10`."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
