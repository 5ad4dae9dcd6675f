"""What is tested, and how -> the lines that say so before any finding, and the note on the table of effects."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.statistics.responses import Response
from analysis.words.markup import one_line
from analysis.words.names import response_label
from analysis.words.phrases import count, few, listed, plural
from analysis.words.told import tests_of


def family_sentence(effects: pd.DataFrame, responses: Mapping[str, Response]) -> str:
    """Return how many tests are corrected together, of what: `tests: 3 contrasts × validation accuracy = 3, ...`."""
    primary = effects[effects["primary"].astype(bool) & effects["kind"].ne("simple")]
    tests, contrasts = tests_of(effects), primary["contrast"].nunique()
    labels = [response_label(response) for name, response in responses.items() if name in set(primary["response"])]
    if not contrasts:
        return "tests: none"
    untested = contrasts * len(labels) - tests
    left = f" less {untested} that cannot be tested" if untested else ""
    return (
        f"tests: {count(contrasts, 'contrast')} × {listed(labels)}{left} = {tests}, corrected together (Holm, 5 %)"
        f"{_simple(effects)}; all else is exploratory"
    )


def _simple(effects: pd.DataFrame) -> str:
    simple = tests_of(effects, simple=True)
    return f"; {count(simple, 'simple effect')} corrected among themselves" if simple else ""


def epochs_text(epochs: Sequence[int], window: int) -> str:
    """Return which epochs a figure is taken from: `of epoch 10`, `means of epochs 8 to 10`."""
    distinct = sorted(set(epochs))
    if window == 1:
        return f"of {plural(len(distinct), 'epoch')} {listed([str(each) for each in distinct])}"
    return f"means of epochs {listed([f'{each - window + 1} to {each}' for each in distinct])}"


def runs_in_cells(runs: pd.DataFrame) -> str:
    """Return `4 cells, 20 runs, 3 to 7 in each`, where cells have runs of different numbers."""
    counts = runs["cell"].value_counts()
    each = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    return f"{count(len(counts), 'cell')}, {count(len(runs), 'run')}, {each} in each"


def imported_sentence(source: str, paired: bool) -> str:
    """Return where an imported study's histories are from, how they are compared, and why so."""
    how = (
        "paired: runs of one seed number are a block, as --pair seed says"
        if paired
        else "unpaired: seed numbers of runs made elsewhere are not taken as pairs, since nothing says that two runs "
        "of one number have anything in common"
    )
    return f"read from {source}; {how}"


def moving_sentence(response: Response, cells: Sequence[str]) -> str:
    """Return which cells' means over the window still move, so that they speak of slightly earlier training."""
    where = few([one_line(cell) for cell in cells])
    return (
        f"The mean {response_label(response)} over the window still moves at {where}, so it is that of a slightly "
        "earlier training."
    )


_ALWAYS = (
    "Estimates are within-seed differences (level − baseline; an interaction is half the difference of the simple "
    "effects), with 95 % t-intervals{moderated}. p is that of the t-test; p exact is the sign-flip test over all "
    "patterns, with the lowest value that so few seeds allow; p Holm is corrected over all terms{responses}, of simple"
    " effects among themselves. Established takes Holm p below .05 and, below 6 seeds{unanimous}, all seeds of one "
    "sign, else exact p below .05; with skewed differences a single test errs in about 9 % of cases at 8 to 12 seeds. "
    "Smaller than of interest: the interval lies inside ± the smallest effect of interest; wrong in at most 2.5 % of "
    "such claims, uncorrected. ± seeds is the standard error that is due to seeds{se_examples}.{floored} d_z is the "
    "estimate over the standard deviation of the seeds' differences; ρ the correlation of the arms over seeds{needed}."
    "{matched}{alike}"
)
_LOOKED = (
    "Seeds were added look by look: interval, p, p Holm and grade of the primary contrasts hold over all looks, p "
    "being the lowest of a look's p over its share of the 5 %, the interval what the looks' intervals have in common; "
    "estimate, n and p exact are those of the contrast's last look. "
    "Exploratory contrasts are of all seeds, as if there had been one look."
)
_APART = (
    "Estimates are differences of cells' means (level − baseline; an interaction is half the difference of the simple "
    "effects), with 95 % t-intervals from each cell's own variance: of two cells Welch's t-test, else Satterthwaite's "
    "degrees of freedom. Seed numbers of runs made elsewhere are not taken as pairs, since nothing is known to be the "
    "same in two runs of one number. p Holm is corrected over all terms{responses}, of simple effects among "
    "themselves; over more than two arms that is Welch's test per comparison, with Holm. Established takes Holm p "
    "below .05 and, below 10 runs in a cell, Holm p below .05 with the degrees of freedom of the smallest cell too. "
    "Smaller than of interest: the interval lies inside ± the smallest effect of interest; wrong in at most 2.5 % of "
    "such claims, uncorrected. ± is the standard error.{floored} n is the runs of the smallest cell; runs is how many "
    "a cell establish an effect of the size seen, and of the smallest size of interest, with 80 % power in this "
    "family: a range, as far as the spread is known."
)
_NEEDED = (
    "; seeds is how many establish an effect of the size seen, and of the smallest size of interest, with 80 % power "
    "in this family: a range, as far as the spread is known"
)
_MATCHED = (
    "Matched seeds make arms differ in the factor alone; what they buy in precision is the variance of a difference "
    "within seeds over that of an unmatched one: {ratio:.2f} (median over contrasts)."
)
_SOMETIMES = {
    "moderated": ", for which the contrasts of a response share their variances (prior df at most n − 1, no variance "
    "below its own)",
    "se_examples": ", ± {example}s that due to the {examples} validation {example}s, which no seed removes; the "
    "interval for new {example}s holds for both",
    "floored": " † the seeds spread by less than the response's finest step, which is taken instead.",
    "alike": " p pooled is the ANOVA with seed as block and one error for all cells, which scatter alike here.",
}


def effects_note(
    effects: pd.DataFrame,
    responses: int,
    example: str,
    examples: int | None,
    paired: bool = True,
    looked: bool = False,
) -> str:
    """Return what the columns of the table of effects mean, of those that it has; `responses` are the primary ones.

    `paired` tells that seeds are blocks, `looked` that they were added look by look.
    """
    rows = effects[effects["primary"].astype(bool)]
    there = {name: bool(rows[name].eq(True).any()) for name in _SOMETIMES} | {
        "se_examples": bool(rows["se_examples"].notna().any())
    }
    notes = {name: note if there[name] else "" for name, note in _SOMETIMES.items()}
    counted = f"{examples:,}" if examples else "same"
    notes["se_examples"] = notes["se_examples"].format(example=example, examples=counted)
    notes["needed"] = "" if looked else _NEEDED
    notes["unanimous"] = " or where variances are shared" if there["moderated"] else ""
    ratio = rows["variance_ratio"].median()
    notes["matched"] = f" {_MATCHED.format(ratio=ratio)}" if pd.notna(ratio) else ""
    notes["responses"] = {1: "", 2: " and both responses"}.get(responses, f" and all {responses} responses")
    return (_ALWAYS if paired else _APART).format(**notes) + (f" {_LOOKED}" if looked else "")
