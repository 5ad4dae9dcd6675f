"""A study file's arms, what each is compared with, and the figures reported for its cells -> the same, checked."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runner.errors import BadInput
from runner.metrics import Metric
from runner.settings import did_you_mean, nearest

NAME = re.compile(r"\w[\w.+-]*(?: [\w.+-]+)*")
NAME_LENGTH = 60
TEXT_LENGTH = 200
REPORTED_PREFIX = "val_"  # of the metrics that may be reported


@dataclass(frozen=True)
class Arms:
    """Named lists of overrides that form no grid."""

    overrides: dict[str, tuple[str, ...]]  # by the arm's name, the baseline first
    comparisons: tuple[tuple[str, str], ...]  # (arm, the arm it is compared with), as they are tested


def read_arms(config: dict[str, Any]) -> Arms | None:
    """Return the arms of a composed configuration in plain containers, None where it has none; BadInput otherwise."""
    arms = config["arms"]
    if arms is None:
        for key in ("baseline", "against"):
            if config[key] is not None:
                raise BadInput(f"{key} must stand beside arms, whose names it uses; got {config[key]!r} without arms.")
        return None
    check_arms(arms)
    baseline = config["baseline"] or next(iter(arms))
    check_arm("baseline", baseline, arms)
    ordered = {baseline: arms[baseline], **arms}
    overrides = {name: tuple(written) for name, written in ordered.items()}
    return Arms(overrides, comparisons(list(arms), baseline, config["against"]))


def check_arms(arms: Any) -> None:
    """Raise BadInput unless `arms` maps plain names to lists of overrides."""
    if not isinstance(arms, dict) or not arms:
        raise BadInput(f"arms must map names to lists of overrides, such as plain: [dropout=false]; got {arms!r}.")
    for name, overrides in arms.items():
        if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > NAME_LENGTH:
            raise BadInput(
                f"arms must have names of at most {NAME_LENGTH} letters, digits, '_', '.', '+', '-' and single "
                f"spaces between them; got {shown(name)}. Put a name that YAML reads as something else in quotes."
            )
        if not isinstance(overrides, list) or not all(isinstance(each, str) for each in overrides):
            raise BadInput(f"arms.{name} must be a list of overrides, such as [dropout=false]; got {shown(overrides)}.")


def check_arm(key: str, name: Any, arms: dict[str, Any]) -> None:
    """Raise BadInput unless `name` is an arm; the sentence offers the nearest."""
    if not isinstance(name, str) or name not in arms:
        near = did_you_mean(nearest(str(name), list(arms)))
        raise BadInput(f"{key} must name one of the arms {', '.join(arms)}; got {shown(name)}.{near}")


def comparisons(names: list[str], baseline: str, against: Any) -> tuple[tuple[str, str], ...]:
    """Return (arm, arm it is compared with), arm by arm as they were written: with the baseline where none is named."""
    against = {} if against is None else against
    if not isinstance(against, dict):
        raise BadInput(f"against must map arms to the arms they are compared with; got {shown(against)}.")
    for name in against:
        check_arm("against", name, dict.fromkeys(names))
    pairs = []
    for name in names:
        default = [] if name == baseline else [baseline]
        pairs += [(name, other) for other in compared_with(name, against.get(name, default), names)]
    return tuple(pairs)


def compared_with(name: str, written: Any, names: list[str]) -> list[str]:
    """Return the arms, each once, that one arm is compared with."""
    key = f"against.{name}"
    others = written if isinstance(written, list) else [written]
    for other in others:
        check_arm(key, other, dict.fromkeys(names))
        if other == name:
            raise BadInput(f"{key} must name another arm; got {name!r} itself.")
    return list(dict.fromkeys(others))


# ---- figures that a paper or report gives


def read_reported(reported: Any, cells: dict[str, str]) -> list[dict[str, Any]]:
    """Return the reported figures as rows of cell, metric, value, source, dataset; BadInput where they are not that.

    `cells` maps what the study file may write to the cell's label: an arm's name, or the label itself.
    """
    if reported is None:
        return []
    if not isinstance(reported, list):
        raise BadInput(f"reported must be a list of figures with their cell and source; got {shown(reported)}.")
    return [row for place, each in enumerate(reported) for row in reported_rows(f"reported.{place}", each, cells)]


def reported_rows(key: str, entry: Any, cells: dict[str, str]) -> list[dict[str, Any]]:
    """Return a row for each metric of one entry of the list."""
    known = ("cell", "source", "dataset", f"{REPORTED_PREFIX}<metric>")
    if not isinstance(entry, dict):
        raise BadInput(f"{key} must have the keys {', '.join(known)}; got {shown(entry)}.")
    metrics = [str(name) for name in entry if str(name).startswith(REPORTED_PREFIX)]
    for name in entry:
        if name not in known and name not in metrics:
            raise BadInput(f"{key}.{name} is no key of a reported figure; they are {', '.join(known)}.")
    cell, source, dataset = entry.get("cell"), entry.get("source"), entry.get("dataset", "")
    if not isinstance(cell, str) or cell not in cells:
        near = did_you_mean(nearest(str(cell), list(cells)))
        raise BadInput(
            f"{key}.cell must be a cell of this study; got {shown(cell)}.{near} "
            "Where the command leaves that cell out, reported=null leaves out the reported figures."
        )
    for name, text in {"source": source, "dataset": dataset}.items():
        if not isinstance(text, str) or len(text) > TEXT_LENGTH or (name == "source" and not text.strip()):
            raise BadInput(f"{key}.{name} must be text of at most {TEXT_LENGTH} characters; got {shown(text)}.")
    if not metrics:
        raise BadInput(f"{key} must give a figure, such as {REPORTED_PREFIX}loss; got none.")
    return [
        {"cell": cells[cell], "metric": metric, "value": figure(f"{key}.{metric}", entry[metric])}
        | {"source": source, "dataset": dataset}
        for metric in metrics
    ]


def figure(key: str, value: Any) -> float:
    """Return a reported figure, in the unit in which the metric is stored (an accuracy as a share)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadInput(f"{key} must be a number; got {shown(value)}.")
    return float(value)


def check_reported(rows: Iterable[Mapping[str, Any]], metrics: Iterable[Metric]) -> None:
    """Raise BadInput where a reported figure is of no metric of the study, or outside what the metric can be."""
    known = {f"{REPORTED_PREFIX}{metric.name}": metric for metric in metrics}
    for row in rows:
        metric = known.get(row["metric"])
        if metric is None:
            raise BadInput(
                f"reported must give figures of this study's metrics, {', '.join(known)}; got {row['metric']}."
            )
        low, high = (
            (-math.inf if metric.low is None else metric.low),
            (math.inf if metric.high is None else metric.high),
        )
        if not low <= row["value"] <= high:
            share = "a share " if metric.is_share else "a number "
            limits = f"from {low:g}" + (
                f" to {high:g}" if math.isfinite(high) else f" ({metric.unit})" if metric.unit else ""
            )
            raise BadInput(f"reported {row['metric']} of {row['cell']} must be {share}{limits}; got {row['value']}.")


def shown(value: Any) -> str:
    """Return the value as Python writes it, shortened; one line, whatever is in it."""
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
