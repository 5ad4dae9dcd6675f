"""A row of the table of effects -> its one sentence, the grade first."""

import itertools
import json
import math
from typing import Any

import pandas as pd

from analysis.statistics.grades import ESTABLISHING_SEEDS, EXACT_SEEDS
from analysis.statistics.intervals import ALPHA
from analysis.words.markup import one_line
from analysis.words.names import response_label
from analysis.words.phrases import capital, listed
from analysis.words.quantities import change_of, evidence, interval_of, plan_for, replicates_of, sesoi_of, size_of
from analysis.words.told import NOTEWORTHY, Step, Told, tests_of


def sentence(told: Told, row: dict[str, Any]) -> str:
    """Return the row's one sentence, its grade first."""
    grade = row["grade"]
    opening = capital(grade)
    match grade:
        case "inert":
            return f"{opening}: {_unchanged(told, row)}."
        case "smaller than of interest":
            return f"{opening}: {_bounded(told, row)} (estimate {change_of(row)}, {evidence(row)})."
        case "not shown":
            seen = row["positive"] or row["negative"]
            what = f"estimate {change_of(row)}" if seen else f"no difference seen in {replicates_of(row)}"
            return f"{opening}: {_unproven(told, row)} ({what}, {evidence(row)}){plan_for(row)}."
    small = max(abs(row["low"]), abs(row["high"])) < row["sesoi"]
    aside = f", less than the {sesoi_of(row)} that would be of interest" if small else ""
    doubt = f"; {_why_only_suggestive(told, row)}{plan_for(row)}" if grade == "suggestive" else ""
    return f"{opening}: {claim(told, row)}{aside} ({evidence(row)}){doubt}."


def claim(told: Told, row: dict[str, Any]) -> str:
    """Return what the row says happens."""
    if row["kind"] == "interaction":
        focus, others = interacting(told, row)
        interaction = f"interaction{_halves(told, row)} is {change_of(row)}"
        simple = _simple_clauses(told, row)
        return f"the effect of {focus} on {row['label']} may depend on {others}: " + (
            f"{simple}; the {interaction}" if simple else f"the {interaction}"
        )
    verb = "raise" if row["estimate"] > 0 else "lower"
    says = f"{verb}s" if row["grade"] == "established" else f"seems to {verb}"
    return f"{subject(told, row)} {says} {row['label']} by {size_of(row)}{_averaging(told, row)}"


def _unproven(told: Told, row: dict[str, Any]) -> str:
    """Return what has not been shown."""
    if row["kind"] == "interaction":
        focus, others = interacting(told, row)
        return f"that the effect of {focus} on {row['label']} depends on {others}"
    return f"that {subject(told, row)} changes {row['label']}{_averaging(told, row)}"


def _bounded(told: Told, row: dict[str, Any]) -> str:
    """Return what is shown to be small."""
    if row["kind"] == "interaction":
        names = listed([_step_name(told, step) for step in told.steps(row)])
        what = f"the interaction of {names} on {row['label']}{_halves(told, row)}"
        return f"{what} is less than {sesoi_of(row)} either way"
    return f"{subject(told, row)} changes {row['label']} by less than {sesoi_of(row)} either way{_averaging(told, row)}"


def _unchanged(told: Told, row: dict[str, Any]) -> str:
    """Return what stays exactly the same."""
    if row["kind"] == "interaction":
        focus, others = interacting(told, row)
        return f"the effect of {focus} on {row['label']} does not depend on {others} in any of the {row['n']} seeds"
    return (
        f"{subject(told, row)} leaves {row['label']} exactly as it was in all {row['n']} seeds{_averaging(told, row)}"
    )


def interaction_headline(told: Told, row: dict[str, Any]) -> str:
    """Return a clear interaction told by its simple effects."""
    focus, others = interacting(told, row)
    return (
        f"Established: the effect of {focus} on {row['label']} depends on {others}: {_simple_clauses(told, row)}. "
        f"The interaction{_halves(told, row)} is {change_of(row)} ({evidence(row)})."
    )


def _simple_clauses(told: Told, row: dict[str, Any]) -> str:
    """Return the interaction's simple effects, one after the other; nothing where the table has none of them."""
    return "; ".join(_simple_clause(told, each, place == 0) for place, each in enumerate(_simple_rows(told, row)))


def _simple_rows(told: Told, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the simple effects of the interaction's first factor, in the order of the others' levels."""
    (factor, baseline, level), *others = told.steps(row)
    rows = told.table[told.table["response"].eq(row["response"])]
    simple = rows[rows["kind"].eq("simple") & rows["factor"].eq(factor)]
    simple = simple[simple["baseline"].eq(baseline) & simple["level"].eq(level)]
    by_place = {each["at"]: each for each in told.rows(simple)}
    places = itertools.product(*([f"{other}={start}", f"{other}={end}"] for other, start, end in others))
    return [by_place[place] for place in map(", ".join, places) if place in by_place]


def _simple_clause(told: Told, row: dict[str, Any], first: bool) -> str:
    """Return `at b=x, changing a from p to q lowers it by 1.0 percentage points (95 % interval ...)`.

    Said as plainly as its own grade allows, which is corrected over all simple effects that are shown.
    """
    what = subject(told, row | {"at": ""}) if first else "it"
    at = f"at {one_line(row['at'])}, {what}"
    verb = "raise" if row["estimate"] > 0 else "lower"
    match row["grade"]:
        case "established":
            return f"{at} {verb}s it by {size_of(row)} ({interval_of(row)})"
        case "suggestive":
            return f"{at} seems to {verb} it by {size_of(row)} ({interval_of(row)})"
        case "inert":
            return f"{at} changes nothing (one and the same run)"
    return f"{at} changes it by {change_of(row)} ({interval_of(row)}: {row['grade']})"


def overridden_sentence(told: Told, hidden: pd.DataFrame, clear: pd.DataFrame) -> str:
    """Return that the averages over a clear interaction are not to be read alone, with their numbers."""
    parts = [_average_of(told, row) for row in told.rows(hidden.head(NOTEWORTHY))]
    more = len(hidden) - len(parts)
    label = response_label(told.responses[hidden["response"].iloc[0]])
    what = listed([*parts, *([f"{more} more"] if more else [])])
    these = "this interaction" if len(clear) == 1 else "these interactions"
    return f"Not interpretable alone: the effects on {label} of {what}, which are averages over {these}."


def _average_of(told: Told, row: dict[str, Any]) -> str:
    """Return `dropout (−0.38, 95 % interval ...)`."""
    factors = " × ".join(_step_name(told, step) for step in told.steps(row))
    return f"{factors} ({change_of(row)}, {interval_of(row)})"


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


def _averaging(told: Told, row: dict[str, Any]) -> str:
    """Return over what a main effect of a factorial is averaged."""
    if row["kind"] != "main":
        return ""
    if told.design.kind == "screening":
        return ", averaged over the other components switched both ways"
    if told.design.kind != "factorial":
        return ""
    silent = {row["factor"], *told.inert}
    others = [key for key, levels in told.design.factors.items() if key not in silent and len(levels) > 1]
    if not others:
        return ""
    return f", averaged over {listed([one_line(other) for other in others]) if len(others) < 3 else 'all others'}"


def interacting(told: Told, row: dict[str, Any]) -> tuple[str, str]:
    """Return the interaction's first factor, and the others in a row."""
    first, *others = (_step_name(told, step) for step in told.steps(row))
    return first, listed(others) + (" together" if len(others) > 1 else "")


def _step_name(told: Told, step: Step) -> str:
    """Return the factor's key, with the levels that are compared where it has more than two."""
    factor, baseline, level = map(one_line, step)
    two = len(told.design.factors.get(step[0], ())) <= 2
    return factor if two else f"{factor} ({baseline} → {level})"


def _halves(told: Told, row: dict[str, Any]) -> str:
    """Return how an interaction of two factors is counted."""
    return " (half the difference of the two effects)" if len(told.steps(row)) == 2 else ""


def _why_only_suggestive(told: Told, row: dict[str, Any]) -> str:
    """Return what keeps the row from being established."""
    agreeing = row["positive"] if row["estimate"] > 0 else row["negative"]
    if not math.isfinite(row["p_holm"]):
        return "outside the declared comparisons"
    if row["p_holm"] >= ALPHA:
        return f"it does not survive the correction for {tests_of(told.table, row['kind'] == 'simple')} tests"
    if row["n"] < ESTABLISHING_SEEDS:
        return f"two {'seeds' if row['paired'] else 'runs'} establish nothing"
    if not row["paired"]:
        return "the degrees of freedom of its smallest cell, the only sure ones of so few runs, do not bear it out"
    if agreeing < row["n"] and (row["moderated"] or row["n"] < EXACT_SEEDS):
        return f"only {agreeing} of {row['n']} seeds agree in sign"
    return "the exact test does not bear it out"
