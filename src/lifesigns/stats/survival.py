"""Steps to a threshold, with the runs that never got there kept as censored: survival curves and their test."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from lifesigns.stats.distributions import chi_square_tail, normal_quantile
from lifesigns.stats.interval import Interval, Significance, check_level
from lifesigns.stats.scores import Array

MOST_EXACT_RUNS = 20
"""Up to so many runs together the log-rank test permutes labels; chi-square is rough there."""


@dataclass(frozen=True, slots=True)
class Reached:
    """For each run [run]: `steps` at which it reached the threshold, or its last step where `reached` is False."""

    steps: Array
    reached: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Survival:
    """Kaplan-Meier: from each of `steps` on, the share `waiting` that has not reached the threshold, with its
    interval, and how many runs were `at_risk` just before; all [event]. Before the first step it is 1."""

    steps: Array
    waiting: Array
    low: Array
    high: Array
    at_risk: NDArray[np.int64]
    level: float

    def quantile(self, share: float = 0.5) -> Interval:
        """Steps after which a `share` of runs has reached it, with its interval (Brookmeyer and Crowley 1982).

        Infinity where the curve (or the end of its interval) never gets so low: "never" is an answer.
        """
        estimate, low, high = (
            _first_at_or_below(self.steps, c, 1.0 - share) for c in (self.waiting, self.low, self.high)
        )
        return Interval(estimate, low, high, self.level, "Kaplan-Meier")


def steps_to_threshold(curves: ArrayLike, steps: ArrayLike, threshold: float, *, lasting: int = 1) -> Reached:
    """When each curve first is at or above `threshold` for `lasting` points in a row; curves [run, step].

    NaN points count as below. A run that never gets there is censored at its last finite point.
    """
    values, at = np.asarray(curves, dtype=np.float64), np.asarray(steps, dtype=np.float64)
    if values.ndim != 2 or at.shape != values.shape[1:] or not len(at):
        raise ValueError(f"expected curves [run, step] and as many steps, got {values.shape} and {at.shape}")
    if not 1 <= lasting <= len(at):
        raise ValueError(f"expected `lasting` from 1 to {len(at)} points, got {lasting}")
    over = values >= threshold
    held: NDArray[np.bool_] = np.logical_and.reduce(
        [over[:, i : len(at) - lasting + 1 + i] for i in range(lasting)], axis=0
    )
    reached: NDArray[np.bool_] = np.logical_or.reduce(held, axis=1)
    ends = np.array([at[np.flatnonzero(np.isfinite(one))[-1]] if np.isfinite(one).any() else at[0] for one in values])
    return Reached(np.where(reached, at[held.argmax(axis=1)], ends), reached)


def kaplan_meier(found: Reached, *, level: float = 0.95) -> Survival:
    """Survival curve with Greenwood's variance on the log(-log) scale (Kalbfleisch and Prentice 2002, section 1.4)."""
    z = normal_quantile((1.0 + check_level(level)) / 2)
    events = np.unique(found.steps[found.reached])
    at_risk = np.array([(found.steps >= t).sum() for t in events], dtype=np.int64)
    deaths = np.array([(found.reached & (found.steps == t)).sum() for t in events], dtype=np.int64)
    waiting, low, high = (np.empty(len(events)) for _ in range(3))
    left, greenwood = 1.0, 0.0
    for i, (n, d) in enumerate(zip(at_risk.tolist(), deaths.tolist(), strict=True)):
        left *= 1.0 - d / n
        waiting[i] = left
        if left <= 0.0:
            low[i], high[i] = 0.0, high[i - 1] if i else 1.0
            continue
        greenwood += d / (n * (n - d))
        width = z * sqrt(greenwood) / abs(log(left))
        low[i], high[i] = left ** exp(width), left ** exp(-width)
    return Survival(events, waiting, low, high, at_risk, level)


def restricted_mean(found: Reached, horizon: float) -> float:
    """Mean steps to the threshold, counting `horizon` for runs that are not there by then: area under the survival
    curve. Unlike a mean over the runs that made it, it does not reward failing."""
    curve = kaplan_meier(found)
    at = np.concatenate([[0.0], np.minimum(curve.steps, horizon), [horizon]])
    return float((np.diff(at) * np.concatenate([[1.0], curve.waiting])).sum())


def log_rank_test(a: Reached, b: Reached, *, rng: Generator, permutations: int = 10_000) -> Significance:
    """Two-sided test that A and B need equally many steps (Mantel 1966); positive statistic: A gets there sooner.

    Up to 20 runs together by permuted labels (the asymptotic p is too small there), else chi-square.
    """
    steps, reached = np.concatenate([a.steps, b.steps]), np.concatenate([a.reached, b.reached])
    n, total = len(a.steps), len(steps)
    events = np.unique(steps[reached])
    risk = steps[None, :] >= events[:, None]
    died = (steps[None, :] == events[:, None]) & reached
    d, r = died.sum(axis=1), risk.sum(axis=1)
    scores = reached - (risk * (d / r)[:, None]).sum(axis=0)
    observed = float(scores[:n].sum())
    if total <= MOST_EXACT_RUNS:
        picks = np.argsort(rng.random((permutations, total)), axis=1)[:, :n]
        as_far = np.abs(scores[picks].sum(axis=1)) >= abs(observed) - 1e-9
        p = float((as_far.sum() + 1) / (permutations + 1))
        return Significance(p, observed, "log-rank, permuted")
    share = risk[:, :n].sum(axis=1) / r
    variance = float((d * share * (1 - share) * (r - d) / np.maximum(r - 1, 1)).sum())
    p = chi_square_tail(observed**2 / variance, 1.0) if variance > 0 else 1.0
    return Significance(p, observed, "log-rank")


def _first_at_or_below(steps: Array, curve: Array, height: float) -> float:
    under = np.flatnonzero(curve <= height + 1e-12)
    return float(steps[under[0]]) if len(under) else float("inf")
