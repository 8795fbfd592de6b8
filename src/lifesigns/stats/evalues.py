"""Anytime-valid evidence: e-values that may be looked at after every seed and stopped at any time.

Under the null an e-process is a nonnegative martingale that starts at 1, so that it ever reaches 1 / alpha with
probability at most alpha (Ville 1939; Ramdas et al. 2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import ArrayLike

from lifesigns.stats.distributions import Array, log_beta
from lifesigns.stats.scores import as_sample


@dataclass(frozen=True, slots=True)
class EValues:
    """`log_e` after each pair of runs, [pair]; `p` is the anytime-valid p-value so far: 1 / the largest e-value."""

    log_e: Array
    method: str

    @property
    def p(self) -> float:
        """Anytime-valid p-value: at most 1."""
        return float(np.exp(-max(0.0, float(self.log_e.max(initial=0.0)))))

    def stops_at(self, alpha: float = 0.05) -> int | None:
        """Number of pairs after which the evidence first reached 1 / alpha; None if it did not."""
        over = np.flatnonzero(self.log_e >= -log(alpha))
        return int(over[0]) + 1 if len(over) else None


def sign_evalues(a: ArrayLike, b: ArrayLike) -> EValues:
    """Evidence that A and B differ, from pairs of runs in order ([pair], A's i-th run with B's i-th).

    Null: P(A above B) = ½ for every pair that is not tied. A fair coin is tested by a mixture of biased ones with
    Jeffreys' prior: E = B(k + ½, n - k + ½) / B(½, ½) · 2ⁿ (Robbins 1970).
    """
    first, second = _pairs(a, b)
    up, down = np.cumsum(first > second), np.cumsum(first < second)
    start = log_beta(0.5, 0.5)
    logs = [log_beta(k + 0.5, j + 0.5) - start + (k + j) * log(2.0) for k, j in zip(up, down, strict=True)]
    return EValues(np.array(logs), "signs, Jeffreys mixture")


def success_evalues(a: ArrayLike, b: ArrayLike) -> EValues:
    """Evidence that two success rates differ, from pairs of outcomes (0 or 1) in order, [pair].

    Turner, Ly and Grünwald 2024, *Generic e-variables for exact sequential k-sample tests*: for each pair the
    likelihood under rates learned from the pairs before it, against their mean for both.
    """
    first, second = _pairs(a, b)
    if not np.isin(np.concatenate([first, second]), (0.0, 1.0)).all():
        raise ValueError("expected outcomes 0 or 1")
    before = np.arange(len(first))
    rates = [
        (np.concatenate([[0.0], np.cumsum(x)[:-1]]) + 0.5) / (before + 1.0) if len(x) else x for x in (first, second)
    ]
    shared = (rates[0] + rates[1]) / 2

    def log_chance(x: Array, rate: Array) -> Array:
        return np.log(np.where(x == 1, rate, 1.0 - rate))

    steps = sum(log_chance(x, r) - log_chance(x, shared) for x, r in zip((first, second), rates, strict=True))
    return EValues(np.cumsum(steps), "two rates, plug-in")


def _pairs(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    first, second = as_sample(a, 1, "a"), as_sample(b, 1, "b")
    size = min(len(first), len(second))
    return first[:size], second[:size]
