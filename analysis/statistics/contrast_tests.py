"""Seeds' effects -> estimate, interval and tests of every contrast, floored and, in factorials, moderated.

A contrast's value in one seed is that seed's effect; the n seeds' effects carry the t-interval (n − 1 df) and the exact
sign-flip test. A standard deviation is never taken below the response's grid (`floors`); in a factorial of few seeds
the variances of all contrasts inform each other's (`moderation`).
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.statistics.floors import floored
from analysis.statistics.intervals import ALPHA
from analysis.statistics.moderation import moderate
from analysis.statistics.signflip import sign_flip_p


@dataclass(frozen=True)
class Assessed:
    """What the seeds say of each contrast; every array is (contrasts,), NaN where there are too few seeds."""

    n: np.ndarray  # seeds that have the contrast
    estimate: np.ndarray  # mean effect over seeds, the response's unit
    sd: np.ndarray  # of the seeds' own effects, n − 1 df; neither floored nor moderated
    se: np.ndarray  # of the estimate, as tested
    df: np.ndarray
    low: np.ndarray  # interval of the level asked for
    high: np.ndarray
    t: np.ndarray
    p: np.ndarray  # two-sided
    p_exact: np.ndarray  # sign-flip, all 2^n patterns
    p_floor: np.ndarray  # the lowest that n seeds allow
    positive: np.ndarray  # seeds whose own effect is above zero
    negative: np.ndarray
    floored: np.ndarray  # bool; the spread seen is finer than the response's grid
    moderated: np.ndarray  # bool; variance and df are shared over contrasts


def assessed(
    own: np.ndarray, floor: np.ndarray | float = 0.0, squares: np.ndarray | None = None, alpha: float = ALPHA
) -> Assessed:
    """Return the tests of each column of the seeds' effects, (seeds, contrasts); NaN where a seed lacks a contrast.

    `floor` is the least standard deviation, `squares` the sum of the squared weights of each contrast: given for
    the contrasts of one response in a factorial only, NaN for those that do not take part, and what asks for
    moderation. Intervals are of level 1 − alpha.
    """
    counted = np.isfinite(own)
    present = np.where(counted, own, 0.0)
    n = counted.sum(axis=0)
    estimate = np.where(n > 0, present.sum(axis=0) / np.maximum(n, 1), np.nan)
    sd = _spread(own, estimate, n)
    spread, at_floor = floored(sd, floor)
    df, moderated = np.maximum(n - 1, 0).astype(float), np.zeros(len(n), bool)
    at = np.zeros(len(n), bool) if squares is None else np.isfinite(squares)
    if squares is not None and at.any() and (shared := moderate(spread[at] ** 2, squares[at], n[at])) is not None:
        spread[at], df[at], moderated[at] = np.sqrt(shared.variance), shared.df, True
    se = spread / np.sqrt(np.maximum(n, 1))
    t = t_ratio(estimate, se)
    quantile, tail = student(np.abs(t), df, alpha)
    half = quantile * se
    return Assessed(
        n=n,
        estimate=estimate,
        sd=sd,
        se=se,
        df=df,
        low=estimate - half,
        high=estimate + half,
        t=t,
        p=np.where(n > 1, tail, np.nan),
        p_exact=exact_p(own),
        p_floor=np.where(n > 1, 2.0 ** (1.0 - n), np.nan),
        positive=(present > 0).sum(axis=0),
        negative=(present < 0).sum(axis=0),
        floored=at_floor,
        moderated=moderated,
    )


def exact_p(own: np.ndarray) -> np.ndarray:
    """Return the sign-flip p of each column over the seeds that it has; NaN below two."""
    counted = np.isfinite(own)
    n = counted.sum(axis=0)
    p = np.full(own.shape[1], np.nan)
    for count in np.unique(n[n > 1]):
        columns = np.flatnonzero(n == count)
        values = own[:, columns].T[counted[:, columns].T].reshape(len(columns), count)  # seeds in order
        p[columns] = sign_flip_p(values.T)
    return p


def _spread(own: np.ndarray, estimate: np.ndarray, n: np.ndarray) -> np.ndarray:
    deviations = np.where(np.isfinite(own), own - estimate, 0.0)
    squares = (deviations**2).sum(axis=0)
    return np.sqrt(np.divide(squares, n - 1, out=np.full(len(n), np.nan), where=n > 1))


def t_ratio(estimate: np.ndarray, se: np.ndarray) -> np.ndarray:
    """Return t; without any spread and floor it is 0 where nothing differs, else infinite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = estimate / se
    return np.where((se == 0) & (estimate == 0), 0.0, t)


def student(size: np.ndarray, df: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the two-sided quantile and tail of t: (contrasts,) each, NaN without degrees of freedom."""
    df = np.where(df > 0, df, np.nan)
    return -special.stdtrit(df, alpha / 2), 2 * special.stdtr(df, -size)
