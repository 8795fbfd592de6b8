"""Performance profiles: the share of runs (or of tasks) that score above each threshold."""

from __future__ import annotations

from math import sqrt
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lifesigns.stats.distributions import normal_quantile, student_cdfs
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
    method: Literal["auto", "predictive", "percentile"] = "auto",
    workers: int = 1,
) -> Band:
    """Performance profile with pointwise intervals; at least 2 runs.

    `percentile` is rliable's stratified bootstrap. Of a task whose few runs are all on one side of a threshold it
    takes for certain that every run would be: its bands cover 46 to 93 % where 95 are promised. `predictive` (runs
    only) reckons that chance from how far the task's runs are from the threshold, in their own spread. `auto` is
    `predictive` for runs and `percentile` for tasks. Raises ValueError for fewer runs and non-finite scores.
    """
    check_level(level)
    values, at = as_scores(scores, 2), np.asarray(thresholds, dtype=np.float64)
    point = performance_profile(values, at, kind)
    if method == "predictive" and kind != "runs":
        raise ValueError("expected method auto or percentile for the profile over tasks, got 'predictive'")
    if method != "percentile" and kind == "runs":
        half = normal_quantile((1.0 + level) / 2) * _predictive_errors(values, at)
        return Band(at, point, np.maximum(point - half, 0.0), np.minimum(point + half, 1.0), level, "predictive")
    drawn = _replicates(values, at, rng, kind, replicates, workers)
    tail = (1.0 - level) / 2
    low, high = np.quantile(drawn, [tail, 1.0 - tail], axis=0)
    return Band(at, point, low, high, level, "percentile bootstrap")


def _predictive_errors(values: Array, at: Array) -> Array:
    """Standard error of the share of runs above each threshold, [threshold].

    A task's chance of a further run above the threshold is Student's, from the mean and spread of its runs.
    """
    runs, tasks = values.shape
    mean, std = values.mean(axis=0)[:, None], values.std(axis=0, ddof=1)[:, None] * sqrt(1.0 + 1.0 / runs)
    gap = at[None, :] - mean
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(std > 0, gap / std, np.where(gap == 0, 0.0, np.inf * np.sign(gap)))
    chance = student_cdfs(t, runs - 1)
    return np.sqrt((chance * (1.0 - chance)).sum(axis=0) / runs) / tasks


def _replicates(values: Array, at: Array, rng: Generator, kind: ProfileKind, replicates: int, workers: int) -> Array:
    """Bootstrap replicates of the profile, [replicate, threshold]."""
    runs, tasks = values.shape
    above = (values[:, :, None] > at).astype(np.float32).reshape(runs * tasks, -1)

    def work(own: Generator, size: int) -> Array:
        counts = run_counts(own, runs, tasks, size)
        if kind == "tasks":
            means = np.sort(task_means(values, counts), axis=0)
            return np.stack([1.0 - np.searchsorted(one, at, side="right") / tasks for one in means.T])
        shares = counts.reshape(runs * tasks, size).T.astype(np.float32) @ above
        return shares.astype(np.float64) / (runs * tasks)

    return np.concatenate(in_batches(work, rng, replicates, values.size, workers))


def even_thresholds(*scores: ArrayLike, points: int = 81) -> Array:
    """`points` thresholds from the lowest to the highest score of all the matrices."""
    pools = [as_scores(one) for one in scores]
    return np.linspace(min(float(p.min()) for p in pools), max(float(p.max()) for p in pools), points)
