"""A study's metrics -> what its cells are compared in: validation figures, gaps, and the gaps' terms."""

from collections.abc import Iterable
from dataclasses import dataclass

from analysis.statistics.gap import NET, TERMS, gap_column
from runner.metrics import Metric


@dataclass(frozen=True)
class Response:
    """What is compared: a column of the runs, whose unit and smallest effect of interest it has, its family."""

    column: str  # val_m, gap_m, gap_m_<term>
    metric: Metric
    term: str = ""  # of the gap; NET for the whole, "" for the validation figure itself
    primary: bool = False  # whether it is in the family that is corrected


def responses_of(metrics: Iterable[Metric]) -> dict[str, Response]:
    """Return the responses by their columns: validation figures in the order of the metrics, then gaps, then terms."""
    metrics = list(metrics)
    found = [Response(f"val_{metric.name}", metric, primary=metric.primary) for metric in metrics]
    found += [Response(gap_column(metric, NET), metric, NET) for metric in metrics]
    found += [Response(gap_column(metric, term), metric, term) for metric in metrics for term in TERMS]
    return {response.column: response for response in found}
