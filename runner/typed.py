"""A command's words -> the command as it can be typed again in the same folder, without the folders of a machine."""

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

PATHS = ("dataset.path", "recipe", "results_dir")  # keys whose values are files and folders
DEFAULTS = {"results_dir": "results"}
_VALUE = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,'"]+""")  # one of several, in quotes or not


def typed_again(words: Sequence[str]) -> str:
    """Return `python -m runner` with the words, quoted for a shell; paths are relative to the folder worked in."""
    told = [_relative(word) for word in words]
    return shlex.join(["python", "-m", "runner", *(word for word in told if word not in _said())])


def _said() -> list[str]:
    return [f"{key}={value}" for key, value in DEFAULTS.items()]


def _relative(word: str) -> str:
    """Return a word with the paths of its value relative to the working folder; any other word unchanged."""
    key, equals, value = word.partition("=")
    if not equals or key.lstrip("+") not in PATHS:
        return word
    return key + equals + _VALUE.sub(lambda found: _from_here(found[0]), value)


def _from_here(written: str) -> str:
    """Return a path as it was written, in its quotes, relative to the working folder where it is absolute."""
    quote = written[0] if written[0] in "'\"" else ""
    path = re.sub(r"\\(.)", r"\1", written[1:-1]) if quote else written
    if not Path(path).is_absolute():
        return written
    near = os.path.relpath(path)
    return f"{quote}{near.replace(quote, chr(92) + quote)}{quote}" if quote else near
