"""Bootstrap-t: replicates of an aggregate together with a standard error of each replicate.

Davison and Hinkley 1997, section 5.2. The standard errors are those of the influence values, taken within tasks.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from lifesigns.stats.aggregates import Aggregate, aggregate, trimmed_count
from lifesigns.stats.influence import influence, task_variances
from lifesigns.stats.replicates import aggregates_of, ranked_counts
from lifesigns.stats.resampling import Counts, in_batches, run_counts
from lifesigns.stats.scores import Array


def studentised_ends(
    scores: Array, rng: Generator, statistic: Aggregate, replicates: int, level: float, gamma: float, workers: int
) -> tuple[float, float]:
    """Ends of the bootstrap-t interval; infinite where too many resamples of few runs have no variance at all.

    Raises ValueError for the median of task means, which has no such standard error.
    """
    if statistic == "median":
        raise ValueError("expected mean, iqm or optimality_gap for method 'studentised', got 'median'")
    runs, tasks = scores.shape

    def work(own: Generator, size: int) -> Array:
        counts = run_counts(own, runs, tasks, size)
        found = aggregates_of(scores, counts, (statistic,), gamma)[:, 0]
        return np.stack([found, standard_errors(scores, counts, statistic, gamma)])

    drawn, errors = np.concatenate(in_batches(work, rng, replicates, scores.size, workers), axis=1)
    point = aggregate(scores, statistic, gamma)
    error = float(np.sqrt(task_variances(influence(scores, statistic, gamma)).sum()))
    gap = drawn - point
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(errors > 1e-12 * max(error, 1e-300), gap / errors, np.where(gap == 0, 0.0, np.inf * np.sign(gap)))
    tail = (1.0 - level) / 2
    low, high = np.quantile(t, [tail, 1.0 - tail], method="inverted_cdf")
    return (point - float(high) * error, point - float(low) * error) if error > 0 else (point, point)


def standard_errors(scores: Array, counts: Counts, statistic: Aggregate, gamma: float = 1.0) -> Array:
    """Standard error of the aggregate in each replicate, [replicate]; mean, iqm and optimality gap only.

    For the interquartile mean the scores are pulled in to the replicate's own quartiles (winsorised) first.
    """
    runs, tasks = scores.shape
    low, high, scale = -np.inf, (gamma if statistic == "optimality_gap" else np.inf), 1.0 / tasks
    if statistic == "iqm":
        size, cut = scores.size, trimmed_count(scores.size)
        order = np.argsort(scores, axis=None, kind="stable")
        pool, ranked = scores.ravel()[order], ranked_counts(order, counts)
        low = pool[np.minimum((ranked <= cut).sum(axis=0), size - 1)]
        high = pool[np.minimum((ranked < size - cut).sum(axis=0), size - 1)]
        scale *= size / (size - 2 * cut)
    sums, squares = np.zeros(counts.shape[1:]), np.zeros(counts.shape[1:])
    centre = scores.mean(axis=0)[:, None]
    for values, times in zip(scores, counts, strict=True):
        moved = np.clip(values[:, None], low, high) - centre
        sums += times * moved
        squares += times * moved**2
    variances = np.maximum(squares / runs - (sums / runs) ** 2, 0.0) / (runs - 1)
    return scale * np.sqrt(variances.sum(axis=0))
