"""Simulated studies -> how often the program's conclusions are wrong, and how often they find what is there.

Run by hand, about ten minutes on one core; a part alone takes a minute or two:

    python tests/benchmarks/calibration.py [--studies 1000] [--seed 0] [--only looks]

Every study goes through the functions that a report uses: `assessed`, `moderate`, `holm`, `grades`, `replay`,
`seeds_range`, `se_of_examples`. A line gives the share of studies in per cent, with its standard error, and beside it
the figure that was found when the rules were chosen. An error is anything `established` that is not there. Runs vary
with a standard deviation of one unless a regime says otherwise; arms share their baseline's runs. Lines that open with
"not done" are of rules that the program does not follow.
"""

import argparse
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pandas as pd
from scipy import sparse, special

from analysis.statistics.contrast_tests import Assessed, assessed
from analysis.statistics.example_doubt import se_of_examples, widened
from analysis.statistics.floors import floor_of, step_of
from analysis.statistics.grades import grades
from analysis.statistics.holm import holm
from analysis.statistics.intervals import ALPHA
from analysis.statistics.looks import PLANNED, Family, peeking_error, replay
from analysis.statistics.moderation import prior_of
from analysis.statistics.pairing import pooled
from analysis.statistics.power import seeds_needed, seeds_range

NOISES = ("normal", "t3", "skewed")
CORRELATION = -0.7  # of the two responses of a run
MANY = 40  # times as many, of single tests that are made all at once
FLOOR = 1e-9  # far below a run's spread
MOST = 26  # tests of a large study
NEARLY = 10  # seeds, of which the first version let one have the other sign
EVENLY = (4, 8, 12, 16, 20)  # seeds at looks for which the constants of Pocock and O'Brien and Fleming are made
POCOCK, OBRIEN_FLEMING = 2.413, 2.040  # at 5 % and five looks; Jennison and Turnbull, tables 2.1 and 2.3
EQUAL = "all cells alike"
Cells = Callable[[np.random.Generator, int], np.ndarray]
REGIMES: dict[str, Cells] = {  # standard deviations of the cells
    EQUAL: lambda _, cells: np.ones(cells),
    "one cell fivefold": lambda _, cells: np.r_[np.ones(cells - 1), 5],
    "one cell tenfold": lambda _, cells: np.r_[np.ones(cells - 1), 10],
    "one cell a hundredfold": lambda _, cells: np.r_[np.ones(cells - 1), 100],
    "one factor's level fivefold": lambda _, cells: np.repeat([1.0, 5.0], [cells // 2, cells - cells // 2]),
    "a ladder to tenfold": lambda _, cells: np.geomspace(1, 10, cells),
    "log-normal": lambda random, cells: np.exp(random.standard_normal(cells)),
    "half without noise": lambda _, cells: np.repeat([1e-6, 1.0], [cells // 2, cells - cells // 2]),
}
Line = tuple[str, np.ndarray, str]  # label, a value a study, what was found when the rules were chosen
Study = list[np.ndarray]  # the seeds' effects of each response, (seeds, contrasts)


# ---- simulated studies


def factorial(factors: int) -> np.ndarray:
    """Return the weights of a two-level factorial's contrasts over its cells: (2^k − 1, 2^k)."""
    signs = np.array([*itertools.product([-1.0, 1.0], repeat=factors)])
    terms = [term for size in range(1, factors + 1) for term in itertools.combinations(range(factors), size)]
    return np.array([signs[:, term].prod(axis=1) for term in terms]) * 2 / len(signs)


def arms(count: int) -> np.ndarray:
    """Return the weights of arms against a baseline, the first cell: (count, count + 1)."""
    return np.column_stack([-np.ones(count), np.eye(count)])


def noise(random: np.random.Generator, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return noise of mean zero and standard deviation one."""
    if kind == "t3":
        return random.standard_t(3, shape) / np.sqrt(3)
    return random.exponential(size=shape) - 1 if kind == "skewed" else random.standard_normal(shape)


def studies(
    random: np.random.Generator, count: int, weights: np.ndarray, seeds: int, kind: str = "normal", regime: str = EQUAL
) -> Iterator[Study]:
    """Yield studies of two correlated responses without any effect."""
    for _ in range(count):
        first, second = noise(random, kind, (2, seeds, weights.shape[1])) * REGIMES[regime](random, weights.shape[1])
        yield [first @ weights.T, (CORRELATION * first + np.sqrt(1 - CORRELATION**2) * second) @ weights.T]


def with_effect(made: Iterable[Study], effect: float) -> Iterator[Study]:
    """Yield the studies with an effect planted in the first contrast of the first response."""
    for first, second in made:
        first[:, 0] += effect
        yield [first, second]


def graded(made: Iterable[Study], squares: np.ndarray | None = None, sesoi: float = np.nan) -> pd.DataFrame:
    """Return a graded row per study and contrast; `contrast` counts over the responses."""
    parts: dict[str, list[np.ndarray]] = {}
    for number, responses in enumerate(made):
        results = [assessed(own, FLOOR, squares) for own in responses]
        columns = {name: np.concatenate([getattr(each, name) for each in results]) for name in vars(results[0])}
        tests = len(columns["p"])
        columns |= {"p_holm": holm(columns["p"]), "study": np.full(tests, number), "contrast": np.arange(tests)}
        for name, column in columns.items():
            parts.setdefault(name, []).append(column)
    table = pd.DataFrame({name: np.concatenate(columns) for name, columns in parts.items()}).assign(sesoi=sesoi)
    return table.assign(grade=grades(table))


def any_established(table: pd.DataFrame) -> np.ndarray:
    """Return for each study whether anything is established."""
    return table["grade"].eq("established").groupby(table["study"]).any().to_numpy()


def established(table: pd.DataFrame, contrast: int = 0) -> np.ndarray:
    """Return for each study whether this contrast is established."""
    return table["grade"].eq("established")[table["contrast"].eq(contrast)].to_numpy()


def family(study: Study, sesoi: float = np.nan, squares: np.ndarray | None = None) -> Family:
    """Return the study as what looks are made at; all its seeds have an outcome."""
    own = np.concatenate(study, axis=1)
    response = np.repeat(np.arange(len(study)), [each.shape[1] for each in study])
    count = own.shape[1]
    shared = None if squares is None else np.tile(squares, len(study))
    return Family(own, np.ones(own.shape, bool), np.full(count, FLOOR), np.full(count, sesoi), response, shared)


# ---- the parts


def fixed(random: np.random.Generator, count: int) -> Iterator[Line]:
    """Fixed seeds, 2 x 2, 6 tests: anything established where nothing is there (wanted: at most 5), coverage (95)"""
    for regime, kind, seeds in itertools.product([EQUAL, "one cell tenfold"], NOISES, (3, 5, 10)):
        table = graded(studies(random, count, factorial(2), seeds, kind, regime))
        yield f"{regime}, {kind}, n = {seeds}: error", any_established(table), "at most 5.9"
        if kind == "normal":
            covered = table["low"].le(0) & table["high"].ge(0)
            yield f"{regime}, {kind}, n = {seeds}: coverage", per_study(table, covered), "94.6 to 95.1"


def per_study(table: pd.DataFrame, values: pd.Series) -> np.ndarray:
    """Return the mean over a study's rows, so that standard errors are over studies."""
    return values.groupby(table["study"]).mean().to_numpy()


def sign_rule(random: np.random.Generator, count: int) -> Iterator[Line]:
    """The sign rule, one test: power at d_z = 1 (must rise with seeds), error with skewed differences"""
    for seeds, before in {10: "t-test 80", 20: "t-test 99", 30: "t-test 100"}.items():
        table = graded([1 + random.standard_normal((seeds, 1))] for _ in range(count))
        yield f"d_z = 1, n = {seeds}: power", established(table), before
    for seeds, before in {10: "51", 20: "36", 100: "6"}.items():
        found = assessed(1 + random.standard_normal((seeds, count)))
        yield f"not done: the first version's rule, n = {seeds}: power", first_version(found, found.p), before
    for seeds in (8, 10, 12):
        table = graded([noise(random, "skewed", (seeds, 1))] for _ in range(count))
        yield f"skewed, n = {seeds}: error", established(table), "about 9"


def first_version(found: Assessed, p: np.ndarray) -> np.ndarray:
    """Return what the first version established at this corrected p: at most one seed in ten may dissent, always."""
    dissenting = found.n - np.where(found.estimate > 0, found.positive, found.negative)
    return (p < ALPHA) & (dissenting <= found.n // NEARLY)


def counted(random: np.random.Generator, count: int) -> Iterator[Line]:
    """Differences of counted examples, floored: t-test below .05 where nothing is there (wanted: at most 5)"""
    for images, seeds in itertools.product((360, 10_000), (3, 5, 10)):
        for spread in (0.2, 0.5, 1.0, 2.0, 5.0):
            mean = random.random((1, MANY * count))
            right = np.round(images / 2 + mean + spread * random.standard_normal((2, seeds, MANY * count)))
            floor = floor_of(step_of(right, images))
            p = assessed((right[0] - right[1]) / images, floor).p
            yield f"{images} examples, n = {seeds}, runs vary by {spread}: error", p < 0.05, "at most 5.0"


def smaller(random: np.random.Generator, count: int) -> Iterator[Line]:
    """The interval of an effect of just the smallest size of interest lies inside it (wanted: at most 2.5 a claim)"""
    for seeds in (3, 5, 10):
        found = assessed(2 + random.standard_normal((seeds, MANY * count)))
        yield f"n = {seeds}", (found.low > -2) & (found.high < 2), "2.5"
    tables = (replay(family([2.0 + random.standard_normal((20, 1))], 2.0)).table for _ in range(count))
    yield (
        "over looks at 4 to 20 seeds",
        np.array([(each["low"].gt(-2) & each["high"].lt(2)).any() for each in tables]),
        "2.5",
    )


def moderation(random: np.random.Generator, count: int) -> Iterator[Line]:
    """Moderated variances, two responses: error (wanted: at most 5), power at an effect of 3 run-sd"""
    every = [(4, regime, seeds) for regime in REGIMES for seeds in (3, 5, 8)]
    fewest = [(3, regime, 3) for regime in (EQUAL, "one cell tenfold", "one cell a hundredfold")]
    for (factors, regime, seeds), kind in itertools.product([*every, *fewest], NOISES):
        weights = factorial(factors)
        table = graded(studies(random, count, weights, seeds, kind, regime), (weights**2).sum(axis=1))
        yield f"2^{factors}, {regime}, {kind}, n = {seeds}: error", any_established(table), "at worst 3.9"
    for factors, responses, moderated in itertools.product((4, 3), (2, 1), (True, False)):
        weights = factorial(factors)
        made = (study[:responses] for study in with_effect(studies(random, count, weights, 3), 3.0))
        table = graded(made, (weights**2).sum(axis=1) if moderated else None)
        label = f"2^{factors}, {(2**factors - 1) * responses} tests, effect of 3, n = 3, "
        label += "moderated" if moderated else "own variance"
        yield f"{label}: power", established(table), "81" if moderated else "23"
    weights = factorial(3)
    made = [studies(random, count, weights, 3, "normal", "one cell a hundredfold") for _ in range(3)]
    table = graded(
        ([own for study in parts for own in study] for parts in zip(*made, strict=True)), (weights**2).sum(axis=1)
    )
    yield "not done: six responses, one cell a hundredfold: error", any_established(table), ""
    weights = arms(7)
    for kind in NOISES:
        table = graded(studies(random, count, weights, 3, kind, "log-normal"), (weights**2).sum(axis=1))
        yield f"not done: arms, log-normal, {kind}, moderated: error", any_established(table), "up to 7.0"
    made = studies(random, count, weights, 3, "normal", "one cell fivefold")
    wrong = [(holm(np.concatenate([shrunk_p(own) for own in study])) < 0.05).any() for study in made]
    yield "not done: arms, one of them fivefold, plain shrinkage: error", np.array(wrong), "25"
    spread = REGIMES["one cell a hundredfold"](random, 8)
    runs = random.standard_normal((count, 2, 3, 8)) * spread
    wrong = [(holm(np.concatenate([pooled_p(own, weights) for own in study])) < ALPHA).any() for study in runs]
    yield "not done: arms, one of them a hundredfold, pooled error: error", np.array(wrong), "41"


def shrunk_p(own: np.ndarray) -> np.ndarray:
    """Return p with variances shrunk as Smyth does, without any guard."""
    seeds = len(own)
    variance = own.var(axis=0, ddof=1)
    prior, prior_df = prior_of(variance, seeds - 1.0)
    prior_df = min(prior_df, 1e6)
    shared = (prior_df * prior + (seeds - 1) * variance) / (prior_df + seeds - 1)
    t = own.mean(axis=0) / np.sqrt(shared / seeds)
    return 2 * special.stdtr(prior_df + seeds - 1, -np.abs(t))


def pooled_p(own: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return p of an analysis of variance of runs, (seeds, cells), with one error for all cells."""
    return pooled(own, sparse.csr_array(weights))["pooled_p"]


def looks(random: np.random.Generator, count: int) -> Iterator[Line]:
    """Until decided, looks at 4 to 20 seeds: error (wanted: at most 5), seeds until an effect is decided"""
    everywhere = []
    for (tests, weights), kind in itertools.product({6: factorial(2), MOST: arms(13)}.items(), NOISES):
        made = [*studies(random, count, weights, 20, kind)]
        wrong = [replay(family(study)).table["grade"].eq("established").any() for study in made]
        yield f"{tests} tests, {kind}: error", np.array(wrong), ""
        everywhere += wrong if tests == MOST else []
        if kind == "normal":
            yield f"not done: {tests} tests, each look at the full 5 %: error", *peeked(made)
    yield f"{MOST} tests, all three noises: error", np.array(everywhere), "2.6"
    weights = factorial(3)
    squares = (weights**2).sum(axis=1)
    made = studies(random, count, weights, 20, "normal", "one cell tenfold")
    wrong = [replay(family(study, squares=squares)).table["grade"].eq("established").any() for study in made]
    yield "14 tests, a factorial with one cell tenfold: error", np.array(wrong), ""
    for effect, before in {20.0: "4.3 (2 points at sd .1)", 5.0: "6.4 (.5 points)", 2.0: "11 (.2 points)"}.items():
        made = [*with_effect(independent(random, count), effect)]
        after = np.array([replay(family(study)).decided_after[0] for study in made])
        yield f"26 tests, effect of {effect:.0f} sd of a difference: seeds", np.where(after, after, 20), before
        yield "  decided within 20 seeds", after > 0, "as many as by 20 fixed seeds"
        yield "  decided by 20 fixed seeds", established(graded(made)), ""
    made = [*with_effect(independent(random, count), 1.0)]
    found = [replay(family(study)).table.query("contrast == 0")["grade"].eq("established").any() for study in made]
    yield f"{MOST} tests, effect of 1 sd of a difference: power within 20 seeds", np.array(found), ""
    always = anytime_log_evidence(np.column_stack([first[:, 0] for first, _ in made]))
    yield (
        f"not done: {MOST} tests, an anytime-valid t-test after every seed: power",
        (always > np.log(MOST / ALPHA)).any(axis=0),
        "a third less",
    )
    for constant, bars in {
        "Pocock": [POCOCK] * 5,
        "O'Brien and Fleming": OBRIEN_FLEMING * np.sqrt(5 / np.r_[1:6]),
    }.items():
        own = random.standard_normal((20, MANY * count))
        levels = zip(EVENLY, 2 * special.ndtr(-np.array(bars)), strict=True)
        wrong = np.any([assessed(own[:seeds]).p < level for seeds, level in levels], axis=0)
        yield f"not done: one test, the constant of {constant}: error", wrong, "5.2 to 6.1"


def anytime_log_evidence(own: np.ndarray) -> np.ndarray:
    """Return the log of the t-test's Bayes factor after each seed from the second on: (seeds − 1, contrasts).

    The effect in standard deviations has a standard normal prior, mean and spread their invariant one, so that the
    factor exceeds 1 / α at any time with a chance of at most α where nothing is there.
    """
    n = np.arange(2, len(own) + 1)[:, None]
    mean = np.cumsum(own, axis=0)[1:] / n
    squares = np.cumsum(own**2, axis=0)[1:] - n * mean**2
    return -0.5 * np.log1p(n) - n / 2 * (np.log1p(n * mean**2 / squares / (1 + n)) - np.log1p(n * mean**2 / squares))


def independent(random: np.random.Generator, count: int) -> Iterator[Study]:
    """Yield 13 differences of standard deviation one in each of two responses, 20 seeds."""
    for _ in range(count):
        yield [random.standard_normal((20, 13)), random.standard_normal((20, 13))]


def peeked(made: list[Study]) -> tuple[np.ndarray, str]:
    """Return in which studies the first version establishes anything at any of the looks, each at the full 5 %."""
    found = np.zeros(len(made), bool)
    for number, study in enumerate(made):
        for planned in PLANNED:
            results = [assessed(own[:planned], FLOOR) for own in study]
            corrected = np.split(holm(np.concatenate([each.p for each in results])), len(results))
            found[number] |= any(first_version(*each).any() for each in zip(results, corrected, strict=True))
    return found, "11.7 (26 tests)"


def raised(random: np.random.Generator, count: int) -> Iterator[Line]:
    """Seeds raised by hand from 5 to 10 to 20, one test: below .05 in any of the three reports"""
    own = random.standard_normal((20, MANY * count))
    wrong = np.any([assessed(own[:seeds]).p < 0.05 for seeds in (5, 10, 20)], axis=0)
    yield f"error (known spread: {100 * peeking_error([5, 10, 20]):.1f})", wrong, "12 (2.4-fold)"


def needed(random: np.random.Generator, count: int) -> Iterator[Line]:
    """Seeds needed for an effect of d_z = 1, told from 5 seeds: power of just so many (upper end: 80 or more)"""
    for tests in (6, 26):
        pilot = 1 + random.standard_normal((5, count))
        least, most = seeds_range(np.ones(count), pilot.std(axis=0, ddof=1), np.full(count, 5), tests)
        for label, seeds in (("lower end", least), ("upper end", most)):
            hit = [trained(random, min(int(each), 30), tests) for each in seeds]
            yield f"{label}, {tests} tests: power", np.array(hit), ""
        for size in (0.8, 1.0, 2.0):
            [point] = seeds_needed(np.array([size])).astype(int)
            found = assessed(size + random.standard_normal((point, count)))
            hit = first_version(found, found.p * tests)
            label = f"not done: a point, {tests} tests, d_z = {size}: power"
            yield label, hit, {6: "7 to 43", 26: "2 to 21"}[tests]


def trained(random: np.random.Generator, seeds: int, tests: int) -> bool:
    """Return whether that many new seeds, 30 at most, establish the effect in the family of so many tests."""
    found = assessed(1 + random.standard_normal((seeds, 1)))
    return bool(found.p[0] * tests < 0.05 and (seeds > 5 or found.positive[0] == seeds))


def simple(random: np.random.Generator, count: int) -> Iterator[Line]:
    """Simple effects that are shown, some of them without effect: a wrong one (wanted: at most 5)"""
    weights = np.array([[-1.0, 0, 1, 0], [0, -1, 0, 1], [-1, 1, 0, 0], [0, 0, -1, 1]])
    for seeds in (3, 5, 10):
        made = [
            [own + 50 * np.array([0, 1, 0, 1]) for own in study] for study in studies(random, count, weights, seeds)
        ]
        table = graded(made)
        null = table["contrast"].isin([0, 2, 4, 6])
        excludes = null & (table["low"].gt(0) | table["high"].lt(0))
        label = f"two responses, n = {seeds}"
        yield f"not done: {label}, uncorrected", excludes.groupby(table["study"]).any().to_numpy(), ""
        wrong = null & table["grade"].eq("established")
        yield f"{label}, corrected among themselves", wrong.groupby(table["study"]).any().to_numpy(), "at most 5"
    for seeds, size in itertools.product((3, 5), (5.0, 10.0)):
        runs = random.standard_normal((MANY * count // 4, seeds, 4)) + size * np.array([0, 1, 0, 2])
        table = graded([own @ factorial(2).T] for own in runs)
        shown = established(table, 2)  # the interaction, whose sentence has the simple effects
        at_baseline = assessed((runs @ weights[0])[shown].T, FLOOR)
        label = f"not done: n = {seeds}, interaction of {size / 2} run-sd, uncorrected"
        yield label, (at_baseline.low > 0) | (at_baseline.high < 0), "5.6 to 7.2"


def examples(random: np.random.Generator, count: int) -> Iterator[Line]:
    """Coverage of the interval for new seeds and new examples (wanted: at least 95)"""
    for seeds, by_seed in itertools.product((3, 5, 10), (0.0, 0.05, 0.2)):
        covered = []
        for _ in range(count):
            parts = by_seed * random.standard_normal((seeds, 1)), random.standard_normal((1, 100))
            own = sum(parts) + 2 * random.standard_normal((seeds, 100))
            over_seeds = assessed(own.mean(axis=1)[:, None])
            se = se_of_examples(own[:, None, :], np.ones((seeds, 1), bool))
            low, high = widened(over_seeds.low, over_seeds.high, se, 100)
            covered.append(low[0] <= 0 <= high[0])
        yield f"n = {seeds}, sd of seeds {by_seed} beside the examples' 1", np.array(covered), ""


PARTS: dict[str, Callable[[np.random.Generator, int], Iterator[Line]]] = {
    part.__name__: part
    for part in (fixed, sign_rule, counted, smaller, moderation, looks, raised, needed, simple, examples)
}


def main() -> None:
    """Print a table for each part that is asked for, all unless told otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies a line")
    parser.add_argument("--seed", type=int, default=0, help="of the simulation")
    parser.add_argument("--only", choices=[*PARTS], help="one part")
    arguments = parser.parse_args()
    print(f"{arguments.studies} studies a line, simulation seed {arguments.seed}; ± is one standard error")
    for place, (name, part) in enumerate(PARTS.items()):
        if arguments.only in (None, name):
            print(f"\n{part.__doc__}")
            for label, values, before in part(np.random.default_rng([arguments.seed, place]), arguments.studies):
                print(f"  {label:62} {shown(values):>14}   {before}", flush=True)


def shown(values: np.ndarray) -> str:
    """Return the mean of per-study values with its standard error; shares in per cent."""
    is_share = values.dtype == bool or values.max() <= 1
    scaled = values.astype(float) * (100 if is_share else 1)
    return f"{scaled.mean():.1f} ± {scaled.std(ddof=1) / np.sqrt(len(scaled)):.1f}" + (" %" if is_share else "")


if __name__ == "__main__":
    main()
