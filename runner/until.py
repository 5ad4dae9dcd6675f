"""Seeds added look by look, until what a study asks is decided or its budget is spent.

Whoever knows what decides (the analysis) says after each look which cells need more seeds, and how many. Nothing is
remembered between looks but the records: the same command replays them and goes on where it stopped.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from runner.run import Undertaken, Undertaking, known_facts
from runner.store import Store


class Look(Protocol):
    """What is decided: how many seeds the next look takes and which cells need them (None for an end), in words."""

    @property
    def seeds(self) -> int | None:
        """How many seeds the next look takes; None for an end."""

    @property
    def cells(self) -> list[str]:
        """Labels of the cells that need them."""

    @property
    def told(self) -> str:
        """What is decided, in words."""


Undertake = Callable[[Callable[[str], Iterable[int]]], Undertaking]  # the seeds of a cell, by its label
Run = Callable[[Undertaking], Undertaken]
LookAt = Callable[[Mapping[str, Any], Store], Look]  # a declaration and the records that it is made of


def until_decided(first: int, undertake: Undertake, run: Run, look: LookAt, say: Callable[[str], None]) -> Undertaken:
    """Train to the `first` look and on from look to look; return what came of the last.

    A run that fails ends it after the look that it is part of: the same command goes on.
    """
    counts: dict[str, int] = {}
    while True:
        undertaking = undertake(seeds_from(counts, first))
        undertaken = run(undertaking)
        if undertaken.left.missing:
            return undertaken
        found = look_at(undertaking, look)
        say(found.told)
        if found.seeds is None:
            return undertaken
        counts = after(found, undertaking, counts, first)


def seeds_from(counts: Mapping[str, int], first: int) -> Callable[[str], Iterable[int]]:
    """Return what gives a cell's seeds: so many as `counts` says, from 0, or as the first look takes."""
    return lambda cell: range(counts.get(cell, first))


def look_at(undertaking: Undertaking, look: LookAt) -> Look:
    """Return what the undertaking's records decide."""
    return look(undertaking.declared("", known_facts(undertaking.progress())), undertaking.store)


def after(look: Look, undertaking: Undertaking, counts: Mapping[str, int], first: int) -> dict[str, int]:
    """Return how many seeds each cell has in the next look: those that need them more, the others as many as before."""
    before = {cell.label: counts.get(cell.label, first) for cell in undertaking.plan.cells}
    return before | {cell: look.seeds or before[cell] for cell in look.cells}


def preview_until(first: int, undertake: Undertake, look: LookAt, budget: int) -> str:
    """Return what a dry run prints: the looks that the records answer for, the cost of the next, and the worst case."""
    counts: dict[str, int] = {}
    told = []
    while True:
        undertaking = undertake(seeds_from(counts, first))
        if undertaking.progress().missing:
            break
        found = look_at(undertaking, look)
        told.append(found.told)
        if found.seeds is None:
            break
        counts = after(found, undertaking, counts, first)
    lines = [*told, "the next look:" if undertaking.progress().missing else "nothing more to look at:"]
    worst = undertake(lambda cell: range(budget))
    return "\n".join([*lines, undertaking.preview(), f"at worst, {budget} seeds: {worst.cost()}"])
