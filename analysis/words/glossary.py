"""What the words of a report mean, in five lines."""

from collections.abc import Sequence

from analysis.words.names import in_unit
from analysis.words.phrases import listed
from runner.metrics import Metric


def glossary(metrics: Sequence[Metric], paired: bool, looked: bool) -> dict[str, str]:
    """Return five lines by their words: the grades, and what n and an interval are; `metrics` are the primary ones.

    `looked` tells that seeds were added look by look.
    """
    sizes = [
        f"{in_unit(f'{metric.sesoi * metric.scale:g}', metric.difference_unit)} of {metric.label}"
        for metric in metrics
        if metric.sesoi is not None
    ]
    interest = f" ({listed(sizes)})" if sizes else ""
    signs = "and the seeds' own signs bear it out" if paired else "and fewer degrees of freedom bear it out"
    unit = "seeds, each trained in all cells that are compared" if paired else "runs of the smallest cell"
    least = f"from 3 {'seeds' if paired else 'runs'} on"
    looks = ", widened where it is tested so that it holds over all looks" if looked else ""
    return {
        "established": f"{least}, the interval excludes zero, Holm's p over all tests is below .05, {signs}.",
        "suggestive": "the interval excludes zero, but one of the others fails.",
        "not shown": "the interval includes zero; that is no proof that there is no effect.",
        "smaller than of interest": f"the whole interval lies within ± the smallest effect of interest{interest}.",
        "n": f"counts {unit}; an interval is a 95 % t-interval of the effect over them{looks}.",
    }
