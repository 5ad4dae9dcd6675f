"""A recipe's file -> its config keys, read from the signatures of `data`, `model` and `fit` without importing it.

A recipe is a Python file with functions that its author has anyway:

    data(...)          returns fit's words x, y, sample_weight, validation_data, and holdout where there is one
    model(data, ...)   returns a compiled keras.Model; `data` is what `data` returned
    fit(...)           optional; returns fit's words batch_size, class_weight, callbacks, shuffle

The defaults of the other arguments are config keys, and any of them is a factor. `seed`, `epochs` and `holdout` are
given by the program to a function that takes them.
"""

import ast
import importlib.util
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, make_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Union

from runner.code import KEYED_FUNCTIONS, code_digest, imported_files
from runner.errors import BadInput

GIVEN = ("data", "seed", "epochs", "holdout")  # arguments that the program gives
NAMED_TYPES = {"bool": bool, "int": int, "float": float, "str": str, "Any": Any, "None": type(None)}
CONF = Path(__file__).resolve().parent / "conf"


@dataclass(frozen=True)
class Key:
    """A config key of a recipe: an argument's name, type and default, and the values an annotation allows."""

    name: str
    type: Any
    default: Any
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Function:
    """One of a recipe's functions, as its signature has it."""

    name: str
    keys: tuple[Key, ...]
    given: tuple[str, ...]  # of GIVEN, that it takes
    read: frozenset[str]  # arguments that its lines name


@dataclass(frozen=True)
class Recipe:
    """A recipe's file and its signatures."""

    path: Path
    functions: dict[str, Function] = field(hash=False)

    @property
    def name(self) -> str:
        """What people call it: the file's name."""
        return self.path.name

    @cached_property
    def keys(self) -> dict[str, Key]:
        """All config keys by name, in the order in which they are written."""
        return {key.name: key for function in self.functions.values() for key in function.keys}

    @property
    def plain_keys(self) -> tuple[str, ...]:
        """The keys that each set one value and nothing else."""
        return tuple(self.keys)

    @property
    def conf_folders(self) -> list[Path]:
        """The folders of configuration that it brings, beside the program's own."""
        return [CONF / "own"]

    def settled(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the keys' values as they stand in a run's identity; BadInput where one cannot be."""
        values = {name: config[name] for name in self.keys}
        for name, key in self.keys.items():
            if key.choices and values[name] not in key.choices:
                allowed = ", ".join(map(str, key.choices))
                raise BadInput(f"{name} must be one of {allowed}; got {values[name]!r}.")
        return values

    def identity(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settled values as they stand in a run's identity: one that no function reads changes nothing."""
        read = frozenset[str]().union(*(function.read for function in self.functions.values()))
        return {name: value for name, value in values.items() if name in read}

    def source(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return where a worker finds what it needs beside the identity: plain JSON, absolute paths."""
        return {"recipe": str(self.path)}

    def data_label(self, values: Mapping[str, Any]) -> str:
        """Return what it is trained on, for people."""
        return self.name

    def data_notes(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what must be told of its data, as far as that is known without running its code: nothing."""
        return ()

    def told(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings that a reader is told, by key; what the net's layers show is left to them."""
        return dict(values)

    def net_as_written(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the net as far as its settings write it, as `runner.training.described` has it: here {}."""
        return {}

    def layer_names(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the net's layers where the values tell them."""
        return ()

    def depends_on_epochs(self, values: Mapping[str, Any]) -> bool:
        """Tell whether a longer run may pass through other numbers than a shorter one."""
        return any("epochs" in function.given for function in self.functions.values())

    def known_data(self, values: Mapping[str, Any]) -> str | None:
        """Return the digest of its data where that is told without running its code: here never."""
        return None

    @cached_property
    def code(self) -> str:
        """The digest of its code."""
        return code_digest(self.path)

    @property
    def files(self) -> list[Path]:
        """The files of its code."""
        return imported_files(self.path)

    def data_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that `data` takes."""
        return {key.name: values[key.name] for key in self.functions["data"].keys}

    @property
    def data_takes_seed(self) -> bool:
        """Whether each seed has data of its own."""
        return "seed" in self.functions["data"].given

    # ---- in a worker

    def arguments(self, spec: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that its functions are called with."""
        return dict(spec["recipe"]["values"])

    def module(self) -> Any:
        """Return its module, imported with its folder in front on the path, as Python runs a script."""
        folder = str(self.path.parent)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        found = importlib.util.spec_from_file_location(self.path.stem, self.path)
        module = importlib.util.module_from_spec(found)  # type: ignore[arg-type]
        sys.modules[self.path.stem] = module
        found.loader.exec_module(module)  # type: ignore[union-attr]
        return module

    def own_parts(self, module: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of `runner.training.parts.Parts` it says itself: nothing."""
        return {}


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in a file, which is parsed and never run; BadInput, one sentence, where it is none."""
    path = Path(path).absolute()
    try:
        source = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"recipe must be a Python file; {str(path)!r} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise BadInput(f"recipe must be a Python file in UTF-8; {str(path)!r} is not.") from None
    try:
        parsed = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else str(error)
        raise BadInput(f"recipe must be a Python file; {path.name} cannot be parsed ({where}).") from None
    defined = {node.name: node for node in parsed.body if isinstance(node, ast.FunctionDef)}
    for name in ("data", "model"):
        if name not in defined:
            raise BadInput(f"recipe must define the functions data and model; {path.name} has no function {name}.")
    functions = {name: _function(path.name, defined[name]) for name in KEYED_FUNCTIONS if name in defined}
    if "data" not in functions["model"].given:
        raise BadInput(
            f"{path.name}: model must take data, what the function data returned. Write def model(data, ...)."
        )
    if "data" in functions["data"].given:
        raise BadInput(f"{path.name}: data must not take data, which is what it returns. Rename the argument.")
    recipe = Recipe(path, functions)
    _check_shared(recipe)
    return recipe


def _function(file: str, node: ast.FunctionDef) -> Function:
    """Return one function's signature; BadInput where an argument can be no key."""
    if node.args.vararg or node.args.kwarg:
        star = f"*{node.args.vararg.arg}" if node.args.vararg else f"**{node.args.kwarg.arg}"  # type: ignore[union-attr]
        raise BadInput(
            f"{file}, line {node.lineno}: {node.name} must name each argument, since they are the config keys; "
            f"got {star}."
        )
    keys, given = [], []
    for argument, default in _arguments(node):
        if argument.arg in GIVEN:
            given.append(argument.arg)
        else:
            keys.append(
                _key(f"{file}, line {argument.lineno}: {node.name}'s argument {argument.arg}", argument, default)
            )
    return Function(node.name, tuple(keys), tuple(given), _read(node, [key.name for key in keys]))


def _read(node: ast.FunctionDef, names: list[str]) -> frozenset[str]:
    """Return those of the arguments that the function's lines name, all where they can be had without their names."""
    named = frozenset(each.id for line in node.body for each in ast.walk(line) if isinstance(each, ast.Name))
    return frozenset(names) if named & {"locals", "vars", "eval", "exec"} else named & frozenset(names)


def _arguments(node: ast.FunctionDef) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """Yield (argument, default or None)."""
    placed = [*node.args.posonlyargs, *node.args.args]
    missing: list[ast.expr | None] = [None] * (len(placed) - len(node.args.defaults))
    yield from zip(placed, [*missing, *node.args.defaults], strict=True)
    yield from zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)


def _key(where: str, argument: ast.arg, default: ast.expr | None) -> Key:
    if default is None:
        raise BadInput(f"{where} must have a default, which is the key's value where none is given.")
    try:
        value = ast.literal_eval(default)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        value = ...
    if not _is_plain(value := list(value) if isinstance(value, tuple) else value):
        raise BadInput(
            f"{where} must have a plain default (a number, text, True, False, None, a list or a dict of them); "
            f"got {ast.unparse(default)}."
        )
    if argument.annotation is None:
        return Key(argument.arg, _type_of(value), value)
    kind, choices = _annotated(argument.annotation)
    if value is None and type(None) not in typing.get_args(kind) and kind is not Any:
        kind = kind | None if isinstance(kind, type) else typing.Optional[kind]  # noqa: UP045
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    return Key(argument.arg, kind, value, choices)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(each) for key, each in value.items())
    return value is None or isinstance(value, bool | int | float | str)


def _type_of(value: Any) -> Any:
    """Return the type that a default without annotation stands for; a None says nothing."""
    if isinstance(value, list):
        return list[Any]
    if isinstance(value, dict):
        return dict[str, Any]
    return Any if value is None else type(value)


def _annotated(node: ast.expr) -> tuple[Any, tuple[Any, ...]]:
    """Return the type that an annotation stands for and its choices; what is not known stands for anything."""
    match node:
        case ast.Constant(value=None):
            return type(None), ()
        case ast.Constant(value=str(text)):
            return _annotated(ast.parse(text, mode="eval").body)
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in NAMED_TYPES:
            return NAMED_TYPES[name], ()
        case ast.Name(id="list" | "tuple") | ast.Subscript(value=ast.Name(id="tuple")):
            return list[Any], ()
        case ast.Name(id="dict") | ast.Subscript(value=ast.Name(id="dict")):
            return dict[str, Any], ()
        case ast.Subscript(value=ast.Name(id="list"), slice=inner):
            return list[_member(inner)], ()  # type: ignore[misc]
        case ast.Subscript(value=ast.Name(id="Optional") | ast.Attribute(attr="Optional"), slice=inner):
            return _union([_annotated(inner)[0], type(None)]), ()
        case ast.Subscript(value=ast.Name(id="Literal") | ast.Attribute(attr="Literal"), slice=inner):
            choices = tuple(
                ast.literal_eval(each) for each in (inner.elts if isinstance(inner, ast.Tuple) else [inner])
            )
            return _union([type(each) for each in choices]), choices
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([_annotated(left)[0], _annotated(right)[0]]), ()
    return Any, ()


def _member(node: ast.expr) -> Any:
    kind, _ = _annotated(node)
    return kind if kind in (bool, int, float, str) else Any


def _union(kinds: list[Any]) -> Any:
    """Return the union of types, anything where one of them is, or a container beside another."""
    flat = {each for kind in kinds for each in (typing.get_args(kind) if isinstance(kind, types.UnionType) else [kind])}
    plain = flat - {type(None)}
    if Any in flat or (len(plain) > 1 and any(typing.get_origin(each) for each in plain)):
        return Any
    kinds = sorted(plain, key=str)
    joined = kinds[0] if len(kinds) == 1 else Union[tuple(kinds)]  # noqa: UP007
    return typing.Optional[joined] if type(None) in flat else joined  # noqa: UP045


def _check_shared(recipe: Recipe) -> None:
    """Raise BadInput where two functions give one key different types or defaults."""
    known: dict[str, tuple[str, Key]] = {}
    for function in recipe.functions.values():
        for key in function.keys:
            before, other = known.setdefault(key.name, (function.name, key))
            if (other.default, other.type) != (key.default, key.type):
                raise BadInput(
                    f"{recipe.name}: {key.name} must have one default; {before} says {other.default!r} and "
                    f"{function.name} says {key.default!r}."
                )


def schema_of(recipe: Recipe, base: type) -> type:
    """Return the dataclass `base`, the study's keys, with the recipe's own; BadInput where the two clash."""
    taken = typing.get_type_hints(base)
    for name in recipe.keys:
        if name in taken or name in ("hydra", "study"):
            raise BadInput(
                f"{recipe.name}: no argument may be called {name}, which is a key of every study. Rename it."
            )
    fields = [(key.name, key.type, _field(key.default)) for key in recipe.keys.values()]
    return make_dataclass("Schema", fields, bases=(base,))


def _field(default: Any) -> Any:
    return field(default_factory=lambda: default) if isinstance(default, list | dict) else field(default=default)
