"""Influence values: how much each run moves an aggregate; from them follow standard errors, skewness and degrees of
freedom of a stratified sample.

Efron 1987, *Better bootstrap confidence intervals*; Davison and Hinkley 1997, sections 2.7 and 5.3.
"""

from __future__ import annotations

import numpy as np

from lifesigns.stats.aggregates import Aggregate, trimmed_count
from lifesigns.stats.scores import Array


def influence(scores: Array, statistic: Aggregate, gamma: float = 1.0) -> Array:
    """Influence [run, task] on the aggregate, to first order: its error is the sum over tasks of the mean over runs.

    Each task's values sum to 0. For the median these are the values of the middle one or two tasks, weighted by how
    near the tasks' means lie to the median in units of their standard errors, since another sample may have another
    task in the middle.
    """
    runs, tasks = scores.shape
    match statistic:
        case "mean":
            moved = scores / tasks
        case "optimality_gap":
            moved = -np.minimum(scores, gamma) / tasks
        case "iqm":
            pool = np.sort(scores, axis=None)
            cut = trimmed_count(pool.size)
            moved = np.clip(scores, pool[cut], pool[pool.size - cut - 1]) * (pool.size / (pool.size - 2 * cut) / tasks)
        case "median":
            means = scores.mean(axis=0)
            spread = scores.std(axis=0, ddof=1 if runs > 1 else 0).mean() / np.sqrt(runs)
            near = np.abs(means - np.median(means))
            weight = np.exp(-0.5 * (near / spread) ** 2) if spread > 0 else (near <= near.min()).astype(np.float64)
            moved = scores * (weight / weight.sum())
    return np.asarray(moved - moved.mean(axis=0), dtype=np.float64)


def task_variances(values: Array) -> Array:
    """Variance that each task contributes to the aggregate, [task], unbiased; from influence values [run, task]."""
    runs = len(values)
    return (values**2).sum(axis=0) / (runs * (runs - 1))


def degrees_of_freedom(*arms: Array) -> float:
    """Satterthwaite's degrees of freedom of a variance that is a sum over tasks (and arms), from influence values.

    Satterthwaite 1946. At least the smallest number of runs less one; that of all together where nothing varies.
    """
    parts = [(task_variances(values), len(values) - 1) for values in arms]
    total = sum(float(v.sum()) for v, _ in parts)
    if total <= 0.0:
        return float(sum(len(v) * df for v, df in parts))
    return total**2 / sum(float((v**2).sum()) / df for v, df in parts)


def acceleration(values: Array) -> float:
    """The constant `a` of BCa for a stratified sample, from influence values [run, task]; 0 where nothing varies."""
    runs = len(values)
    second = float((values**2).sum()) / runs**2
    return float((values**3).sum()) / runs**3 / (6.0 * second**1.5) if second > 0 else 0.0
