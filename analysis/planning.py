"""A plan's cells -> what is to be said of them before anything trains."""

from collections.abc import Mapping
from typing import Any

from analysis.reading.study import design_of
from analysis.statistics.contrasts import shared_pairs
from analysis.words.screening import LEAKING, alias_sentence


def planned_lines(declaration: Mapping[str, Any]) -> list[str]:
    """Return which pairs of a screening's factors share a figure, a line each; of other designs nothing.

    `declaration` is what study.json would hold.
    """
    if declaration["design"] != "screening":
        return []
    shared = shared_pairs(design_of(dict(declaration))).values()
    return [alias_sentence(pairs) for pairs in shared] or [LEAKING]
