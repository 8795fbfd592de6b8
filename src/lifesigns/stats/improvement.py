"""Probability of improvement: how likely a run of A scores above a run of B on the same task."""

from __future__ import annotations

from math import sqrt
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lifesigns.stats.distributions import normal_quantile, student_quantile
from lifesigns.stats.influence import degrees_of_freedom
from lifesigns.stats.interval import Interval, check_level
from lifesigns.stats.resampling import in_batches, run_counts
from lifesigns.stats.scores import Array, as_pair

ImprovementMethod = Literal["auto", "score", "widened", "percentile"]


def probability_of_improvement(a: ArrayLike, b: ArrayLike) -> float:
    """P(A > B) + P(A = B) / 2 of two runs, the mean over tasks; scores [run, task] or [run].

    Agarwal et al. 2021, section 4.3; Mann-Whitney's U / (n m). The numbers of runs may differ.
    """
    return float(_wins(*as_pair(a, b)).mean())


def improvement_interval(
    a: ArrayLike,
    b: ArrayLike,
    *,
    rng: Generator,
    replicates: int = 10_000,
    level: float = 0.95,
    method: ImprovementMethod = "auto",
    workers: int = 1,
) -> Interval:
    """Interval of the probability of improvement; at least 2 runs each.

    `score` needs no bootstrap and stays honest where every run of A beats every run of B (Newcombe 2006, method 5);
    `percentile` is rliable's stratified bootstrap; `widened` corrects that as `bootstrap_interval` does. `auto` is
    `score` for one task and for complete separation, `widened` otherwise. Raises ValueError for non-finite scores,
    fewer runs and unknown methods.
    """
    check_level(level)
    first, second = as_pair(a, b, 2)
    wins = _wins(first, second)
    point = float(wins.mean())
    if method not in ("auto", "score", "widened", "percentile"):
        raise ValueError(f"expected `method` auto, score, widened or percentile, got {method!r}")
    if method == "score" or (method == "auto" and (first.shape[1] == 1 or point in (0.0, 1.0))):
        low, high = _score_ends(point, len(first), len(second), first.shape[1], level)
        return Interval(point, low, high, level, "score")
    kind: Literal["widened", "percentile"] = "percentile" if method == "percentile" else "widened"
    drawn = improvement_replicates(first, second, rng, replicates, workers, rescaled=kind == "widened")
    tail = (1.0 - level) / 2
    low, high = (float(q) for q in np.quantile(drawn, [tail, 1.0 - tail]))
    if kind == "widened":
        by_a, by_b = wins.mean(axis=1), wins.mean(axis=0)
        df = degrees_of_freedom(by_a - by_a.mean(axis=0), by_b - by_b.mean(axis=0))
        factor = student_quantile(1.0 - tail, df) / normal_quantile(1.0 - tail)
        low, high = point + factor * (low - point), point + factor * (high - point)
    return Interval(point, max(0.0, low), min(1.0, high), level, f"{kind} bootstrap")


def improvement_replicates(
    a: Array, b: Array, rng: Generator, replicates: int, workers: int = 1, *, rescaled: bool = False
) -> Array:
    """Bootstrap replicates [replicate] of the probability of improvement.

    With W the matrix of wins of a task (ties one half), a replicate is the bilinear form cᵀ W d in the counts c of
    A's runs and d of B's. `rescaled`: deviations of the counts from 1 are widened by sqrt(n / (n - 1)) for each arm.
    """
    (n, tasks), m = a.shape, len(b)
    wins = np.ascontiguousarray(_wins(a, b).transpose(2, 1, 0))
    widen = (sqrt(n / (n - 1)), sqrt(m / (m - 1))) if rescaled else (1.0, 1.0)

    def work(own: Generator, size: int) -> Array:
        chosen = [run_counts(own, runs, tasks, size).astype(np.float64) for runs in (n, m)]
        c, d = (1.0 + w * (x - 1.0) if rescaled else x for w, x in zip(widen, chosen, strict=True))
        against = np.matmul(wins, c.transpose(1, 0, 2))
        return np.einsum("gmb,mgb->b", against, d) / (n * m * tasks)

    return np.concatenate(in_batches(work, rng, replicates, (n + m) * tasks, workers))


def _wins(a: Array, b: Array) -> Array:
    """1 where the run of A is above that of B, ½ for a tie, [run of A, run of B, task]."""
    above, equal = a[:, None, :] > b[None, :, :], a[:, None, :] == b[None, :, :]
    return above + 0.5 * equal


def _score_ends(point: float, n: int, m: int, tasks: int, level: float) -> tuple[float, float]:
    """The probabilities that lie `z` standard errors from the estimate, each with its own standard error."""
    z, runs = normal_quantile((1.0 + level) / 2), (n + m) / 2 - 1

    def excess(theta: float) -> float:
        shape = 1.0 + runs * ((1.0 - theta) / (2.0 - theta) + theta / (1.0 + theta))
        return abs(point - theta) - z * sqrt(theta * (1.0 - theta) * shape / (n * m * tasks))

    ends: list[float] = []
    for far in (0.0, 1.0):
        near, out = point, far
        for _ in range(60):
            middle = (near + out) / 2
            near, out = (middle, out) if excess(middle) < 0 else (near, middle)
        ends.append(out)
    return ends[0], ends[1]
