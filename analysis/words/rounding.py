"""A value and its interval -> text with as many digits as the interval bears out, in the metric's shown unit."""

import math
from typing import Any

import numpy as np

from runner.metrics import Metric

EXTRA_DECIMALS = 3  # at most, for a bound that would be rounded to zero


def decimals(half_width: float, otherwise: int) -> int:
    """Return how many decimals show two significant digits of the half width; `otherwise` where there is none."""
    if not math.isfinite(half_width) or half_width <= 0:
        return otherwise
    return int(np.clip(1 - math.floor(math.log10(half_width)), 0, 8))


def signed(value: float, places: int, plus: str = "+") -> str:
    """Return the number with a true minus or `plus` before it, nothing before a zero as printed."""
    size = f"{abs(value):.{places}f}"
    if not float(size):
        return size
    return f"{plus if value > 0 else '−'}{size}"


def mean_and_half_width(mean: float, low: float, high: float, metric: Metric) -> str:
    """Return `98.97 ± 0.05`, `98.97` without an interval, and a dash without a mean."""
    if not math.isfinite(mean):
        return "–"
    half = (high - low) / 2 * metric.scale
    places = decimals(half, metric.decimals)
    shown = signed(mean * metric.scale, places, plus="")
    return f"{shown} ± {half:.{places}f}" if math.isfinite(half) else shown


def difference_and_interval(estimate: float, low: float, high: float, metric: Metric) -> str:
    """Return `+0.12 [0.05, 0.19]` in the unit of the metric's differences; a dash without an estimate."""
    if not math.isfinite(estimate):
        return "–"
    half = (high - low) / 2 * metric.scale
    places = decimals(half, metric.decimals)
    shown = signed(estimate * metric.scale, places)
    if not math.isfinite(half):
        return shown
    bounds = ", ".join(signed(bound * metric.scale, places, plus="") for bound in (low, high))
    return f"{shown} [{bounds}]"


def places_of(row: dict[str, Any], metric: Metric) -> int:
    """Return the decimals of a row's `estimate`, `low`, `high`: two digits of the interval's half width.

    More where a bound of an interval that excludes zero would be rounded to zero.
    """
    half = (row["high"] - row["low"]) / 2 * metric.scale
    places = decimals(half, decimals(abs(row["estimate"]) * metric.scale, metric.decimals))
    nearest = min(abs(row["low"]), abs(row["high"])) * metric.scale
    if half > 0 and row["low"] * row["high"] > 0:
        for _ in range(EXTRA_DECIMALS):
            places += round(nearest, places) == 0
    return places


def duration(seconds: float) -> str:
    """Return seconds as `0.4 s`, `40 s`, `3 min`, `2 h 5 min`; a dash where there are none."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def p_value(p: float) -> str:
    """Return a p value with three decimals, `<.001` below, a dash where there is none."""
    if not math.isfinite(p):
        return "–"
    return "<.001" if p < 0.0005 else f"{p:.3f}".removeprefix("0") if p < 0.9995 else "1"


def number(value: Any, shape: str) -> str:
    """Return the number in that format, or a dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else format(value, shape).replace("-", "−")
