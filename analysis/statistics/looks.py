"""Effects seed by seed -> what each look at them decides, so that seeds are added until a contrast is decided.

A contrast is decided when it is established or smaller than of interest. It is looked at after 4, 6, 9, 14 and 20
seeds, which share 90 % of the study's 5 %: .04, .08, .14, .24 and .40; the last tenth is left for seeds that are added
later by hand, looked at after 28 (half of it), 40 (half of the rest), 56, 80, ... A p-value over looks is the lowest
p_k / share_k so far, and Holm's correction is taken over the contrasts' p so far; both hold for any dependence between
looks and between contrasts, so the family-wise error is at most 5 % however the seeds come (Bonferroni; by simulation
it is about half of that). An interval is what the looks' intervals of level 1 − .05 share_k have in common.

A replay has no memory: it depends on the seeds' effects alone, so that a report finds the looks that were made while
training. Seeds between two looks wait for the next.

Columns of `Replay.table`, a row per look and contrast that has been looked at:

| column | type | unit | meaning |
|---|---|---|---|
| contrast | int | | its place in the family |
| look | int | | from 1 |
| planned | int | seeds | after which it is looked at |
| n | int | seeds | of these, that have the contrast |
| estimate, low, high | float | response's | mean effect of these seeds; interval that holds over all looks so far |
| p, p_holm | float | | over all looks so far; corrected over the family |
| floored | bool | | whether the spread seen is finer than the response's grid |
| grade | str | | see `analysis.statistics.grades`; what has been established stays so |
| decided | bool | | established or smaller than of interest, at this look or before |
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.statistics.contrast_tests import Assessed, assessed
from analysis.statistics.grades import ESTABLISHING_SEEDS, signs_agree
from analysis.statistics.holm import holm
from analysis.statistics.intervals import ALPHA

PLANNED = (4, 6, 9, 14, 20)  # seeds
SHARES = (0.04, 0.08, 0.14, 0.24, 0.40)  # of the 5 %
LEFT = 1 - sum(SHARES)  # for looks after more seeds
BUDGET = 20  # seeds, unless set
COLUMNS = (
    *("contrast", "look", "planned", "n", "estimate", "low", "high", "p", "p_holm", "floored", "grade", "decided"),
)


@dataclass(frozen=True)
class Family:
    """The primary contrasts of a study, seed by seed in the order of the seeds.

    `known` tells where a seed's runs have an outcome, complete or diverged: a diverged seed is looked at and has no
    effect, a run that is still to come is waited for.
    """

    own: np.ndarray  # (seeds, contrasts) each seed's effect, NaN where it has none
    known: np.ndarray  # (seeds, contrasts) bool
    floor: np.ndarray  # (contrasts,) least standard deviation, see `floors`
    sesoi: np.ndarray  # (contrasts,) smallest effect of interest, NaN for none
    response: np.ndarray  # (contrasts,) which response it is of
    squares: np.ndarray | None = None  # (contrasts,) sum of squared weights; of a factorial only, whose variances share


@dataclass(frozen=True)
class Replay:
    """The looks so far, and where they leave each contrast."""

    table: pd.DataFrame
    decided_after: np.ndarray  # (contrasts,) planned seeds, 0 where it is open

    @property
    def open(self) -> np.ndarray:
        """Which contrasts are not decided: (contrasts,) bool."""
        return self.decided_after == 0

    def last(self) -> pd.DataFrame:
        """Return the last look of each contrast that has been looked at, a row each."""
        return self.table.drop_duplicates("contrast", keep="last").sort_values("contrast").reset_index(drop=True)


# ---- when is looked


def look_at(look: int) -> tuple[int, float]:
    """Return after how many seeds look number `look` (from 1) is made, and its share of the 5 %."""
    if look <= len(PLANNED):
        return PLANNED[look - 1], SHARES[look - 1]
    more = look - len(PLANNED)
    return int(PLANNED[-1] * 2 ** (more / 2)), LEFT / 2**more


def looks_within(seeds: int) -> list[tuple[int, float]]:
    """Return seeds and share of each look that so many seeds allow."""
    found: list[tuple[int, float]] = []
    while (next_look := look_at(len(found) + 1))[0] <= seeds:
        found.append(next_look)
    return found


def next_look(seeds: int, budget: int = BUDGET) -> int | None:
    """Return how many seeds the look after one at `seeds` takes; None where the budget does not reach it."""
    planned, _ = look_at(len(looks_within(seeds)) + 1)
    return planned if planned <= budget else None


def check_budget(seeds: int) -> None:
    """Refuse a budget at which no look is made: the seeds after its last look would be trained for nothing."""
    there = looks_within(seeds)
    if not there or there[-1][0] != seeds:
        options = [str(planned) for planned, _ in looks_within(max(seeds, PLANNED[-1]))]
        more = look_at(len(options) + 1)[0]
        raise ValueError(f"max_seeds must be one of {', '.join(options)}, {more}, ...; got {seeds}.")


# ---- what is decided


def replay(family: Family, budget: int | None = None) -> Replay:
    """Return the looks that the seeds so far allow, up to `budget` seeds.

    A contrast is looked at once all of the look's seeds have their outcome; a contrast that is not, an arm that has
    stopped say, keeps its p and counts in Holm's correction.
    """
    count = family.own.shape[1]
    so_far = _SoFar.nothing(count)
    rows, decided_after = [], np.zeros(count, int)
    for look, (planned, share) in enumerate(looks_within(min(len(family.own), budget or len(family.own))), 1):
        reached = np.asarray(family.known[:planned].all(axis=0))
        if not reached.any():
            break
        so_far.add(reached, _looked(family, planned, reached, ALPHA * share), share, family.sesoi)
        decided_after[so_far.decided & (decided_after == 0)] = planned
        rows.append(so_far.rows(look, planned, reached))
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(COLUMNS))
    return Replay(table, decided_after)


def _looked(family: Family, planned: int, reached: np.ndarray, alpha: float) -> Assessed:
    """Return the tests of the contrasts that are reached, response by response, in their order."""
    places = np.flatnonzero(reached)
    parts = {name: places[family.response[places] == name] for name in dict.fromkeys(family.response[places])}
    results = [
        assessed(
            family.own[:planned, at],
            family.floor[at],
            None if family.squares is None else family.squares[at],
            alpha,
        )
        for at in parts.values()
    ]
    order = np.argsort(np.concatenate(list(parts.values())), kind="stable")
    return Assessed(
        **{name: np.concatenate([getattr(one, name) for one in results])[order] for name in vars(results[0])}
    )


@dataclass
class _SoFar:
    """What the looks say together; arrays are (contrasts,)."""

    n: np.ndarray
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    p_holm: np.ndarray
    floored: np.ndarray
    established: np.ndarray
    smaller: np.ndarray

    @classmethod
    def nothing(cls, count: int) -> "_SoFar":
        undefined = np.full(count, np.nan)
        none = np.zeros(count, bool)
        return cls(
            n=np.zeros(count, int),
            estimate=undefined.copy(),
            low=np.full(count, -np.inf),
            high=np.full(count, np.inf),
            p=np.ones(count),
            p_holm=np.ones(count),
            floored=none.copy(),
            established=none.copy(),
            smaller=none.copy(),
        )

    @property
    def decided(self) -> np.ndarray:
        return self.established | self.smaller

    def add(self, at: np.ndarray, look: Assessed, share: float, sesoi: np.ndarray) -> None:
        """Take in a look at the contrasts where `at` holds."""
        self.n[at], self.estimate[at], self.floored[at] = look.n, look.estimate, look.floored
        low = np.fmax(self.low[at], look.low)
        high = np.fmin(self.high[at], look.high)
        apart = low > high  # looks that have nothing in common: one of them misses, and the last knows most
        self.low[at], self.high[at] = np.where(apart, look.low, low), np.where(apart, look.high, high)
        self.p[at] = np.fmin(self.p[at], look.p / share)
        self.p_holm = holm(self.p)
        excludes = (self.low > 0) | (self.high < 0)
        agree = signs_agree(look.n, look.positive, look.negative, look.p_exact, look.moderated)
        sure = (self.p_holm < ALPHA) & excludes
        self.established[at] |= sure[at] & agree & (look.n >= ESTABLISHING_SEEDS)
        self.smaller |= (-sesoi < self.low) & (self.high < sesoi)

    def rows(self, look: int, planned: int, at: np.ndarray) -> pd.DataFrame:
        """Return the look's rows of `Replay.table`."""
        suggestive = (self.low > 0) | (self.high < 0)
        rules = {
            "established": self.established,
            "smaller than of interest": self.smaller,
            "cannot be said": self.n < 2,
            "suggestive": suggestive,
        }
        frame = pd.DataFrame(
            {
                "contrast": np.arange(len(self.n)),
                "look": look,
                "planned": planned,
                **{name: getattr(self, name) for name in ("n", "estimate", "low", "high", "p", "p_holm", "floored")},
                "grade": np.select(list(rules.values()), list(rules), "not shown").astype(object),
                "decided": self.decided,
            }
        )
        return frame[at]


# ---- what goes on


def cells_to_train(still_open: np.ndarray, weights: np.ndarray, together: bool) -> np.ndarray:
    """Return which cells need more seeds: (cells,) bool, from the open contrasts (contrasts,) and weights over cells.

    A factorial, complete in whole seeds (`together`), goes on or stops as a whole; an arm stops when all its contrasts
    are decided, and the baseline goes on as long as any arm does.
    """
    if together:
        return np.full(weights.shape[1], bool(still_open.any()))
    return (weights[still_open] != 0).any(axis=0)


# ---- seeds that were looked at otherwise


def peeking_error(seeds: Sequence[int], points: int = 801) -> float:
    """Return how often a contrast without effect is below p = .05 at one of several looks, each at the full 5 %.

    For a known spread, by the recursion of Armitage, McPherson and Rowe, J. R. Stat. Soc. A 132 (1969); with a spread
    that is estimated from few seeds it is somewhat more. A study whose number of seeds was raised by hand, report by
    report, has this error per contrast; one that was planned with a fixed number has spent its 5 % there.
    """
    looked = sorted(set(seeds))
    if not looked:
        return 0.0
    bar = 1.959963984540054
    spread, inside = np.zeros(1), np.ones(1)  # sums so far that no look has called significant, and their weights
    before = 0
    for now in looked:
        step = np.sqrt(now - before)
        grid = np.linspace(-bar, bar, points) * np.sqrt(now)
        width = grid[1] - grid[0]
        density = np.exp(-(((grid[:, None] - spread) / step) ** 2) / 2) / (step * np.sqrt(2 * np.pi)) @ inside
        weights = np.full(points, width)
        weights[[0, -1]] /= 2
        spread, inside, before = grid, density * weights, now
    return float(1 - inside.sum())
