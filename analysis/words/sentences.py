"""A row of the table of effects -> its one sentence of at most 30 words, the grade first."""

import itertools
import math
from collections.abc import Iterable, Iterator

import pandas as pd

from analysis.statistics.contrasts import leaves_out, short_step
from analysis.statistics.grades import ESTABLISHING_SEEDS, EXACT_SEEDS
from analysis.statistics.intervals import ALPHA
from analysis.words.markup import one_line
from analysis.words.names import response_label
from analysis.words.phrases import capital, listed
from analysis.words.quantities import (
    Row,
    bare_change_of,
    brief,
    change_of,
    evidence,
    replicates_of,
    sesoi_of,
    size_of,
)
from analysis.words.rounding import places_of
from analysis.words.told import Step, Told, tests_of

SHORTER = (0, 1, 2)  # from all words to the fewest
WORDS = 30  # of a sentence, at most; the rest of the evidence stands in the table of effects


def sentence(told: Told, row: Row) -> str:
    """Return the row's one sentence: grade, what is said, estimate, interval and n, in at most 30 words."""
    opening = "Established" if row["grade"] == "established" else capital(row["grade"])
    return in_few_words(f"{opening}: {text}." for text in _tellings(told, row))


def in_few_words(candidates: Iterable[str], words: int = WORDS) -> str:
    """Return the first of the texts that is short enough, or the last with its end left out."""
    texts = list(candidates)
    short = next((text for text in texts if len(text.split()) <= words), None)
    return short or " ".join([*texts[-1].split()[: words - 1], "…."])


def _tellings(told: Told, row: Row) -> Iterator[str]:
    """Yield what the row says, in ever fewer words."""
    if row["grade"] == "inert":
        yield from (_unchanged(told, row, short) for short in SHORTER)
        return
    for doubt in dict.fromkeys([_doubt(told, row), ""]):
        for short in SHORTER:
            for bounds in (evidence(row), brief(row)):
                match row["grade"]:
                    case "smaller than of interest":
                        named = "" if short > 1 else "estimate "
                        yield f"{_bounded(told, row, short)} ({named}{change_of(row)}, {bounds})"
                    case "not shown":
                        seen = row["positive"] or row["negative"]
                        what = f"estimate {change_of(row)}" if seen else f"no difference seen in {replicates_of(row)}"
                        yield f"{_unproven(told, row, short)} ({what}, {bounds})"
                    case _ if row["kind"] == "interaction":
                        yield f"{_dependence(told, row, short)}, {bounds}){doubt}"
                    case _:
                        yield f"{claim(told, row, short)} ({bounds}){doubt}"


def _doubt(told: Told, row: Row) -> str:
    """Return in a plain word what a reader would take for a contradiction, or what keeps the row from more."""
    if row["grade"] == "suggestive":
        return f"; {_why_only_suggestive(told, row)}"
    if row["grade"] != "established":
        return ""
    if max(abs(row["low"]), abs(row["high"])) < row["sesoi"]:
        return f"; less than the {sesoi_of(row)} of interest"
    if math.isfinite(row["se_examples"]) and row["new_low"] <= 0 <= row["new_high"]:
        return f"; on these {row['example']}s, for new ones it is not sure"
    if row["disagrees"]:
        return "; the pooled analysis, whose one error all cells share, does not show it"
    return ""


def claim(told: Told, row: Row, short: int = 0) -> str:
    """Return what a row that is no interaction says happens."""
    verb = "raise" if row["estimate"] > 0 else "lower"
    says = f"{verb}s" if row["grade"] == "established" else f"seems to {verb}"
    return f"{subject(told, row, short)} {says} {row['label']} by {size_of(row)}{_averaging(told, row, short)}"


def _dependence(told: Told, row: Row, short: int) -> str:
    """Return that an effect depends on other factors, by its size at their levels where there are two."""
    focus, others = interacting(told, row)
    verb = "depends" if row["grade"] == "established" else "may depend"
    simple = _simple_rows(told, row)
    places = places_of(row, row["metric"])
    sizes = [f"{bare_change_of(each, places)} at {one_line(each['at'])}" for each in simple]
    told_sizes = f": {', '.join(sizes)}" if len(sizes) == 2 and short == 0 else ""
    return f"the effect of {focus} on {row['label']} {verb} on {others}{told_sizes} (interaction {change_of(row)}"


def _unproven(told: Told, row: Row, short: int) -> str:
    """Return what has not been shown."""
    if row["kind"] == "interaction":
        focus, others = interacting(told, row)
        return f"that the effect of {focus} on {row['label']} depends on {others}"
    return f"that {subject(told, row, short)} changes {row['label']}{_averaging(told, row, short)}"


def _bounded(told: Told, row: Row, short: int) -> str:
    """Return what is shown to be small."""
    if row["kind"] == "interaction":
        names = listed([_step_name(told, step) for step in told.steps(row)])
        return f"the interaction of {names} on {row['label']} is less than {sesoi_of(row)} either way"
    what = f"{subject(told, row, short)} changes {row['label']} by less than {sesoi_of(row)} either way"
    return f"{what}{_averaging(told, row, short)}"


def _unchanged(told: Told, row: Row, short: int) -> str:
    """Return what stays exactly the same."""
    if row["kind"] == "interaction":
        focus, others = interacting(told, row)
        return f"the effect of {focus} on {row['label']} does not depend on {others} in any of the {row['n']} seeds"
    what = f"{subject(told, row, short)} leaves {row['label']} exactly as it was in all {row['n']} seeds"
    return f"{what}{_averaging(told, row, short)}"


def _simple_rows(told: Told, row: Row) -> list[Row]:
    """Return the simple effects of the interaction's first factor, in the order of the others' levels."""
    (factor, baseline, level), *others = told.steps(row)
    rows = told.table[told.table["response"].eq(row["response"])]
    simple = rows[rows["kind"].eq("simple") & rows["factor"].eq(factor)]
    simple = simple[simple["baseline"].eq(baseline) & simple["level"].eq(level)]
    by_place = {each["at"]: each for each in told.rows(simple)}
    places = itertools.product(*([f"{other}={start}", f"{other}={end}"] for other, start, end in others))
    return [by_place[place] for place in map(", ".join, places) if place in by_place]


def overridden_sentence(told: Told, hidden: pd.DataFrame, clear: pd.DataFrame) -> str:
    """Return that the averages over a clear interaction are not to be read alone; their numbers are in the table."""
    names = [" × ".join(_step_name(told, step) for step in told.steps(row)) for row in told.rows(hidden)]
    label = response_label(told.responses[hidden["response"].iloc[0]])
    these = "this interaction" if len(clear) == 1 else "these interactions"

    def text(most: int) -> str:
        more = [f"{len(names) - most} more"] if len(names) > most else []
        what = listed([*names[:most], *more])
        return f"Not interpretable alone: the effects on {label} of {what}, which are averages over {these}."

    return in_few_words(text(most) for most in range(len(names), 0, -1))


def subject(told: Told, row: Row, short: int = 0) -> str:
    """Return what is done: `changing dropout from true to false`, `leaving out dropout`, `b instead of a`.

    `short` asks for fewer words: 2 for `dropout: true → false`.
    """
    factor, baseline, level = (one_line(row[name]) for name in ("factor", "baseline", "level"))
    if row["kind"] == "comparison":
        return f"{level} instead of {baseline}"
    mode = "leave-one-out" if leaves_out(row["factor"], row["baseline"]) else told.design.mode
    verb = {"leave-one-out": "leaving out", "add-one": "adding"}.get(mode)
    part = component(row["factor"], row["baseline"], row["level"])
    changed = f"{factor}: {baseline} → {level}" if short > 1 else f"changing {factor} from {baseline} to {level}"
    done = f"{verb} {one_line(part)}" if verb else changed
    return f"at {one_line(row['at'])}, {done}" if row["at"] else done


def component(factor: str, baseline: str, level: str) -> str:
    """Return what a step switches: the factor, or the layers that are left out."""
    return level if leaves_out(factor, baseline) else factor


def _averaging(told: Told, row: Row, short: int) -> str:
    """Return over what a main effect of a factorial is averaged, nothing where a `short` text is asked for."""
    if row["kind"] != "main" or short:
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


def interacting(told: Told, row: Row) -> tuple[str, str]:
    """Return the interaction's first factor, and the others in a row."""
    first, *others = (_step_name(told, step) for step in told.steps(row))
    return first, listed(others) + (" together" if len(others) > 1 else "")


def _step_name(told: Told, step: Step) -> str:
    """Return the factor's key, with the levels that are compared where it has more than two."""
    factor, baseline, level = map(one_line, step)
    return short_step(factor, baseline, level, len(told.design.factors.get(step[0], ())))


def _why_only_suggestive(told: Told, row: Row) -> str:
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
