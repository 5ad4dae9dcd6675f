"""Simulated 2x2 studies -> do the intervals cover, does Holm hold its level, how often is what is there found?

Run by hand, about four minutes on one core:

    python tests/benchmarks/calibration.py [--studies 2000] [--seed 0]

Every study goes through `analysis.statistics.effects` as a report does. Cells share their seed's part, as runs on named
streams do; accuracy and loss of a run are correlated. The planted effect is 1.5 standard deviations of a run's own part
in the first factor, on accuracy only: d_z = 1.5, since two cells average on either side.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pandas as pd

from analysis.reading.study import Design
from analysis.statistics.effects import effects
from analysis.statistics.responses import responses_of
from runner.metrics import register
from runner.plan import COMPILED

RESPONSES = responses_of(register(COMPILED, {}))
DESIGN = Design("factorial", {"a": ("off", "on"), "b": ("off", "on")})
OWN = 0.001  # standard deviation of what a run shares with no other
SHARED = 0.002  # of what all cells of a seed share
LOSS_CORRELATION = -0.7
SEEDS = (3, 5, 10)
PLANTED = 1.5


def main() -> None:
    """Print a table for studies without any effect, and one with an effect planted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000, help="simulated studies for each number of seeds")
    parser.add_argument("--seed", type=int, default=0, help="of the simulation")
    arguments = parser.parse_args()
    print(
        f"{arguments.studies} studies each, 2x2, 3 terms x 2 responses; simulation seed {arguments.seed}; ± is one SE"
    )
    print("\nno effect: coverage per contrast wanted 94-96 %, family-wise error at most 5 %")
    for n in SEEDS:
        random = np.random.default_rng([arguments.seed, n])
        print(null_line(n, pd.concat(studies(random, n, arguments.studies, 0.0), ignore_index=True)))
    print(f"\nan effect of d_z = {PLANTED} planted in a on accuracy")
    for n in SEEDS:
        random = np.random.default_rng([arguments.seed, n, 1])
        print(planted_line(n, pd.concat(studies(random, n, arguments.studies, PLANTED), ignore_index=True)))


def studies(random: np.random.Generator, n: int, count: int, effect: float) -> Iterator[pd.DataFrame]:
    """Yield the table of effects of each simulated study, numbered in the column `study`."""
    runs = empty_runs(n)
    for study in range(count):
        accuracy, loss = simulated(random, n)
        accuracy = accuracy + effect * OWN * (runs["a"].to_numpy() == "on").reshape(4, n)
        table = effects(runs.assign(val_accuracy=accuracy.ravel(), val_loss=loss.ravel()), DESIGN, RESPONSES).table
        yield table[table["kind"].ne("simple")].assign(study=study)


def empty_runs(n: int) -> pd.DataFrame:
    """Return the runs of a study, all complete, cell by cell and seed by seed."""
    cells = [(a, b) for a in DESIGN.factors["a"] for b in DESIGN.factors["b"]]
    rows = [
        {"cell": f"a={a}, b={b}", "a": a, "b": b, "seed": seed, "status": "complete"}
        for a, b in cells
        for seed in range(n)
    ]
    return pd.DataFrame(rows)


def simulated(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return accuracy and loss without any effect: (4 cells, n seeds) each."""
    parts = random.multivariate_normal([0, 0], [[1, LOSS_CORRELATION], [LOSS_CORRELATION, 1]], (5, n))
    values = OWN * parts[:4] + SHARED * parts[4]
    return 0.97 + values[..., 0], 0.1 + 3 * values[..., 1]


def null_line(n: int, table: pd.DataFrame) -> str:
    """Return coverage, family-wise error and the share of `established` where nothing is there."""
    covered = (table["low"] <= 0) & (table["high"] >= 0)
    by_study = table.assign(
        covered=covered, rejected=table["p_holm"] < 0.05, established=table["grade"].eq("established")
    ).groupby("study")
    return (
        f"n = {n:2}: coverage {share(by_study['covered'].mean())}, family-wise error of Holm "
        f"{share(by_study['rejected'].any())}, a study with anything established {share(by_study['established'].any())}"
    )


def planted_line(n: int, table: pd.DataFrame) -> str:
    """Return how often the planted effect is found, and how often another is."""
    there = table["term"].eq("a") & table["response"].eq("val_accuracy")
    planted = table[there]
    covered = planted["low"].le(PLANTED * OWN) & planted["high"].ge(PLANTED * OWN)
    others = table[~there].groupby("study")["grade"].agg(lambda grades: (grades == "established").any())
    return (
        f"n = {n:2}: interval excludes zero {share(planted['p'] < 0.05)}, established "
        f"{share(planted['grade'].eq('established'))}, coverage {share(covered)}, another established {share(others)}"
    )


def share(values: pd.Series) -> str:
    """Return the mean of per-study values in per cent with its standard error over studies."""
    values = values.astype(float)
    return f"{100 * values.mean():.2f} ± {100 * values.std(ddof=1) / np.sqrt(len(values)):.2f} %"


if __name__ == "__main__":
    main()
