"""Simulated unpaired studies -> how often something is established that is not there, and how often what is.

Run by hand, about three minutes on one core:

    python tests/benchmarks/unpaired.py [--studies 4000] [--seed 0]

Every study goes through the functions that a report of runs made elsewhere uses: `assessed_apart`, `holm`, `grades`.
Two responses a run, correlated; nothing is there but in the lines on power. An error is a study in which anything is
established; in brackets stands what Holm's p alone would establish.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pandas as pd
from calibration import CORRELATION, FLOOR, REGIMES, arms, factorial, noise, shown
from scipy import sparse

from analysis.statistics.grades import grades
from analysis.statistics.holm import holm
from analysis.statistics.unpaired import assessed_apart

UNEQUAL = (3, 5, 15)  # runs of the cells, in turn
DESIGNS = {
    "2 arms": arms(1),
    "8 arms": arms(7),
    "35 arms": arms(34),
    "2 x 2": factorial(2),
    "2 x 2 x 2": factorial(3),
}
SPREADS = ("all cells alike", "one cell tenfold", "one cell a hundredfold", "a ladder to tenfold", "log-normal")
EFFECT = 3.0  # in a run's standard deviation


def studies(
    random: np.random.Generator,
    count: int,
    weights: np.ndarray,
    runs: np.ndarray,
    kind: str,
    regime: str,
    effect: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each study whether anything is established, by the grades and by Holm's p alone, and the first.

    All studies are assessed at once, as contrasts of cells of their own, and then graded one by one.
    """
    tests, cells = weights.shape
    spread = np.concatenate([REGIMES[regime](random, cells) for _ in range(count)])
    first, second = noise(random, kind, (2, int(runs.max()), cells * count)) * spread
    responses = [first, CORRELATION * first + np.sqrt(1 - CORRELATION**2) * second]
    absent = np.arange(runs.max())[:, None] >= np.tile(runs, count)
    planted = np.tile(np.where(weights[0] > 0, effect, 0.0), count)
    every = sparse.csr_array(sparse.kron(sparse.eye_array(count), weights, format="csr"))
    found = [
        assessed_apart(np.where(absent, np.nan, figures + shift), every, FLOOR)
        for figures, shift in zip(responses, (planted, 0.0), strict=True)
    ]
    table = pd.DataFrame({name: np.concatenate([getattr(each, name) for each in found]) for name in vars(found[0])})
    by_study = np.tile(np.arange(count), (2, 1)).repeat(tests, axis=1).ravel()
    rows = np.argsort(by_study, kind="stable")
    corrected = np.empty(len(table))
    corrected[rows] = np.concatenate([holm(p) for p in table["p"].to_numpy()[rows].reshape(count, 2 * tests)])
    table = table.assign(p_holm=corrected, sesoi=np.nan)
    by_holm = (corrected < 0.05)[rows].reshape(count, -1)
    graded = np.zeros(by_holm.shape, bool)
    for place in np.flatnonzero(by_holm.any(axis=1)):  # nothing else can be established
        graded[place] = grades(table.iloc[rows[place * 2 * tests : (place + 1) * 2 * tests]]) == "established"
    return graded.any(axis=1), by_holm.any(axis=1), graded[:, 0]


def lines(random: np.random.Generator, count: int) -> Iterator[tuple[str, list[str]]]:
    """Yield for each design and number of runs a label, and for each spread error by the grades and by Holm alone."""
    for (name, weights), runs, kind in itertools.product(DESIGNS.items(), (3, 5, 15, UNEQUAL), ("normal", "skewed")):
        sizes = np.resize(runs, weights.shape[1])
        parts = []
        for regime in SPREADS:
            by_grade, by_p, _ = studies(random, count, weights, sizes, kind, regime, 0.0)
            parts.append(f"{100 * by_grade.mean():.1f} ({100 * by_p.mean():.1f})")
        yield f"{name}, n = {runs}, {kind}", parts


def power(random: np.random.Generator, count: int) -> Iterator[tuple[str, str]]:
    """Yield how often an effect of three standard deviations of a run is established."""
    for (name, weights), runs in itertools.product(DESIGNS.items(), (3, 5, 15, UNEQUAL)):
        sizes = np.resize(runs, weights.shape[1])
        yield f"{name}, n = {runs}", shown(studies(random, count, weights, sizes, "normal", SPREADS[0], EFFECT)[2])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=4000, help="simulated studies a figure")
    parser.add_argument("--seed", type=int, default=0, help="of the simulation")
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    print(f"{arguments.studies} studies a figure; wanted: at most 5 %. Error in % (Holm's p alone)")
    print(f"{'':34}" + "".join(f"{regime:>24}" for regime in SPREADS))
    for label, parts in lines(random, arguments.studies):
        print(f"{label:34}" + "".join(f"{part:>24}" for part in parts), flush=True)
    print(f"\nPower at an effect of {EFFECT:g} standard deviations of a run")
    for label, part in power(random, arguments.studies):
        print(f"  {label:32} {part}", flush=True)


if __name__ == "__main__":
    main()
