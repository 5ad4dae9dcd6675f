"""The columns of foreign histories -> this program's metrics: `m` of training, `val_m` of validation, with directions.

What is compared is `val_m`. It is a column that its name calls validation; of a metric that has a test column only, the
test's; where a name says neither (`accuracy` alone), the column as it stands. A test beside a validation of one
metric is a metric of its own, `test_m`. A figure of the best epoch is left out unless an option names it.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.foreign.names import TEST, TRAINING, VALIDATION, Named, is_bookkeeping, known_metric, named
from analysis.foreign.options import Options
from analysis.foreign.refusal import Refused, listed, unknown
from runner.metrics import Metric, UnknownMetric, default_primary, is_loss, stored_in_percent

_BEST = "best_"


@dataclass(frozen=True)
class Measured:
    """The metrics, primary ones first.

    `columns` maps our columns to the tool's; `notes` say what was decided, `left` what is left out.
    """

    metrics: tuple[Metric, ...]
    columns: dict[str, str]
    notes: tuple[str, ...]
    left: tuple[str, ...]


def measured(history: pd.DataFrame, options: Options, undivided: bool = False) -> Measured:
    """Return the metrics of a history's columns; UnknownMetric, one sentence, where a direction is not known."""
    columns = [name for name in history if name not in ("run", "epoch")]
    asked = asked_metrics(options)
    names = {name: named(name) for name in columns if bare(name) in asked or not is_bookkeeping(name)}
    left = _left_out("times, counters and settings that were logged", [name for name in columns if name not in names])
    names, dropped = _without_best(names, asked)
    left += dropped
    ours, notes, lacking = _placed(names)
    left += _left_out("no figure of validation", lacking)
    if not ours:
        raise Refused(
            f"PATH must hold at least one metric to compare; got {listed(columns) or 'none'}. "
            "Name a column and its direction, as in --better f1=higher."
        )
    metrics = _registered(ours, options, undivided)
    scaled = [_in_percent(metric, history, ours) for metric in metrics]
    changed = [new.name for old, new in zip(metrics, scaled, strict=True) if old != new]
    notes += [f"{listed(changed)}: read as per cent, since values are above 1"] if changed else []
    return Measured(tuple(scaled), ours, tuple(notes), tuple(left))


def asked_metrics(options: Options) -> set[str]:
    """Return the metrics that options name, as our names."""
    return {bare(name) for name in (*options.better, *options.sesoi, *options.primary)}


def bare(name: str) -> str:
    """Return our name of a metric that a user or a tool writes: `valid_best_F1` is `best_f1`."""
    found = named(name)
    return f"{_BEST}{found.metric}" if found.best else found.metric


def _left_out(why: str, names: list[str]) -> list[str]:
    return [f"{listed(names)}: {why}"] if names else []


def _without_best(names: dict[str, Named], asked: set[str]) -> tuple[dict[str, Named], list[str]]:
    """Return the names without figures of a best epoch that no option names, and what is said of them."""
    best = [name for name, each in names.items() if each.best and bare(name) not in asked]
    kept = {name: each for name, each in names.items() if name not in best}
    if best and not kept:
        raise Refused(
            f"PATH must hold figures of an epoch that was fixed beforehand; {listed(best)} is of the best epoch, "
            f"chosen by what it reports, which flatters every run. Ask for it by "
            f"--primary {best[0]}; it is labelled then."
        )
    return kept, _left_out("of the best epoch, chosen by what it reports; --primary takes it in", best)


def _placed(names: dict[str, Named]) -> tuple[dict[str, str], list[str], list[str]]:
    """Return our columns with the tool's, what is said of them, and the columns that have no place."""
    parts: dict[str, dict[str, str]] = {}
    for column, each in names.items():
        metric = f"{_BEST}{each.metric}" if each.best else each.metric
        taken = parts.setdefault(metric, {})
        if each.part in taken:
            raise Refused(
                f"PATH must hold one column for each metric; {taken[each.part]} and {column} are both "
                f"{each.part + ' ' if each.part else ''}{metric}. Rename one of them."
            )
        taken[each.part] = column
    explicit = any(VALIDATION in each or TEST in each for each in parts.values())
    ours: dict[str, str] = {}
    notes: list[str] = []
    lacking: list[str] = []
    for metric, found in parts.items():
        placed = _one_placed(metric, found, explicit)
        if not placed:
            lacking += found.values()
        ours |= placed
    tests = [column for ours_name, column in ours.items() if names[column].part == TEST and "test_" not in ours_name]
    if tests:
        notes.append(f"{listed(tests)}: figures of the test set stand where those of validation would")
    stands = [
        column for name, column in ours.items() if name.startswith("val_") and names[column].part in ("", TRAINING)
    ]
    if stands:
        notes.append(f"{listed(stands)}: compared as it stands, without a word on what data it was measured")
    return ours, notes, lacking


def _one_placed(metric: str, parts: dict[str, str], explicit: bool) -> dict[str, str]:
    """Return our columns of one metric, nothing where it has none to compare."""
    training, validation, test, plain = (parts.get(part) for part in (TRAINING, VALIDATION, TEST, ""))
    compared = validation or test
    lone_loss = is_loss(metric)  # a lone one beside columns of validation is of training
    if compared is None and plain and (training or not explicit or not lone_loss):
        compared, plain = plain, None
    elif compared is None and not explicit:
        compared, training = training, None
    if compared is None:
        return {}
    logged = training or plain
    ours = {metric: logged, f"val_{metric}": compared} if logged else {f"val_{metric}": compared}
    return ours | ({f"val_test_{metric}": test} if validation and test else {})


def _registered(ours: dict[str, str], options: Options, undivided: bool) -> list[Metric]:
    names = [name.removeprefix("val_") for name in ours if name.startswith("val_")]
    better = {_asked("better", name, names): value for name, value in options.better.items()}
    sesoi = {_asked("sesoi", name, names): value for name, value in options.sesoi.items()}
    asked = [_asked("primary", name, names) for name in options.primary]
    found = {name: _metric(name, better.get(name, "")) for name in names}
    nameless = [name for name, metric in found.items() if metric is None]
    if nameless:
        written = ",".join(f"{name}=higher" for name in nameless)
        setting = f" (or --factors, where {nameless[0]} is a setting)" if undivided else ""
        raise UnknownMetric(
            f"--better must say whether higher or lower is better for {listed(nameless)}; got nothing, and it is no "
            f"metric of Keras's own. Add --better {written} with higher, lower or neither for each{setting}."
        )
    by_part = sorted(names, key=lambda name: named(ours[f"val_{name}"]).part in ("", TRAINING))
    primary = asked or default_primary(by_part) or names[:1]
    metrics = {
        name: dataclasses.replace(metric, primary=name in primary, sesoi=sesoi.get(name, metric.sesoi))
        for name, metric in found.items()
        if metric is not None
    }
    return [metrics[name] for name in dict.fromkeys((*primary, *names))]


def _asked(option: str, name: str, names: list[str]) -> str:
    """Return the metric that an option names; `test_m` is `m` where it has no place of its own."""
    whole = f"test_{bare(name)}" if named(name).part == TEST else ""
    for each in (whole, bare(name)):
        if each in names:
            return each
    raise unknown(f"--{option}", name, names, "one of the metrics", bare(name))


def _metric(name: str, better: str) -> Metric | None:
    plain = name.removeprefix("test_").removeprefix(_BEST)
    metric = known_metric(plain, better, plain)
    if metric is None:
        return None
    label = f"test {metric.label}" if name.startswith("test_") else metric.label
    if name.removeprefix("test_").startswith(_BEST):
        label = f"{label} at the best epoch (chosen by itself)"
    return dataclasses.replace(metric, name=name, label=label)


def _in_percent(metric: Metric, history: pd.DataFrame, ours: dict[str, str]) -> Metric:
    """Return a share that was logged in per cent as such: its bounds, scale and size of interest times a hundred."""
    if (metric.low, metric.high) != (0.0, 1.0):
        return metric
    values = history[[ours[name] for name in (metric.name, f"val_{metric.name}") if name in ours]].to_numpy()
    largest = np.max(values, initial=0.0, where=np.isfinite(values))
    if not 1 < largest <= 100:
        return metric
    return stored_in_percent(metric)
