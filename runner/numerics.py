"""The version of the runner's numerics: part of every run's identity, raised when the bits of a run change.

The code that determines numbers may be moved and rewritten: a test holds its digest beside the hash of a small golden
run. Code that changed and bits that did not keep the version; bits that changed raise it.
"""

from functools import cache
from pathlib import Path

from runner.code import code_shape, digest_of

VERSION = 2
FILES = (
    "training/*.py",
    "images/data.py",
    "images/folders.py",
    "images/keyed.py",
    "images/labels.py",
    "images/layers.py",
    "images/model.py",
    "images/reading.py",
    "images/recipe.py",
)


@cache
def numeric_code() -> str:
    """Return the sha256 of the code that determines numbers, less comments, docstrings and layout."""
    folder = Path(__file__).resolve().parent
    paths = sorted({path for pattern in FILES for path in folder.glob(pattern)})
    return digest_of([[str(path.relative_to(folder)), code_shape(path.read_text(encoding="utf-8"))] for path in paths])
