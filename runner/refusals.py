"""Hydra's and OmegaConf's refusals -> one sentence that names the key, what was expected, what came and what to do."""

import dataclasses
import re
import types
import typing
from typing import Any

from hydra.errors import OverrideParseException
from yaml import MarkedYAMLError

from runner.finding import chosen_recipe
from runner.images.choices import image_recipe
from runner.recipe import schema_of
from runner.settings import StudySchema, did_you_mean, nearest

EXPECTED: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def sentence(error: Exception) -> str:
    """Return the sentence for an error of Hydra or OmegaConf; where none is known, the first line of its text."""
    if isinstance(error, OverrideParseException):
        return unreadable(error.override)
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return unreadable_file(error)
    text = "\n".join(str(each) for each in chain(error))
    for rewrite in (no_choice, no_reference, unknown_key, unknown_choice, wrong_type, no_place, sweep_without_m):
        if (found := rewrite(text)) is not None:
            return found
    return first_line(text)


def chain(error: BaseException | None) -> list[BaseException]:
    """Return the error and what it was raised from."""
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__
    return found


def unknown_key(text: str) -> str | None:
    """Word a key that the configuration does not have."""
    match = re.search(r"Could not override '([^']*)'", text) or re.search(
        r"Could not append to config.*?'([^']*)'", text
    )
    if match is None or "not a valid" in text or "could not be converted" in text:
        return None
    key = match[1]
    if key == "study":
        return "study must name a file of conf/study/ in the folder that you work in; there is none."
    return f"{key} is no key of this program.{did_you_mean(nearest(key, known_keys()))} {where_keys_are(key)}."


def where_keys_are(key: str) -> str:
    """Return where keys like this one are listed."""
    if key.startswith("model.") and "model" in chosen_recipe().keys:
        return "runner/images/conf/model/ lists the keys of each model"
    if chosen_recipe() is image_recipe():
        return "python -m runner --help lists all keys"
    return f"python -m runner recipe={chosen_recipe().name} --help lists all keys"


def unknown_choice(text: str) -> str | None:
    """Word a choice that a folder of conf/ does not have."""
    match = re.search(r"Could not find '([^']*)'", text)
    if match is None:
        match = re.search(r"Could not override '([^']*)'\.\s*No match in the defaults list", text)
        return None if match is None else unknown_key(text)
    group, _, choice = match[1].rpartition("/")
    choices = re.findall(r"^\t(\S+)$", text, re.MULTILINE)
    return f"{group} must be one of {', '.join(choices)}; got {choice!r}.{did_you_mean(nearest(choice, choices))}"


def no_choice(text: str) -> str | None:
    """Word a folder of conf/ that is to be left without a choice."""
    if "Config group override must be a string or a list" not in text:
        return None
    return "dataset, model and study must each name a file of their folder; got null."


def no_reference(text: str) -> str | None:
    """Word a value that refers to a key which is not there, or to a function that none knows."""
    key = re.search(r"Interpolation key '([^']*)' not found", text)
    if key is not None:
        near = did_you_mean(nearest(key[1], known_keys()))
        return f"${{{key[1]}}} must refer to a key of this program; there is none of that name.{near}"
    kind = re.search(r"Unsupported interpolation type (\S+)", text)
    return None if kind is None else f"${{{kind[1]}:...}} must refer to a key, such as ${{epochs}}; got a function."


def wrong_type(text: str) -> str | None:
    """Word a value of the wrong type."""
    match = re.search(r"Value '(.*?)'(?: of type '\w+')? (?:is not a valid|could not be converted)", text, re.DOTALL)
    key = re.search(r"full_key: (\S+)", text)
    if match is None or key is None:
        return None
    return f"{key[1]} must be {EXPECTED.get(type_of(key[1]), 'of another type')}; got {match[1]!r}."


def no_place(text: str) -> str | None:
    """Word a value whose key leads into a list or a value that has no such place."""
    match = re.search(r"Error merging override (\S+)\n(.*)", text)
    if match is None:
        return None
    key, _, value = match[1].partition("=")
    return f"{key} must lead to a value of the configuration; got {value!r} for a place that is none ({match[2]})."


def sweep_without_m(text: str) -> str | None:
    """Word several values for a key in a command that trains one run."""
    match = re.search(r"Ambiguous value for argument '([^']*)'", text)
    if match is None:
        return None
    key = match[1].partition("=")[0]
    return f"{key} must have one value where one run is trained; got {match[1]!r}. Add -m to train them all."


def unreadable(override: str) -> str:
    """Word an argument that Hydra's grammar does not read."""
    return (
        f"Every argument must have the form key=value or key=value,value; got {override!r}. Quote special characters."
    )


def unreadable_file(error: MarkedYAMLError) -> str:
    """Word a file of conf/ that is no YAML, or writes one key twice."""
    mark = error.problem_mark
    return f"{mark.name} must be YAML with each key once; line {mark.line + 1}: {error.problem}."


def known_keys() -> list[str]:
    """Return every key that can be written, dotted, and the folders of conf/."""
    return list(
        dict.fromkeys([*dotted_keys(schema()), *chosen_recipe().plain_keys, "study", "hydra/launcher", "hydra/sweeper"])
    )


def schema() -> type:
    """Return the types of all keys beside the chosen recipe."""
    return schema_of(chosen_recipe(), StudySchema)


def dotted_keys(schema: Any, prefix: str = "") -> list[str]:
    """Return the schema's keys, those of nested schemas with their path before them."""
    found = []
    for key, kind in typing.get_type_hints(schema).items():
        found.append(prefix + key)
        if dataclasses.is_dataclass(kind):
            found += dotted_keys(kind, f"{prefix}{key}.")
    return found


def type_of(key: str) -> type | None:
    """Return the plain type of a dotted key, or None where the schema does not say."""
    kind: Any = schema()
    for part in key.split("."):
        kind = typing.get_type_hints(kind).get(part) if dataclasses.is_dataclass(kind) else None
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        kind = next(each for each in typing.get_args(kind) if each is not type(None))
    return kind


def first_line(text: str) -> str:
    """Return the first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "The command cannot be read.")
