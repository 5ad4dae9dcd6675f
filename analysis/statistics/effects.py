"""Runs of a design -> what each factor does: contrasts within seeds, with intervals, tests and grades.

A seed is one replicate of the whole design and a block. A contrast (`analysis.statistics.contrasts`) is a weighted sum
over cells; its value in one seed is that seed's effect, and the n seeds' effects carry the interval (t on n − 1 df) and
the tests.

Columns of `Effects.table` (tables/effects.csv), a row per contrast and response; nothing where a value is not defined:

| column | type | unit | meaning |
|---|---|---|---|
| term | str | | factors of the contrast: `dropout`, `dropout:binarize` |
| contrast | str | | unique within a response: `dropout: true → false`, `dropout × binarize` |
| kind | str | | main, interaction, simple, comparison, shared |
| factor, level, baseline | str | | of the contrast, joined by `:` in an interaction |
| at | str | | a simple effect's condition: `binarize=false` |
| response, primary | str, bool | | a column of the runs (`responses_of`); whether that is a primary response |
| estimate, low, high, se | float | metric's | mean effect over seeds, 95 % t-interval, standard error |
| sd | float | metric's | standard deviation of the seeds' own effects, neither floored nor moderated |
| df, t, p | float | | of the t-test |
| floored | bool | | the seeds differ by less than one step of the response, which is taken instead (`floors`) |
| moderated | bool | | a factorial's contrasts share their variances (`moderation`) |
| p_floor, p_exact | float | | sign-flip test over all 2^n patterns, and the lowest p that n seeds allow |
| p_holm | float | | p corrected over the family: all terms × the primary responses; simple effects: those shown |
| d_z | float | | estimate / standard deviation of the seeds' effects |
| n | int | seeds | complete in every cell of a factorial; of arms and one at a time, in the cells compared; |
| | | | unpaired, the runs of the smallest cell compared |
| rho | float | | correlation over seeds of cells that differ in the factor only, averaged over such pairs |
| variance_ratio | float | | Var(paired effect) / Var(effect if the cells were independent) |
| seeds_low, seeds_high | int | seeds | that establish a true effect of the size seen with 80 % power in this family, |
| | | | from the 95 % interval of the standard deviation; 1,000,000 stands for more as well |
| sesoi_seeds_low, sesoi_seeds_high | int | seeds | the same for the smallest effect of interest |
| pooled_f, pooled_df, pooled_p | float | | the contrast (1 df) in the ANOVA seed + cell, error df as given |
| alike | bool | | whether the cells of the factorial scatter alike, so that one error for all means something |
| disagrees | bool | | whether then that p and the t-test's fall on different sides of .05 |
| positive, negative | int | seeds | whose own effect is above, below zero |
| se_examples | float | metric's | standard error that is due to the validation examples (`example_doubt`) |
| new_low, new_high | float | metric's | 95 % interval that holds for new validation examples too |
| sesoi | float | metric's | smallest effect of interest; empty where the metric has none |
| grade | str | | see `analysis.statistics.grades`; `inert` where the contrast compares runs with themselves |

Of an unpaired design (`analysis.statistics.unpaired`) `se` and `df` are from the cells' own variances, `sd` is that of
the contrast of one run a cell, and what only seeds as blocks have is empty: p_floor, p_exact, rho, variance_ratio, the
pooled analysis, positive and negative.

`Effects.seeds` has a row per contrast, response and seed: contrast, response, seed, effect (the metric's unit);
none of an unpaired design.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from analysis.reading.study import Design
from analysis.statistics.contrast_tests import Assessed, assessed
from analysis.statistics.contrasts import Contrasts, family, laid_out, named, simple_effects, spare_effects
from analysis.statistics.example_doubt import Answers, se_of_examples, widened
from analysis.statistics.floors import Precision
from analysis.statistics.grades import SHOWN, grades
from analysis.statistics.holm import holm
from analysis.statistics.intervals import ALPHA
from analysis.statistics.kept import own_effects
from analysis.statistics.looked import Looked, Part, look_at, outcomes_of, over_looks, until_last_look
from analysis.statistics.measured import Measured, measure
from analysis.statistics.pairing import correlations, pooled, scatter_alike, variance_ratio
from analysis.statistics.power import seeds_range
from analysis.statistics.responses import Response
from analysis.statistics.unpaired import assessed_apart

TESTED = (
    *("estimate", "low", "high", "se", "sd", "df", "t", "p", "floored", "moderated", "p_floor", "p_exact"),
    *("n", "positive", "negative"),
)  # of `Assessed`
COLUMNS = (
    *("term", "contrast", "kind", "factor", "level", "baseline", "at", "response", "primary"),
    *("estimate", "low", "high", "se", "sd", "df", "t", "p", "floored", "moderated"),
    *("p_floor", "p_exact", "p_holm", "d_z", "n", "rho", "variance_ratio"),
    *("seeds_low", "seeds_high", "sesoi_seeds_low", "sesoi_seeds_high"),
    *("pooled_f", "pooled_df", "pooled_p", "alike", "disagrees", "positive", "negative"),
    *("se_examples", "new_low", "new_high", "sesoi", "grade"),
)
POOLED = ("pooled_f", "pooled_df", "pooled_p")
OWN_COLUMNS = ("contrast", "response", "seed", "effect")


class Effects(NamedTuple):
    """What each contrast does to each response, and each seed's own effect; columns as in the module's text."""

    table: pd.DataFrame
    seeds: pd.DataFrame


def effects(
    runs: pd.DataFrame,
    design: Design,
    responses: Mapping[str, Response],
    precision: Precision | None = None,
    answers: Answers | None = None,
    budget: int | None = None,
) -> Effects:
    """Return what each contrast does to each of the responses that the runs have, measured with that precision.

    `answers` are what the validation examples' doubt is told from, where they are kept. With a `budget` the seeds were
    added look by look, up to so many: the primary rows are those of the looks (`looked`), the exploratory ones of all
    seeds, as if there had been one look.

    Simple effects follow at the end for each primary response on which an interaction is established or suggestive,
    and where cells without any complete run leave contrasts undefined. They are corrected among themselves; contrasts
    of exploratory responses are not corrected, and so are suggestive at most.
    """
    measured = measure(runs, design, responses.values())
    contrasts = family(design, measured.alive)
    scales = _Scales(precision or Precision(), answers)
    outcome = None if budget is None else outcomes_of(runs, design, measured)
    tables: list[pd.DataFrame] = []
    owns: list[_Own] = []
    for parts in _in_turn(measured, design, contrasts, tables):
        own = [_own(measured, design, response, each) for response, each in parts]
        looked = None
        if outcome is not None and budget is not None and parts:
            looked = look_at(parts, measured, outcome, design, scales.precision, budget)
        own = own if looked is None else [_waiting(each, looked, measured.seeds) for each in own]
        table = _corrected(_stacked([_rows(each, measured, design, scales) for each in own], COLUMNS))
        tables.append(table if looked is None else over_looks(table, looked, answers.examples if answers else None))
        owns += own
    filled = [table for table in tables if len(table)] or tables[:1]
    return Effects(
        pd.concat(filled, ignore_index=True), _stacked([_by_seed(each, measured.seeds) for each in owns], OWN_COLUMNS)
    )


def _in_turn(
    measured: Measured, design: Design, contrasts: Contrasts, tables: Sequence[pd.DataFrame]
) -> Iterator[list[Part]]:
    """Yield the declared contrasts of all responses, then the simple effects that their table calls for."""
    yield [(response, contrasts) for response in measured.responses]
    yield _headlined(design, measured, tables[0])


def _stacked(parts: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Return the parts below one another, or an empty frame with the same columns."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(columns))


def _corrected(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with Holm's p over its primary rows, the seeds that they would take, and grades."""
    p = table["p"].where(table["primary"].astype(bool)).to_numpy(float)
    n, floored = table["n"].to_numpy(int), table["floored"].to_numpy(bool)
    spread = np.where(floored, table["se"].to_numpy(float) * np.sqrt(n), table["sd"].to_numpy(float))
    values = np.where(table["moderated"].to_numpy(bool), n, table["df"].to_numpy(float) + 1)  # that the spread rests on
    table = table.assign(p_holm=holm(p))
    for prefix, effect in {"": "estimate", "sesoi_": "sesoi"}.items():
        ends = seeds_range(table[effect].to_numpy(float), spread, values, int(np.isfinite(p).sum()))
        for name, seeds in zip(("seeds_low", "seeds_high"), ends, strict=True):
            table[prefix + name] = pd.array(np.where(np.isfinite(p), seeds, np.nan), dtype="Int64")
    table["grade"] = np.where(table["grade"].eq("inert"), "inert", grades(table)).astype(object)
    return table


def _headlined(design: Design, measured: Measured, table: pd.DataFrame) -> list[Part]:
    """Return for each primary response the simple effects that are told: of interactions that show, of what is left."""
    contrasts = named(design)
    spare = spare_effects(design, measured.alive)
    found = []
    for response in [each for each in measured.responses if each.primary]:
        rows = table["response"].eq(response.column) & table["kind"].eq("interaction") & table["grade"].isin(SHOWN)
        split = [simple for label in table["contrast"][rows] for simple in simple_effects(contrasts[label])]
        told = list(dict.fromkeys([*split, *spare]))
        if told:
            found.append((response, laid_out(design, told)))
    return found


# ---- the contrasts of one response


class _Scales(NamedTuple):
    """What contrasts are measured on."""

    precision: Precision
    answers: Answers | None


@dataclass(frozen=True)
class _Own:
    """A response's contrasts, seed by seed."""

    response: Response
    contrasts: Contrasts
    figures: np.ndarray  # (seeds, cells)
    effects: np.ndarray  # (seeds, contrasts), NaN where a seed does not count; all NaN where seeds are no blocks


def _waiting(own: _Own, looked: Looked, seeds: np.ndarray) -> _Own:
    """Return the contrasts with the seeds that have been looked at."""
    planned = looked.planned(own.response.column, own.contrasts.table["contrast"])
    return replace(own, effects=until_last_look(own.effects, seeds, planned))


def _own(measured: Measured, design: Design, response: Response, contrasts: Contrasts) -> _Own:
    values = measured.of(response)
    if not design.paired:
        return _Own(response, contrasts, values, np.full((len(values), contrasts.weights.shape[0]), np.nan))
    return _Own(response, contrasts, values, own_effects(values, contrasts.weights, design.whole_seeds))


def _by_seed(own: _Own, seeds: np.ndarray) -> pd.DataFrame:
    """Return each contrast's value in each seed that it has as rows."""
    places, at = np.nonzero(np.isfinite(own.effects.T))
    return pd.DataFrame(
        {
            "contrast": own.contrasts.table["contrast"].to_numpy(object)[places],
            "response": own.response.column,
            "seed": seeds[at],
            "effect": own.effects[at, places],
        }
    )


def _rows(own: _Own, measured: Measured, design: Design, scales: _Scales) -> pd.DataFrame:
    """Return the contrasts' rows, without what the family decides: Holm's correction, seeds needed, grade."""
    metric, weights = own.response.metric, own.contrasts.weights
    declared = own.contrasts.declared
    found, over_seeds = _assessed(own, measured, design, scales.precision.floor(metric, own.figures))
    with np.errstate(divide="ignore", invalid="ignore"):
        d_z = np.where(found.sd > 0, found.estimate / found.sd, np.nan)
    table = own.contrasts.table.assign(
        response=own.response.column,
        primary=own.response.primary & declared,
        **{name: getattr(found, name) for name in TESTED},
        d_z=d_z,
        sesoi=np.nan if metric.sesoi is None else metric.sesoi,
        grade="",
        **over_seeds,
        **_doubted(own, found, scales.answers),
    )
    table = table.reindex(columns=list(COLUMNS))
    counted = table["alike"] & np.isfinite(table["p"]) & np.isfinite(table["pooled_p"])
    table["disagrees"] = counted & ((table["p"] < ALPHA) != (table["pooled_p"] < ALPHA))
    return _without_inert(table, measured.inert(weights))


def _assessed(
    own: _Own, measured: Measured, design: Design, floor: float
) -> tuple[Assessed, Mapping[str, np.ndarray | float | bool]]:
    """Return the contrasts' tests, and what only seeds as blocks tell: here paired and unpaired designs part."""
    weights = own.contrasts.weights
    if not design.paired:
        return assessed_apart(own.figures, weights, floor), {"alike": False}
    declared = own.contrasts.declared
    squares = np.where(declared, measured.shared_squares(weights), np.nan) if design.whole_seeds else None
    found = assessed(own.effects, floor, squares)
    return found, _paired(own, measured) | _pooled(own, measured, design)


def _doubted(own: _Own, found: Assessed, answers: Answers | None) -> dict[str, np.ndarray]:
    """Return what the validation examples leave open of each contrast, of the response whose answers are kept."""
    if answers is None or answers.column != own.response.column:
        return {}
    se = se_of_examples(answers.contrasts(own.contrasts.weights), np.isfinite(own.effects))
    low, high = widened(found.low, found.high, se, answers.examples)
    return {"se_examples": se, "new_low": low, "new_high": high}


def _paired(own: _Own, measured: Measured) -> dict[str, np.ndarray]:
    """Return what matched seeds bring to each contrast, over the seeds that it rests on."""
    found = {name: np.full(own.effects.shape[1], np.nan) for name in ("rho", "variance_ratio")}
    patterns, places = np.unique(np.isfinite(own.effects), axis=1, return_inverse=True)
    for place, seeds in enumerate(patterns.T):
        at = places.ravel() == place
        values, contrasts = own.figures[seeds], own.contrasts.where(at)
        found["rho"][at] = correlations(values, contrasts)
        distinct, weights = _distinct(contrasts.weights, values, measured)
        found["variance_ratio"][at] = variance_ratio(distinct, weights, own.effects[seeds][:, at])
    return found


def _pooled(own: _Own, measured: Measured, design: Design) -> dict[str, np.ndarray]:
    """Return each contrast in the analysis of variance of whole seeds, and whether the cells scatter alike."""
    alive = np.isfinite(own.figures).any(axis=0)
    whole = own.figures[np.isfinite(own.figures[:, alive]).all(axis=1)]
    values, weights = _distinct(own.contrasts.weights, whole, measured, alive)
    found = pooled(values, weights)
    lost = abs(own.contrasts.weights) @ (~alive).astype(float) > 0
    alike = design.whole_seeds and scatter_alike(values)
    return {name: np.where(lost, np.nan, column) for name, column in found.items()} | {
        "alike": np.full(len(lost), alike)
    }


def _distinct(
    weights: sparse.csr_array, values: np.ndarray, measured: Measured, alive: np.ndarray | None = None
) -> tuple[np.ndarray, sparse.csr_array]:
    """Return values and weights over cells that are runs of their own, of those that are `alive`."""
    alone = np.unique(measured.one_run if alive is None else measured.one_run[alive])
    return values[:, alone], measured.merged(weights)[:, alone]


def _without_inert(table: pd.DataFrame, itself: np.ndarray) -> pd.DataFrame:
    """Return the rows, those that compare runs with `itself` marked: they are zero, and no test."""
    if not itself.any():
        return table
    table.loc[itself, ["estimate", "low", "high", "se"]] = 0.0
    table.loc[itself, ["t", "p", "p_exact", "p_floor", "d_z", "rho", "variance_ratio", *POOLED]] = np.nan
    table.loc[itself, ["floored", "moderated", "disagrees"]] = False
    table.loc[itself & table["n"].ge(2), "grade"] = "inert"
    return table
