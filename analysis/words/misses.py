"""What validation examples are missed, and by which nets -> sentences; `noun` is image, or what an example is."""

import math
from collections.abc import Iterable

import pandas as pd

from analysis.reading.study import Design
from analysis.statistics.intervals import ALPHA
from analysis.statistics.matched import LOOKS
from analysis.statistics.misses import wilson_interval
from analysis.words.phrases import count, plural
from analysis.words.rounding import decimals
from runner.metrics import Metric

ALMOST_EVERY = 0.9  # share of runs


def missed_sentence(table: pd.DataFrame, runs: int, examples: int, noun: str = "image") -> str:
    """Return the answer to which validation examples (almost) every run gets wrong, from the frame of `missed`.

    `runs` and `examples` are how many there are in all.
    """
    if table.empty:
        return f"No validation {noun} of {examples:,} is missed by any of {count(runs, 'run')}."
    first = table.iloc[0]
    most = f"{noun} {first['example']}, of class {first['label']} (answers: {first['answers']})"
    if runs == 1:
        return (
            f"One run alone cannot show which {noun}s every run misses; it misses {len(table):,} of {examples:,} "
            f"validation {noun}s."
        )
    never = examples - len(table)
    ending = f"{never:,} {_are(never)} missed by none. The most missed is {most}."
    return f"{_almost_every(table['missed_by'], runs, examples, noun)}; {ending}"


def _almost_every(missed_by: pd.Series, runs: int, examples: int, noun: str) -> str:
    """Return `11 of 10,000 validation images are missed by at least 9 of 10 runs (n = 20 runs), 3 by every run`."""
    bar = math.ceil(ALMOST_EVERY * runs - 1e-9)
    every, almost = int((missed_by == runs).sum()), int((missed_by >= bar).sum())
    if bar == runs:
        return f"{every:,} of {examples:,} validation {noun}s {_are(every)} missed by every one of {count(runs, 'run')}"
    return (
        f"{almost:,} of {examples:,} validation {noun}s {_are(almost)} missed by at least 9 of 10 runs "
        f"(n = {count(runs, 'run')}), {every:,} by every run"
    )


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def split_sentences(summary: pd.DataFrame, noun: str = "image") -> list[str]:
    """Return for each contrast how many examples it changes, and how many by chance, from `Split.contrasts`."""
    return [_split_sentence(row, noun) for row in summary.to_dict("records")]


def _split_sentence(row: dict, noun: str) -> str:
    if row["lowest_p"] > ALPHA:
        return f"{row['contrast']}: too few runs to say whether it changes which {noun}s are missed (exploratory)."
    changed = row["up"] + row["down"]
    if not changed:
        return (
            f"{row['contrast']}: for no {noun} does the share of runs that miss it change by half or more "
            "(exploratory)."
        )
    return (
        f"{row['contrast']}: the share of runs that miss {_a(noun)} changes by half or more for {changed} "
        f"{plural(changed, noun)} (up for {row['up']}, down for {row['down']}); "
        f"runs shuffled between the two levels would give about {row['by_chance']:.1f} (exploratory)."
    )


def mcnemar_sentences(table: pd.DataFrame, noun: str = "image") -> list[str]:
    """Return for each contrast how many pairs of nets differ, from the frame of `mcnemar_contrasts`."""
    return [_mcnemar_sentence(row, noun) for row in table.to_dict("records")]


def _mcnemar_sentence(row: dict, noun: str) -> str:
    verb = "differs" if row["differ"] == 1 else "differ"
    sides = f" (the changed net is better in {row['better']:,}, worse in {row['worse']:,})" if row["differ"] else ""
    return (
        f"{row['contrast']}: {row['differ']:,} of {count(row['pairs'], 'pair')} of nets with the same seed {verb} by "
        f"McNemar's exact test at .05{sides}. In the median pair the changed net alone gets "
        f"{row['median_only_level']:g} {noun}s right, the other alone {row['median_only_baseline']:g}. This compares "
        "trained nets, not recipes."
    )


def last_looks_sentence(design: Design) -> list[str]:
    """Return what the comparisons take of trainings that are looked at more than once; nothing where none is."""
    if design.kind != "factorial" or LOOKS not in design.factors or len(design.factors) < 2:
        return []
    return [
        "Each training is looked at more than once: these comparisons take its last look, except that of epochs, "
        "which takes all."
    ]


def wilson_sentence(metric: Metric, share: float, examples: int, noun: str = "image") -> str:
    """Return how far the finite validation set alone lets a share of right answers be known."""
    low, high = wilson_interval(share, examples)
    places = decimals((high - low) / 2 * metric.scale, metric.decimals)
    shown, low_shown, high_shown = (f"{value * metric.scale:.{places}f}" for value in (share, low, high))
    return (
        f"With {examples:,} validation {noun}s, {_a(metric.label)} of {shown} {metric.unit} is known to {low_shown} to "
        f"{high_shown} {metric.unit} from the validation set alone (Wilson's 95 % interval). Cells are scored on the "
        f"same {noun}s, which helps their comparison."
    )


def share_among(metrics: Iterable[Metric]) -> Metric | None:
    """Return the first metric that is a share of right answers, None where there is none."""
    return next((metric for metric in metrics if metric.is_share), None)


def _a(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
