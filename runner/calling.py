"""A recipe's functions, called in a worker: arguments given, what they read noted, errors told by their own line."""

import contextlib
import functools
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.errors import BadInput
from runner.images.choices import NAME, image_recipe
from runner.recipe import Recipe, read_recipe
from runner.training.parts import Measuring, Parts

CODE = (".py", ".pyc", ".so", ".pyd", ".dll", ".dylib")
SYSTEM = ("/proc/", "/sys/", "/dev/")
LONGEST = 300  # characters of an error's text
INSIDES = re.compile(r"\{\{.*?\}\}\s*|\s*\[\[.*?\]\]|\s*\[Op:[^\]]*\]", re.DOTALL)  # where in its graph TensorFlow was


def recipe_at(source: Mapping[str, Any]) -> Recipe:
    """Return the recipe that a job's source names."""
    return image_recipe() if source["recipe"] == NAME else read_recipe(Path(source["recipe"]))


def parts_of(recipe: Recipe, spec: Mapping[str, Any], source: Mapping[str, Any], epochs: int) -> Parts:
    """Return the recipe's functions, ready to be called for the trajectory of `spec`."""
    arguments = recipe.arguments(spec, source)
    with told(recipe):
        module = recipe.module()
    given = {"seed": spec["seed"], "epochs": epochs, "holdout": spec["measuring"]["holdout"]}
    return Parts(
        data=_called(recipe, module, "data", arguments, given),
        model=lambda data: _called(recipe, module, "model", arguments, {**given, "data": data})(),
        fit=lambda data: _called(recipe, module, "fit", arguments, {**given, "data": data})(),
        data_seed=spec["seed"] if recipe.data_takes_seed else 0,
        own_seeds="seed" in recipe.functions["model"].given,
        digest=spec["recipe"]["data"] if recipe.files else None,
        **recipe.own_parts(module, arguments),
    )


def measuring_of(spec: Mapping[str, Any]) -> Measuring:
    """Return what is measured beside what fit logs."""
    measuring = spec["measuring"]
    return Measuring(measuring["holdout"], measuring["probe"], measuring["probe_draws"])


def _called(
    recipe: Recipe, module: Any, name: str, arguments: Mapping[str, Any], given: Mapping[str, Any]
) -> Callable[[], Any]:
    """Return the function with all its arguments, its errors told; for a recipe without `fit`, an empty one."""
    if name not in recipe.functions:
        return dict
    signature = recipe.functions[name]
    keys = {key.name: arguments[key.name] for key in signature.keys if key.name in arguments}  # others are not read
    function = functools.partial(getattr(module, name), **keys, **{word: given[word] for word in signature.given})

    def called() -> Any:
        with told(recipe):
            return function()

    return called


@contextlib.contextmanager
def told(recipe: Recipe) -> Iterator[None]:
    """Turn an error that comes out of the recipe's own lines into BadInput with the file, the line and the code."""
    try:
        yield
    except (BadInput, MemoryError):
        raise
    except Exception as error:
        raise BadInput(sentence(error, recipe)) from error


def sentence(error: BaseException, recipe: Recipe) -> str:
    """Return `mine.py, line 12, in model: ... raised ValueError: ...`, from the innermost line of its folder."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(Path(frame.filename), recipe)]
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno}: {error.msg}."
    if not own:
        return f"{recipe.name} cannot be trained: {_text(error)}" if recipe.files else _text(error, kind=False)
    frame = own[-1]
    return f"{Path(frame.filename).name}, line {frame.lineno}, in {frame.name}: {frame.line} raised {_text(error)}"


def _is_own(path: Path, recipe: Recipe) -> bool:
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), str(Path(__file__).resolve().parent)}
    return path.is_relative_to(recipe.path.parent) and not any(path.is_relative_to(folder) for folder in folders)


def _text(error: BaseException, kind: bool = True) -> str:
    """Return the error's kind and the first lines of its text that say something, shortened."""
    lines = [line.strip() for line in INSIDES.sub("", str(error)).splitlines()]
    lines = [line for line in lines if line and not line.startswith(("Exception encountered", "Arguments received"))]
    text = " ".join(lines[:2])
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return f"{type(error).__name__}: {text}" if kind else text


def check_imports(recipe: Recipe) -> None:
    """Raise BadInput where a module of the recipe's folder was loaded that its imports do not show."""
    if not recipe.files:
        return
    known = {path.resolve() for path in recipe.files}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file.endswith(".py") and _is_own(Path(file), recipe) and Path(file).resolve() not in known:
            raise BadInput(
                f"{recipe.name} must import {Path(file).name} by an import statement, since its code counts in a run's "
                "identity; it was loaded in another way."
            )


# ---- the files that data are read from


class FilesSeen:
    """Notes the files that Python opens, and the folders that it lists, while it is open."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self._noting = False
        sys.addaudithook(self._note)

    def __enter__(self) -> "FilesSeen":
        self.paths, self._noting = set(), True
        return self

    def __exit__(self, *_: object) -> None:
        self._noting = False

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._noting and event in ("open", "os.listdir", "os.scandir") and arguments:
            path = arguments[0]
            path = path.decode(errors="surrogateescape") if isinstance(path, bytes) else path
            if isinstance(path, str | Path) and not str(path).endswith(CODE) and not str(path).startswith(SYSTEM):
                self.paths.add(str(Path(path).absolute()))
