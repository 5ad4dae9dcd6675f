"""The gap's means over replicates -> where it comes from, told cell by cell.

The story leads with the first of the metrics that are given, the study's first primary one, and says of the others only
where they tell another. What a term means depends on the sign of its mean and on which direction the metric is better.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from analysis.reading.columns import SCORES
from analysis.statistics.gap import NET, TERMS, crossing, worse_below
from analysis.words.names import in_unit, term_label
from analysis.words.phrases import capital, plural
from analysis.words.rounding import decimals, possible, signed
from runner.metrics import Metric

CELLS_TOLD = 8  # of more cells, only the baseline and the extremes are told
NO_NOISE = 1e-6  # where no source of it is known, a smaller train-mode term is the rounding of float32 sums
WORTH_SAYING = 0.2  # Monte-Carlo error, as a share of the term, from which a sentence mentions it
EXTRA_DECIMALS = 2  # tried for parts that do not add up as rounded
BATCH_STATISTICS = "batch against moving statistics"
MODES_DIFFER = "train mode − inference mode"  # with batch statistics in the net the second term is not noise alone

MEMORISATION = {
    "known": ("does better", "does worse", "does neither clearly better nor clearly worse"),
    "neither": ("scores higher", "scores lower", "scores neither clearly higher nor clearly lower"),
}
SPLIT = {
    "known": ("is easier", "is harder", "is neither clearly easier nor clearly harder"),
    "neither": ("scores higher", "scores lower", "scores neither clearly higher nor clearly lower"),
}

TrainModes = Mapping[str, Sequence[str] | None]  # by cell: what makes training mode differ; None where not known


@dataclass(frozen=True)
class _Telling:
    """What a story is told of and in which words; `explained` grows as terms are explained, each once."""

    metric: Metric  # the one it leads with
    others: tuple[Metric, ...]
    example: str  # image, or what else an example of the data is called
    replicate: str  # seed, or run where seeds are no blocks
    imported: bool = False  # whether another tool made the runs, which scores nothing between training and validation
    explained: set[str] = field(default_factory=set)

    def once(self, key: str, text: str) -> str:
        """Return the text the first time it is asked for, then nothing."""
        if key in self.explained:
            return ""
        self.explained.add(key)
        return text


def gap_sentences(
    history: pd.DataFrame,
    averaged: pd.DataFrame,
    labels: Sequence[str],
    metrics: Sequence[Metric],
    train_modes: TrainModes,
    example: str = "image",
    replicate: str = "seed",
    imported: bool = False,
) -> list[str]:
    """Return for each cell where its gap comes from, in the first and in the last epoch, and where it turns round.

    `history` holds only what is compared, epochs that all replicates of a cell reached; `averaged` is
    `analysis.statistics.gap.means` of its terms. Of more than eight cells only the baseline and those with the
    largest and the smallest gap are told, and a line on the rest. `example` and `replicate` are what those of the study
    are called; `imported` tells that another tool made the runs.
    """
    if history.empty:
        return ["There is no complete run, so there is no gap to take apart."]
    lead, *others = metrics
    falls = crossing(history, lead)
    telling = _Telling(lead, tuple(others), example, replicate, imported)
    told = {label: label for label in labels if label in falls}
    many = len(told) > CELLS_TOLD
    headings = _extremes(averaged, next(iter(told)), lead) if many else told
    lines = []
    for label, heading in headings.items():
        view = averaged[averaged["cell"] == label]
        noise = _noise_name(view, train_modes.get(label))
        lines.append(f"{heading}: {_cell_story(telling, view, falls[label], noise)}")
    closing = [_summary(averaged, falls, lead)] if many else []
    return [*lines, *closing, *_absences([label for label in labels if label not in falls])]


def _absences(labels: list[str]) -> list[str]:
    """Return a line on the cells that have nothing to tell, if there are any."""
    if not labels:
        return []
    more = f" and {len(labels) - CELLS_TOLD} more" if len(labels) > CELLS_TOLD else ""
    return [f"No complete run, so no gap to take apart: {'; '.join(labels[:CELLS_TOLD])}{more}."]


def _extremes(averaged: pd.DataFrame, baseline: str, metric: Metric) -> dict[str, str]:
    """Return heading by label for the baseline and the cells of the largest and smallest net gap in the last epoch."""
    gaps = _last_gaps(averaged, metric)
    roles: dict[str, list[str]] = {baseline: ["baseline"]}
    for role, place in (("largest gap", gaps.argmax()), ("smallest gap", gaps.argmin())) if len(gaps) else ():
        roles.setdefault(gaps.index[place], []).append(role)
    return {label: f"{label} ({', '.join(role)})" for label, role in roles.items()}


def _last_gaps(averaged: pd.DataFrame, metric: Metric) -> pd.Series:
    """Return each cell's mean net gap in its last epoch, by cell, where it is a number."""
    net = averaged[(averaged["response"] == metric.name) & (averaged["term"] == NET)]
    return net.groupby("cell", sort=False).tail(1).set_index("cell")["mean"].dropna()


def _summary(averaged: pd.DataFrame, falls: dict[str, int | None], metric: Metric) -> str:
    """Return one sentence on all cells."""
    gaps = _last_gaps(averaged, metric)
    if gaps.empty:
        return "In no cell can the gap in the last epoch be averaged. tables/gap.csv has every cell and epoch."
    crossed = sum(epoch is not None for epoch in falls.values())
    low, high = (signed(gap * metric.scale, metric.decimals) for gap in (gaps.min(), gaps.max()))
    return (
        f"Over all {len(falls)} cells the gap in the last epoch runs from {low} to "
        f"{in_unit(high, metric.difference_unit)}; validation {metric.label} ends {_side_of(metric)} the logged "
        f"training {metric.label} in {crossed} of them. tables/gap.csv has every cell and epoch."
    )


def _side_of(metric: Metric) -> str:
    """Return on which side of the logged figure the validation figure is the worse one."""
    return "below" if worse_below(metric) == 1 else "above"


def _cell_story(telling: _Telling, view: pd.DataFrame, falls: int | None, noise: tuple[str, str]) -> str:
    """Return a cell's sentences from its rows of `means`."""
    first, last = int(view["epoch"].min()), int(view["epoch"].max())
    opening = _epoch_story(telling, view, first, noise)
    if last == first:
        closing = ["There is one epoch only, so nothing can be said of how the gap goes on."]
    else:
        again = _epoch_story(telling, view, last, noise, again=True)
        closing = [capital(again), _turn(telling, view, falls)]
    stories = [_other_story(telling, other, view, (last, first)) for other in telling.others]
    return " ".join(sentence for sentence in (opening, *closing, *stories) if sentence)


def _epoch_story(telling: _Telling, view: pd.DataFrame, epoch: int, noise: tuple[str, str], again: bool = False) -> str:
    """Return one sentence: the net gap in an epoch with its interval, and parts that add up as printed."""
    metric, rows = telling.metric, _rows_of(view, telling.metric, epoch)
    if not np.isfinite(rows["mean"]).all():
        return f"in epoch {epoch} a run has no finite number, so the gap cannot be averaged."
    parts = [term for term in TERMS if term in rows.index]
    net, sizes = rows.loc[NET], rows.loc[parts, "mean"] * metric.scale
    places, whole = places_that_add_up(sizes, net["mean"] * metric.scale, _net_places(net, metric))
    opening = f"in epoch {epoch} {_difference(telling, net, metric, places, again)}"
    if not parts:
        no_probe = (
            f" No training {telling.example}s were scored after the epoch (probe=0), so the gap cannot be taken apart."
        )
        return f"{opening}.{'' if telling.imported else telling.once(no_probe, no_probe)}"
    names = [noise if term == "train_mode_noise" else _named(telling, term, rows.loc[term]) for term in parts]
    listed = [
        f"{signed(size, places)} from {name}{telling.once(name + meaning, f' ({meaning})')}"
        for size, (name, meaning) in zip(sizes, names, strict=True)
    ]
    rounded = "" if whole else " (rounded; before rounding they add up)"
    return f"{opening}: {', '.join(listed)}{rounded}.{_draws_remark(rows, metric, places)}"


def _rows_of(view: pd.DataFrame, metric: Metric, epoch: int) -> pd.DataFrame:
    return view[(view["response"] == metric.name) & (view["epoch"] == epoch)].set_index("term")


def _net_places(net: pd.Series, metric: Metric) -> int:
    """Return the decimals that show one digit of the interval's half width."""
    places = decimals((net["high"] - net["low"]) / 2 * metric.scale, metric.decimals + 1) - 1
    return min(max(places, 0), metric.decimals + 1)


def places_that_add_up(parts: Iterable[float], net: float, places: int) -> tuple[int, bool]:
    """Return the decimals, `places` or a few more, with which the rounded parts sum to the rounded net, if any do."""
    parts = list(parts)
    for tried in range(places, places + EXTRA_DECIMALS + 1):
        if not parts or sum(Decimal(f"{part:.{tried}f}") for part in parts) == Decimal(f"{net:.{tried}f}"):
            return tried, True
    return places, False


def _difference(telling: _Telling, net: pd.Series, metric: Metric, places: int, again: bool) -> str:
    """Return `validation accuracy is 4.1 percentage points above the logged training accuracy (95 % interval ...)`."""
    size = f"{abs(net['mean'] * metric.scale):.{places}f}"
    side = f"{in_unit(size, metric.difference_unit)} {'above' if net['mean'] >= 0 else 'below'}"
    if not float(size):
        side = "level with" if not again else "level with it"
    subject, logged = ("it", "") if again else (f"validation {metric.label}", f" the logged training {metric.label}")
    return f"{subject} is {side}{logged} ({_evidence(telling, net, metric, places)})"


def _evidence(telling: _Telling, net: pd.Series, metric: Metric, places: int) -> str:
    """Return the interval and the number of replicates, or that there is no interval."""
    if net["n"] < 2:
        return f"n = 1 {telling.replicate}, so without an interval"
    bounds = possible(net["mean"], net["low"], net["high"], metric, difference=True)
    low, high = (signed(bound * metric.scale, places, plus="") for bound in bounds)
    unclear = ", which includes zero" if net["low"] <= 0 <= net["high"] else ""
    return f"95 % interval {low} to {high}{unclear}, n = {net['n']:.0f} {telling.replicate}s"


def _draws_remark(rows: pd.DataFrame, metric: Metric, places: int) -> str:
    """Return what the random draws leave open, where that is a good part of a term and shows at these decimals."""
    held = rows[rows.index.isin(["moving_weights", "train_mode_noise"])]
    error = held["monte_carlo_se"].max()
    matters = (held["monte_carlo_se"] > WORTH_SAYING * held["mean"].abs()).any()
    if len(held) < 2 or not matters or not float(f"{error * metric.scale:.{places}f}"):
        return ""
    return (
        f" (The random draws of training mode leave a standard error of {error * metric.scale:.{places}f} in the "
        f"first two parts; it cancels in their sum.)"
    )


def _turn(telling: _Telling, view: pd.DataFrame, falls: int | None) -> str:
    """Return from which epoch on the validation figure is worse than the logged one, on the replicates' mean."""
    metric = telling.metric
    net = view[(view["response"] == metric.name) & (view["term"] == NET)]
    worse = [int(epoch) for epoch in net.loc[net["mean"] * worse_below(metric) < 0, "epoch"]]
    last, side = int(net["epoch"].max()), _side_of(metric)
    goes = f"{'falls' if side == 'below' else 'rises'} {side}"
    subject = f"Averaged over the {telling.replicate}s, validation" if net["n"].min() > 1 else "Validation"
    logged = f"the logged training {metric.label}"
    if falls == net["epoch"].min():
        return f"{subject} is {side} {logged} from the first epoch on."
    if falls == last:
        return f"{subject} {goes} {logged} only in the last epoch, {last}."
    if falls is not None:
        return f"{subject} {goes} {logged} for good from epoch {falls} on."
    if worse:
        epochs = ", ".join(str(epoch) for epoch in worse)
        return f"{subject} is {side} {logged} in {plural(len(worse), 'epoch')} {epochs} but not in the last."
    return f"{subject} never {goes} {logged} in these {last} epochs."


def _other_story(telling: _Telling, other: Metric, view: pd.DataFrame, epochs: Iterable[int]) -> str:
    """Return a sentence on another metric where by it validation is clearly better and by the lead worse, or so.

    The first such one of the epochs.
    """
    lead = telling.metric
    if "neither" in (lead.better, other.better):
        return ""
    for epoch in dict.fromkeys(epochs):
        first, second = (_rows_of(view, metric, epoch).loc[NET] for metric in (lead, other))
        opposed = first["mean"] * worse_below(lead) * second["mean"] * worse_below(other) < 0
        if opposed and (second["low"] > 0 or second["high"] < 0):
            side = "better" if second["mean"] * worse_below(other) > 0 else "worse"
            told = _difference(telling, second, other, _net_places(second, other), again=False)
            return (
                f"The {other.label} tells another story: in epoch {epoch} {told}, so by {other.label} validation does "
                f"{side}."
            )
    return ""


def _noise_name(view: pd.DataFrame, sources: Sequence[str] | None) -> tuple[str, str]:
    """Return what the second term is called, and what makes training mode differ in this cell's net."""
    noise = view[view["term"] == "train_mode_noise"]
    if sources and BATCH_STATISTICS in sources:
        return MODES_DIFFER, " and ".join(sources)
    label, largest = term_label("train_mode_noise"), noise[["mean", "monte_carlo_se"]].abs().max()
    if (largest <= (0 if sources else NO_NOISE)).all():
        return label, "this net has none"
    return label, " and ".join(sources or ()) or "dropout and the like"


def _named(telling: _Telling, term: str, row: pd.Series) -> tuple[str, str]:
    """Return a term's name and what it means, as far as the sign of its mean decides that."""
    metric, examples = telling.metric, f"{telling.example}s"
    match term:
        case "moving_weights":
            meaning = "the logged figure is a mean over an epoch in which the net still learns"
        case "memorisation":
            does = _verdict(row, metric, MEMORISATION)
            meaning = f"the net {does} on {examples} of the training file that it was not trained on"
        case "split_difference":
            meaning = (
                f"the validation file {_verdict(row, metric, SPLIT)} than {examples} held out of the training file"
            )
        case _ if TERMS[term].start >= SCORES.index("off_"):
            meaning = "nothing was held out of the training file, so the two cannot be told apart"
        case _:
            meaning = f"no training {examples} were scored after the epoch (probe=0), so they cannot be told apart"
    return term_label(term), meaning


def _verdict(row: pd.Series, metric: Metric, words: Mapping[str, tuple[str, str, str]]) -> str:
    """Return the words for better, for worse, or for an interval that includes zero or is none."""
    better, worse, unclear = words["neither" if metric.better == "neither" else "known"]
    if not (row["low"] > 0 or row["high"] < 0):
        return unclear
    return better if row["mean"] * worse_below(metric) > 0 else worse


def train_modes(declaration: Mapping[str, Any], summaries: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return by cell what makes training mode differ in its nets, from the run.json of the first of its records."""
    found: dict[str, list[str]] = {}
    for run in declaration["runs"]:
        if run["run"] in summaries:
            label = declaration["cells"][run["cell"]]["label"]
            found.setdefault(label, list(summaries[run["run"]].get("train_mode", ())))
    return found
