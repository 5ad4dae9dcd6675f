"""A study's metrics -> the names of their columns in a history, and the seconds beside them."""

from collections.abc import Iterable

from runner.metrics import Metric

SCORES = ("", "on_", "off_", "holdout_", "val_")  # prefixes of a metric's columns; none for the logged one
SECONDS = ("train_seconds", "measure_seconds")
TIMES = (*SECONDS, "cpu_seconds")
_SHAPES = ("{}", "on_{}", "on_{}_se", "off_{}", "holdout_{}", "val_{}")


def metric_columns(metrics: Iterable[Metric]) -> list[str]:
    """Return the columns of all metrics: logged ones first, then those of each score."""
    metrics = list(metrics)
    return [shape.format(metric.name) for shape in _SHAPES for metric in metrics]


def curve_columns(metrics: Iterable[Metric]) -> list[str]:
    """Return what curves are drawn of: each metric as logged and on the validation set."""
    return [column for metric in metrics for column in (metric.name, f"val_{metric.name}")]
