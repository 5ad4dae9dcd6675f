"""Looks at the seeds of a study -> what a report says of them."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.statistics.looks import PLANNED, look_at, looks_within, peeking_error
from analysis.statistics.responses import Response
from analysis.words.markup import one_line
from analysis.words.names import response_label
from analysis.words.phrases import count, listed

OPEN_NAMED = 3  # contrasts, in the line after a look
NAME_LENGTH = 40  # of a contrast there


def looks_sentence(table: pd.DataFrame) -> str:
    """Return after how many seeds was looked, from the rows of `Replay.table`; "" where nothing has been looked at."""
    if table.empty:
        return ""
    planned = [str(seeds) for seeds in sorted(table["planned"].unique())]
    return (
        f"Looked at after {listed(planned)} seeds; interval and p hold over all looks; an estimate after an early stop "
        "tends to be too large."
    )


def waiting_sentence(table: pd.DataFrame, seeds: int) -> str:
    """Return what becomes of `seeds` seeds that reach beyond the last look, or fall short of the first; "" if none."""
    last = int(table["planned"].max()) if len(table) else 0
    following, _ = look_at(len(looks_within(last)) + 1)
    if not last:
        return f"Not looked at yet: the first look takes {following} seeds, and there are {seeds}."
    if seeds <= last:
        return ""
    more = seeds - last
    return (
        f"{count(more, 'seed')} beyond these {last} {'waits' if more == 1 else 'wait'} for the look after {following}: "
        "in the figures of cells, not in what is tested."
    )


def late_sentence(table: pd.DataFrame) -> str:
    """Return what looks beyond those that were planned rest on; "" where there are none."""
    if table.empty or int(table["planned"].max()) <= PLANNED[-1]:
        return ""
    return (
        f"Looks after more than {PLANNED[-1]} seeds share the tenth of the 5 % chance of a false finding that is kept "
        "for seeds added later, so interval and p still hold."
    )


def look_line(
    table: pd.DataFrame,
    still_open: np.ndarray,
    following: int | None,
    responses: Mapping[str, Response],
    given_up: int = 0,
) -> str:
    """Return the terminal's line after a look: how many contrasts are decided, which are not, and what comes next.

    `given_up` is how many of the open ones get no more seeds, since these were unlikely to decide them.
    """
    seeds = int(table["planned"].max()) if len(table) else 0
    last = table.drop_duplicates(["response", "contrast"], keep="last")
    waiting = [
        f"{one_line(row.contrast, NAME_LENGTH)} ({response_label(responses[row.response])})"
        for row in last[~last["decided"].astype(bool)].itertuples()
    ]
    named = (
        f"; open: {', '.join(waiting[:OPEN_NAMED])}{', ...' if len(waiting) > OPEN_NAMED else ''}" if waiting else ""
    )
    done = len(still_open) - int(still_open.sum())
    left = int(still_open.sum()) - given_up
    end = "the budget of seeds is spent" if left else "nothing is left to decide"
    ahead = f"; on to {following} seeds" if following else f"; {end}"
    hopeless = f"; {given_up} given up" if given_up else ""
    return f"after {seeds} seeds {done} of {count(len(still_open), 'contrast')} decided{named}{hopeless}{ahead}"


def open_sentence(still_open: np.ndarray, unlikely: np.ndarray) -> str:
    """Return how many contrasts are decided, and of how many that is not to be expected: (contrasts,) bool each."""
    total, waiting = len(still_open), int(still_open.sum())
    if not waiting:
        told = {1: "The one contrast is", 2: "Both contrasts are"}.get(total, f"All {total} contrasts are")
        return f"{told} decided, that is established or smaller than of interest."
    hopeless = int((still_open & unlikely).sum())
    told = f"; of {hopeless} the seeds that are left are unlikely to decide" if hopeless else ""
    decided = total - waiting
    return (
        f"{decided} of {count(total, 'contrast')} {'is' if decided == 1 else 'are'} decided, that is established or "
        f"smaller than of interest{told}."
    )


def unsized_sentence(waiting: Iterable[Response]) -> str:
    """Return of which responses that wait for more seeds no smallest effect of interest is known; "" if of none."""
    unsized = {response.column: response for response in waiting if response.metric.sesoi is None}
    if not unsized:
        return ""
    first, them = next(iter(unsized.values())).metric.name, "it" if len(unsized) == 1 else "them"
    names = listed([response_label(response) for response in unsized.values()])
    return (
        f"No smallest effect of interest is known for {names}: a contrast on {them} can be decided as established "
        f"alone, however small it is; analysis.sesoi.{first}= sets one."
    )


def budget_sentence(budget: int) -> str:
    """Return that no more seeds are allowed, and what more would mean."""
    return (
        f"The budget of {budget} seeds is spent; a higher max_seeds goes on with the next look, for which a share of "
        "the 5 % chance of a false finding is kept, so that interval and p still hold."
    )


def left_looks_sentence(looked: Sequence[int]) -> str:
    """Return what it means that a study of a fixed number of seeds was looked at before, after so many; "" if not."""
    if not looked:
        return ""
    return (
        f"Before this report the study was looked at after {listed([str(seeds) for seeds in sorted(set(looked))])} "
        "seeds, for which the intervals and p here make no allowance; with until=decided they hold over all looks."
    )


def given_up_sentence(names: Sequence[str]) -> str:
    """Return which contrasts were given up, since the seeds left would hardly have decided them; "" if none."""
    if not names:
        return ""
    shown = [*names[:OPEN_NAMED], *([f"{len(names) - OPEN_NAMED} more"] if len(names) > OPEN_NAMED else [])]
    return f"Given up, since the seeds that were left were unlikely to decide: {listed(shown)}."


def spent_sentence(reported: Sequence[int], looked: bool = False) -> str:
    """Return what it means that a study was reported at these numbers of seeds, each at its full 5 %; "" for one.

    `looked` tells that it went on look by look: one such report then has spent the 5 % before the looks began.
    """
    numbers = sorted(set(reported))
    if looked and numbers:
        return (
            f"Before its looks the study was reported at {listed([str(seeds) for seeds in numbers])} seeds, at the "
            "full 5 % chance of a false finding: that report spent it, and the looks add up to 5 % on top."
        )
    if len(numbers) < 2:
        return ""
    error = 100 * peeking_error(numbers)
    return (
        f"Reported at {listed([str(seeds) for seeds in numbers])} seeds, each time at the full 5 % chance of a false "
        f"finding: the first report spent it, and a contrast without effect is found in about {error:.0f} % of such "
        "studies, not 5 %."
    )
