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
    """Return `98.97 ± 0.05`, `98.97` without an interval, and a dash without a mean.

    `82 [59, 100]` where the interval is cut by what the metric can be, and `50.00 (all alike)` of values without any
    spread, which do not show how far others would lie.
    """
    if not math.isfinite(mean):
        return "–"
    half = (high - low) / 2 * metric.scale
    places = decimals(half, metric.decimals)
    shown = signed(mean * metric.scale, places, plus="")
    if not math.isfinite(half):
        return shown
    if half == 0:
        return f"{shown} (all alike)"
    cut = possible(mean, low, high, metric)
    return f"{shown} ± {half:.{places}f}" if cut == (low, high) else f"{shown} {_interval(*cut, metric, places)}"


def possible(value: float, low: float, high: float, metric: Metric, difference: bool = False) -> tuple[float, float]:
    """Return the interval cut where the metric, or a `difference` of two of its values, cannot be.

    Whole where the value itself lies beyond: then the metric is not what its name says.
    """
    least = -math.inf if metric.low is None else metric.low
    most = math.inf if metric.high is None else metric.high
    least, most = (least - most, most - least) if difference else (least, most)
    return (max(low, least), min(high, most)) if least <= value <= most else (low, high)


def _interval(low: float, high: float, metric: Metric, places: int) -> str:
    return f"[{', '.join(signed(bound * metric.scale, places, plus='') for bound in (low, high))}]"


def difference_and_interval(estimate: float, low: float, high: float, metric: Metric) -> str:
    """Return `+0.12 [0.05, 0.19]` in the unit of the metric's differences; a dash without an estimate."""
    if not math.isfinite(estimate):
        return "–"
    half = (high - low) / 2 * metric.scale
    places = decimals(half, metric.decimals)
    shown = signed(estimate * metric.scale, places)
    if not math.isfinite(half):
        return shown
    low, high = possible(estimate, low, high, metric, difference=True)
    return f"{shown} {_interval(low, high, metric, places)}"


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
    """Return the number in that format, a zero as printed without a sign, or a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    shown = format(value, shape)
    return shown.replace("-", "−" if float(shown.replace(",", "")) else "")
