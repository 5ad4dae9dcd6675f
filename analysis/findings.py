"""The table of effects -> graded sentences in plain words, the ones that open a report; text is not escaped here.

What stood in the way comes first (runs that diverged or are missing, too few seeds), then factors that are inert, then
the primary responses by strength of evidence, then what is exploratory. Accuracies differ by percentage points, losses
by nats, both rounded by their interval.
"""

import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.effects import (
    ALPHA,
    GAP_PARTS,
    GRADES,
    HIGHEST_ORDER,
    RESPONSES,
    SHOWN,
    Contrast,
    few,
    highest_order,
    left_out,
    lost_cells,
    named,
)
from analysis.markup import one_line
from analysis.rounding import decimals, scale_of
from analysis.tables import Design, complete_seeds

UNITS = {"accuracy": "percentage points", "loss": "nats"}
MANY_TESTS = 20  # from which it is said how many intervals exclude zero by chance
MORE_SEEDS = 1000  # a larger number of seeds is not printed
MANY_COMPARISONS = 4  # of arms, from which they are summed up
NOTEWORTHY = 10  # sentences a response on contrasts that are established
QUIET = 4  # and on contrasts of each grade that shows nothing
EXPLORATORY = 4  # sentences on the gap
CELLS_NAMED = 4
SEEDS_NAMED = 5  # with the reason why they are left out
SEEDS_LISTED = 12
EXTRA_DECIMALS = 3  # at most, for a bound that would be rounded to zero
MOST_TOLD = {"established": NOTEWORTHY, "suggestive": 4}
NO_RUN = "there is no run for"
VERDICTS = {"diverged": "outcome", "failed": "incomplete", "missing": "incomplete"}


Step = tuple[str, str, str]  # factor, baseline level, other level


@dataclass(frozen=True)
class Finding:
    """One sentence; `grade` is one of effects.GRADES, or what else it tells (see `findings`); "" where none fits."""

    text: str
    grade: str
    response: str = ""
    contrast: str = ""


@dataclass(frozen=True)
class Told:
    """What the sentences are made from: the design and the table, less what an inert factor makes zero."""

    design: Design
    inert: tuple[str, ...]  # factors that change nothing anywhere
    contrasts: dict[str, Contrast]  # the declared ones by their label
    table: pd.DataFrame

    def steps(self, row: dict[str, Any]) -> tuple[Step, ...]:
        """Return what the row's contrast changes."""
        if row["kind"] != "interaction":
            return ((row["factor"], row["baseline"], row["level"]),)
        levels, steps = self.design.factors, self.contrasts[row["contrast"]].steps
        return tuple((factor, levels[factor][start], levels[factor][end]) for factor, start, end in steps)

    @property
    def tests(self) -> int:
        """How many tests Holm's correction covers."""
        return int(self.table["p_holm"].notna().sum())


def findings(declaration: dict[str, Any], effects: pd.DataFrame, runs: pd.DataFrame) -> list[Finding]:
    """Return the study's findings in the order of the report.

    `declaration` is study.json's contents, `effects` the table of `analysis.effects.effects`, `runs` that of
    `analysis.tables`. Beside the grades of effects there are "outcome" (runs diverged), "incomplete"
    (runs failed, are missing, or are left out), "design", "inert" and "not interpretable alone".
    """
    design = Design(
        declaration["design"],
        {factor["key"]: tuple(factor["levels"]) for factor in declaration["factors"]},
        tuple(tuple(pair) for pair in declaration.get("comparisons", ())),
        declaration["mode"],
    )
    everywhere = tuple(key for key, where in inert_factors(declaration) if not where)
    told = without_inert(Told(design, everywhere, named(design), effects))
    return [
        *outcomes(runs),
        *cautions(effects, runs),
        *design_notes(design, "other_end" in declaration),
        *inert(declaration, design),
        *arms_at_a_glance(told),
        *primary(told),
        *exploratory(told),
    ]


# ---- what stood in the way


def outcomes(runs: pd.DataFrame) -> Iterable[Finding]:
    """Yield what became of runs that are not complete, which seeds are left out, and which cells are lost."""
    for status, verdict in VERDICTS.items():
        affected = runs[runs["status"].eq(status)]
        if len(affected):
            yield Finding(f"{verdict.capitalize()}: {shares(affected, runs, status)}.", verdict)
    lost = lost_cells(runs)
    if lost and len(lost) < runs["cell"].nunique():
        yield Finding(
            f"Cannot be said: {few([one_line(cell) for cell in lost])} {'has' if len(lost) == 1 else 'have'} "
            "no complete run, so no contrast that involves it can be computed.",
            "cannot be said",
        )
    missed = left_out(runs)
    if missed and len(missed) < runs["seed"].nunique():
        remain = runs["seed"].nunique() - len(missed)
        yield Finding(
            f"Incomplete: {seeds_and_reasons(missed)} left out of all comparisons; "
            f"{remain} of {runs['seed'].nunique()} seeds remain.",
            "incomplete",
        )
    for response in primary_responses(runs):
        yield from without_value(runs, response)


def shares(affected: pd.DataFrame, runs: pd.DataFrame, status: str) -> str:
    """Return in what share of seeds the cells' runs have the status, the first cells by name."""
    verb = NO_RUN if status == "missing" else f"training {status} in"
    totals = runs.groupby("cell", sort=False).size()
    parts = [
        f"{len(group)} of {seed_count(totals[cell])} at {one_line(cell)} ({seed_names(list(group['seed']))})"
        for cell, group in affected.groupby("cell", sort=False)
    ]
    more = len(parts) - CELLS_NAMED
    return f"{verb} {'; '.join(parts[:CELLS_NAMED])}" + (f"; and in {more} more cells" if more > 0 else "")


def seeds_and_reasons(missed: Sequence[tuple[int, str]]) -> str:
    """Return `seed 3 (diverged at dropout=false) is`, every seed by name, reasons while they are few."""
    verb = "is" if len(missed) == 1 else "are"
    if len(missed) > SEEDS_NAMED:
        return f"{seed_names([seed for seed, _ in missed])} {verb}"
    return f"{listed([f'seed {seed} ({reason})' for seed, reason in missed])} {verb}"


def without_value(runs: pd.DataFrame, response: str) -> Iterable[Finding]:
    """Yield which complete seeds lack a finite value of the response somewhere."""
    whole = runs[runs["seed"].isin(complete_seeds(runs)) & runs["status"].eq("complete")]
    lacking = whole["seed"][~np.isfinite(whole[response].to_numpy(float))].unique()
    if len(lacking):
        yield Finding(
            f"Incomplete: for {RESPONSES[response].label}, {seed_names(list(lacking))} "
            f"{'is' if len(lacking) == 1 else 'are'} left out, since a cell has no finite value there.",
            "incomplete",
            response,
        )


def cautions(effects: pd.DataFrame, runs: pd.DataFrame) -> Iterable[Finding]:
    """Yield what can be said with no factor, or with fewer than three seeds."""
    if effects.empty:
        yield Finding("Cannot be said: no factor has two levels, so there is nothing to compare.", "cannot be said")
        return
    seeds, n = complete_seeds(runs), effects.loc[effects["primary"].astype(bool), "n"].max()
    if n == 0 and not seeds:
        yield Finding("Cannot be said: no seed is complete in every cell, so nothing is compared.", "cannot be said")
    elif n == 1:
        which = f" (seed {seeds[0]})" if len(seeds) == 1 else ""
        yield Finding(
            f"Cannot be said: there is one run per cell to compare{which}, and one run cannot tell a difference "
            "between cells from the difference that a new seed makes; take at least 3 seeds, better 5 or more.",
            "cannot be said",
        )
    elif n == 2:
        yield Finding(
            "Only 2 seeds: an interval then rests on a single degree of freedom and reaches 12.7 standard errors to "
            "either side, so only very large and very even effects can show; the exact test cannot go below p = 0.5.",
            "design",
        )


def design_notes(design: Design, both_ends: bool = False) -> Iterable[Finding]:
    """Yield what the design leaves open; `both_ends` tells whether leave-one-out and add-one were both run."""
    mode = design.mode
    if mode:
        on = "on" if mode == "leave-one-out" else "off"
        together = "shows only where the other end is compared" if both_ends else "cannot be said"
        yield Finding(
            f"{mode.capitalize()}: all components are {on} in the baseline and each is switched alone, so how they "
            f"act together {together}.",
            "design",
        )
    elif design.kind == "one_at_a_time" and len(design.factors) > 1:
        yield Finding(
            "One at a time: every level is compared with the baseline cell alone, so how the factors act together "
            "cannot be said.",
            "design",
        )
    elif design.kind == "factorial" and highest_order(design) < len(design.factors):
        yield Finding(f"Interactions of more than {HIGHEST_ORDER} factors are not looked at.", "design")


# ---- inert factors


def inert_factors(declaration: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (factor, where), where = "" for everywhere: a factor that is inert at all others' levels is."""
    found: dict[str, list[str]] = {}
    for each in declaration.get("inert", []):
        found.setdefault(each["factor"], []).append(each["where"])
    return [
        (factor, where)
        for factor, places in found.items()
        for where in ([""] if "" in places or set(places) >= comparable(declaration, factor) else places)
    ]


def comparable(declaration: dict[str, Any], factor: str) -> set[str]:
    """Return the conditions under which the study has the factor at more than one level."""
    conditions = Counter(
        ", ".join(f"{key}={level}" for key, level in cell["levels"].items() if key != factor)
        for cell in declaration.get("cells", [])
    )
    return {condition for condition, cells in conditions.items() if cells > 1} or {""}


def without_inert(told: Told) -> Told:
    """Return what is told less the rows that involve a factor which is inert everywhere."""
    if told.table.empty or not told.inert:
        return told
    kept = [not any(factor in told.inert for factor, _, _ in told.steps(row)) for row in records(told.table)]
    return replace(told, table=told.table[kept].reset_index(drop=True))


def inert(declaration: dict[str, Any], design: Design) -> Iterable[Finding]:
    """Yield a sentence for each factor that changes nothing, everywhere or somewhere."""
    for factor, where in inert_factors(declaration):
        levels = "both levels are" if len(design.factors[factor]) == 2 else "all its levels are"
        place = f"at {one_line(where)}" if where else "here"
        yield Finding(
            f"Inert: {one_line(factor)} changes nothing {place}: {levels} one and the same run.", "inert", "", factor
        )


# ---- primary responses


def arms_at_a_glance(told: Told) -> Iterable[Finding]:
    """Yield for each primary response which comparisons of arms are better or worse beyond seed noise, if many."""
    for response in primary_responses(told.table):
        rows = told.table[told.table["response"].eq(response) & told.table["n"].ge(2)]
        rows = rows[rows["kind"].eq("comparison")]
        if len(rows) < MANY_COMPARISONS:
            continue
        established = rows["grade"].eq("established")
        better = rows["estimate"].lt(0) if RESPONSES[response].metric == "loss" else rows["estimate"].gt(0)
        groups = {"better": established & better, "worse": established & ~better, "not beyond it": ~established}
        parts = [
            f"{name}: {listed([one_line(each) for each in rows['contrast'][kept]])}"
            for name, kept in groups.items()
            if kept.any()
        ]
        yield Finding(
            f"Of {len(rows)} comparisons on {RESPONSES[response].label}, beyond the noise of seeds (established) are "
            f"{'; '.join(parts)}.",
            "",
            response,
        )


def primary(told: Told) -> Iterable[Finding]:
    """Yield the sentences on the primary responses, the best supported first, then a line on the rest of each."""
    graded = [finding for response in primary_responses(told.table) for finding in on_response(told, response)]
    strength = [*GRADES, ""]
    yield from sorted(graded, key=lambda finding: strength.index(base_grade(finding)))


def base_grade(finding: Finding) -> str:
    """Return the grade that a finding is sorted by: a note on an interaction follows it."""
    return "established" if finding.grade == "not interpretable alone" else finding.grade


def primary_responses(frame: pd.DataFrame) -> list[str]:
    """Return the primary responses that the table of effects, or of runs, has."""
    present = set(frame["response"]) if "response" in frame else set(frame.columns)
    return [name for name, response in RESPONSES.items() if response.primary and name in present]


def on_response(told: Told, response: str) -> Iterable[Finding]:
    """Yield the sentences on one response: clear interactions, what they override, then row by row, then a sum."""
    rows = told.table[told.table["response"].eq(response) & told.table["n"].ge(2)]
    family = rows[rows["kind"].ne("simple")]
    clear = family[family["kind"].eq("interaction") & family["grade"].eq("established")]
    parts = within(told, clear)
    split = family[family["kind"].eq("interaction") & family["grade"].isin(SHOWN)]
    spare = rows[rows["kind"].eq("simple") & ~explained(told, rows, split)]
    clear = clear[~contained(told, clear, parts)]  # the highest: those in no other clear one
    hidden = family[contained(told, family, parts)]
    plain = pd.concat([family.drop(index=[*clear.index, *hidden.index]), spare])
    chosen = chosen_rows(plain)
    for row in records(strongest(clear).head(NOTEWORTHY)):
        yield Finding(interaction_headline(told, row), row["grade"], response, row["contrast"])
    if len(hidden):
        yield Finding(overridden_sentence(told, hidden, clear), "not interpretable alone", response)
    for row in records(chosen):
        yield Finding(sentence(told, row), row["grade"], response, row["contrast"])
    yield from remainder(plain.drop(index=chosen.index), max(len(clear) - NOTEWORTHY, 0), response, len(family))


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dictionaries."""
    return rows.to_dict("records")


def within(told: Told, clear: pd.DataFrame) -> set[tuple[Step, ...]]:
    """Return the steps of every main effect and lower interaction that the clear interactions contain."""
    return {
        part
        for row in records(clear)
        for order in range(1, len(told.steps(row)))
        for part in itertools.combinations(told.steps(row), order)
    }


def contained(told: Told, rows: pd.DataFrame, parts: set[tuple[Step, ...]]) -> np.ndarray:
    """Return which rows are one of the parts: (rows,) bool."""
    return np.array([told.steps(row) in parts for row in records(rows)], bool)


def explained(told: Told, rows: pd.DataFrame, split: pd.DataFrame) -> pd.Series:
    """Return whether a simple effect is of a factor in an interaction that shows, not there for want of other cells."""
    factors = {factor for row in records(split) for factor, _, _ in told.steps(row)}
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
    quiet = [few_rows(group) for _, group in rows[~rows["grade"].isin(MOST_TOLD)].groupby("grade", sort=False)]
    return pd.concat([*shows, *quiet])


def few_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows where they are few, else those that are no interactions where those are few, else none."""
    plain = rows[rows["kind"].ne("interaction")]
    return next((each for each in (rows, plain) if len(each) <= QUIET), rows.iloc[:0])


def remainder(rest: pd.DataFrame, unlisted: int, response: str, tests: int) -> Iterable[Finding]:
    """Yield one line on the contrasts that got no sentence: how many of each grade."""
    counts = Counter(rest["grade"]) + Counter({"established": unlisted})
    total = sum(counts.values())
    if total:
        parts = ", ".join(f"{counts[grade]} {grade}" for grade in GRADES if counts[grade])
        noun = "contrast" if total == 1 else "contrasts"
        luck = f"; by chance alone about {round(ALPHA * tests)} of {tests} intervals would exclude zero"
        yield Finding(
            f"{total} other {noun} on {RESPONSES[response].label}: {parts}{luck if tests >= MANY_TESTS else ''}; "
            "see tables/effects.csv.",
            "",
            response,
        )


# ---- exploratory responses


def exploratory(told: Told) -> Iterable[Finding]:
    """Yield sentences on what changes the train/validation gap and by which of its parts; at most suggestive."""
    rows = told.table[
        told.table["response"].isin(["gap_accuracy", "gap_loss"])
        & told.table["kind"].isin(["main", "comparison"])
        & told.table["grade"].eq("suggestive")
    ]
    for row in records(strongest(rows).head(EXPLORATORY)):
        yield Finding(
            f"Exploratory, suggestive: {claim(told, row)} ({evidence(told, row)}){parts_of_gap(told, row)}.",
            row["grade"],
            row["response"],
            row["contrast"],
        )


def parts_of_gap(told: Told, row: dict[str, Any]) -> str:
    """Return what each part contributes to a change of the gap, the largest first; "" where none is measured."""
    names = {f"{row['response']}_{part}": label for part, label in GAP_PARTS.items()}
    same = told.table["contrast"].eq(row["contrast"]) & told.table["n"].eq(row["n"])
    parts = records(told.table[same & told.table["response"].isin(list(names))])
    if not parts:
        return ""
    scale, places = shown_as(row)
    ordered = sorted(parts, key=lambda part: -abs(part["estimate"]))
    return "; of this " + listed(
        [f"{signed(part['estimate'] * scale, places)} from {names[part['response']]}" for part in ordered]
    )


# ---- sentences


def sentence(told: Told, row: dict[str, Any]) -> str:
    """Return the row's one sentence, its grade first."""
    grade = row["grade"]
    label = RESPONSES[row["response"]].label
    opening = grade[0].upper() + grade[1:]
    if grade == "no difference at all":
        return f"{opening}: {unchanged(told, row, label)}."
    if grade == "smaller than of interest":
        return f"{opening}: {bounded(told, row, label)} ({estimate_of(row)}, {evidence(told, row)})."
    if grade == "not shown":
        return f"{opening}: {unproven(told, row, label)} ({estimate_of(row)}, {evidence(told, row)}){plan_for(row)}."
    small = max(abs(row["low"]), abs(row["high"])) < row["sesoi"]
    aside = f", less than the {sesoi_of(row)} that would be of interest" if small else ""
    doubt = f"; {why_only_suggestive(told, row)}{plan_for(row)}" if grade == "suggestive" else ""
    return f"{opening}: {claim(told, row)}{aside} ({evidence(told, row)}){doubt}."


def claim(told: Told, row: dict[str, Any]) -> str:
    """Return what the row says happens."""
    label = RESPONSES[row["response"]].label
    scale, places = shown_as(row)
    size = f"{abs(row['estimate']) * scale:.{places}f} {unit_of(row)}"
    if row["kind"] == "interaction":
        focus, others = interacting(told, row)
        interaction = f"interaction{halves(told, row)} is {signed(row['estimate'] * scale, places)} {unit_of(row)}"
        simple = simple_clauses(told, row)
        return f"the effect of {focus} on {label} may depend on {others}: " + (
            f"{simple}; the {interaction}" if simple else f"the {interaction}"
        )
    verb = "raise" if row["estimate"] > 0 else "lower"
    says = f"{verb}s" if row["grade"] == "established" else f"seems to {verb}"
    return f"{subject(told, row)} {says} {label} by {size}{averaging(told, row)}"


def unproven(told: Told, row: dict[str, Any], label: str) -> str:
    """Return what has not been shown."""
    if row["kind"] == "interaction":
        focus, others = interacting(told, row)
        return f"that the effect of {focus} on {label} depends on {others}"
    return f"that {subject(told, row)} changes {label}{averaging(told, row)}"


def bounded(told: Told, row: dict[str, Any], label: str) -> str:
    """Return what is shown to be small."""
    if row["kind"] == "interaction":
        names = listed([step_name(told, step) for step in told.steps(row)])
        return f"the interaction of {names} on {label}{halves(told, row)} is less than {sesoi_of(row)} either way"
    return f"{subject(told, row)} changes {label} by less than {sesoi_of(row)} either way{averaging(told, row)}"


def unchanged(told: Told, row: dict[str, Any], label: str) -> str:
    """Return what stays exactly the same."""
    if row["kind"] == "interaction":
        focus, others = interacting(told, row)
        return f"the effect of {focus} on {label} does not depend on {others} in any of the {row['n']} seeds"
    return f"{subject(told, row)} leaves {label} exactly as it was in all {row['n']} seeds{averaging(told, row)}"


def interaction_headline(told: Told, row: dict[str, Any]) -> str:
    """Return a clear interaction told by its simple effects."""
    focus, others = interacting(told, row)
    label = RESPONSES[row["response"]].label
    scale, places = shown_as(row)
    return (
        f"Established: the effect of {focus} on {label} depends on {others}: {simple_clauses(told, row)}. "
        f"The interaction{halves(told, row)} is {signed(row['estimate'] * scale, places)} {unit_of(row)} "
        f"({evidence(told, row)})."
    )


def simple_clauses(told: Told, row: dict[str, Any]) -> str:
    """Return the interaction's simple effects, one after the other; nothing where the table has none of them."""
    certain, effects = row["grade"] == "established", simple_rows(told, row)
    return "; ".join(simple_clause(told, each, place == 0, certain) for place, each in enumerate(effects))


def simple_rows(told: Told, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the simple effects of the interaction's first factor, in the order of the others' levels."""
    (factor, baseline, level), *others = told.steps(row)
    rows = told.table[told.table["response"].eq(row["response"])]
    simple = rows[rows["kind"].eq("simple") & rows["factor"].eq(factor)]
    simple = simple[simple["baseline"].eq(baseline) & simple["level"].eq(level)]
    by_place = {each["at"]: each for each in records(simple)}
    places = itertools.product(*([f"{other}={start}", f"{other}={end}"] for other, start, end in others))
    return [by_place[place] for place in map(", ".join, places) if place in by_place]


def simple_clause(told: Told, row: dict[str, Any], first: bool, certain: bool) -> str:
    """Return `at b=x, changing a from p to q lowers it by 1.0 percentage points (95 % interval ...)`."""
    scale, places = shown_as(row)
    what = subject(told, row | {"at": ""}) if first else "it"
    size = f"{abs(row['estimate']) * scale:.{places}f} {unit_of(row)}"
    if row["grade"] == "suggestive":
        verb = "raise" if row["estimate"] > 0 else "lower"
        change = f"{f'{verb}s' if certain else f'seems to {verb}'} it by {size}"
    else:
        change = f"changes it by {signed(row['estimate'] * scale, places)} {unit_of(row)}"
    doubt = "" if row["grade"] == "suggestive" else f": {row['grade']}"
    return f"at {one_line(row['at'])}, {what} {change} ({interval_of(row)}{doubt})"


def overridden_sentence(told: Told, hidden: pd.DataFrame, clear: pd.DataFrame) -> str:
    """Return that the averages over a clear interaction are not to be read alone, with their numbers."""
    parts = [average_of(told, row) for row in records(hidden.head(NOTEWORTHY))]
    more = len(hidden) - len(parts)
    label = RESPONSES[hidden["response"].iloc[0]].label
    what = listed([*parts, *([f"{more} more"] if more else [])])
    these = "this interaction" if len(clear) == 1 else "these interactions"
    return f"Not interpretable alone: the effects on {label} of {what}, which are averages over {these}."


def average_of(told: Told, row: dict[str, Any]) -> str:
    """Return `dropout (−0.38, 95 % interval ...)`."""
    scale, places = shown_as(row)
    factors = " × ".join(step_name(told, step) for step in told.steps(row))
    return f"{factors} ({signed(row['estimate'] * scale, places)} {unit_of(row)}, {interval_of(row)})"


# ---- parts of sentences


def subject(told: Told, row: dict[str, Any]) -> str:
    """Return what is done: `changing dropout from true to false`, `leaving out dropout`, `b instead of a`."""
    factor, baseline, level = (one_line(row[name]) for name in ("factor", "baseline", "level"))
    if row["kind"] == "comparison":
        return f"{level} instead of {baseline}"
    verb = {"leave-one-out": "leaving out", "add-one": "adding"}.get(told.design.mode)
    part = component(row["factor"], row["level"])
    done = f"{verb} {one_line(part)}" if verb else f"changing {factor} from {baseline} to {level}"
    return f"at {one_line(row['at'])}, {done}" if row["at"] else done


def component(factor: str, level: str) -> str:
    """Return what a level switches: the factor, or the layers that a level of model.without names."""
    return listed(json.loads(level)) if factor == "model.without" else factor


def averaging(told: Told, row: dict[str, Any]) -> str:
    """Return over what a main effect of a factorial is averaged."""
    if told.design.kind != "factorial" or row["kind"] != "main":
        return ""
    silent = {row["factor"], *told.inert}
    others = [key for key, levels in told.design.factors.items() if key not in silent and len(levels) > 1]
    if not others:
        return ""
    return f", averaged over {listed([one_line(other) for other in others]) if len(others) < 3 else 'all others'}"


def interacting(told: Told, row: dict[str, Any]) -> tuple[str, str]:
    """Return the interaction's first factor, and the others in a row."""
    first, *others = (step_name(told, step) for step in told.steps(row))
    return first, listed(others) + (" together" if len(others) > 1 else "")


def step_name(told: Told, step: Step) -> str:
    """Return the factor's key, with the levels that are compared where it has more than two."""
    factor, baseline, level = map(one_line, step)
    two = len(told.design.factors.get(step[0], ())) <= 2
    return factor if two else f"{factor} ({baseline} → {level})"


def halves(told: Told, row: dict[str, Any]) -> str:
    """Return how an interaction of two factors is counted."""
    return " (half the difference of the two effects)" if len(told.steps(row)) == 2 else ""


def evidence(told: Told, row: dict[str, Any]) -> str:
    """Return interval, n, corrected p, exact p with its floor, and whether the pooled analysis disagrees."""
    parts = [f"{interval_of(row)}, n = {row['n']} seeds"]
    if row["se"] == 0:
        parts.append("the same in every seed")
    if math.isfinite(row["p_holm"]):
        parts.append(f"Holm {p_of(row['p_holm'])}")
    elif row["se"] > 0:
        parts.append(f"{p_of(row['p'])}, uncorrected since exploratory")
    parts.append(exact_of(row))
    if row["disagrees"]:
        pooled = f"F(1, {row['pooled_df']:.0f}) = {row['pooled_f']:.1f}, {p_of(row['pooled_p'])}"
        parts.append(f"the pooled analysis of variance disagrees: {pooled}")
    return "; ".join(parts)


def exact_of(row: dict[str, Any]) -> str:
    """Return the sign-flip test's p with its floor, the lowest that so many seeds allow."""
    at_floor = row["p_exact"] <= row["p_floor"] * 1.001
    floor = "its floor" if at_floor else f"floor {p_of(row['p_floor'], 3).removeprefix('p = ').removeprefix('p ')}"
    return f"exact {p_of(row['p_exact'], 3)}, {floor}"


def p_of(p: float, digits: int = 2) -> str:
    """Return `p = 0.012` or `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.{digits}g}"


def why_only_suggestive(told: Told, row: dict[str, Any]) -> str:
    """Return what keeps the row from being established."""
    agreeing = row["positive"] if row["estimate"] > 0 else row["negative"]
    if not math.isfinite(row["p_holm"]):
        return "outside the declared comparisons"
    if row["p_holm"] >= ALPHA:
        return f"it does not survive the correction for {told.tests} tests"
    return f"only {agreeing} of {row['n']} seeds agree in sign"


def plan_for(row: dict[str, Any]) -> str:
    """Return how many seeds would show an effect as seen and the smallest of interest, where that is more than n."""
    sizes = {
        "seeds_needed": "an effect of the size seen",
        "seeds_needed_sesoi": f"the smallest of interest ({sesoi_of(row)})",
    }
    parts = [
        f"{seeds_text(row[name])} for {size}"
        for name, size in sizes.items()
        if pd.notna(row[name]) and row[name] > row["n"]
    ]
    return f"; 80 % power takes {', '.join(parts)}" if parts else ""


def seeds_text(seeds: int) -> str:
    """Return how many seeds are needed, or that it is more than anyone trains."""
    return f"about {seeds} seeds" if seeds <= MORE_SEEDS else f"more than {MORE_SEEDS:,} seeds"


def shown_as(row: dict[str, Any]) -> tuple[float, int]:
    """Return the factor to the shown unit, and decimals: two digits of the interval's half width.

    More where a bound of an interval that excludes zero would be rounded to zero.
    """
    scale, otherwise = scale_of(RESPONSES[row["response"]].metric)
    half = (row["high"] - row["low"]) / 2 * scale
    places = decimals(half, decimals(abs(row["estimate"]) * scale, otherwise))
    nearest = min(abs(row["low"]), abs(row["high"])) * scale
    if half > 0 and row["low"] * row["high"] > 0:
        for _ in range(EXTRA_DECIMALS):
            places += round(nearest, places) == 0
    return scale, places


def signed(value: float, places: int) -> str:
    """Return the value with its sign, + as well; zero without one."""
    text = f"{value:+.{places}f}".replace("-", "−")
    return text[1:] if float(text[1:]) == 0 else text


def bound(value: float, places: int) -> str:
    """Return the value with a sign where it is negative."""
    return signed(value, places).removeprefix("+")


def interval_of(row: dict[str, Any]) -> str:
    """Return `95 % interval −0.42 to −0.10`."""
    scale, places = shown_as(row)
    return f"95 % interval {bound(row['low'] * scale, places)} to {bound(row['high'] * scale, places)}"


def estimate_of(row: dict[str, Any]) -> str:
    """Return `estimate +0.12 percentage points`."""
    scale, places = shown_as(row)
    return f"estimate {signed(row['estimate'] * scale, places)} {unit_of(row)}"


def unit_of(row: dict[str, Any]) -> str:
    """Return the unit that the row's response is shown in."""
    return UNITS[RESPONSES[row["response"]].metric]


def sesoi_of(row: dict[str, Any]) -> str:
    """Return the smallest effect of interest in the shown unit."""
    scale, _ = scale_of(RESPONSES[row["response"]].metric)
    return f"{row['sesoi'] * scale:.4g} {unit_of(row)}"


def seed_count(count: int) -> str:
    """Return `1 seed` or `5 seeds`."""
    return f"{count} seed" if count == 1 else f"{count} seeds"


def seed_names(seeds: Sequence[int]) -> str:
    """Return `seed 3`, or `seeds 1, 2 and 5`, the rest of very many as a count."""
    shown = [str(seed) for seed in seeds[:SEEDS_LISTED]]
    more = len(seeds) - len(shown)
    return ("seed " if len(seeds) == 1 else "seeds ") + listed([*shown, *([f"{more} more"] if more else [])])


def listed(words: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
