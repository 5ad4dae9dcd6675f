"""Runs of a design -> what each factor does: contrasts within seeds, with intervals, tests and grades.

A seed is one replicate of the whole design and a block. A contrast is a weighted sum over cells; its value in one
seed is that seed's effect, and the n seeds' effects carry the interval (t on n − 1 df) and the tests.

    main         mean at the level minus mean at the baseline level, averaged over the other factors
    interaction  half the difference of the simple effects, and half of that again for each further factor
    simple       the main effect at one level of the other factors of an interaction that shows
    comparison   one arm minus another

In a 2^k design these are (2 / 2^k) Σ ±y. A factor with more levels gives a contrast a level, always against the
baseline; `one_at_a_time` compares each other cell with the baseline cell. A factorial of more than three factors and
more than 32 cells is read up to interactions of three factors; higher ones are in neither the table nor the error.

Columns of `effects` (tables/effects.csv), a row per contrast and response; nothing where a value is not defined:

| column | type | unit | meaning |
|---|---|---|---|
| term | str | | factors of the contrast: `dropout`, `dropout:binarize` |
| contrast | str | | unique within a response: `dropout: true → false`, `dropout × binarize` |
| kind | str | | main, interaction, simple, comparison |
| factor, level, baseline | str | | of the contrast, joined by `:` in an interaction |
| at | str | | a simple effect's condition: `binarize=false` |
| response, primary | str, bool | | a key of RESPONSES; whether that is a primary response |
| estimate, low, high, se | float | share, nats | mean effect over seeds, 95 % t-interval, standard error |
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
| sesoi | float | share, nats | smallest effect of interest |
| grade | str | | see `grades` |
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy import sparse, special, stats

from analysis.tables import Design

ALPHA = 0.05
POWER = 0.80
SESOI = {"accuracy": 0.001, "loss": 0.005}  # share, nats
ALL_ORDERS_FACTORS = 3
ALL_ORDERS_CELLS = 32
HIGHEST_ORDER = 3  # of larger designs
NEARLY = 10  # seeds, of which one may have the other sign
ROUNDING = 1e-12  # relative; a smaller effect or spread is that of floating-point sums
SEEDS_FOR_RHO = 3  # any two points correlate perfectly
ENUMERATED_SEEDS = 14  # up to which all sign patterns are laid out
HALVED_SEEDS = 30  # up to which they are counted from two halves
SIGN_DRAWS = 100_000  # of more seeds
SIGN_CHUNK = 4_000_000  # flipped sums in memory at a time
TABLED_SEEDS = 200  # up to which detectable effects are exact
MOST_SEEDS = 1_000_000
SHOWN = ("established", "suggestive")  # grades of an interaction whose simple effects are given
SPARE_SIMPLE = 12  # simple effects shown in place of contrasts that a cell without runs leaves undefined
GRADES = (
    "established",
    "suggestive",
    "smaller than of interest",
    "no difference at all",
    "not shown",
    "cannot be said",
)


@dataclass(frozen=True)
class Response:
    """What is compared: its name in a sentence, whose unit and smallest effect of interest it has, its family."""

    label: str
    metric: str  # accuracy (share) or loss (nats)
    primary: bool = False


GAP_PARTS = {
    "moving_weights": "moving weights",
    "train_mode_noise": "train-mode noise",
    "memorisation": "memorisation",
    "memorisation_and_split": "memorisation and split difference",
    "split_difference": "the split difference",
}
RESPONSES = {
    "val_accuracy": Response("validation accuracy", "accuracy", primary=True),
    "val_loss": Response("validation loss", "loss", primary=True),
    **{f"gap_{metric}": Response(f"the {metric} gap between validation and training", metric) for metric in SESOI},
    **{
        f"gap_{metric}_{part}": Response(f"the {metric} gap from {label}", metric)
        for metric in SESOI
        for part, label in GAP_PARTS.items()
    },
}
COLUMNS = (
    *("term", "contrast", "kind", "factor", "level", "baseline", "at", "response", "primary"),
    *("estimate", "low", "high", "se", "df", "t", "p", "p_floor", "p_exact", "p_holm", "d_z", "n"),
    *("rho", "variance_ratio", "seeds_needed", "seeds_needed_sesoi", "pooled_f", "pooled_df", "pooled_p"),
    *("disagrees", "positive", "negative", "sesoi", "grade"),
)


# ---- contrasts


@dataclass(frozen=True)
class Contrast:
    """Steps (factor, from, to) and where they are taken (factor, level); levels by place, the baseline being 0."""

    steps: tuple[tuple[str, int, int], ...]
    at: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Contrasts:
    """Contrasts as rows: what they are called, their weights, and the pairs of cells that each compares."""

    table: pd.DataFrame
    weights: sparse.csr_array  # (contrasts, cells)
    pairs: np.ndarray  # (pairs, 2) cells
    owner: np.ndarray  # (pairs,) contrast

    def where(self, kept: np.ndarray) -> "Contrasts":
        """Return the contrasts for which the boolean array `kept` holds."""
        own = kept[self.owner]
        places = np.cumsum(kept) - 1
        return Contrasts(
            self.table[kept].reset_index(drop=True), self.weights[kept], self.pairs[own], places[self.owner[own]]
        )


def cell_count(design: Design) -> int:
    """Return how many cells the design has."""
    sizes = [len(levels) for levels in design.factors.values()]
    return math.prod(sizes) if design.kind == "factorial" else 1 + sum(size - 1 for size in sizes)


def family(design: Design) -> Contrasts:
    """Return the declared contrasts, main effects first, then interactions by order."""
    return laid_out(design, list(declared(design)))


def declared(design: Design) -> Iterable[Contrast]:
    """Yield the design's contrasts: comparisons of arms, or terms up to the highest order that is read."""
    if design.kind == "arms":
        [(factor, arms)] = design.factors.items()
        pairs = design.comparisons or [(arm, arms[0]) for arm in arms[1:]]
        for arm, against in pairs:
            yield Contrast(((factor, arms.index(against), arms.index(arm)),))
        return
    for order in range(1, highest_order(design) + 1):
        for factors in itertools.combinations(design.factors, order):
            for levels in itertools.product(*(range(1, len(design.factors[factor])) for factor in factors)):
                yield Contrast(tuple((factor, 0, level) for factor, level in zip(factors, levels, strict=True)))


def highest_order(design: Design) -> int:
    """Return how many factors a term may have: all, but three where both factors and cells are many."""
    if design.kind != "factorial":
        return 1
    count = len(design.factors)
    small = count <= ALL_ORDERS_FACTORS or cell_count(design) <= ALL_ORDERS_CELLS
    return count if small else HIGHEST_ORDER


def laid_out(design: Design, contrasts: Sequence[Contrast]) -> Contrasts:
    """Return the contrasts with their weights over the design's cells."""
    grids = [cells_of(design, contrast) for contrast in contrasts]
    weights = [weights_of(grid, len(contrast.steps)) for grid, contrast in zip(grids, contrasts, strict=True)]
    sizes = [grid.size for grid in grids]
    entries = (flat(weights, float), (np.repeat(np.arange(len(grids)), sizes), flat(grids, int)))
    pairs = [pairs_of(grid, len(contrast.steps)) for grid, contrast in zip(grids, contrasts, strict=True)]
    return Contrasts(
        pd.DataFrame(
            [names_of(design, contrast) for contrast in contrasts],
            columns=["term", "contrast", "kind", "factor", "level", "baseline", "at"],
        ),
        sparse.csr_array(entries, shape=(len(contrasts), cell_count(design))),
        np.concatenate([np.empty((0, 2), int), *pairs]),
        np.repeat(np.arange(len(pairs)), [len(each) for each in pairs]),
    )


def flat(arrays: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    """Return all arrays' elements in one; an empty one of the type where there are none."""
    return np.concatenate([np.empty(0, dtype), *(array.ravel() for array in arrays)])


def cells_of(design: Design, contrast: Contrast) -> np.ndarray:
    """Return the cells that the contrast weighs: (2, ..., 2, averaged levels, ...), an axis of two a step."""
    if design.kind != "factorial":
        [(factor, start, end)] = contrast.steps
        return np.array([star_cell(design, factor, start), star_cell(design, factor, end)])
    strides = factorial_strides(design)
    taken = {factor: [start, end] for factor, start, end in contrast.steps}
    fixed = {factor: [level] for factor, level in contrast.at}
    rest = {factor: range(len(levels)) for factor, levels in design.factors.items() if factor not in taken | fixed}
    cells = np.zeros((), int)
    for factor, levels in (taken | fixed | rest).items():
        cells = np.add.outer(cells, np.array(levels) * strides[factor])
    return cells


def factorial_strides(design: Design) -> dict[str, int]:
    """Return how many cells lie between a factor's neighbouring levels, the last factor being fastest."""
    sizes = [len(levels) for levels in design.factors.values()]
    return {factor: math.prod(sizes[place + 1 :]) for place, factor in enumerate(design.factors)}


def star_cell(design: Design, factor: str, level: int) -> int:
    """Return the cell that has this level of the factor and the baseline of all others; the baseline is cell 0."""
    before = itertools.takewhile(lambda other: other != factor, design.factors)
    return 0 if level == 0 else sum(len(design.factors[other]) - 1 for other in before) + level


def weights_of(cells: np.ndarray, order: int) -> np.ndarray:
    """Return ± weights of the cells' shape: a mean over what is averaged, halved for each step after the first."""
    signs = np.ones(())
    for _ in range(order):
        signs = np.multiply.outer(signs, [-1.0, 1.0])
    averaged = cells.size / signs.size
    return np.multiply.outer(signs, np.ones(cells.shape[order:])) / averaged / 2 ** (order - 1)


def pairs_of(cells: np.ndarray, order: int) -> np.ndarray:
    """Return the pairs of cells that differ in one step of the contrast only: (pairs, 2)."""
    ends = [[cells.take(end, axis).ravel() for end in (0, 1)] for axis in range(order)]
    return np.concatenate([np.stack(pair, axis=1) for pair in ends])


def names_of(design: Design, contrast: Contrast) -> tuple[str, ...]:
    """Return term, contrast, kind, factor, level, baseline and condition as the table has them."""
    factors = [factor for factor, _, _ in contrast.steps]
    starts = [design.factors[factor][start] for factor, start, _ in contrast.steps]
    ends = [design.factors[factor][end] for factor, _, end in contrast.steps]
    at = ", ".join(f"{factor}={design.factors[factor][level]}" for factor, level in contrast.at)
    kind = kind_of(design, contrast)
    label = {
        "comparison": f"{ends[0]} against {starts[0]}",
        "interaction": " × ".join(
            factor if len(design.factors[factor]) == 2 else f"{factor} ({start} → {end})"
            for factor, start, end in zip(factors, starts, ends, strict=True)
        ),
    }.get(kind, f"{factors[0]}: {starts[0]} → {ends[0]}" + (f" at {at}" if at else ""))
    joined = ":".join(factors)
    return joined, label, kind, joined, ":".join(ends), ":".join(starts), at


def named(design: Design) -> dict[str, Contrast]:
    """Return the declared contrasts by their labels."""
    return {names_of(design, contrast)[1]: contrast for contrast in declared(design)}


def kind_of(design: Design, contrast: Contrast) -> str:
    """Return main, interaction, simple or comparison."""
    if design.kind == "arms":
        return "comparison"
    if contrast.at:
        return "simple"
    return "main" if len(contrast.steps) == 1 else "interaction"


def simple_effects(interaction: Contrast) -> list[Contrast]:
    """Return each step of the interaction alone, at either end of all its other steps."""
    found = []
    for place, step in enumerate(interaction.steps):
        others = interaction.steps[:place] + interaction.steps[place + 1 :]
        ends = itertools.product(*([(factor, start), (factor, end)] for factor, start, end in others))
        found += [Contrast((step,), at) for at in ends]
    return found


# ---- measurements


@dataclass(frozen=True)
class Measured:
    """Responses as an array over seeds and cells; NaN where a run is not complete or has no value."""

    responses: tuple[str, ...]
    seeds: np.ndarray  # (seeds,)
    values: np.ndarray  # (responses, seeds, cells)
    alive: np.ndarray  # (cells,) whether any run of the cell is complete

    def kept(self, response: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the seeds that have the response in every cell that has runs, and values: (n,), (n, cells).

        A cell without any complete run stays NaN; contrasts over it cannot be computed.
        """
        values = self.values[self.responses.index(response)]
        whole = np.isfinite(values[:, self.alive]).all(axis=1) & self.alive.any()
        return self.seeds[whole], values[whole]


def measure(runs: pd.DataFrame, design: Design) -> Measured:
    """Return the responses that `runs` has; exploratory ones only where any run has a value."""
    cells = cell_places(runs, design)
    rows, seeds = pd.factorize(runs["seed"])
    if len(np.unique(rows * cell_count(design) + cells)) != len(runs):
        raise ValueError("runs must hold one row per cell and seed; got some twice. Drop the duplicates.")
    complete = runs["status"].eq("complete").to_numpy()
    responses = tuple(
        name
        for name, response in RESPONSES.items()
        if name in runs and (response.primary or np.isfinite(runs[name].to_numpy(float)[complete]).any())
    )
    values = np.full((len(responses), len(seeds), cell_count(design)), np.nan)
    for place, name in enumerate(responses):
        values[place, rows, cells] = np.where(complete, runs[name].to_numpy(float), np.nan)
    alive = np.bincount(cells[complete], minlength=cell_count(design)) > 0
    return Measured(responses, np.asarray(seeds), values, alive)


def cell_places(runs: pd.DataFrame, design: Design) -> np.ndarray:
    """Return each run's cell, (runs,): the last factor fastest, or the baseline and then each factor's levels."""
    cells = np.zeros(len(runs), int)
    changed = np.zeros(len(runs), int)
    for factor, levels in design.factors.items():
        codes = pd.Index([str(level) for level in levels]).get_indexer(runs[factor].astype(str))
        if (codes < 0).any():
            stray = runs[factor].astype(str).to_numpy()[codes < 0][0]
            raise ValueError(f"{factor} must be one of {', '.join(map(str, levels))} in every run; got {stray}.")
        if design.kind == "factorial":
            cells = cells * len(levels) + codes
        else:
            cells += np.where(codes > 0, star_cell(design, factor, 1) - 1 + codes, 0)
            changed += codes > 0
    if design.kind != "factorial" and (changed > 1).any():
        raise ValueError("runs must differ from the baseline in one factor at a time; got some that differ in more.")
    return cells


# ---- effects


def effects(runs: pd.DataFrame, design: Design, sesoi: dict[str, float] = SESOI) -> pd.DataFrame:
    """Return what each contrast does to each response; the columns are those of the module's table.

    Simple effects follow at the end for each primary response on which an interaction is established
    or suggestive, and where cells without any complete run leave contrasts undefined; like all contrasts
    of exploratory responses they are outside the family that Holm's correction covers.
    """
    measured, declared_contrasts = measure(runs, design), family(design)
    tested = [tested_rows(measured, declared_contrasts, name, sesoi) for name in measured.responses]
    table = stacked(tested)
    table["p_holm"] = holm(table["p"].where(table["primary"]).to_numpy(float))
    table["grade"] = grades(table)
    simple = stacked(
        [tested_rows(measured, contrasts, name, sesoi) for name, contrasts in headlined(design, measured, table)]
    )
    simple["grade"] = grades(simple)
    return pd.concat([table, simple], ignore_index=True) if len(simple) else table


def stacked(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the parts below one another, or an empty frame with the same columns."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(COLUMNS))


def seed_effects(runs: pd.DataFrame, design: Design) -> pd.DataFrame:
    """Return every seed's own effect (share, nats): a row per contrast of `effects`, response and seed."""
    measured, declared_contrasts = measure(runs, design), family(design)
    simple = headlined(design, measured, effects(runs, design))
    parts = [
        own_effects(measured, contrasts, name)
        for name, contrasts in [*((name, declared_contrasts) for name in measured.responses), *simple]
    ]
    columns = ["contrast", "response", "seed", "effect"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def own_effects(measured: Measured, contrasts: Contrasts, response: str) -> pd.DataFrame:
    """Return each contrast's value in each kept seed as rows; none where a cell has no runs."""
    seeds, values = measured.kept(response)
    usable = contrasts.where(defined(measured, contrasts))
    own = contrast_values(values, usable)  # (n, contrasts)
    return pd.DataFrame(
        {
            "contrast": np.repeat(usable.table["contrast"].to_numpy(object), len(seeds)),
            "response": response,
            "seed": np.tile(seeds, len(usable.table)),
            "effect": own.T.ravel(),
        }
    )


def defined(measured: Measured, contrasts: Contrasts) -> np.ndarray:
    """Return which contrasts weigh no cell that is without runs: (contrasts,) bool."""
    return abs(contrasts.weights) @ (~measured.alive).astype(float) == 0


def headlined(design: Design, measured: Measured, table: pd.DataFrame) -> list[tuple[str, Contrasts]]:
    """Return for each primary response the simple effects that are told: of interactions that show, of what is left."""
    contrasts = named(design)
    spare = spare_effects(design, measured)
    found = []
    for name in [name for name in measured.responses if RESPONSES[name].primary]:
        shown = table["response"].eq(name) & table["kind"].eq("interaction") & table["grade"].isin(SHOWN)
        split = [simple for label in table["contrast"][shown] for simple in simple_effects(contrasts[label])]
        told = list(dict.fromkeys([*split, *spare]))
        if told:
            found.append((name, laid_out(design, told)))
    return found


def spare_effects(design: Design, measured: Measured) -> list[Contrast]:
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


def contrast_values(values: np.ndarray, contrasts: Contrasts) -> np.ndarray:
    """Return each contrast in each seed, (n, cells) -> (n, contrasts); the rounding left of equal cells is zero."""
    present = np.nan_to_num(values)  # cells without runs have weight zero here
    own = (contrasts.weights @ present.T).T
    return np.where(np.abs(own) <= ROUNDING * size_of(values, contrasts), 0.0, own)


def size_of(values: np.ndarray, contrasts: Contrasts) -> np.ndarray:
    """Return how large the numbers are that each contrast adds and subtracts: (contrasts,)."""
    largest = np.abs(np.nan_to_num(values)).max(axis=0, initial=0)  # (cells,)
    return abs(contrasts.weights) @ largest


def tested_rows(measured: Measured, contrasts: Contrasts, response: str, sesoi: dict[str, float]) -> pd.DataFrame:
    """Return the contrasts' rows for one response, without Holm's correction and grade."""
    usable = defined(measured, contrasts)
    _, values = measured.kept(response)
    kept = contrasts.where(usable)
    own = contrast_values(values, kept)
    smallest = float(sesoi.get(RESPONSES[response].metric, np.nan))
    size = size_of(values, kept)
    numbers = statistics(own, size, smallest)
    distinct, weights = merged(values[:, measured.alive], kept.weights[:, measured.alive])
    numbers["rho"] = correlations(values, kept)
    numbers["variance_ratio"] = variance_ratio(distinct, weights, own, size)
    numbers |= pooled(distinct, weights, numbers["estimate"])
    table = contrasts.table.assign(response=response, primary=RESPONSES[response].primary, sesoi=smallest)
    spread = {name: spread_over(usable, column, MISSING.get(name, np.nan)) for name, column in numbers.items()}
    table = table.assign(**spread, p_holm=np.nan, grade="")
    counted = np.isfinite(table["p"]) & np.isfinite(table["pooled_p"])
    table["disagrees"] = counted & ((table["p"] < ALPHA) != (table["pooled_p"] < ALPHA))
    for name in ("seeds_needed", "seeds_needed_sesoi"):
        table[name] = table[name].round().astype("Int64")
    return table[list(COLUMNS)]


MISSING = {"n": 0, "df": 0, "positive": 0, "negative": 0}  # of a contrast over a cell without runs


def spread_over(usable: np.ndarray, column: np.ndarray, otherwise: float) -> np.ndarray:
    """Return the column over all contrasts, `otherwise` where one is not usable."""
    whole = np.full(len(usable), otherwise, dtype=np.asarray(column).dtype if otherwise == 0 else float)
    whole[usable] = column
    return whole


def statistics(own: np.ndarray, size: np.ndarray, sesoi: float) -> dict[str, np.ndarray]:
    """Return estimate, interval and tests of each column of the seeds' effects, (n, contrasts); `size` as `size_of`.

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
    half = se * stats.t.ppf(1 - ALPHA / 2, max(n - 1, 1))
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


def spread_of(own: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each column (n − 1 df); zero where the effects differ by rounding only."""
    sd = own.std(axis=0, ddof=1)
    return np.where(sd <= ROUNDING * size, 0.0, sd)


# ---- tests


def sign_flip_p(own: np.ndarray) -> np.ndarray:
    """Return the two-sided p of each column's mean under all 2^n changes of sign of the seeds' effects; at least 2/2^n.

    Exact up to 30 seeds. Beyond, 100,000 fixed random patterns stand for all, and the observed one
    is counted with them, so that p never falls below 1/100,001.
    """
    n, count = own.shape
    if n <= ENUMERATED_SEEDS:
        return share_as_large(own, all_signs(n))
    if n <= HALVED_SEEDS:
        return np.array([halved_sign_flip_p(own[:, place]) for place in range(count)])
    signs = np.random.default_rng(n).choice([-1.0, 1.0], (SIGN_DRAWS, n))
    return (share_as_large(own, signs) * SIGN_DRAWS + 1) / (SIGN_DRAWS + 1)


def all_signs(n: int) -> np.ndarray:
    """Return the sign patterns of n seeds that leave the first as it is: (2^(n − 1), n); the rest mirror them."""
    bits = np.arange(2 ** (n - 1))[:, None] >> np.arange(n)[None, :] & 1
    return (1.0 - 2.0 * bits)[:, ::-1]


def share_as_large(own: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Return the share of patterns whose sum is at least as far from zero as the observed one, a column each."""
    bar = np.abs(own.sum(axis=0)) - slack(own)
    step = max(1, SIGN_CHUNK // len(signs))
    starts = range(0, own.shape[1], step)
    shares = [
        (np.abs(signs @ own[:, start : start + step]) >= bar[start : start + step]).mean(axis=0) for start in starts
    ]
    return np.concatenate([np.empty(0), *shares])


def slack(own: np.ndarray) -> np.ndarray:
    """Return by how much equal sums may differ from rounding; accuracies of a small validation set often tie."""
    return 1e-10 * np.abs(own).sum(axis=0)


def halved_sign_flip_p(own: np.ndarray) -> float:
    """Return the exact p for one contrast, (n,), from the flipped sums of two halves: 2^(n/2) steps and not 2^n."""
    bar = abs(own.sum()) - float(slack(own))
    if bar <= 0:
        return 1.0
    first, second = flipped_sums(own[: len(own) // 2]), np.sort(flipped_sums(own[len(own) // 2 :]))
    above = len(second) - np.searchsorted(second, bar - first, side="left")
    below = np.searchsorted(second, -bar - first, side="right")
    return float((above + below).sum() / (len(first) * len(second)))


def flipped_sums(values: np.ndarray) -> np.ndarray:
    """Return the sums of the values under every choice of signs: (2^n,)."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values corrected for all that are given, after Holm (1979); NaN is no test and stays."""
    p = np.asarray(p, float)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected = np.full(len(p), np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def grades(table: pd.DataFrame) -> np.ndarray:
    """Return what each row of the table is worth.

    cannot be said            fewer than two seeds, or a cell without runs
    no difference at all      every seed's effect is exactly zero
    established               the interval excludes zero, Holm's p is below .05, and at most one seed in
                              ten ("nearly every") lacks the mean's sign
    smaller than of interest  the interval lies inside ± the smallest effect of interest
    suggestive                the interval excludes zero, no more
    not shown                 none of these

    The first that fits is the grade; so an established effect may be small as well. Rows outside the family have no
    Holm's p and are suggestive at most. Where every seed shows the same non-zero effect the
    interval has no width, and p below .05 stands for it.
    """
    n = table["n"].to_numpy(int)
    positive, negative = table["positive"].to_numpy(int), table["negative"].to_numpy(int)
    low, high, sesoi = (table[name].to_numpy(float) for name in ("low", "high", "sesoi"))
    excludes_zero = table["p"].to_numpy(float) < ALPHA
    survives = excludes_zero & (table["p_holm"].to_numpy(float) < ALPHA)
    dissenting = n - np.where(table["estimate"].to_numpy(float) > 0, positive, negative)
    inside = (-sesoi < low) & (high < sesoi) & ((table["se"].to_numpy(float) > 0) | excludes_zero)
    rules = {
        "cannot be said": n < 2,
        "no difference at all": (positive == 0) & (negative == 0),
        "established": survives & (dissenting <= n // NEARLY),
        "smaller than of interest": inside,
        "suggestive": excludes_zero,
    }
    return np.select(list(rules.values()), list(rules), "not shown").astype(object)


# ---- how many seeds


def seeds_needed(d_z: np.ndarray) -> np.ndarray:
    """Return the seeds at which a paired t-test (two-sided .05) finds an effect of size d_z with 80 % power; float.

    NaN where d_z is zero or NaN, at least 2, at most a million. Exact up to 200 seeds; beyond, the
    normal approximation with its small-sample term, which agrees with the exact one there.
    """
    size = np.abs(np.asarray(d_z, float))
    sizes = np.where(np.isfinite(size) & (size > 0), size, 1.0)
    tabled = 2.0 + np.searchsorted(-detectable_effects(), -sizes)
    quantile = stats.norm.ppf(1 - ALPHA / 2)
    approximate = np.ceil(((quantile + stats.norm.ppf(POWER)) / sizes) ** 2 + quantile**2 / 2)
    needed = np.where(tabled <= TABLED_SEEDS, tabled, np.minimum(approximate, MOST_SEEDS))
    return np.where(np.isfinite(size) & (size > 0), needed, np.nan)


@cache
def detectable_effects() -> np.ndarray:
    """Return the d_z that 2, 3, ..., 200 seeds detect with 80 % power, from the noncentral t; decreasing.

    The chance to be significant in the wrong direction, below 1e-5 there, is left out.
    """
    n = np.arange(2, TABLED_SEEDS + 1)
    critical = stats.t.ppf(1 - ALPHA / 2, n - 1)
    low, high = critical / np.sqrt(n), 1.5 * critical / np.sqrt(n)
    for _ in range(50):
        middle = (low + high) / 2
        enough = special.nctdtr(n - 1, middle * np.sqrt(n), critical) <= 1 - POWER
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


# ---- pairing and pooling


def merged(values: np.ndarray, weights: sparse.csr_array) -> tuple[np.ndarray, sparse.csr_array]:
    """Return the distinct columns of (n, cells) and each contrast's weights on them.

    Cells that an inert factor makes one and the same run are one observation a seed, not two.
    """
    distinct, places = np.unique(values, axis=1, return_inverse=True)
    if distinct.shape[1] == values.shape[1] or not len(values):
        return values, weights
    cells = values.shape[1]
    onto = sparse.csr_array((np.ones(cells), (np.arange(cells), places.ravel())), shape=(cells, distinct.shape[1]))
    return distinct, weights @ onto


def variance_ratio(values: np.ndarray, weights: sparse.csr_array, own: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the variance of the seeds' effects over what it would be if no two cells had their seeds in common.

    With two cells of equal variance it is 1 − rho. NaN below two seeds, or where no cell varies.
    """
    if len(own) < 2:
        return np.full(own.shape[1], np.nan)
    unpaired = weights.power(2) @ values.var(axis=0, ddof=1)
    return spread_of(own, size) ** 2 / np.where(unpaired > (ROUNDING * size) ** 2, unpaired, np.nan)


def correlations(values: np.ndarray, contrasts: Contrasts) -> np.ndarray:
    """Return the mean correlation over seeds of each contrast's pairs of cells.

    NaN below three seeds, since any two points correlate perfectly, and where no pair varies.
    """
    count = len(contrasts.table)
    if len(values) < SEEDS_FOR_RHO:
        return np.full(count, np.nan)
    centred = np.nan_to_num(values - values.mean(axis=0))
    norm = np.sqrt((centred**2).sum(axis=0))
    moves = norm > ROUNDING * np.abs(np.nan_to_num(values)).max(axis=0)
    kept = moves[contrasts.pairs].all(axis=1)
    first, second = contrasts.pairs[kept].T
    together = (centred[:, first] * centred[:, second]).sum(axis=0) / (norm[first] * norm[second])
    total = np.bincount(contrasts.owner[kept], np.clip(together, -1, 1), minlength=count)
    pairs = np.bincount(contrasts.owner[kept], minlength=count)
    return np.divide(total, pairs, out=np.full(count, np.nan), where=pairs > 0)


def pooled(values: np.ndarray, weights: sparse.csr_array, estimate: np.ndarray) -> dict[str, np.ndarray]:
    """Return each contrast's F on 1 and (n − 1)(cells − 1) df in the ANOVA seed + cell; values are (n, cells).

    In a 2^k design the contrast's sum of squares is N Ē² / 4 with N runs.
    """
    n, cells = values.shape
    df = (n - 1) * (cells - 1)
    undefined = np.full(len(estimate), np.nan)
    if n < 2 or cells < 2:
        return {"pooled_f": undefined, "pooled_df": undefined, "pooled_p": undefined}
    centred = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True) + values.mean()
    error = (centred**2).sum() / df
    if error <= (ROUNDING * np.abs(values).max()) ** 2:
        return {"pooled_f": undefined, "pooled_df": undefined + df, "pooled_p": undefined}
    squares = weights.power(2).sum(axis=1)
    f = np.divide(estimate**2 * n, squares * error, out=undefined.copy(), where=squares > 0)
    return {"pooled_f": f, "pooled_df": np.full(len(f), float(df)), "pooled_p": stats.f.sf(f, 1, df)}


def anova(
    frame: pd.DataFrame, response: str, factors: Sequence[str], block: str | None = None, order: int | None = None
) -> pd.DataFrame:
    """Return the pooled analysis of variance: a row for the block, each term, and the residual.

    Columns: term (`N:P`; `block`, `residual`), ss, df, ms, f, p. Terms go up to `order` factors (default: all) and are
    fitted one after the other, block first, so that in a balanced design, whole or in incomplete
    blocks, the order does not matter. A term that is confounded with what came before has 0 df and is left out.
    """
    values = frame[response].to_numpy(float)
    fitted, rows = np.full((len(values), 1), len(values) ** -0.5), []
    for name, columns in anova_terms(frame, factors, block, order or len(factors)):
        added = new_directions(columns, fitted)
        fitted = np.hstack([fitted, added])
        if added.shape[1]:
            rows.append((name, float(((added.T @ values) ** 2).sum()), added.shape[1]))
    residual = values - fitted @ (fitted.T @ values)
    rows.append(("residual", float(residual @ residual), len(values) - fitted.shape[1]))
    return anova_table(pd.DataFrame(rows, columns=["term", "ss", "df"]))


def anova_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with mean squares, and F and p against its last row, the residual."""
    ms = table["ss"] / table["df"].where(table["df"] > 0)
    error, df = ms.iloc[-1], int(table["df"].iloc[-1])
    f = (ms / error).where(table.index < len(table) - 1) if df > 0 and error > 0 else ms * np.nan
    return table.assign(ms=ms, f=f, p=stats.f.sf(f, table["df"], df) if df > 0 else np.nan)


def anova_terms(
    frame: pd.DataFrame, factors: Sequence[str], block: str | None, order: int
) -> Iterable[tuple[str, np.ndarray]]:
    """Yield each term's name and columns (rows, products of level indicators), block first."""
    indicators = {name: levels_of(frame[name]) for name in ([block] if block else []) + list(factors)}
    if block:
        yield "block", indicators[block]
    for size in range(1, order + 1):
        for names in itertools.combinations(factors, size):
            columns = np.ones((len(frame), 1))
            for name in names:
                columns = np.einsum("ri,rj->rij", columns, indicators[name]).reshape(len(frame), -1)
            yield ":".join(names), columns


def levels_of(column: pd.Series) -> np.ndarray:
    """Return an indicator column for each level after the first: (rows, levels − 1)."""
    codes, levels = pd.factorize(column)
    return (codes[:, None] == np.arange(1, len(levels))).astype(float)


def new_directions(columns: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Return orthonormal columns that span what the columns add to the orthonormal ones already fitted."""
    rest = columns
    for _ in range(2):  # once more for the digits that the first subtraction loses
        rest = rest - fitted @ (fitted.T @ rest)
    left, sizes, _ = np.linalg.svd(rest, full_matrices=False)
    return left[:, sizes > 1e-9 * max(1.0, np.linalg.norm(columns))]


# ---- seeds that are left out


def left_out(runs: pd.DataFrame) -> list[tuple[int, str]]:
    """Return (seed, reason) for each seed that is not complete in every cell that has complete runs.

    A cell that has none is `lost_cells`' to name; where no cell has any, every seed is left out.
    """
    complete = runs["status"].eq("complete")
    alive = complete.groupby(runs["cell"]).transform("any") | (not complete.any())
    compared = runs[alive]
    statuses = compared.pivot_table("status", "seed", "cell", aggfunc="first", dropna=False).fillna("missing")
    statuses = statuses.reindex(index=runs["seed"].unique(), columns=compared["cell"].unique(), fill_value="missing")
    found = []
    for seed, row in statuses[statuses.ne("complete").any(axis=1)].iterrows():
        broken = row[row.ne("complete")]
        groups = [(status, list(cells.index)) for status, cells in broken.groupby(broken, sort=False)]
        found.append((int(seed), "; ".join(f"{status} at {few(cells)}" for status, cells in groups)))
    return found


def few(labels: Sequence[str], most: int = 3) -> str:
    """Return the labels in a row, those beyond `most` as a count."""
    shown = " and ".join(labels[:most]) if len(labels) <= 2 else "; ".join(labels[:most])
    return shown if len(labels) <= most else f"{shown}; and {len(labels) - most} other cells"


def lost_cells(runs: pd.DataFrame) -> list[str]:
    """Return the cells without any complete run; contrasts over them cannot be computed."""
    any_complete = runs["status"].eq("complete").groupby(runs["cell"], sort=False).any()
    return list(any_complete.index[~any_complete])
