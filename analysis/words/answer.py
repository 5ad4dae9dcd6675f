"""The table of effects -> the answer that opens a report: which choice matters, how sure, and the best cell.

At most 25 words, so that it is read; what it leaves out stands in the table below it and in the findings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.statistics.contrasts import long_step
from analysis.statistics.responses import Response
from analysis.words.markup import one_line
from analysis.words.names import response_label
from analysis.words.phrases import capital, count, listed
from analysis.words.quantities import size_of
from analysis.words.sentences import component, in_few_words, interacting, subject
from analysis.words.told import Told, contained, within

WORDS = 25  # of the answer, at most
NAMED = 3  # choices that are named beside the first
SHORT = 24  # characters of a name, where the answer would be too long
CHOICES = 12  # contrasts in the table of choices, at most
COLUMNS = 3  # primary metrics in it
OVERRIDDEN = "not interpretable alone"

Row = dict[str, Any]


@dataclass(frozen=True)
class Best:
    """The best cell by the first primary metric: its label, its levels that are not the baseline's, its figure."""

    label: str
    changed: Sequence[str]  # `dropout=false`; none at the baseline
    figure: str
    of_all: bool = True  # whether every cell has a figure


def answer(told: Told, best: Best | None) -> str:
    """Return the answer in at most 25 words, none of it escaped."""
    nothing = _nothing_compared(told)
    if nothing:
        return nothing
    shown = {response.column: _established(told, response) for response in _primary(told)}
    column = next((column for column, rows in shown.items() if rows), "")
    if not column:
        return in_few_words((f"{clause}{end}" for end in _best(best, False) for clause in _not_shown(told)), WORDS)
    first, *others = shown[column] + [row for each, rows in shown.items() if each != column for row in rows]
    silent = told.responses[next(iter(shown))]
    aside = "" if column == silent.column else f", but none is shown to change {response_label(silent)}"
    too = _too(told, first, others)
    answers = (
        f"{clause}{aside}{more}{end}"  # what is best is left out last, what else matters before it
        for end in _best(best, column == silent.column)
        for more in (too, ".")
        for clause in _clauses(told, first)
    )
    return in_few_words(answers, WORDS)


def _nothing_compared(told: Told) -> str:
    """Return why no choice can be judged, "" where some can."""
    rows = told.table[told.table["primary"].astype(bool)] if len(told.table) else told.table
    if rows.empty:
        if told.inert:
            return "No choice matters here: all levels are one and the same run."
        return "Nothing is compared: no factor has two levels."
    match rows["n"].max():
        case 0:
            return f"Nothing can be compared: no {told.design.replicate} is complete in the cells that would be."
        case 1:
            one = told.design.replicate
            return f"No choice can be judged yet: one {one} cannot tell an effect from the noise of {one}s."
    return ""


def _primary(told: Told) -> list[Response]:
    present = set(told.table["response"])
    return [response for response in told.responses.values() if response.primary and response.column in present]


def _family(told: Told, response: Response) -> pd.DataFrame:
    """Return the declared contrasts on a response that can be judged; what a screening's pairs share is none."""
    table = told.table
    return table[
        table["response"].eq(response.column)
        & table["n"].ge(2)
        & table["primary"].astype(bool)
        & table["kind"].ne("simple")
    ]


def _overridden(told: Told, family: pd.DataFrame) -> pd.Series:
    """Return which contrasts are averages over an interaction that is established."""
    clear = family[family["kind"].eq("interaction") & family["grade"].eq("established")]
    return pd.Series(contained(told, family, within(told, clear)), family.index, bool)


def _established(told: Told, response: Response) -> list[Row]:
    """Return the contrasts that are established and can be read alone, the largest first."""
    family = _family(told, response)
    rows = family[family["grade"].eq("established") & ~_overridden(told, family)]
    return told.rows(rows.loc[rows["estimate"].abs().sort_values(ascending=False, kind="stable").index])


def _clauses(told: Told, row: Row) -> Iterator[str]:
    """Yield what the largest effect is, in ever fewer words."""
    if row["kind"] == "interaction":
        focus, others = interacting(told, row)
        yield capital(f"the effect of {focus} on {row['label']} depends on {others}")
        yield capital(f"{_name(told, row)} interact on {row['label']}")
        return
    verb = "raises" if row["estimate"] > 0 else "lowers"
    yield capital(f"{subject(told, row)} {verb} {row['label']} by {size_of(row)}")
    factor, baseline, level = (one_line(row[name], SHORT) for name in ("factor", "baseline", "level"))
    change = f"{level} instead of {baseline}" if row["kind"] == "comparison" else long_step(factor, baseline, level)
    yield f"{change} {verb} {row['label']} by {size_of(row)}"


def _too(told: Told, first: Row, others: Sequence[Row]) -> str:
    """Return which other choices are established, by name where they are few, and the full stop."""
    on: dict[str, str] = {}  # by name, the metric of the strongest effect that is not of the first choice
    for row in others:
        on.setdefault(_name(told, row), row["metric"].label if row["response"] != first["response"] else "")
    on.pop(_name(told, first), None)
    if len(on) > NAMED:
        return f"; {len(on)} other choices matter too."
    groups: dict[str, list[str]] = {}
    for name, label in on.items():
        groups.setdefault(label, []).append(name)
    parts = [_matters(names, label) for label, names in groups.items()]
    return f"; {', '.join(parts)}." if parts else "."


def _matters(names: Sequence[str], label: str) -> str:
    """Return `dropout matters too`, or of an effect on another metric `dropout changes loss`."""
    one = "s" * (len(names) == 1)
    return f"{listed(list(names))} change{one} {label}" if label else f"{listed(list(names))} matter{one} too"


def _name(told: Told, row: Row) -> str:
    """Return what a contrast is about: its factors, an arm, a component."""
    if row["kind"] == "comparison":
        return one_line(row["level"], SHORT)
    if row["kind"] == "interaction":
        return " × ".join(one_line(component(*step), SHORT) for step in told.steps(row))
    return one_line(component(row["factor"], row["baseline"], row["level"]), SHORT)


def _not_shown(told: Told) -> Iterator[str]:
    """Yield that no choice is established, and what can be said instead, in ever fewer words."""
    families = [_family(told, response) for response in _primary(told)]
    rows = pd.concat(families)
    if rows["grade"].isin(["smaller than of interest", "inert"]).all():
        yield "No choice matters: every effect is below the size of interest."
        return
    a_cell = "" if told.design.paired else " a cell"
    plain = f"No choice is shown to matter in {count(int(rows['n'].max()), told.design.replicate)}{a_cell}"
    hints = dict.fromkeys(_name(told, row) for row in told.rows(rows[rows["grade"].eq("suggestive")]))
    if hints:
        yield f"{plain}; suggestive: {listed(list(hints)[:NAMED])}."
    yield f"{plain}."


def _best(best: Best | None, shown: bool) -> Iterator[str]:
    """Yield the sentence on the best cell, in ever fewer words; `shown` tells that a choice is known to change it."""
    if best is None:
        yield ""
        return
    which = "Best" if shown else "Nominally best"
    which += " cell" if best.of_all else " complete cell"
    yield f" {which}: {one_line(best.label)}, {best.figure}."
    there = ", ".join(map(one_line, best.changed)) or "the baseline"
    yield f" {which}: {there}, {best.figure}."
    yield f" {which}: {best.figure}."


# ---- the table of choices


def choices(told: Told) -> pd.DataFrame:
    """Return a row a declared contrast and a column a primary response: grade and what is seen; none of too many.

    Columns: contrast, and for each response its column with the row of the table of effects, its grade the one to be
    shown, or None.
    """
    if told.table.empty:
        return pd.DataFrame()
    responses = _primary(told)[:COLUMNS]
    families = {response.column: _family(told, response) for response in responses}
    contrasts = list(dict.fromkeys(label for family in families.values() for label in family["contrast"]))
    if not 0 < len(contrasts) <= CHOICES:
        return pd.DataFrame()
    columns: dict[str, list[Any]] = {"contrast": contrasts}
    for column, family in families.items():
        hidden = _overridden(told, family) & family["grade"].ne("inert")
        rows = told.rows(family.assign(grade=family["grade"].mask(hidden, OVERRIDDEN)))
        by_contrast = {row["contrast"]: row for row in rows}
        columns[column] = [by_contrast.get(contrast) for contrast in contrasts]
    return pd.DataFrame(columns, dtype=object)
