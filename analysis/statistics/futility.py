"""Contrasts that are still open -> the chance that the seeds still to come decide them.

The mean after all seeds is predicted from the seeds so far, whose mean and spread are taken for what they are: a
t-distributed guess. It leaves out that spreads change. Giving a contrast up cannot raise the error.
"""

import numpy as np
from scipy import stats

from analysis.statistics.intervals import ALPHA
from analysis.statistics.looks import BUDGET, Family, Replay, looks_within

FROM_SEEDS = 9  # before, nothing can be told
UNLIKELY = 0.10


def chance_of_decision(family: Family, replayed: Replay, budget: int = BUDGET) -> np.ndarray:
    """Return the chance that each open contrast is decided at one of the looks that are left: (contrasts,).

    That of the best look; NaN for contrasts that are decided, or have fewer than 9 seeds; 0 where no look is left.
    """
    chances = np.full(family.own.shape[1], np.nan)
    if replayed.table.empty:
        return chances
    last = replayed.last().set_index("contrast")
    ahead = [look for look in looks_within(budget) if look[0] > int(last["planned"].max())]
    tests = int(last["grade"].ne("established").sum())
    for place in np.flatnonzero(replayed.open):
        if place in last.index and last.loc[place, "planned"] >= FROM_SEEDS:
            own = family.own[: int(last.loc[place, "planned"]), place]
            bounds = float(family.floor[place]), float(family.sesoi[place])
            chances[place] = max((_chance(own, look, tests, *bounds) for look in ahead), default=0.0)
    return chances


def unlikely(chances: np.ndarray) -> np.ndarray:
    """Return which open contrasts may be given up: (contrasts,) bool."""
    return chances < UNLIKELY


def _chance(own: np.ndarray, look: tuple[int, float], tests: int, floor: float, sesoi: float) -> float:
    """Return the chance that a look finds the contrast established or smaller than of interest."""
    seen = own[np.isfinite(own)]
    n, (planned, share) = len(seen), look
    if n < 2:  # an arm that diverges in nearly every seed
        return 0.0
    final = round(planned * n / len(own))  # as many of the seeds to come will have an effect as of those so far
    sd = max(float(seen.std(ddof=1)), floor)
    if final <= n or sd == 0:
        return 0.0
    mean, spread = abs(float(seen.mean())), sd * np.sqrt((final - n) / (final * n))
    bar = stats.t.isf(ALPHA * share / tests / 2, final - 1) * sd / np.sqrt(final)
    room = sesoi - stats.t.isf(ALPHA * share / 2, final - 1) * sd / np.sqrt(final)
    beyond = stats.t.sf((bar - mean) / spread, n - 1) + stats.t.cdf((-bar - mean) / spread, n - 1)
    within = 0.0
    if room > 0:
        within = stats.t.cdf((room - mean) / spread, n - 1) - stats.t.cdf((-room - mean) / spread, n - 1)
    return float(min(beyond + within, 1.0))
