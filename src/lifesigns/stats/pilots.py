"""How many seeds a comparison needs, planned from the pilot runs at hand, with the pilots' own noise carried through.

The effect that a few pilots show is itself uncertain: plans that take it at face value reach 60 % power instead of 80
from 3 pilots. The answer is therefore a range with assurance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lifesigns.stats.distributions import Array
from lifesigns.stats.power import student_power
from lifesigns.stats.scores import as_sample

GRID = np.unique(np.round(np.geomspace(2, 10_000, 200)).astype(np.int64))
"""Numbers of seeds that a plan chooses among."""


@dataclass(frozen=True, slots=True)
class SeedsNeeded:
    """Seeds an arm for a power of `power`: `naive` takes the pilots' effect at face value; `low`, `middle`, `high`
    have that power with assurance 20, 50 and 80 % given the pilots' noise. None: more than 10,000."""

    power: float
    alpha: float
    effect: float
    naive: int | None
    low: int | None
    middle: int | None
    high: int | None

    def more(self, runs: int) -> int | None:
        """Further seeds an arm to reach `high` when `runs` are done; 0 if they are enough."""
        return None if self.high is None else max(0, self.high - runs)


def seeds_from_pilots(
    a: ArrayLike, b: ArrayLike, *, rng: Generator, power: float = 0.8, alpha: float = 0.05, draws: int = 2_000
) -> SeedsNeeded:
    """Seeds an arm that a comparison of A and B needs, from pilot scores [run], at least 2 each.

    The true effects that are compatible with the pilots are drawn from the bootstrap-t distribution of the effect
    (difference of means in pooled standard deviations): means by Student's t, variances by chi-square. Assurance:
    O'Hagan, Stevens and Campbell 2005.
    """
    first, second = as_sample(a, 2, "a"), as_sample(b, 2, "b")
    n, m = len(first), len(second)
    df = n + m - 2
    pooled = float((n - 1) * first.var(ddof=1) + (m - 1) * second.var(ddof=1)) / df
    difference = float(first.mean() - second.mean())
    if pooled <= 0.0:
        raise ValueError("expected pilot runs that vary, got equal scores in each arm; run more seeds")
    variance = pooled * df / rng.chisquare(df, size=draws)
    means = difference + rng.normal(size=draws) * np.sqrt(variance * (1 / n + 1 / m))
    needed = _needed(np.abs(means) / np.sqrt(variance), power, alpha)
    naive = float(_needed(np.array([abs(difference) / np.sqrt(pooled)]), power, alpha)[0])
    quantiles = np.quantile(needed, [0.2, 0.5, 0.8], method="higher")
    low, middle, high = (None if q > GRID[-1] else int(q) for q in quantiles)
    effect = difference / float(np.sqrt(pooled))
    return SeedsNeeded(power, alpha, effect, None if naive > GRID[-1] else int(naive), low, middle, high)


def _needed(effects: Array, power: float, alpha: float) -> Array:
    """Smallest number of seeds of the grid for each effect; infinity above it."""
    least = np.array([_least_effect(int(n), power, alpha) for n in GRID])
    place = np.searchsorted(-least, -effects, side="left")
    return np.append(GRID.astype(np.float64), np.inf)[place]


def _least_effect(n: int, power: float, alpha: float) -> float:
    """The effect that `n` seeds an arm find with `power`."""
    low, high = 0.0, 100.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if student_power(middle, n, alpha=alpha) < power else (low, middle)
    return high
