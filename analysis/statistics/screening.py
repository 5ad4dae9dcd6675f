"""A screening design's cells -> the weights of its main effects, and what its pairs share.

Every main effect is clear of all pair interactions (`runner.screening` lays out the cells). An effect is the mean at
the second level less that at the first, averaged over the other factors switched both ways: it does not say what
leaving one component out of the whole recipe costs. `levels` is the level of each factor in each cell, 0 or 1:
(cells, factors).
"""

import itertools

import numpy as np

SMALL = 8  # factors that 16 cells hold


def main_effects(levels: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each seed's main effects, (seeds, factors), and which cells they rest on, (cells,) bool.

    `values` is (seeds, cells), NaN where there is no figure. A cell without any figure is left out, and the rest is
    fitted by least squares with a mean and the main effects alone: these are then no longer clear of pairs. A seed that
    lacks another cell has no effects (NaN).
    """
    there = np.isfinite(values).any(axis=0)
    weights = main_weights(levels, there)
    return values[:, there] @ weights[:, there].T, there


def main_weights(levels: np.ndarray, there: np.ndarray | None = None) -> np.ndarray:
    """Return the weights of the main effects over the cells, (factors, cells); zero where `there` does not hold.

    ± 2/cells where all are there. ValueError where too few are.
    """
    there = np.ones(len(levels), bool) if there is None else there
    model = np.column_stack([np.ones(len(levels)), levels - 0.5])[there]  # (cells there, 1 + factors)
    if np.linalg.matrix_rank(model) < model.shape[1]:
        raise ValueError(
            f"design=screening must have more cells with runs to tell its main effects apart; got {int(there.sum())} "
            f"of {len(levels)}. Train the missing ones."
        )
    weights = np.zeros((levels.shape[1], len(levels)))
    weights[:, there] = np.linalg.pinv(model)[1:]
    return weights


def alias_sets(levels: np.ndarray) -> list[list[tuple[int, int]]]:
    """Return the pairs of factors, grouped by the one figure that they share: 7 or fewer groups in 16 cells.

    In 24 cells there are none: pairs leak into one another by a third, and no figure is theirs.
    """
    if levels.shape[1] > SMALL:
        return []
    signs = 1 - 2 * levels
    groups: dict[bytes, list[tuple[int, int]]] = {}
    for first, second in itertools.combinations(range(levels.shape[1]), 2):
        groups.setdefault((signs[:, first] * signs[:, second]).tobytes(), []).append((first, second))
    return list(groups.values())


def pair_weights(levels: np.ndarray) -> np.ndarray:
    """Return the weights of each alias set's figure over the cells, (sets, cells): half the difference of two effects.

    As an interaction in a factorial. Where the sets' pairs act together, the figure is their sum.
    """
    signs = 1 - 2 * levels
    rows = [signs[:, first] * signs[:, second] for (first, second), *_ in alias_sets(levels)]
    return np.array(rows, float).reshape(-1, len(levels)) * 2 / len(levels)
