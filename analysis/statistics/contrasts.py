"""A design -> its contrasts: weighted sums over cells, with their names.

    main         mean at the level minus mean at the baseline level, averaged over the other factors
    interaction  half the difference of the simple effects, and half of that again for each further factor
    simple       the main effect at one level of the other factors of an interaction that shows
    comparison   one arm minus another
    shared       of a screening: the one figure of pairs that cannot be told apart, their interactions' sum

In a 2^k design these are (2 / 2^k) Σ ±y. A factor with more levels gives a contrast a level, always against the
baseline; `one_at_a_time` compares each other cell with the baseline cell. A factorial of more than three factors and
more than 32 cells is read up to interactions of three factors; higher ones are in neither the table nor the error.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from analysis.reading.study import Design
from analysis.statistics.screening import alias_sets, main_weights, pair_weights

ALL_ORDERS_FACTORS = 3
ALL_ORDERS_CELLS = 32
HIGHEST_ORDER = 3  # of larger designs
NAMES = ("term", "contrast", "kind", "factor", "level", "baseline", "at")
WITHOUT, NOTHING = "without", "nothing"  # how a factor that leaves out layers, and its baseline, are shown
SPARE_SIMPLE = 12  # simple effects shown in place of contrasts that a cell without runs leaves undefined


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

    @property
    def declared(self) -> np.ndarray:
        """Which are corrected together where their response is primary: (contrasts,) bool; no shared figures."""
        return self.table["kind"].ne("shared").to_numpy(bool)

    def where(self, kept: np.ndarray) -> "Contrasts":
        """Return the contrasts for which the boolean array `kept` holds."""
        own = kept[self.owner]
        places = np.cumsum(kept) - 1
        return Contrasts(
            self.table[kept].reset_index(drop=True), self.weights[kept], self.pairs[own], places[self.owner[own]]
        )


def cell_count(design: Design) -> int:
    """Return how many cells the design has."""
    if design.kind == "screening":
        return len(design.cells)
    sizes = [len(levels) for levels in design.factors.values()]
    return math.prod(sizes) if design.kind == "factorial" else 1 + sum(size - 1 for size in sizes)


def family(design: Design, alive: np.ndarray | None = None) -> Contrasts:
    """Return the declared contrasts, main effects first, then interactions by order.

    `alive` tells which cells have runs, (cells,): a screening fits its main effects to these.
    """
    contrasts = list(_declared(design))
    return _screened(design, contrasts, alive) if design.kind == "screening" else laid_out(design, contrasts)


def _screened(design: Design, mains: Sequence[Contrast], alive: np.ndarray | None) -> Contrasts:
    """Return a screening's main effects, and the figures that its pairs share; no two cells differ in one level."""
    levels = np.array(design.cells)
    weights = [_main_weights(levels, alive), pair_weights(levels)]
    rows = [_names_of(design, contrast) for contrast in mains]
    rows += [_shared_names(label, pairs) for label, pairs in shared_pairs(design).items()]
    none = np.empty((0, 2), int), np.empty(0, int)
    return Contrasts(pd.DataFrame(rows, columns=list(NAMES)), sparse.csr_array(np.concatenate(weights)), *none)


def shared_pairs(design: Design) -> dict[str, list[tuple[str, str]]]:
    """Return the pairs of a screening's factors that share a figure, by its label; of other designs none."""
    if design.kind != "screening":
        return {}
    names = list(design.factors)
    sets = [[(names[first], names[second]) for first, second in pairs] for pairs in alias_sets(np.array(design.cells))]
    return {" + ".join(" × ".join(pair) for pair in pairs): pairs for pairs in sets}


def _main_weights(levels: np.ndarray, alive: np.ndarray | None) -> np.ndarray:
    """Return the weights over the cells that are alive; over all, of which some are lost, where those are too few."""
    try:
        return main_weights(levels, alive)
    except ValueError:
        return main_weights(levels)


def _declared(design: Design) -> Iterable[Contrast]:
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
    weights = [_weights_of(grid, len(contrast.steps)) for grid, contrast in zip(grids, contrasts, strict=True)]
    sizes = [grid.size for grid in grids]
    entries = (_flat(weights, float), (np.repeat(np.arange(len(grids)), sizes), _flat(grids, int)))
    pairs = [_pairs_of(grid, len(contrast.steps)) for grid, contrast in zip(grids, contrasts, strict=True)]
    return Contrasts(
        pd.DataFrame(
            [_names_of(design, contrast) for contrast in contrasts],
            columns=list(NAMES),
        ),
        sparse.csr_array(entries, shape=(len(contrasts), cell_count(design))),
        np.concatenate([np.empty((0, 2), int), *pairs]),
        np.repeat(np.arange(len(pairs)), [len(each) for each in pairs]),
    )


def _flat(arrays: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    """Return all arrays' elements in one; an empty one of the type where there are none."""
    return np.concatenate([np.empty(0, dtype), *(array.ravel() for array in arrays)])


def cells_of(design: Design, contrast: Contrast) -> np.ndarray:
    """Return the cells that the contrast weighs: (2, ..., 2, averaged levels, ...), an axis of two a step."""
    if design.kind != "factorial":
        [(factor, start, end)] = contrast.steps
        return np.array([star_cell(design, factor, start), star_cell(design, factor, end)])
    strides = _factorial_strides(design)
    taken = {factor: [start, end] for factor, start, end in contrast.steps}
    fixed = {factor: [level] for factor, level in contrast.at}
    rest = {factor: range(len(levels)) for factor, levels in design.factors.items() if factor not in taken | fixed}
    cells = np.zeros((), int)
    for factor, levels in (taken | fixed | rest).items():
        cells = np.add.outer(cells, np.array(levels) * strides[factor])
    return cells


def _factorial_strides(design: Design) -> dict[str, int]:
    """Return how many cells lie between a factor's neighbouring levels, the last factor being fastest."""
    sizes = [len(levels) for levels in design.factors.values()]
    return {factor: math.prod(sizes[place + 1 :]) for place, factor in enumerate(design.factors)}


def star_cell(design: Design, factor: str, level: int) -> int:
    """Return the cell that has this level of the factor and the baseline of all others; the baseline is cell 0."""
    before = itertools.takewhile(lambda other: other != factor, design.factors)
    return 0 if level == 0 else sum(len(design.factors[other]) - 1 for other in before) + level


def _weights_of(cells: np.ndarray, order: int) -> np.ndarray:
    """Return ± weights of the cells' shape: a mean over what is averaged, halved for each step after the first."""
    signs = np.ones(())
    for _ in range(order):
        signs = np.multiply.outer(signs, [-1.0, 1.0])
    averaged = cells.size / signs.size
    return np.multiply.outer(signs, np.ones(cells.shape[order:])) / averaged / 2 ** (order - 1)


def _pairs_of(cells: np.ndarray, order: int) -> np.ndarray:
    """Return the pairs of cells that differ in one step of the contrast only: (pairs, 2)."""
    ends = [[cells.take(end, axis).ravel() for end in (0, 1)] for axis in range(order)]
    return np.concatenate([np.stack(pair, axis=1) for pair in ends])


def _names_of(design: Design, contrast: Contrast) -> tuple[str, ...]:
    """Return term, contrast, kind, factor, level, baseline and condition as the table has them."""
    factors = [factor for factor, _, _ in contrast.steps]
    starts = [design.factors[factor][start] for factor, start, _ in contrast.steps]
    ends = [design.factors[factor][end] for factor, _, end in contrast.steps]
    at = ", ".join(f"{factor}={design.factors[factor][level]}" for factor, level in contrast.at)
    kind = _kind_of(design, contrast)
    steps = list(zip(factors, starts, ends, strict=True))
    label = {
        "comparison": f"{ends[0]} against {starts[0]}",
        "interaction": " × ".join(short_step(*step, len(design.factors[step[0]])) for step in steps),
    }.get(kind, long_step(*steps[0]) + (f" at {at}" if at else ""))
    joined = ":".join(factors)
    return joined, label, kind, joined, ":".join(ends), ":".join(starts), at


def leaves_out(factor: str, baseline: str) -> bool:
    """Tell whether the factor, as it is shown, leaves layers out of a net that is whole in the baseline."""
    return (factor, baseline) == (WITHOUT, NOTHING)


def long_step(factor: str, start: str, end: str) -> str:
    """Return `dropout: true → false`, or `without conv2d_1`."""
    return f"{factor} {end}" if leaves_out(factor, start) else f"{factor}: {start} → {end}"


def short_step(factor: str, start: str, end: str, levels: int) -> str:
    """Return `dropout`; of more than two levels `rate (0.1 → 0.3)`."""
    if leaves_out(factor, start):
        return f"{factor} {end}"
    return factor if levels <= 2 else f"{factor} ({start} → {end})"


def named(design: Design) -> dict[str, Contrast]:
    """Return the declared contrasts by their labels."""
    return {_names_of(design, contrast)[1]: contrast for contrast in _declared(design)}


def names_of_all(design: Design) -> list[tuple[str, ...]]:
    """Return the names of all contrasts that a table of the design may have, in an order that its levels do not touch.

    The declared ones, the simple effects within interactions, and the figures that pairs of a screening share.
    """
    declared = list(_declared(design))
    inside = [each for contrast in declared if len(contrast.steps) > 1 for each in simple_effects(contrast)]
    shared = [_shared_names(label, pairs) for label, pairs in shared_pairs(design).items()]
    return [*(_names_of(design, contrast) for contrast in [*declared, *inside]), *shared]


def _shared_names(label: str, pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    term = " + ".join(":".join(pair) for pair in pairs)
    return term, label, "shared", term, "", "", ""


def _kind_of(design: Design, contrast: Contrast) -> str:
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


def spare_effects(design: Design, alive: np.ndarray) -> list[Contrast]:
    """Return simple effects between cells that have runs where others in the factorial have none; a dozen at most.

    `alive` tells which cells have runs, (cells,).
    """
    if design.kind != "factorial" or alive.all() or not alive.any() or len(design.factors) < 2:
        return []
    found = []
    for factor, levels in design.factors.items():
        others = [other for other in design.factors if other != factor]
        for at in itertools.product(*(range(len(design.factors[other])) for other in others)):
            for level in range(1, len(levels)):
                simple = Contrast(((factor, 0, level),), tuple(zip(others, at, strict=True)))
                if alive[cells_of(design, simple).ravel()].all():
                    found.append(simple)
                if len(found) == SPARE_SIMPLE:
                    return found
    return found
