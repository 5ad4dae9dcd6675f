"""A screening design's pairs -> what can be said of a figure that they share."""

from collections.abc import Sequence

from analysis.words.markup import one_line

SCREENED = (
    "Screening: every effect is averaged over the other components switched both ways; what a component does beside "
    "the whole baseline is another question, which one-at-a-time answers."
)
LEAKING = "The design tells main effects from all pairs, but no pair from the others: interactions are not reported."


def alias_sentence(pairs: Sequence[tuple[str, str]]) -> str:
    """Return what can be said of an alias set's figure; the first pair is the one that is asked about."""
    names = [f"{one_line(first)} × {one_line(second)}" for first, second in pairs]
    if len(names) == 1:
        return f"the figure for {names[0]} is shared with no other pair"
    return f"the figure for {names[0]} is shared with {' and '.join(names[1:])} and cannot be told apart"


def fitted_sentence(there: int, cells: int) -> str:
    """Return that main effects are fitted to the cells that there are; "" where none is missing."""
    if there == cells:
        return ""
    lacking = cells - there
    return (
        f"{lacking} of {cells} cells {'has' if lacking == 1 else 'have'} no run: main effects are fitted to the others "
        "by least squares, and are no longer clear of pairs."
    )
