"""Cells and a design -> the pairs of cells that differ in one level alone, to compare what their nets answer."""

from dataclasses import dataclass

from analysis.reading.study import Design

LOOKS = "epochs"  # the factor whose levels are looks at one training

Levels = dict[str, dict[str, str]]  # cell label -> factor -> level label


@dataclass(frozen=True)
class Matched:
    """A level against the baseline, and the pairs of cells (baseline cell, level cell) that differ in it alone."""

    label: str
    pairs: list[tuple[str, str]]


def matched(levels: Levels, design: Design) -> list[Matched]:
    """Return every contrast that has a pair of cells; labels as in the table of effects.

    A training that is looked at after 10 and after 30 epochs misses much the same examples both times,
    so only its last look counts, but where the looks themselves are compared.
    """
    if design.kind == "arms":
        asked = [("arm", against, arm, f"{arm} against {against}") for arm, against in design.comparisons]
    else:
        asked = [
            (factor, baseline, level, f"{factor}: {baseline} → {level}")
            for factor, (baseline, *others) in design.factors.items()
            for level in others
        ]
    found = [
        Matched(label, _last_looks(_matched_cells(levels, factor, (base, level)), levels))
        for factor, base, level, label in asked
    ]
    return [contrast for contrast in found if contrast.pairs]


def _matched_cells(levels: Levels, factor: str, pair: tuple[str, str]) -> list[tuple[str, str]]:
    """Return the (baseline cell, level cell) that have the two levels of the factor and are the same elsewhere."""
    places = {tuple(sorted(cell.items())): label for label, cell in levels.items()}
    found = []
    for label, cell in levels.items():
        other = places.get(tuple(sorted({**cell, factor: pair[1]}.items())))
        if cell.get(factor) == pair[0] and other is not None:
            found.append((label, other))
    return found


def _last_looks(pairs: list[tuple[str, str]], levels: Levels) -> list[tuple[str, str]]:
    """Return the pairs, of those that are alike but for the epochs of both cells only the one with the most."""
    last: dict[tuple[tuple[str, str], ...], tuple[str, str]] = {}
    for pair in sorted(pairs, key=lambda pair: int(levels[pair[0]].get(LOOKS, 0))):
        first, second = (levels[cell] for cell in pair)
        alike = first.get(LOOKS) == second.get(LOOKS)
        last[tuple(sorted((key, level) for key, level in first.items() if not alike or key != LOOKS))] = pair
    kept = set(last.values())
    return [pair for pair in pairs if pair in kept]
