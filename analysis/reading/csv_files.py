"""Frames <-> CSV files: floats to the last bit, text that no spreadsheet runs as a formula."""

import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from runner.store import StoreError

# How pandas reads floats to the last bit; from 3.1 on it always does.
EXACT: dict[str, Any] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
)

ROWS = 10_000  # written at a time, so that millions need no list of all their values
QUOTE = '"'
SPECIAL = (",", QUOTE, "\n", "\r")  # a field with one of these is quoted


def spreadsheet(text: str) -> str:
    """Return the text with an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """Return the frame as CSV, nothing where there is no value.

    Each distinct text is quoted once; csv.writer, which looks at every letter of every field, takes half as long again.
    """
    texts = set(frame.select_dtypes(["object", "string", "category"]).columns)
    fields = _Fields()
    content = io.BytesIO(f"{','.join(fields[str(name)] for name in frame)}\n".encode())
    content.seek(0, io.SEEK_END)
    for start in range(0, len(frame), ROWS):
        rows = frame.iloc[start : start + ROWS]
        columns = [fields.of(rows[name]) if name in texts else _numbers(rows[name]) for name in frame]
        content.write("".join(f"{line}\n" for line in map(",".join, zip(*columns, strict=True))).encode())
    return content.getvalue()


class _Fields(dict[Any, str]):
    """How a text is written as a field; of what is no text, nothing."""

    def __missing__(self, value: Any) -> str:
        text = spreadsheet(value) if isinstance(value, str) else ""
        self[value] = f'"{text.replace(QUOTE, QUOTE * 2)}"' if any(sign in text for sign in SPECIAL) else text
        return self[value]

    def of(self, column: pd.Series) -> Iterator[str]:
        """Return the fields of a column of texts."""
        return map(self.__getitem__, column.to_numpy(object).tolist())


def _numbers(column: pd.Series) -> Iterable[str]:
    """Return the fields of a column of numbers: the shortest that are read as the same."""
    there = column.notna()
    if there.all():
        return map(repr, column.tolist())
    return ["" if value is None else repr(value) for value in column.astype(object).where(there, None).tolist()]


def read_csv(path: Path, types: Mapping[str, str]) -> pd.DataFrame:
    """Return those columns of the file that there are, of the types; StoreError where it cannot be read so.

    Names are given and returned as a frame has them. An empty field is NaN, of text too.
    """
    written = {spreadsheet(name): name for name in types}
    try:
        found = pd.read_csv(
            path,
            usecols=lambda name: name in written,
            dtype={field: types[name] for field, name in written.items()},
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8",
            **EXACT,
        )
    except (OSError, ValueError, pd.errors.ParserError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StoreError(
            f"the study's tables must be as the program wrote them; {str(path)!r} cannot be read ({reason}). "
            "Run the study's command again."
        ) from None
    return found.rename(columns=written)
