"""Five to twelve two-level factors -> a design of 16 or 24 cells.

A Hadamard matrix stands over its mirror image, so that every main effect is clear of all pair interactions, and the
cell with every factor at its first level, and that with every factor at its second, are among the cells. 16 cells up to
eight factors (a 2^(k−p) design of resolution IV), 24 up to twelve (Plackett and Burman, Biometrika 33, 1946, folded
over).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import linalg

from runner.errors import BadInput

FEWEST, MOST = 5, 12  # factors
SMALL = 8  # factors that 16 cells hold
TWELVE = "++-+++---+-"  # generator row of the 12-run design


def check_screening(axes: Mapping[str, Sequence[str]]) -> None:
    """Raise BadInput unless there are five to twelve factors of two levels."""
    for key, levels in axes.items():
        if len(levels) != 2:
            raise BadInput(
                f"design=screening must have factors of two levels; got {key} with {len(levels)}. Take two of them, or "
                "leave it out."
            )
    _check_number(len(axes))


def _check_number(factors: int) -> None:
    if not FEWEST <= factors <= MOST:
        raise BadInput(
            f"design=screening must have {FEWEST} to {MOST} factors of two levels; got {factors}. "
            + ("Sweep all combinations instead." if factors < FEWEST else "Leave out the least interesting ones.")
        )


def screening_cells(factors: int) -> np.ndarray:
    """Return the level of each factor in each cell, 0 or 1: (16 or 24, factors); the first cell is 0 throughout."""
    _check_number(factors)
    base = linalg.hadamard(8) if factors <= SMALL else _twelve()
    half = (1 - base[:, :factors]) // 2  # first row all +, which is level 0
    return np.concatenate([half, 1 - half])


def _twelve() -> np.ndarray:
    """Return the 12-run matrix with a first row of ones: (12, 12) of ±1, columns orthogonal."""
    row = np.array([1 if sign == "+" else -1 for sign in TWELVE])
    shifts = np.stack([np.roll(row, shift) for shift in range(len(row))])
    below = np.hstack([-shifts, np.ones((len(row), 1), int)])
    return np.vstack([np.ones(12, int), below])
