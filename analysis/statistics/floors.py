"""How finely a response is measured -> the least spread that a contrast of it may be given.

An accuracy moves in steps of one validation example, a loss in those of its rounding. Seeds whose differences are all
equal do not show that there is no noise, only that it is finer than a step; so a contrast's standard deviation is never
taken below one step. That is one rule for differences that are all the same, all zero, tied, or of two seeds. Simulated
with 360 to 10,000 examples and runs that vary by .2 to 5 examples, a t-test so floored errs in at most 5 % of cases
(tests/benchmarks/calibration.py).
"""

import math
from dataclasses import dataclass

import numpy as np

from runner.metrics import Metric

DECIMALS = 6  # of figures that were rounded when they were logged
ROUNDING = float(np.finfo(np.float32).eps)  # relative; figures are summed in float32 while a net is evaluated


@dataclass(frozen=True)
class Precision:
    """What a study's responses are measured on: validation examples, None where not known, and a window in epochs."""

    examples: int | None = None
    window: int = 1

    def floor(self, metric: Metric, values: np.ndarray) -> float:
        """Return the least standard deviation of a contrast of the metric's values, in its unit."""
        return floor_of(step_of(values, self.examples if metric.is_share else None), self.window)


def step_of(values: np.ndarray, examples: int | None) -> float:
    """Return the grid of a response, in its unit: 1/examples of a share of examples, else the rounding of its values.

    `examples` is how many a share is taken over; None for a response that is no share, or where it is not known. Values
    that all end within six decimals were logged so: their rounding is the last of these.
    """
    if examples is not None:
        if examples < 1:
            raise ValueError(f"examples must be at least 1; got {examples}.")
        return 1.0 / examples
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max(initial=0.0))
    decimals = (
        places for places in range(DECIMALS + 1) if np.abs(finite - finite.round(places)).max() < 1e-12 * largest
    )
    logged = next(decimals, None) if largest > 0 else None
    return max(ROUNDING * largest, 0.0 if logged is None else 10.0**-logged)


def floor_of(step: float, window: int = 1) -> float:
    """Return the least standard deviation of a contrast: a step, or of a mean over `window` epochs step/√window."""
    if window < 1:
        raise ValueError(f"analysis.window must be at least 1 epoch; got {window}.")
    return step / math.sqrt(window)


def floored(sd: np.ndarray, floor: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Return the standard deviations, none below the floor, and which were: (contrasts,) each. NaN stays NaN."""
    return np.maximum(sd, floor), sd < floor
