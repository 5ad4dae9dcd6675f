"""Frames <-> CSV files: floats to the last bit, text that no spreadsheet runs as a formula."""

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from runner.store import StoreError

# How pandas reads floats to the last bit; from 3.1 on it always does.
EXACT: dict[str, Any] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
)

ROWS = 100_000  # written at a time, so that millions need no list of all their values


def spreadsheet(text: str) -> str:
    """Return the text with an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """Return the frame as CSV, nothing where there is no value."""
    text = frame.select_dtypes(["object", "string", "category"]).columns
    columns = [_each_once(frame[name], spreadsheet) if name in text else frame[name] for name in frame]
    content = io.BytesIO()
    text_of = io.TextIOWrapper(content, encoding="utf-8", newline="")
    writer = csv.writer(text_of, lineterminator="\n")
    writer.writerow(map(spreadsheet, frame.columns))
    for start in range(0, len(frame), ROWS):
        rows = (_values_of(column.iloc[start : start + ROWS]) for column in columns)
        writer.writerows(zip(*rows, strict=True))  # DataFrame.to_csv takes a third longer
    text_of.flush()
    return content.getvalue()


def _values_of(column: pd.Series) -> list[Any]:
    """Return the column's values, None where there is none, which CSV has as nothing."""
    whole = column.astype(object).where(column.notna(), None) if column.isna().any() else column
    return whole.tolist()


def _each_once(texts: pd.Series, change: Callable[[str], str]) -> pd.Series:
    """Return the texts changed, each distinct one computed once."""
    return texts.map({text: change(text) for text in texts.dropna().unique()})


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
