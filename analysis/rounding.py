"""A value and its interval -> text with as many digits as the interval bears out."""

import math

import numpy as np

ACCURACY_DECIMALS = 2  # of a percentage where no interval says how many: a hundredth of a point
LOSS_DECIMALS = 4  # of nats
PERCENT = 100.0  # accuracies are stored as shares and shown in per cent


def decimals(half_width: float, otherwise: int) -> int:
    """Return how many decimals show two significant digits of the half width; `otherwise` where there is none."""
    if not math.isfinite(half_width) or half_width <= 0:
        return otherwise
    return int(np.clip(1 - math.floor(math.log10(half_width)), 0, 8))


def scale_of(metric: str) -> tuple[float, int]:
    """Return the factor that turns the stored metric into the shown one, and its decimals without an interval."""
    return (PERCENT, ACCURACY_DECIMALS) if "accuracy" in metric else (1.0, LOSS_DECIMALS)


def mean_and_half_width(mean: float, low: float, high: float, metric: str) -> str:
    """Return `98.97 ± 0.05` (per cent for accuracies), `98.97` without an interval, and a dash without a mean."""
    scale, otherwise = scale_of(metric)
    if not math.isfinite(mean):
        return "–"
    half = (high - low) / 2 * scale
    places = decimals(half, otherwise)
    shown = f"{mean * scale:.{places}f}"
    return f"{shown} ± {half:.{places}f}" if math.isfinite(half) else shown


def duration(seconds: float) -> str:
    """Return seconds as `0.4 s`, `40 s`, `3 min`, `2 h 5 min`; a dash where there are none."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def difference_and_interval(estimate: float, low: float, high: float, response: str) -> str:
    """Return `+0.12 [0.05, 0.19]`: percentage points for accuracies, nats for losses; a dash without an estimate."""
    scale, otherwise = scale_of(response)
    if not math.isfinite(estimate):
        return "–"
    half = (high - low) / 2 * scale
    places = decimals(half, otherwise)
    shown = f"{estimate * scale:+.{places}f}".replace("-", "−")
    if not math.isfinite(half):
        return shown
    bounds = ", ".join(f"{bound * scale:.{places}f}".replace("-", "−") for bound in (low, high))
    return f"{shown} [{bounds}]"


def p_value(p: float) -> str:
    """Return a p value with three decimals, `<.001` below, a dash where there is none."""
    if not math.isfinite(p):
        return "–"
    return "<.001" if p < 0.0005 else f"{p:.3f}".removeprefix("0") if p < 0.9995 else "1"
