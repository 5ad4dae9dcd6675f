"""Metrics, responses and terms of the gap -> what they are called, the same in every table, sentence and figure."""

from analysis.statistics.gap import NET, TERMS
from analysis.statistics.responses import Response
from analysis.words.phrases import listed
from runner.metrics import Metric

STEP_LABELS = {
    "moving_weights": "moving weights",
    "train_mode_noise": "training-mode noise",
    "memorisation": "memorisation",
    "split_difference": "the split difference",
}


def term_label(term: str) -> str:
    """Return the term's name; of scores that were not measured between, all that is one then."""
    steps = TERMS[term].steps
    return listed([STEP_LABELS[step] for step in steps]) + (" together" if len(steps) > 1 else "")


def response_label(response: Response) -> str:
    """Return how a sentence calls the response: `validation accuracy`, `the loss gap from memorisation`."""
    label = response.metric.label
    match response.term:
        case "":
            return f"validation {label}"
        case term if term == NET:
            return f"the {label} gap between validation and training"
    return f"the {label} gap from {term_label(response.term)}"


def in_unit(text: str, unit: str) -> str:
    """Return `0.1 percentage points`; the text alone where the metric has no unit."""
    return f"{text} {unit}" if unit else text


def titled(text: str, unit: str) -> str:
    """Return `validation accuracy, %`, for the head of a column or an axis."""
    return f"{text}, {unit}" if unit else text


def better_or_worse(metric: Metric, difference: float) -> str:
    """Return what a difference of that sign is: better or worse, or higher or lower where no direction is better."""
    if metric.better == "neither":
        return "higher" if difference > 0 else "lower"
    return "better" if (difference > 0) == (metric.better == "higher") else "worse"
