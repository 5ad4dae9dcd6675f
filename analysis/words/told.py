"""The table of effects -> the rows that get a sentence, and in which order."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.reading.study import Design, design_of
from analysis.statistics.contrasts import Contrast, named, shared_pairs
from analysis.statistics.grades import GRADES
from analysis.statistics.inert import inert_everywhere
from analysis.statistics.responses import Response
from analysis.words.names import response_label

NOTEWORTHY = 10  # sentences a response on contrasts that are established
QUIET = 4  # and on contrasts of each grade that shows nothing
MOST_TOLD = {"established": NOTEWORTHY, "suggestive": 4}

Step = tuple[str, str, str]  # factor, baseline level, other level


@dataclass(frozen=True)
class Told:
    """What the sentences are made from: the design and the table, less what an inert factor makes zero."""

    design: Design
    inert: tuple[str, ...]  # factors that change nothing anywhere
    contrasts: dict[str, Contrast]  # the declared ones by their label
    responses: dict[str, Response]  # by their column
    table: pd.DataFrame
    example: str = "image"  # what an example of the data is called
    examples: int | None = None  # how many are validated on
    pairs: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)  # of a screening, by the figure they share

    def steps(self, row: dict[str, Any]) -> tuple[Step, ...]:
        """Return what the row's contrast changes."""
        if row["kind"] != "interaction":
            return ((row["factor"], row["baseline"], row["level"]),)
        levels, steps = self.design.factors, self.contrasts[row["contrast"]].steps
        return tuple((factor, levels[factor][start], levels[factor][end]) for factor, start, end in steps)

    def rows(self, table: pd.DataFrame) -> list[dict[str, Any]]:
        """Return rows of the table as dictionaries, with its response's `metric` and `label`, and the `examples`."""
        rows = table.to_dict("records")
        for row in rows:
            response = self.responses[row["response"]]
            row |= {"metric": response.metric, "label": response_label(response), "example": self.example}
            row |= {"examples": self.examples, "paired": self.design.paired}
        return rows

    @property
    def tests(self) -> int:
        """How many tests the correction of the declared contrasts covers."""
        return tests_of(self.table)


def told_of(
    declaration: Mapping[str, Any],
    effects: pd.DataFrame,
    responses: dict[str, Response],
    example: str = "image",
    examples: int | None = None,
) -> Told:
    """Return what is told of a study: `declaration` is study.json's contents, `effects` its table of effects."""
    design, inert = design_of(dict(declaration)), tuple(inert_everywhere(declaration))
    return without_inert(
        Told(design, inert, named(design), responses, effects, example, examples, shared_pairs(design))
    )


def tests_of(table: pd.DataFrame, simple: bool = False) -> int:
    """Return how many tests are corrected together: those of declared contrasts, or simple effects among themselves."""
    return int((table["p_holm"].notna() & table["kind"].eq("simple").eq(simple)).sum())


def without_inert(told: Told) -> Told:
    """Return what is told less the rows that involve a factor which is inert everywhere."""
    if told.table.empty or not told.inert:
        return told
    kept = [not any(factor in told.inert for factor, _, _ in told.steps(row)) for row in told.rows(told.table)]
    return replace(told, table=told.table[kept].reset_index(drop=True))


def within(told: Told, clear: pd.DataFrame) -> set[tuple[Step, ...]]:
    """Return the steps of every main effect and lower interaction that the clear interactions contain."""
    return {
        part
        for row in told.rows(clear)
        for order in range(1, len(told.steps(row)))
        for part in itertools.combinations(told.steps(row), order)
    }


def contained(told: Told, rows: pd.DataFrame, parts: set[tuple[Step, ...]]) -> np.ndarray:
    """Return which rows are one of the parts: (rows,) bool."""
    return np.array([told.steps(row) in parts for row in told.rows(rows)], bool)


def explained(told: Told, rows: pd.DataFrame, split: pd.DataFrame) -> pd.Series:
    """Return whether a simple effect is of a factor in an interaction that shows, not there for want of other cells."""
    factors = {factor for row in told.rows(split) for factor, _, _ in told.steps(row)}
    return rows["factor"].isin(factors)


def strongest(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by grade, then by size of t."""
    rank = rows["grade"].map({grade: place for place, grade in enumerate(GRADES)})
    size = -rows["t"].astype(float).abs().fillna(math.inf)
    return rows.assign(_rank=rank, _size=size).sort_values(["_rank", "_size"], kind="stable")


def chosen_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that get a sentence: the strongest that show something, and of the others those that are few."""
    ordered = strongest(rows)
    shows = [ordered[ordered["grade"].eq(grade)].head(most) for grade, most in MOST_TOLD.items()]
    quiet = [_few_rows(group) for _, group in rows[~rows["grade"].isin(MOST_TOLD)].groupby("grade", sort=False)]
    return pd.concat([*shows, *quiet])


def _few_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows where they are few, else those that are no interactions where those are few, else none."""
    plain = rows[rows["kind"].ne("interaction")]
    return next((each for each in (rows, plain) if len(each) <= QUIET), rows.iloc[:0])
