"""Performance profiles: the share of runs (or of tasks) that score above each threshold."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lifesigns.stats.interval import Band, check_level
from lifesigns.stats.replicates import task_means
from lifesigns.stats.resampling import in_batches, run_counts
from lifesigns.stats.scores import Array, as_scores

ProfileKind = Literal["runs", "tasks"]


def performance_profile(scores: ArrayLike, thresholds: ArrayLike, kind: ProfileKind = "runs") -> Array:
    """Share above each threshold, [threshold]; scores [run, task].

    `runs`: the share of all runs x tasks scores (the score distribution; rliable's default). `tasks`: the share of
    tasks whose mean score is above (the average-score profile; Dolan and Moré 2002). Agarwal et al. 2021, section 4.2.
    """
    values = as_scores(scores)
    if kind not in ("runs", "tasks"):
        raise ValueError(f"expected `kind` runs or tasks, got {kind!r}")
    values = np.sort(values.mean(axis=0) if kind == "tasks" else values, axis=None)
    at = np.asarray(thresholds, dtype=np.float64)
    return 1.0 - np.searchsorted(values, at, side="right") / len(values)


def profile_band(
    scores: ArrayLike,
    thresholds: ArrayLike,
    *,
    rng: Generator,
    kind: ProfileKind = "runs",
    replicates: int = 2_000,
    level: float = 0.95,
    workers: int = 1,
) -> Band:
    """Performance profile with pointwise stratified-bootstrap intervals (percentile, as in rliable); at least 2 runs.

    Raises ValueError for fewer runs and non-finite scores.
    """
    check_level(level)
    values, at = as_scores(scores, 2), np.asarray(thresholds, dtype=np.float64)
    runs, tasks = values.shape
    above = (values[:, :, None] > at).astype(np.float32)

    def work(own: Generator, size: int) -> Array:
        counts = run_counts(own, runs, tasks, size)
        if kind == "tasks":
            means = np.sort(task_means(values, counts), axis=0)
            return np.stack([1.0 - np.searchsorted(one, at, side="right") / tasks for one in means.T])
        shares = counts.reshape(runs * tasks, size).T.astype(np.float32) @ above.reshape(runs * tasks, -1)
        return shares.astype(np.float64) / (runs * tasks)

    drawn = np.concatenate(in_batches(work, rng, replicates, values.size, workers))
    tail = (1.0 - level) / 2
    low, high = np.quantile(drawn, [tail, 1.0 - tail], axis=0)
    return Band(at, performance_profile(values, at, kind), low, high, level, "percentile bootstrap")


def even_thresholds(*scores: ArrayLike, points: int = 81) -> Array:
    """`points` thresholds from the lowest to the highest score of all the matrices."""
    pools = [as_scores(one) for one in scores]
    return np.linspace(min(float(p.min()) for p in pools), max(float(p.max()) for p in pools), points)
