"""Source code -> what it computes: its shape without comments, docstrings and layout, and the files it is made of."""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from runner.errors import BadInput

KEYED_FUNCTIONS = ("data", "model", "fit")  # of a recipe: the defaults of their arguments are keys, told apart by value


def code_shape(source: str, keyed: Iterable[str] = ()) -> Any:
    """Return the syntax tree of `source` without docstrings as nested lists; the same on every Python version.

    The defaults of the arguments of top-level functions in `keyed` are left out.
    """
    parsed = ast.parse(source)
    for node in parsed.body:
        if isinstance(node, ast.FunctionDef) and node.name in keyed:
            node.args.defaults, node.args.kw_defaults = [], []
    return _shape(parsed)


def _shape(node: Any) -> Any:
    if isinstance(node, list):
        return [_shape(each) for each in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    values = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
        values["body"] = values["body"][1:]
    return [type(node).__name__, {name: _shape(value) for name, value in values.items()}]


def digest_of(shapes: Any) -> str:
    """Return the sha256 of nested lists of texts."""
    return hashlib.sha256(json.dumps(shapes, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def code_digest(recipe: Path) -> str:
    """Return the sha256 of a recipe's code: its file and every module of its folder that it imports, at any depth."""
    files = imported_files(recipe)
    shapes = [
        [
            str(path.relative_to(recipe.parent)) if place else "",
            code_shape(_text(path), () if place else KEYED_FUNCTIONS),
        ]
        for place, path in enumerate(files)
    ]
    return digest_of(shapes)


def imported_files(recipe: Path) -> list[Path]:
    """Return the recipe's file and the files of its folder that it imports, directly or not; itself first."""
    root, found, waiting = recipe.parent, [recipe], [recipe]
    while waiting:
        for path in sorted(_imports(waiting.pop(), root)):
            if path not in found:
                found.append(path)
                waiting.append(path)
    return [recipe, *sorted(found[1:])]


def _imports(path: Path, root: Path) -> set[Path]:
    """Return the files below `root` that the file imports."""
    found: set[Path] = set()
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            for name in node.names:
                found |= set(_files_of(root, name.name.split(".")))
        elif isinstance(node, ast.ImportFrom):
            base = root if not node.level else path.parents[node.level - 1]
            parts = node.module.split(".") if node.module else []
            for name in node.names:
                found |= set(_files_of(base, [*parts, name.name])) | set(_files_of(base, parts))
    return found


def _files_of(root: Path, parts: list[str]) -> Iterator[Path]:
    """Yield the files that importing the dotted name runs: each package's own, and the module's."""
    for length in range(1, len(parts) + 1):
        stem = root.joinpath(*parts[:length])
        for path in (stem / "__init__.py", stem.with_name(f"{stem.name}.py")):
            if path.is_file():
                yield path


def _parsed(path: Path) -> ast.AST:
    """Return the file's syntax tree; BadInput where it is no Python."""
    try:
        return ast.parse(_text(path))
    except SyntaxError as error:
        raise BadInput(f"{path.name}, line {error.lineno}: {error.msg}.") from None
    except ValueError as error:  # no UTF-8, or a zero byte
        raise BadInput(f"{path.name} must be Python code in UTF-8; it cannot be read ({error}).") from None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")
