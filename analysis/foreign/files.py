"""A path -> the files below it; a file -> its text, YAML, JSON or table as plain values, or one sentence why not."""

import csv
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from analysis.foreign.refusal import Refused

TABLES = (".csv", ".tsv", ".parquet")
_MISSING = ["", "NA", "N/A", "n/a", "#N/A", "<NA>"]  # not nan, which was measured, nor None, which is a setting
_NOT_FINITE = {"nan", "+nan", "-nan", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}
_NOTHING = {"none", "null"}
# pandas reads the nearest float by itself from 3.1 on, and warns of being asked
_EXACT = {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}


@dataclass(frozen=True)
class Tree:
    """All files at or below a path that the user typed, in natural order: `2` before `10`."""

    root: Path
    files: tuple[Path, ...]

    @cached_property
    def by_name(self) -> dict[str, list[Path]]:
        """The files, by their last name."""
        found: dict[str, list[Path]] = {}
        for path in self.files:
            found.setdefault(path.name, []).append(path)
        return found

    def named(self, name: str) -> list[Path]:
        """Return the files of that name."""
        return self.by_name.get(name, [])

    def below(self, folder: Path) -> Iterator[Path]:
        """Yield the files inside a folder, however deep."""
        start = f"{folder}{os.sep}"
        return (path for path in self.files if str(path).startswith(start))

    @cached_property
    def tables(self) -> list[Path]:
        """The files that can be tables, by the end of their names."""
        return [path for path in self.files if path.suffix.lower() in TABLES]


def tree(root: Path) -> Tree:
    """Return the files at or below `root`; Refused where there is nothing."""
    if root.is_file():
        return Tree(root, (root,))
    if not root.is_dir():
        raise Refused(f"PATH must be a file or folder that is there; got {str(root)!r}.")
    found = (Path(folder) / name for folder, _, names in os.walk(root) for name in names)
    return Tree(root, tuple(sorted(found, key=natural)))


def natural(path: Path) -> list[list[tuple[int, int, str]]]:
    """Return a sorting key in which numbers inside names count as numbers."""
    return [
        [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]
        for name in path.parts
    ]


def read_text(path: Path) -> str:
    """Return a file's text; Refused where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, "a text file in UTF-8", error) from None


def read_json(path: Path) -> Any:
    """Return what a JSON file holds; NaN and Infinity as floats."""
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        if isinstance(error, Refused):
            raise
        raise unreadable(path, "JSON", error) from None


def read_yaml(path: Path) -> Any:
    """Return what a YAML file holds; values of a tag that is no plain value as the tag's name."""
    try:
        return yaml.load(read_text(path), Loader=_Loader)  # a safe loader, made lenient
    except (yaml.YAMLError, ValueError) as error:  # the latter of a date that is none
        if isinstance(error, Refused):
            raise
        raise unreadable(path, "YAML", error) from None


def read_settings(path: Path) -> dict[str, Any]:
    """Return the mapping that a JSON or YAML file holds; Refused where it holds anything else, nothing aside."""
    found = read_json(path) if path.suffix == ".json" else read_yaml(path)
    if found is not None and not isinstance(found, dict):
        raise unreadable(path, "a mapping of keys to values", ValueError(f"it holds {type(found).__name__}"))
    return found or {}


_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):
    """The safe loader, which names an object that it does not build."""


def _named_only(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node) or suffix
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _named_only)
_Loader.add_multi_constructor("tag:yaml.org,2002:python/", _named_only)


def header(path: Path) -> list[str]:
    """Return a table's column names; none of one that cannot be read."""
    try:
        if path.suffix.lower() == ".parquet":
            return [str(name) for name in _parquet(path).columns]
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [name.strip() for name in next(csv.reader(file, delimiter=_separator(path)), [])]
    except (ValueError, OSError, csv.Error):
        return []


def read_table(path: Path) -> pd.DataFrame:
    """Return a CSV, TSV or Parquet file, floats to the last digit.

    In a column of numbers a value that was measured and is not finite (`nan`, `inf`) is infinite, and NaN is only
    where nothing stands: a diverged run must not look like one that was not measured.
    """
    if path.suffix.lower() == ".parquet":
        return _parquet(path)
    try:
        frame = pd.read_csv(
            path,
            sep=_separator(path),
            encoding="utf-8-sig",
            low_memory=False,
            na_values=_MISSING,
            keep_default_na=False,
            **_EXACT,
        )
    except (ValueError, OSError) as error:
        raise unreadable(path, "a table with a header line", error) from None
    frame.columns = [str(name).strip() for name in frame.columns]
    unnamed = [name for name in frame if re.fullmatch(r"Unnamed: \d+", name)]  # an index that was written along
    columns = {name: _numbers(column) for name, column in frame.items() if name not in unnamed}
    return pd.DataFrame(columns, index=frame.index)


def _parquet(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path)
    except ImportError:
        raise Refused(
            f"{path} is a Parquet file, and reading it needs pyarrow, which is not installed: "
            "pip install pyarrow, or write the table as CSV."
        ) from None
    except (ValueError, OSError) as error:
        raise unreadable(path, "a Parquet file", error) from None
    if frame.index.names != [None]:
        frame = frame.reset_index()
    return pd.DataFrame({str(name): _plain_column(column) for name, column in frame.items()})


def _plain_column(column: pd.Series) -> pd.Series:
    """Return a column as a CSV would give it: no nullable numbers, no categories, lists as text."""
    if pd.api.types.is_bool_dtype(column) or isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(object)
    if pd.api.types.is_numeric_dtype(column):
        return column if isinstance(column.dtype, np.dtype) else column.astype(float)
    return column.map(lambda value: value if isinstance(value, str) else _text(value), na_action="ignore")


def _text(value: Any) -> str:
    """Return the text of a value that is neither text nor number: a list's JSON, a date as ISO writes it."""
    listed = value.tolist() if isinstance(value, np.ndarray) else value
    return json.dumps(listed, default=str) if isinstance(listed, list | dict | tuple) else str(listed)


def _separator(path: Path) -> str:
    """Return what separates a table's columns: the sign that its header line has most of, a comma where it has none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = file.readline(1_000_000)
    return max(",;\t", key=first.count)


def _numbers(column: pd.Series) -> pd.Series:
    """Return numbers with a `nan` among them, which come as text, as floats."""
    if pd.api.types.is_numeric_dtype(column):
        return column.replace(-np.inf, np.inf) if column.dtype.kind == "f" else column
    texts = column.astype(object)
    places, values = pd.factorize(texts)
    parsed = [_number(value) for value in values]
    if not parsed or None in parsed or all(str(value).lower() in _NOT_FINITE | _NOTHING for value in values):
        return column
    return pd.Series(np.array([*parsed, np.nan], float)[places], index=column.index, name=column.name)


def _number(value: Any) -> float | None:
    """Return the number that a text writes, infinite where it is not finite, NaN where it says none; None otherwise."""
    text = str(value).strip().lower()
    if isinstance(value, bool) or text in _NOTHING:
        return None if isinstance(value, bool) else np.nan
    if text in _NOT_FINITE:
        return np.inf
    try:
        return float(text)
    except ValueError:
        return None


def unreadable(path: Path, expected: str, error: Exception) -> Refused:
    """Return the refusal of a file that is not what its name says, with the reason's first line."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return Refused(f"{path} must be {expected}; it cannot be read as that ({reason}). Export it again, or move it.")
