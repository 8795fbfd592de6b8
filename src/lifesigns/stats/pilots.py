"""How many seeds a comparison needs, planned from the pilot runs at hand, with the pilots' own noise carried through.

The effect that a few pilots show is itself uncertain: plans that take it at face value reach 60 % power instead of 80
from 3 pilots. The answer is therefore a range with assurance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lifesigns.stats.distributions import Array, student_two_sided
from lifesigns.stats.power import student_power
from lifesigns.stats.scores import as_sample

GRID = np.unique(np.concatenate([np.arange(2, 101), np.round(np.geomspace(100, 10_000, 120))]).astype(np.int64))
"""Numbers of seeds an arm that a plan chooses among: each up to 100, then in steps of 4 %."""


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

    The true effects (difference of means in pooled standard deviations) that are compatible with the pilots are drawn
    by a parametric bootstrap in its fiducial form: the variance from chi-square, then the difference about the
    observed one. Assurance: O'Hagan, Stevens and Campbell 2005. Raises ValueError for pilots without any spread.
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


def bootstrap_power(
    a: ArrayLike, b: ArrayLike, runs: int, *, rng: Generator, alpha: float = 0.05, draws: int = 2_000
) -> float:
    """Share of samples of `runs` seeds an arm, drawn from the pilots with replacement, in which Welch's test finds a
    difference (Colas et al. 2018, section 5): keeps the pilots' shape, such as rare failures, but takes them for the
    whole truth; few pilots promise too much."""
    first, second = as_sample(a, 2, "a"), as_sample(b, 2, "b")
    drawn = [s[rng.integers(0, len(s), size=(draws, runs))] for s in (first, second)]
    va, vb = (x.var(axis=1, ddof=1) / runs for x in drawn)
    gap = drawn[0].mean(axis=1) - drawn[1].mean(axis=1)
    spread = va + vb
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(spread > 0, gap / np.sqrt(spread), np.where(gap == 0, 0.0, np.inf))
        df = np.where(spread > 0, spread**2 / ((va**2 + vb**2) / (runs - 1)), 1.0)
    return float((student_two_sided(t, df) <= alpha).mean())


def _needed(effects: Array, power: float, alpha: float) -> Array:
    """Smallest number of seeds of the grid for each effect; infinity above it."""
    least = np.array(_least_effects(power, alpha))
    place = np.searchsorted(-least, -effects, side="left")
    return np.append(GRID.astype(np.float64), np.inf)[place]


@lru_cache(maxsize=8)
def _least_effects(power: float, alpha: float) -> tuple[float, ...]:
    """The effect that each number of seeds of the grid finds with `power`."""
    return tuple(_least_effect(int(n), power, alpha) for n in GRID)


def _least_effect(n: int, power: float, alpha: float) -> float:
    """The effect that `n` seeds an arm find with `power`."""
    low, high = 0.0, 100.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if student_power(middle, n, alpha=alpha) < power else (low, middle)
    return high
