"""Runs and design -> what stood in the way of a comparison, and what the design leaves open."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.reading.study import Design
from analysis.statistics.completeness import (
    compared_runs,
    complete_seeds,
    left_out,
    lost_cells,
    seeds_of_cells,
    stops,
)
from analysis.statistics.contrasts import HIGHEST_ORDER, highest_order
from analysis.statistics.responses import Response
from analysis.statistics.screening import SMALL
from analysis.words.markup import one_line
from analysis.words.names import response_label
from analysis.words.phrases import count, few, listed, reason, seed_names
from analysis.words.screening import LEAKING, SCREENED, fitted_sentence

CELLS_NAMED = 4
SEEDS_NAMED = 5  # with the reason why they are left out
NO_RUN = "there is no run for"
VERDICTS = {"diverged": "outcome", "failed": "incomplete", "unfinished": "incomplete", "missing": "incomplete"}


@dataclass(frozen=True)
class Finding:
    """One sentence; `grade` is one of effects.GRADES, or what else it tells (see `findings`); "" where none fits."""

    text: str
    grade: str
    response: str = ""
    contrast: str = ""


def outcomes(
    runs: pd.DataFrame,
    responses: Iterable[Response],
    whole_seeds: bool = True,
    fitted: bool = False,
    paired: bool = True,
) -> Iterable[Finding]:
    """Yield what became of runs that are not complete, which seeds are left out, and which cells are lost.

    `responses` are the primary ones; `whole_seeds` tells that a seed counts only if every cell has it, `fitted` that
    main effects are fitted to the cells that there are, `paired` that seeds are blocks.
    """
    for status, verdict in VERDICTS.items():
        affected = runs[runs["status"].eq(status)]
        if len(affected):
            yield Finding(f"{verdict.capitalize()}: {_shares(affected, runs, status, paired)}.", verdict)
    if "stopped" in runs and runs["stopped"].notna().any():
        yield Finding(f"Outcome: {_stopped(stops(runs))}.", "outcome")
    lost = lost_cells(runs)
    cells = runs["cell"].nunique()
    if lost and len(lost) < cells and fitted:
        yield Finding(f"Incomplete: {fitted_sentence(cells - len(lost), cells)}", "incomplete")
    elif lost and len(lost) < cells:
        yield Finding(
            f"Cannot be said: {few([one_line(cell) for cell in lost])} {'has' if len(lost) == 1 else 'have'} "
            "no complete run, so no contrast that involves it can be computed.",
            "cannot be said",
        )
    if not paired:
        yield from _cells_of_one(runs)
    elif not whole_seeds:
        yield from _own_seeds(seeds_of_cells(runs))
    missed = [(seed, reason(broken)) for seed, broken in left_out(runs)] if whole_seeds else []
    if missed and len(missed) < runs["seed"].nunique():
        remain = runs["seed"].nunique() - len(missed)
        yield Finding(
            f"Incomplete: {_seeds_and_reasons(missed)} left out of all comparisons; "
            f"{remain} of {runs['seed'].nunique()} seeds remain.",
            "incomplete",
        )
    for response in responses:
        yield from _without_value(compared_runs(runs, whole_seeds), response)


def _cells_of_one(runs: pd.DataFrame) -> Iterable[Finding]:
    """Yield which cells of an unpaired design have a single complete run, so that nothing can be tested there."""
    counts = runs["status"].eq("complete").groupby(runs["cell"], sort=False).sum()
    single = [one_line(cell) for cell in counts.index[counts == 1]]
    if single and len(single) < len(counts):
        yield Finding(
            f"Cannot be said: {few(single)} {'has' if len(single) == 1 else 'have'} a single complete run, whose "
            "spread is not known, so no contrast that involves it can be tested.",
            "cannot be said",
        )


def _own_seeds(lacking: pd.DataFrame) -> Iterable[Finding]:
    """Yield how many seeds the cells have that lack some, where each comparison rests on its own two cells."""
    if lacking.empty:
        return
    parts = [f"{row.complete} of {count(row.seeds, 'seed')} at {one_line(row.cell)}" for row in lacking.itertuples()]
    more = len(parts) - CELLS_NAMED
    shown = "; ".join(parts[:CELLS_NAMED]) + (f"; and fewer in {more} more cells" if more > 0 else "")
    yield Finding(
        f"Incomplete: a comparison rests on the seeds that both of its cells completed ({shown}); other comparisons "
        "keep all theirs.",
        "incomplete",
    )


def _shares(affected: pd.DataFrame, runs: pd.DataFrame, status: str, paired: bool) -> str:
    """Return what share of the cells' runs have the status, the first cells by name."""
    noun = "seed" if paired else "run"
    verb = NO_RUN if status == "missing" else f"training {status} in"
    totals = runs.groupby("cell", sort=False).size()
    parts = [
        f"{len(group)} of {count(totals[cell], noun)} at {one_line(cell)} ({seed_names(list(group['seed']))})"
        for cell, group in affected.groupby("cell", sort=False)
    ]
    more = len(parts) - CELLS_NAMED
    return f"{verb} {'; '.join(parts[:CELLS_NAMED])}" + (f"; and in {more} more cells" if more > 0 else "")


def _stopped(table: pd.DataFrame) -> str:
    """Return which cells' runs a callback stopped and after which epochs, from the rows of `stops`."""
    parts = [
        f"{row['stopped']} of {count(row['runs'], 'seed')} at {one_line(row['cell'])} ({_after(row)})"
        for row in table.to_dict("records")
    ]
    more = len(parts) - CELLS_NAMED
    shown = "; ".join(parts[:CELLS_NAMED]) + (f"; and in {more} more cells" if more > 0 else "")
    return f"a callback stopped training early in {shown}"


def _after(row: dict[str, Any]) -> str:
    """Return `after 7 epochs`, or `after 6 to 9 epochs, median 7`."""
    low, middle, high = row["lowest"], row["median"], row["highest"]
    return f"after {count(low, 'epoch')}" if low == high else f"after {low} to {high} epochs, median {middle:g}"


def _seeds_and_reasons(missed: Sequence[tuple[int, str]]) -> str:
    """Return `seed 3 (diverged at dropout=false) is`, every seed by name, reasons while they are few."""
    verb = "is" if len(missed) == 1 else "are"
    if len(missed) > SEEDS_NAMED:
        return f"{seed_names([seed for seed, _ in missed])} {verb}"
    return f"{listed([f'seed {seed} ({reason})' for seed, reason in missed])} {verb}"


def _without_value(runs: pd.DataFrame, response: Response) -> Iterable[Finding]:
    """Yield which seeds of compared runs lack a finite value of the response somewhere."""
    lacking = runs["seed"][~np.isfinite(runs[response.column].to_numpy(float))].unique()
    if len(lacking):
        yield Finding(
            f"Incomplete: for {response_label(response)}, {seed_names(list(lacking))} "
            f"{'is' if len(lacking) == 1 else 'are'} left out, since a cell has no finite value there.",
            "incomplete",
            response.column,
        )


def cautions(effects: pd.DataFrame, runs: pd.DataFrame, paired: bool = True) -> Iterable[Finding]:
    """Yield what can be said with no factor, or with fewer than three seeds."""
    if effects.empty:
        yield Finding("Cannot be said: no factor has two levels, so there is nothing to compare.", "cannot be said")
        return
    seeds, n = complete_seeds(runs), effects.loc[effects["primary"].astype(bool), "n"].max()
    match n:
        case 2 if not paired:
            yield Finding(
                "At most 2 runs in the smallest cell of any contrast: nothing is established from so few.", "design"
            )
        case 0 if not seeds:
            yield Finding(
                "Cannot be said: no seed is complete in every cell, so nothing is compared.", "cannot be said"
            )
        case 1:
            which = f" (seed {seeds[0]})" if len(seeds) == 1 else ""
            yield Finding(
                f"Cannot be said: one run per cell{which} cannot tell a difference between cells from that which a new "
                "seed makes; take at least 3 seeds, better 5.",
                "cannot be said",
            )
        case 2:
            yield Finding(
                "Only 2 seeds: intervals reach 12.7 standard errors to either side, the exact test cannot go below "
                "p = 0.5, and nothing is established.",
                "design",
            )


def design_notes(design: Design, both_ends: bool = False) -> Iterable[Finding]:
    """Yield what the design leaves open; `both_ends` tells whether leave-one-out and add-one were both run."""
    if design.mode:
        on = "on" if design.mode == "leave-one-out" else "off"
        together = "shows only where the other end is compared" if both_ends else "cannot be said"
        yield Finding(
            f"{design.mode.capitalize()}: all components are {on} in the baseline and each is switched alone, so how "
            f"they act together {together}.",
            "design",
        )
    elif design.kind == "screening":
        yield Finding(SCREENED, "design")
        if len(design.factors) > SMALL:
            yield Finding(LEAKING, "design")
    elif design.kind == "one_at_a_time" and len(design.factors) > 1:
        yield Finding(
            "One at a time: every level is compared with the baseline cell alone, so how the factors act together "
            "cannot be said.",
            "design",
        )
    elif design.kind == "factorial" and highest_order(design) < len(design.factors):
        yield Finding(f"Interactions of more than {HIGHEST_ORDER} factors are not looked at.", "design")
