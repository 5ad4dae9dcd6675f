"""Variances of a factorial's contrasts -> variances and degrees of freedom that they share, guarded.

With three seeds a contrast's own variance rests on two degrees of freedom. In a factorial all contrasts weigh the same
cells, so their variances are alike, and a prior for one can be estimated from all: Smyth, Linear models and empirical
Bayes methods, Stat. Appl. Genet. Mol. Biol. 3 (2004), section 6.2. Unguarded this errs where one arm is wild (25 % of
studies); so the prior's degrees of freedom are at most n − 1, a variance is never taken below the contrast's own, and
`established` needs all seeds to be of one sign (`grades`). So guarded the family-wise error, with two primary responses
and normal or t3 noise, is at most 4 % in a 2^4 and 5 % in a 2^3 whatever the cells' spreads (of six responses, one cell
with all the noise brings it to 7 %). Where that one cell's noise is skewed it reaches 6 and 8 %, and 7 % in a 2^2 that
shares nothing (tests/benchmarks/calibration.py).
Arms and one-at-a-time designs, whose contrasts share a baseline and little else, are never moderated.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

LEAST_CONTRASTS = 7
LEAST_SEEDS = 3  # two never establish anything
MOST_RESPONSES = 2  # primary ones; of more, a cell with all the noise makes each response one more doubtful test
MOST_SEEDS = 8  # of more seeds a contrast's own variance is good enough
TINY = 1e-5  # of the median variance; a smaller one is raised to it before logarithms are taken


@dataclass(frozen=True)
class Moderated:
    """The variances to test with, (contrasts,), their degrees of freedom, and the prior behind them."""

    variance: np.ndarray
    df: float
    prior_variance: float  # of a contrast whose squared weights sum to one
    prior_df: float  # at most n − 1


def moderate(variance: np.ndarray, squares: np.ndarray, n: np.ndarray) -> Moderated | None:
    """Return the moderated variances of one response's contrasts, or None where they are to stay as they are.

    `variance` is each contrast's own on n − 1 df, floored, `squares` the sum of its squared weights, `n` its seeds:
    (contrasts,) each. None for fewer than 7 contrasts, more than 8 seeds, or where seeds differ between contrasts.
    """
    seeds = np.unique(n)
    if len(variance) < LEAST_CONTRASTS or len(seeds) != 1 or not LEAST_SEEDS <= seeds[0] <= MOST_SEEDS:
        return None
    own_df = float(seeds[0] - 1)
    scaled = variance / squares
    median = float(np.median(scaled))
    if not median > 0:
        return None
    prior_variance, prior_df = prior_of(np.maximum(scaled, TINY * median), own_df)
    prior_df = min(prior_df, own_df)
    shared = (prior_df * prior_variance + own_df * scaled) / (prior_df + own_df)
    return Moderated(np.maximum(shared, scaled) * squares, prior_df + own_df, prior_variance, prior_df)


def prior_of(variance: np.ndarray, df: float) -> tuple[float, float]:
    """Return prior variance and prior df (infinite where the variances differ by no more than chance).

    Smyth's moments of log variances: their mean and their variance beyond trigamma(df/2).
    """
    logs = np.log(variance) - special.digamma(df / 2) + np.log(df / 2)
    beyond = float(logs.var(ddof=1) - special.polygamma(1, df / 2))
    if beyond <= 0:
        return float(np.exp(logs.mean())), np.inf
    half = trigamma_inverse(beyond)
    return float(np.exp(logs.mean() + special.digamma(half) - np.log(half))), 2 * half


def trigamma_inverse(value: float) -> float:
    """Return x with trigamma(x) = value > 0, by Newton's steps on 1/trigamma (Smyth's appendix); relative 1e-8."""
    if value > 1e7:
        return value**-0.5
    if value < 1e-6:
        return 1 / value
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, x))
        x += step
        if -step < 1e-8 * x:
            break
    return x
