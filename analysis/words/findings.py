"""The table of effects -> graded sentences in plain words, the ones that open a report; text is not escaped here.

What stood in the way comes first (runs that diverged, were stopped or are missing, too few seeds), then factors that
are inert, then the primary responses by strength of evidence, then what is exploratory. Every figure is in its metric's
own unit, rounded by its interval.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.reading.study import Design
from analysis.statistics.gap import NET, TERMS
from analysis.statistics.grades import GRADES, SHOWN
from analysis.statistics.inert import inert_factors
from analysis.statistics.intervals import ALPHA
from analysis.statistics.responses import Response
from analysis.words.markup import one_line
from analysis.words.names import better_or_worse, response_label, term_label
from analysis.words.outcomes import Finding, cautions, design_notes, outcomes
from analysis.words.phrases import listed
from analysis.words.quantities import bare_change_of, brief, change_of, evidence
from analysis.words.rounding import places_of
from analysis.words.sentences import SHORTER, claim, in_few_words, overridden_sentence, sentence
from analysis.words.told import NOTEWORTHY, Told, chosen_rows, contained, explained, strongest, told_of, within

MANY_TESTS = 20  # from which it is said how many intervals exclude zero by chance
MANY_COMPARISONS = 4  # of arms, from which they are summed up
EXPLORATORY = 4  # sentences on the gap


def findings(
    declaration: Mapping[str, Any],
    effects: pd.DataFrame,
    runs: pd.DataFrame,
    responses: dict[str, Response],
    example: str = "image",
    examples: int | None = None,
) -> list[Finding]:
    """Return the study's findings in the order of the report.

    `declaration` is study.json's contents, `effects` the table of `analysis.statistics.effects`, `runs` a frame of
    runs, `example` what an example of the data is called, `examples` how many are validated on. Beside the grades of
    effects there are "outcome" (runs diverged or were stopped), "incomplete" (runs failed, are missing, or are left
    out), "design", "inert" and "not interpretable alone".
    """
    told = told_of(declaration, effects, responses, example, examples)
    design = told.design
    primary_of_runs = [response for response in responses.values() if response.primary and response.column in runs]
    return [
        *outcomes(runs, primary_of_runs, design.whole_seeds, design.kind == "screening", design.paired),
        *cautions(effects, runs, design.paired),
        *design_notes(design, "other_end" in declaration),
        *_inert(declaration, design),
        *_arms_at_a_glance(told),
        *_primary(told),
        *_shared(told),
        *_exploratory(told),
    ]


def _inert(declaration: Mapping[str, Any], design: Design) -> Iterable[Finding]:
    """Yield a sentence for each factor that changes nothing, everywhere or somewhere."""
    for factor, where in inert_factors(declaration):
        levels = "both levels are" if len(design.factors[factor]) == 2 else "all its levels are"
        place = f"at {one_line(where)}" if where else "here"
        yield Finding(
            f"Inert: {one_line(factor)} changes nothing {place}: {levels} one and the same run.", "inert", "", factor
        )


def _arms_at_a_glance(told: Told) -> Iterable[Finding]:
    """Yield for each primary response which comparisons of arms are better or worse beyond seed noise, if many."""
    for response in _primary_responses(told):
        rows = told.table[told.table["response"].eq(response.column) & told.table["n"].ge(2)]
        rows = rows[rows["kind"].eq("comparison")]
        if len(rows) < MANY_COMPARISONS:
            continue
        found = [row for row in told.rows(rows) if row["grade"] == "established"]
        sides = Counter(better_or_worse(response.metric, row["estimate"]) for row in found)
        order = ("better", "worse", "higher", "lower")
        told_sides = [f"{sides[side]} {side}" for side in order if sides[side]] or ["none"]
        noise = f"beyond the noise of {told.design.replicate}s"
        yield Finding(
            f"Of {len(rows)} comparisons on {response_label(response)}, established, so {noise}, are "
            f"{listed(told_sides)}; {len(rows) - len(found)} are not.",
            "",
            response.column,
        )


def _primary(told: Told) -> Iterable[Finding]:
    """Yield the sentences on the primary responses, the best supported first, then a line on the rest of each."""
    graded = [finding for response in _primary_responses(told) for finding in _on_response(told, response)]
    strength = [*GRADES, ""]
    yield from sorted(graded, key=lambda finding: strength.index(_base_grade(finding)))


def _base_grade(finding: Finding) -> str:
    """Return the grade that a finding is sorted by: a note on an interaction follows it."""
    return "established" if finding.grade == "not interpretable alone" else finding.grade


def _primary_responses(told: Told) -> list[Response]:
    """Return the primary responses that the table of effects has."""
    present = set(told.table["response"])
    return [response for response in told.responses.values() if response.primary and response.column in present]


def _on_response(told: Told, response: Response) -> Iterable[Finding]:
    """Yield the sentences on one response: clear interactions, what they override, then row by row, then a sum."""
    rows = told.table[told.table["response"].eq(response.column) & told.table["n"].ge(2)]
    family = rows[~rows["kind"].isin(["simple", "shared"])]
    clear = family[family["kind"].eq("interaction") & family["grade"].eq("established")]
    parts = within(told, clear)
    split = family[family["kind"].eq("interaction") & family["grade"].isin(SHOWN)]
    spare = rows[rows["kind"].eq("simple") & ~explained(told, rows, split)]
    clear = clear[~contained(told, clear, parts)]  # the highest: those in no other clear one
    hidden = family[contained(told, family, parts)]
    plain = pd.concat([family.drop(index=[*clear.index, *hidden.index]), spare])
    chosen = chosen_rows(plain)
    column = response.column
    for row in told.rows(strongest(clear).head(NOTEWORTHY)):
        yield Finding(sentence(told, row), row["grade"], column, row["contrast"])
    if len(hidden):
        yield Finding(overridden_sentence(told, hidden, clear), "not interpretable alone", column)
    for row in told.rows(chosen):
        yield Finding(sentence(told, row), row["grade"], column, row["contrast"])
    yield from _remainder(plain.drop(index=chosen.index), max(len(clear) - NOTEWORTHY, 0), response, len(family))


def _remainder(rest: pd.DataFrame, unlisted: int, response: Response, tests: int) -> Iterable[Finding]:
    """Yield one line on the contrasts that got no sentence: how many of each grade."""
    counts = Counter(rest["grade"]) + Counter({"established": unlisted})
    total = sum(counts.values())
    if total:
        parts = ", ".join(f"{counts[grade]} {grade}" for grade in GRADES if counts[grade])
        noun = "contrast" if total == 1 else "contrasts"
        luck = f"; by chance alone about {round(ALPHA * tests)} of {tests} intervals would exclude zero"
        yield Finding(
            f"{total} other {noun} on {response_label(response)}: {parts}{luck if tests >= MANY_TESTS else ''}; "
            "see tables/effects.csv.",
            "",
            response.column,
        )


def _shared(told: Told) -> Iterable[Finding]:
    """Yield what shows of the figures that a screening's pairs share: suggestive at most."""
    primary = [response.column for response in _primary_responses(told)]
    table = told.table[told.table["kind"].eq("shared") & told.table["response"].isin(primary)]
    for row in told.rows(strongest(table[table["grade"].eq("suggestive")]).head(EXPLORATORY)):
        pairs = told.pairs[row["contrast"]]
        yield Finding(
            f"Exploratory, suggestive: on {row['label']}, {_together(pairs)}: {change_of(row)} ({brief(row)}).",
            row["grade"],
            row["response"],
            row["contrast"],
        )


def _exploratory(told: Told) -> Iterable[Finding]:
    """Yield sentences on what changes a gap, by which of its parts, or a metric that is not primary: suggestive."""
    columns = [
        column for column, response in told.responses.items() if not response.primary and response.term in ("", NET)
    ]
    rows = told.table[
        told.table["response"].isin(columns)
        & told.table["kind"].isin(["main", "comparison"])
        & told.table["grade"].eq("suggestive")
    ]
    for row in told.rows(strongest(rows).head(EXPLORATORY)):
        yield Finding(
            in_few_words(f"Exploratory, suggestive: {text}." for text in _on_the_gap(told, row)),
            row["grade"],
            row["response"],
            row["contrast"],
        )


def _together(pairs: Sequence[tuple[str, str]]) -> str:
    """Return whose figure it is that pairs share."""
    names = [f"{one_line(first)} × {one_line(second)}" for first, second in pairs]
    return f"{listed(names)} cannot be told apart" if len(names) > 1 else names[0]


def _on_the_gap(told: Told, row: dict[str, Any]) -> Iterable[str]:
    """Yield what changes a gap, with the part that moves most where one is measured, in ever fewer words."""
    for part in dict.fromkeys([_largest_part(told, row), ""]):
        for short in SHORTER:
            for bounds in (evidence(row), brief(row)):
                yield f"{claim(told, row, short)} ({bounds}){part}"


def _largest_part(told: Told, row: dict[str, Any]) -> str:
    """Return what contributes most to a change of the gap; "" where no part is measured."""
    metric = row["metric"]
    terms = {
        column: response.term
        for column, response in told.responses.items()
        if response.metric == metric and response.term in TERMS
    }
    if told.responses[row["response"]].term != NET:
        return ""
    same = told.table["contrast"].eq(row["contrast"]) & told.table["n"].eq(row["n"])
    parts = told.rows(told.table[same & told.table["response"].isin(list(terms))])
    if not parts:
        return ""
    most = max(parts, key=lambda part: abs(part["estimate"]))
    return f"; most from {term_label(terms[most['response']])}, {bare_change_of(most, places_of(row, metric))}"
