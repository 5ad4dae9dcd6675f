"""Runs of a design -> what each factor does: contrasts within seeds, with intervals, tests and grades.

A seed is one replicate of the whole design and a block. A contrast (`analysis.statistics.contrasts`) is a weighted sum
over cells; its value in one seed is that seed's effect, and the n seeds' effects carry the interval (t on n − 1 df) and
the tests.

Columns of `Effects.table` (tables/effects.csv), a row per contrast and response; nothing where a value is not defined:

| column | type | unit | meaning |
|---|---|---|---|
| term | str | | factors of the contrast: `dropout`, `dropout:binarize` |
| contrast | str | | unique within a response: `dropout: true → false`, `dropout × binarize` |
| kind | str | | main, interaction, simple, comparison |
| factor, level, baseline | str | | of the contrast, joined by `:` in an interaction |
| at | str | | a simple effect's condition: `binarize=false` |
| response, primary | str, bool | | a column of the runs (`responses_of`); whether that is a primary response |
| estimate, low, high, se | float | metric's | mean effect over seeds, 95 % t-interval, standard error |
| df, t, p | int, float | | of the t-test; p is the exact one where every seed shows the same non-zero effect |
| p_floor, p_exact | float | | sign-flip test over all 2^n patterns, and the lowest p that n seeds allow |
| p_holm | float | | p corrected over the family: all terms × the primary responses |
| d_z | float | | estimate / standard deviation of the seeds' effects |
| n | int | seeds | complete in every cell |
| rho | float | | correlation over seeds of cells that differ in the factor only, averaged over such pairs |
| variance_ratio | float | | Var(paired effect) / Var(effect if the cells were independent) |
| seeds_needed, seeds_needed_sesoi | int | seeds | for 80 % power at two-sided .05, uncorrected: to show an effect of |
| | | | the size seen, of the smallest size of interest; 1,000,000 stands for more as well |
| pooled_f, pooled_df, pooled_p | float | | the contrast (1 df) in the ANOVA seed + cell, error df as given |
| disagrees | bool | | whether that p and the t-test's fall on different sides of .05 |
| positive, negative | int | seeds | whose own effect is above, below zero |
| sesoi | float | metric's | smallest effect of interest; empty where the metric has none |
| grade | str | | see `analysis.statistics.grades` |

`Effects.seeds` has a row per contrast, response and seed: contrast, response, seed, effect (the metric's unit).
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from analysis.reading.study import Design
from analysis.statistics.contrasts import Contrast, Contrasts, cells_of, family, laid_out, named, simple_effects
from analysis.statistics.grades import SHOWN, grades
from analysis.statistics.holm import holm
from analysis.statistics.intervals import ALPHA, half_width
from analysis.statistics.measured import Measured, measure
from analysis.statistics.pairing import ROUNDING, correlations, merged, pooled, spread_of, variance_ratio
from analysis.statistics.power import seeds_needed
from analysis.statistics.responses import Response
from analysis.statistics.signflip import sign_flip_p

SPARE_SIMPLE = 12  # simple effects shown in place of contrasts that a cell without runs leaves undefined
COLUMNS = (
    *("term", "contrast", "kind", "factor", "level", "baseline", "at", "response", "primary"),
    *("estimate", "low", "high", "se", "df", "t", "p", "p_floor", "p_exact", "p_holm", "d_z", "n"),
    *("rho", "variance_ratio", "seeds_needed", "seeds_needed_sesoi", "pooled_f", "pooled_df", "pooled_p"),
    *("disagrees", "positive", "negative", "sesoi", "grade"),
)
OWN_COLUMNS = ("contrast", "response", "seed", "effect")
MISSING = {"n": 0, "df": 0, "positive": 0, "negative": 0}  # of a contrast over a cell without runs


class Effects(NamedTuple):
    """What each contrast does to each response, and each seed's own effect; columns as in the module's text."""

    table: pd.DataFrame
    seeds: pd.DataFrame


def effects(runs: pd.DataFrame, design: Design, responses: Mapping[str, Response]) -> Effects:
    """Return what each contrast does to each of the responses that the runs have.

    Simple effects follow at the end for each primary response on which an interaction is established
    or suggestive, and where cells without any complete run leave contrasts undefined; like all contrasts
    of exploratory responses they are outside the family that Holm's correction covers.
    """
    measured, declared_contrasts = measure(runs, design, responses.values()), family(design)
    everywhere = [(response, declared_contrasts) for response in measured.responses]
    table = _stacked([_tested_rows(measured, contrasts, response) for response, contrasts in everywhere], COLUMNS)
    table["p_holm"] = holm(table["p"].where(table["primary"]).to_numpy(float))
    table["grade"] = grades(table)
    told = _headlined(design, measured, table)
    simple = _stacked([_tested_rows(measured, contrasts, response) for response, contrasts in told], COLUMNS)
    simple["grade"] = grades(simple)
    own = [_own_effects(measured, contrasts, response) for response, contrasts in [*everywhere, *told]]
    whole = pd.concat([table, simple], ignore_index=True) if len(simple) else table
    return Effects(whole, _stacked(own, OWN_COLUMNS))


def _stacked(parts: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Return the parts below one another, or an empty frame with the same columns."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(columns))


def _own_effects(measured: Measured, contrasts: Contrasts, response: Response) -> pd.DataFrame:
    """Return each contrast's value in each kept seed as rows; none where a cell has no runs."""
    seeds, values = measured.kept(response)
    usable = contrasts.where(_defined(measured, contrasts))
    own = _contrast_values(values, usable)  # (n, contrasts)
    return pd.DataFrame(
        {
            "contrast": np.repeat(usable.table["contrast"].to_numpy(object), len(seeds)),
            "response": response.column,
            "seed": np.tile(seeds, len(usable.table)),
            "effect": own.T.ravel(),
        }
    )


def _defined(measured: Measured, contrasts: Contrasts) -> np.ndarray:
    """Return which contrasts weigh no cell that is without runs: (contrasts,) bool."""
    return abs(contrasts.weights) @ (~measured.alive).astype(float) == 0


def _headlined(design: Design, measured: Measured, table: pd.DataFrame) -> list[tuple[Response, Contrasts]]:
    """Return for each primary response the simple effects that are told: of interactions that show, of what is left."""
    contrasts = named(design)
    spare = _spare_effects(design, measured)
    found = []
    for response in [each for each in measured.responses if each.primary]:
        rows = table["response"].eq(response.column) & table["kind"].eq("interaction") & table["grade"].isin(SHOWN)
        split = [simple for label in table["contrast"][rows] for simple in simple_effects(contrasts[label])]
        told = list(dict.fromkeys([*split, *spare]))
        if told:
            found.append((response, laid_out(design, told)))
    return found


def _spare_effects(design: Design, measured: Measured) -> list[Contrast]:
    """Return simple effects between cells that have runs where others in the factorial have none; a dozen at most."""
    if design.kind != "factorial" or measured.alive.all() or not measured.alive.any() or len(design.factors) < 2:
        return []
    found = []
    for factor, levels in design.factors.items():
        others = [other for other in design.factors if other != factor]
        for at in itertools.product(*(range(len(design.factors[other])) for other in others)):
            for level in range(1, len(levels)):
                simple = Contrast(((factor, 0, level),), tuple(zip(others, at, strict=True)))
                if measured.alive[cells_of(design, simple).ravel()].all():
                    found.append(simple)
                if len(found) == SPARE_SIMPLE:
                    return found
    return found


def _contrast_values(values: np.ndarray, contrasts: Contrasts) -> np.ndarray:
    """Return each contrast in each seed, (n, cells) -> (n, contrasts); the rounding left of equal cells is zero."""
    present = np.nan_to_num(values)  # cells without runs have weight zero here
    own = (contrasts.weights @ present.T).T
    return np.where(np.abs(own) <= ROUNDING * _size_of(values, contrasts), 0.0, own)


def _size_of(values: np.ndarray, contrasts: Contrasts) -> np.ndarray:
    """Return how large the numbers are that each contrast adds and subtracts: (contrasts,)."""
    largest = np.abs(np.nan_to_num(values)).max(axis=0, initial=0)  # (cells,)
    return abs(contrasts.weights) @ largest


def _tested_rows(measured: Measured, contrasts: Contrasts, response: Response) -> pd.DataFrame:
    """Return the contrasts' rows for one response, without Holm's correction and grade."""
    usable = _defined(measured, contrasts)
    _, values = measured.kept(response)
    kept = contrasts.where(usable)
    own = _contrast_values(values, kept)
    sesoi = response.metric.sesoi
    smallest = np.nan if sesoi is None else sesoi
    size = _size_of(values, kept)
    numbers = _statistics(own, size, smallest)
    distinct, weights = merged(values[:, measured.alive], kept.weights[:, measured.alive])
    numbers["rho"] = correlations(values, kept)
    numbers["variance_ratio"] = variance_ratio(distinct, weights, own, size)
    numbers |= pooled(distinct, weights)
    table = contrasts.table.assign(response=response.column, primary=response.primary, sesoi=smallest)
    spread = {name: _spread_over(usable, column, MISSING.get(name, np.nan)) for name, column in numbers.items()}
    table = table.assign(**spread, p_holm=np.nan, grade="")
    counted = np.isfinite(table["p"]) & np.isfinite(table["pooled_p"])
    table["disagrees"] = counted & ((table["p"] < ALPHA) != (table["pooled_p"] < ALPHA))
    for name in ("seeds_needed", "seeds_needed_sesoi"):
        table[name] = table[name].round().astype("Int64")
    return table[list(COLUMNS)]


def _spread_over(usable: np.ndarray, column: np.ndarray, otherwise: float) -> np.ndarray:
    """Return the column over all contrasts, `otherwise` where one is not usable."""
    whole = np.full(len(usable), otherwise, dtype=np.asarray(column).dtype if otherwise == 0 else float)
    whole[usable] = column
    return whole


def _statistics(own: np.ndarray, size: np.ndarray, sesoi: float) -> dict[str, np.ndarray]:
    """Return estimate, interval and tests of each column of the seeds' effects, (n, contrasts); `size` as `_size_of`.

    Where every seed shows exactly the same effect there is no spread to test against: an effect of
    zero is not tested at all, and for another one p is that of the sign-flip test.
    """
    n, count = own.shape
    undefined = np.full(count, np.nan)
    estimate = own.mean(axis=0) if n else undefined
    sd = spread_of(own, size) if n > 1 else undefined
    se = sd / math.sqrt(max(n, 1))
    varies = sd > 0
    t = np.divide(estimate, se, out=undefined.copy(), where=varies)
    p_exact = sign_flip_p(own) if n > 1 else undefined
    p = np.where(varies, 2 * stats.t.sf(np.abs(t), max(n - 1, 1)), p_exact)
    half = half_width(sd, n)
    nothing = (own == 0).all(axis=0)
    d_z = np.divide(estimate, sd, out=undefined.copy(), where=varies)
    of_interest = np.divide(sesoi, sd, out=undefined.copy(), where=varies)
    return {
        "estimate": estimate,
        "low": estimate - half,
        "high": estimate + half,
        "se": se,
        "df": np.full(count, max(n - 1, 0)),
        "t": t,
        "p": np.where(nothing, np.nan, p),
        "p_floor": np.full(count, 2.0 ** (1 - n) if n > 1 else np.nan),
        "p_exact": np.where(nothing, np.nan, p_exact),
        "d_z": d_z,
        "n": np.full(count, n),
        "seeds_needed": seeds_needed(d_z),
        "seeds_needed_sesoi": seeds_needed(of_interest),
        "positive": (own > 0).sum(axis=0),
        "negative": (own < 0).sum(axis=0),
    }
