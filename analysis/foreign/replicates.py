"""Runs in cells -> each run's seed or replicate number, and the runs that say again what another says."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.foreign.cells import Cells
from analysis.foreign.factors import Factors
from analysis.foreign.histories import Histories, labels, varies
from analysis.foreign.options import NO_SEED, Options
from analysis.foreign.refusal import Refused, counted, listed


@dataclass(frozen=True)
class Replicates:
    """`seed` has each run's; `kept` tells which runs count; `column` is the seed's key, "" for replicate numbers."""

    seed: pd.Series
    kept: pd.Series
    column: str
    notes: tuple[str, ...]
    left: tuple[str, ...]


def replicates_of(histories: Histories, looked: pd.DataFrame, cells: Cells, key: str, options: Options) -> Replicates:
    """Return the runs' seeds; Refused where one seed of a cell has two outcomes."""
    of_run = cells.of_run
    column = histories.config[key] if key else None
    seeds = _whole(column) if column is not None else None
    if seeds is None:
        if options.pair:
            raise Refused(
                "--pair seed needs a seed of whole numbers in every run; got none. Name its column by --seed, or leave "
                "--pair out."
            )
        notes = [f"{key}: not a whole number in every run, so replicates are numbered"] if key else []
        seeds = of_run.groupby(of_run).cumcount()
        return Replicates(seeds, pd.Series(True, index=of_run.index), "", tuple(notes), ())
    kept, left = _once(histories, looked, cells, seeds, key)
    return Replicates(seeds, kept, key, (), tuple(left))


def _whole(column: pd.Series) -> pd.Series | None:
    """Return whole numbers from 0, None where the column holds anything else."""
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    if not ((numbers >= 0) & (numbers < 2**53) & (numbers % 1 == 0)).all():
        return None
    return numbers.astype("int64")


def _once(
    histories: Histories, looked: pd.DataFrame, cells: Cells, seeds: pd.Series, key: str
) -> tuple[pd.Series, list[str]]:
    """Return which runs count, and what is said of the others: copies, and broken runs that were run again."""
    pairs = pd.DataFrame({"cell": cells.of_run, "seed": seeds})
    kept = pd.Series(True, index=pairs.index)
    twice = pairs[pairs.duplicated(keep=False)]
    copies = broken = 0
    for (_, seed), rows in twice.groupby(["cell", "seed"]).groups.items():
        complete = [row for row in rows if looked.loc[row, "status"] == "complete"]
        ordered = [*complete, *(row for row in rows if row not in complete)]
        first, others = ordered[0], ordered[1:]
        for other in others:
            if looked.loc[other, "status"] != "complete":
                broken += 1
            elif _same(looked.loc[first], looked.loc[other]):
                copies += 1
            else:
                raise _two_outcomes(histories, looked, cells.labels[cells.of_run[first]], seed, key, (first, other))
        kept[others] = False
    left = [f"{counted(copies, 'run')}: the same as another, to the last digit"] if copies else []
    left += [f"{counted(broken, 'run')}: not complete, and there again with the same seed"] if broken else []
    return kept, left


def _same(first: pd.Series, other: pd.Series) -> bool:
    return bool(((first == other) | (first.isna() & other.isna())).all())


def _two_outcomes(
    histories: Histories, looked: pd.DataFrame, cell: str, seed: int, key: str, rows: tuple[int, int]
) -> Refused:
    first, other = rows
    config = histories.config
    differing = [name for name in config if varies(labels(config[name].loc[list(rows)]))]
    shared = [name for name in differing if config[name].nunique() < len(config)]
    apart = (
        f" They differ in {listed(shared or differing)}: name it in --factors, or choose one value by --where."
        if differing
        else " Keep one of them."
    )
    figures = looked.drop(columns=["epochs", "status"])
    metric = next(name for name in figures if figures.loc[first, name] != figures.loc[other, name])
    return Refused(
        f"PATH must hold each run once; {cell}, {key} {seed} is there twice with other values: {metric} is "
        f"{looked.loc[first, metric]} in {histories.runs.loc[first, 'id']} and {looked.loc[other, metric]} in "
        f"{histories.runs.loc[other, 'id']}.{apart} --seed {NO_SEED} counts both, as replicates."
    )


def check_replicated(looked: pd.DataFrame, cells: Cells, factors: Factors, kept: pd.Series) -> None:
    """Raise Refused where no cell has two complete runs, so that nothing can be said of noise."""
    complete = looked["status"].eq("complete") & kept
    if not complete.any():
        raise Refused(
            f"PATH must hold a complete run; of {counted(len(looked), 'run')} none is, "
            f"{_statuses(looked)}. Look at an earlier epoch by --at epoch=<number>."
        )
    sizes = np.bincount(cells.of_run[complete], minlength=len(cells.labels))
    if sizes.max() <= 1:
        raise Refused(
            "PATH must hold two or more runs in a cell; it has a single run in every cell of "
            f"{' x '.join(factors.keys)}, and the effect of a factor cannot be told from noise. Train every cell with "
            "further seeds, three or more, or name fewer --factors."
        )


def _statuses(looked: pd.DataFrame) -> str:
    return ", ".join(f"{n} {status}" for status, n in looked["status"].value_counts().items())
