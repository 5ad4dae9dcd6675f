"""Training histories -> the gap between validation and logged training figures, taken apart exactly.

After an epoch, for each metric:

    val − logged = [on − logged]      moving_weights: the logged figure is a mean over an epoch of learning
                 + [off − on]         train_mode_noise: same examples, same weights, training against inference mode
                 + [holdout − off]    memorisation: examples never trained on against trained-on ones, of one file
                 + [val − holdout]    split_difference: the validation file against the training file

A score that was not measured leaves its two terms as one, named after both: without a holdout the last two are
`memorisation_and_split` = val − off; without a probe but with a holdout the first three are one. Where neither was
measured there is only `net`. So the terms of an epoch always sum to its net.

Columns of `terms`, a row per run, epoch, metric and term (keys as in the history: run, cell, factors, seed, epoch):

| column | type | unit | meaning |
|---|---|---|---|
| response | category | | the metric's name |
| term | category | | net (val − logged), or one of TERMS |
| value | float | metric's | the difference |
| monte_carlo_se | float | metric's | standard error left by the draws for `on`; 0 for terms without `on` |

`on` and `off` score the probe. Where that is a sample of the training examples, the luck of the sample enters
moving_weights and, with the other sign, memorisation. Intervals are over seeds: each seed draws its own masks, probe
and holdout, so their luck is in the intervals. The validation file is one and the same, so its luck is not.

Columns of `means` (tables/gap.csv), a row per cell, response, epoch and term: `mean`, `low`, `high` (95 % t-interval
over seeds; empty below two seeds), `n` (seeds), `monte_carlo_se` (of the mean).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.reading.columns import SCORES, TIMES, metric_columns
from analysis.statistics.intervals import half_width
from runner.metrics import Metric

NET = "net"
STEPS = ("moving_weights", "train_mode_noise", "memorisation", "split_difference")  # from a score to the next


@dataclass(frozen=True)
class Term:
    """A difference of two scores with none measured between them: from SCORES[start] to SCORES[end]."""

    start: int
    end: int

    @property
    def steps(self) -> tuple[str, ...]:
        """What the term holds; more than one where scores between were not measured."""
        return STEPS[self.start : self.end]

    @property
    def name(self) -> str:
        """The step's name, or the names of all that are one."""
        return "_and_".join(self.steps).replace("_and_split_difference", "_and_split")

    @property
    def holds_draws(self) -> bool:
        """Whether the random draws of training mode enter the term."""
        return SCORES.index("on_") in (self.start, self.end)


TERMS = {
    term.name: term
    for term in (Term(start, end) for start in range(4) for end in range(start + 1, 5) if (start, end) != (0, 4))
}
ALL_TERMS = (NET, *TERMS)
MEANS = ("cell", "response", "epoch", "term", "mean", "low", "high", "n", "monte_carlo_se")  # columns


def terms(history: pd.DataFrame, metrics: Sequence[Metric]) -> pd.DataFrame:
    """Return the terms of every run and epoch, long; the columns are those of the module's table."""
    keys = [name for name in history.columns if name not in {*metric_columns(metrics), *TIMES}]
    scored = _scored(history, metrics)
    rows, codes, values, errors = [], [], [], []
    for place, metric in enumerate(metrics):
        for term, (value, measured) in _differences(history, metric, scored).items():
            rows.append(np.flatnonzero(measured))
            codes.append(np.full(len(rows[-1]), place * len(ALL_TERMS) + ALL_TERMS.index(term)))
            values.append(value[measured])
            errors.append(_draw_error(history, metric, term)[measured])
    code = np.concatenate(codes)
    frame = history[keys].take(np.concatenate(rows)).reset_index(drop=True)
    names = [metric.name for metric in metrics]
    frame["response"] = pd.Categorical.from_codes(code // len(ALL_TERMS), names)
    frame["term"] = pd.Categorical.from_codes(code % len(ALL_TERMS), list(ALL_TERMS))
    return frame.assign(value=np.concatenate(values), monte_carlo_se=np.concatenate(errors))


def _scored(history: pd.DataFrame, metrics: Sequence[Metric]) -> list[np.ndarray]:
    """Return for each of SCORES in which rows it was taken, (rows,) bool; logged and validation always are.

    The others are judged by all metrics together, since a diverged run has accuracies but no loss.
    """
    always = np.full(len(history), True)
    between = [
        np.any([~np.isnan(_column(history, score + metric.name)) for metric in metrics], axis=0)
        for score in SCORES[1:-1]
    ]
    return [always, *between, always]


def _differences(
    history: pd.DataFrame, metric: Metric, scored: list[np.ndarray]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return for every term, net first, its values and where it is measured; (rows,) each."""
    columns = [_column(history, score + metric.name) for score in SCORES]
    found = {}
    with np.errstate(invalid="ignore"):  # a loss that is not finite stays so in its differences
        found[NET] = (columns[-1] - columns[0], scored[0])
        for name, term in TERMS.items():
            between = np.any([scored[place] for place in range(term.start + 1, term.end)], axis=0)
            measured = scored[term.start] & scored[term.end] & ~between
            found[name] = (columns[term.end] - columns[term.start], measured)
    return found


def _column(history: pd.DataFrame, name: str) -> np.ndarray:
    """Return the column as floats, all NaN where the history has none."""
    return history[name].to_numpy(float) if name in history else np.full(len(history), np.nan)


def _draw_error(history: pd.DataFrame, metric: Metric, term: str) -> np.ndarray:
    """Return what the draws leave as standard error in the term of every row: that of `on`, or none."""
    holds_draws = term != NET and TERMS[term].holds_draws
    return _column(history, f"on_{metric.name}_se") if holds_draws else np.zeros(len(history))


def means(terms: pd.DataFrame) -> pd.DataFrame:
    """Return each term's mean over seeds with its 95 % t-interval.

    A row per cell (in the order given), response, epoch and term. A value that is NaN makes mean
    and interval NaN: nothing is averaged over what is there.
    """
    keys = ["cell", "response", "epoch", "term"]
    ordered = terms.assign(cell=_in_order(terms["cell"]))
    responses = ordered["response"].unique()  # one after another, since millions of terms take room
    parts = [_means(ordered[ordered["response"] == response], keys) for response in responses]
    averaged = pd.concat([_means(ordered.iloc[:0], keys), *parts]).sort_values(keys, kind="stable", ignore_index=True)
    return averaged.astype(dict.fromkeys(("cell", "response", "term"), object))  # of each distinct text one


def _means(terms: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    grouped = terms.assign(variance=terms["monte_carlo_se"] ** 2).groupby(keys, observed=True)
    spread = grouped["value"].agg(["mean", "std", "size", "count"])
    n = spread["size"]
    half = half_width(spread["std"], n.to_numpy())
    mean = spread["mean"].where(n == spread["count"])
    averaged = pd.DataFrame({"mean": mean, "low": mean - half, "high": mean + half, "n": n})
    averaged["monte_carlo_se"] = np.sqrt(grouped["variance"].sum(min_count=1)) / n
    return averaged.reset_index()


def _in_order(cells: pd.Series) -> pd.Categorical:
    """Return the cells' labels as categories in order of appearance."""
    codes, labels = pd.factorize(cells)
    return pd.Categorical.from_codes(codes, labels)


def run_gaps(history: pd.DataFrame, metrics: Sequence[Metric], window: int = 1) -> pd.DataFrame:
    """Return a row per run, `cell` and `seed`, and its gaps over its last `window` epochs, to be merged into `runs`.

    Columns `gap_m`, `gap_m_moving_weights` and so on for every metric `m` and every term that some run has; NaN where
    a term is not measured.
    """
    last = _over_window(history, window)
    scored = _scored(last, metrics)
    gaps = {name: last[name].to_numpy() for name in ("cell", "seed")}
    for metric in metrics:
        for term, (value, measured) in _differences(last, metric, scored).items():
            if term == NET or measured.any():
                gaps[gap_column(metric, term)] = np.where(measured, value, np.nan)
    return pd.DataFrame(gaps)


def _over_window(history: pd.DataFrame, window: int) -> pd.DataFrame:
    """Return the means of each run's last epochs, a row per cell and seed; NaN where one of the epochs has no value."""
    keys = ["cell", "seed"]
    ordered = history.reset_index(drop=True).sort_values("epoch", kind="stable")
    if window == 1:
        return ordered.drop_duplicates(keys, keep="last").sort_index()
    numbers = [name for name in ordered.select_dtypes("number").columns if name not in (*keys, "epoch")]
    grouped = ordered.groupby(keys, sort=False).tail(window).groupby(keys, sort=False)[numbers]
    return grouped.mean().where(grouped.count().eq(grouped.size(), axis=0)).reset_index()


def gap_column(metric: Metric, term: str) -> str:
    """Return `gap_accuracy` for the net gap, `gap_accuracy_memorisation` for a term."""
    return f"gap_{metric.name}" if term == NET else f"gap_{metric.name}_{term}"


def crossing(history: pd.DataFrame, metric: Metric) -> dict[str, int | None]:
    """Return per cell the epoch from which the mean validation figure stays worse than the logged one, or None.

    Worse is higher where lower is better; where neither is, it is lower.
    """
    net = (_column(history, f"val_{metric.name}") - _column(history, metric.name)) * worse_below(metric)
    frame = pd.DataFrame({"cell": _in_order(history["cell"]), "epoch": history["epoch"].to_numpy(), "net": net})
    spread = frame.groupby(["cell", "epoch"], observed=True)["net"].agg(["mean", "size", "count"])
    worse = (spread["mean"] < 0) & (spread["size"] == spread["count"])
    backwards = worse[::-1].groupby(level="cell", observed=True, sort=False).cummin()
    first = dict(backwards.index[backwards])  # the earliest epoch comes last and stands
    return {cell: None if cell not in first else int(first[cell]) for cell in frame["cell"].cat.categories}


def worse_below(metric: Metric) -> int:
    """Return 1 where a lower figure is the worse one, −1 where a higher one is."""
    return -1 if metric.better == "lower" else 1
