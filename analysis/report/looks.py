"""Evidence of a study whose seeds were added until it was decided, or by hand -> what its report says of that."""

import numpy as np

from analysis.report.evidence import Evidence
from analysis.statistics.decided import Decided
from analysis.statistics.looks import next_look
from analysis.words.looks import (
    budget_sentence,
    given_up_sentence,
    late_sentence,
    left_looks_sentence,
    looks_sentence,
    open_sentence,
    spent_sentence,
    unsized_sentence,
    waiting_sentence,
)
from analysis.words.markup import one_line
from analysis.words.names import response_label

FIGURE = "looks"


def looks_lines(evidence: Evidence) -> list[str]:
    """Return what is decided after which looks, what was given up, and what earlier reports have spent."""
    study, found = evidence.study, evidence.looks
    reported = study.declaration.get("reported_at", ())
    fixed = [each["seeds"] for each in reported if not each["until"]]
    if found is None:
        looked = [each["seeds"] for each in reported if each["until"]]
        return list(filter(None, [spent_sentence(fixed), left_looks_sentence(looked)]))
    until = study.declaration["until"]
    last = int(found.table["planned"].max()) if len(found.table) else 0
    ahead = next_look(last, until["max_seeds"]) is not None
    still_open = found.decided_after == 0
    waiting = still_open & ~found.given_up
    lines = [
        looks_sentence(found.table),
        waiting_sentence(found.table, len(study.declaration["seeds"])),
        open_sentence(still_open, found.unlikely & waiting & ahead),
        unsized_sentence(evidence.responses[found.names[place][0]] for place in np.flatnonzero(still_open)),
        given_up_sentence(_given_up(evidence, found)),
        "" if ahead or not waiting.any() else budget_sentence(until["max_seeds"]),
        late_sentence(found.table),
        spent_sentence(fixed, looked=True),
    ]
    return list(filter(None, lines))


def _given_up(evidence: Evidence, found: Decided) -> list[str]:
    return [
        f"{one_line(found.names[place][1])} ({response_label(evidence.responses[found.names[place][0]])})"
        for place in np.flatnonzero(found.given_up)
    ]


def looks_section(evidence: Evidence, drawn: list[str]) -> list[str]:
    """Return the figure of the looks, or nothing where there has been none."""
    if evidence.looks is None or evidence.looks.table.empty:
        return []
    return [*drawn, *([""] if drawn else []), "All looks: tables/looks.csv."]
