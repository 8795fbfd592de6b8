"""Success and failure rates: exact and near-exact intervals, bounds, and tests of two rates."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lifesigns.stats.distributions import (
    Array,
    beta_quantile,
    binomial_pmf,
    log_choose,
    normal_quantile,
)
from lifesigns.stats.interval import Interval, Significance, check_level

RateMethod = Literal["clopper-pearson", "mid-p", "wilson", "jeffreys"]


def success_interval(
    successes: int, runs: int, *, level: float = 0.95, method: RateMethod = "clopper-pearson"
) -> Interval:
    """Interval of a success rate from `successes` in `runs` independent runs (seeds).

    `clopper-pearson` (1934) covers at least `level` whatever the rate; `mid-p` (Berry and Armitage 1995), `wilson`
    (1927) and `jeffreys` (Brown, Cai and DasGupta 2001, with their ends 0 and 1) cover it on average and are shorter.
    Raises ValueError for counts out of range and unknown methods.
    """
    _check_counts(successes, runs)
    check_level(level)
    tail, k, n = (1.0 - level) / 2, successes, runs
    match method:
        case "clopper-pearson":
            low = 0.0 if k == 0 else beta_quantile(tail, k, n - k + 1)
            high = 1.0 if k == n else beta_quantile(1.0 - tail, k + 1, n - k)
        case "jeffreys":
            low = 0.0 if k == 0 else beta_quantile(tail, k + 0.5, n - k + 0.5)
            high = 1.0 if k == n else beta_quantile(1.0 - tail, k + 0.5, n - k + 0.5)
        case "wilson":
            low, high = _wilson(k, n, level)
        case "mid-p":
            low = 0.0 if k == 0 else _root(lambda p: _tail_mid(n, p, k, upper=True) - tail)
            high = 1.0 if k == n else _root(lambda p: tail - _tail_mid(n, p, k, upper=False))
        case _:
            raise ValueError(f"expected clopper-pearson, mid-p, wilson or jeffreys, got {method!r}")
    return Interval(k / n, low, high, level, method)


def failure_bound(failures: int, runs: int, *, level: float = 0.95) -> float:
    """One-sided exact upper bound of a failure rate: with 0 failures in 10 runs it may still be 26 %.

    Clopper and Pearson 1934; for 0 failures 1 - (1 - level)^(1 / runs). Raises ValueError for counts out of range.
    """
    _check_counts(failures, runs)
    check_level(level)
    return 1.0 if failures == runs else beta_quantile(level, failures + 1, runs - failures)


def runs_without_failure(rate: float, *, level: float = 0.95) -> int:
    """Runs without a failure that are needed to bound the failure rate below `rate`."""
    if not 0.0 < rate < 1.0:
        raise ValueError(f"expected a rate between 0 and 1, got {rate!r}")
    return int(np.ceil(np.log(1.0 - check_level(level)) / np.log1p(-rate) - 1e-9))


def fisher_test(successes_a: int, runs_a: int, successes_b: int, runs_b: int) -> Significance:
    """Fisher's exact test (1935) that two success rates are equal, two-sided by probability of the table.

    The statistic is the difference of the rates. `least_p`: the smallest p of any table with these numbers of runs.
    """
    _check_counts(successes_a, runs_a)
    _check_counts(successes_b, runs_b)
    table = fisher_table(runs_a, runs_b)
    p, least = float(table[successes_a, successes_b]), float(table[runs_a, 0])
    return Significance(p, successes_a / runs_a - successes_b / runs_b, "Fisher exact", exact=True, least_p=least)


@lru_cache(maxsize=64)
def fisher_table(runs_a: int, runs_b: int) -> Array:
    """Two-sided p of Fisher's exact test for every pair of counts, [successes of A, successes of B]; read-only."""
    p = np.empty((runs_a + 1, runs_b + 1))
    for total in range(runs_a + runs_b + 1):
        a = np.arange(max(0, total - runs_b), min(runs_a, total) + 1)
        logs = log_choose(float(runs_a), a) + log_choose(float(runs_b), total - a)
        chance: Array = np.exp(logs - logs.max())
        chance /= chance.sum()
        order = np.argsort(chance, kind="stable")
        summed = np.cumsum(chance[order])
        last: NDArray[np.intp] = np.searchsorted(chance[order], chance * (1.0 + 1e-7), side="right") - 1
        p[a, total - a] = np.minimum(1.0, summed[last])
    p.setflags(write=False)
    return p


def rate_difference_interval(
    successes_a: int, runs_a: int, successes_b: int, runs_b: int, *, level: float = 0.95
) -> Interval:
    """Interval of rate(A) - rate(B), from Wilson's intervals of the two (Newcombe 1998, method 10)."""
    a = success_interval(successes_a, runs_a, level=level, method="wilson")
    b = success_interval(successes_b, runs_b, level=level, method="wilson")
    point = a.estimate - b.estimate
    low = point - sqrt((a.estimate - a.low) ** 2 + (b.high - b.estimate) ** 2)
    high = point + sqrt((a.high - a.estimate) ** 2 + (b.estimate - b.low) ** 2)
    return Interval(point, low, high, level, "Newcombe-Wilson")


def _wilson(k: int, n: int, level: float) -> tuple[float, float]:
    z = normal_quantile((1.0 + level) / 2)
    centre, scale = (k + z * z / 2) / (n + z * z), z / (n + z * z)
    half = scale * sqrt(k * (n - k) / n + z * z / 4)
    return (0.0 if k == 0 else centre - half), (1.0 if k == n else centre + half)


def _tail_mid(n: int, p: float, k: int, *, upper: bool) -> float:
    """P(K > k) or P(K < k), with half of P(K = k)."""
    chance = binomial_pmf(n, p)
    return float((chance[k + 1 :] if upper else chance[:k]).sum() + 0.5 * chance[k])


def _root(rising: Callable[[float], float]) -> float:
    """Where a rising function of a rate crosses 0."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def _check_counts(successes: int, runs: int) -> None:
    if runs < 1 or not 0 <= successes <= runs:
        raise ValueError(f"expected a count from 0 to `runs` and at least 1 run, got {successes} of {runs}")
