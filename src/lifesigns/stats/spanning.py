"""An interval of an aggregate that also holds where the estimate is biased: from each task's own interval.

The median of task means is not smooth: whether it is that of one task or of its neighbour is decided by the runs of the
two or three tasks in the middle, and where one of those has rare failures the median of few runs is off by more than a
standard error, in one direction. No interval about the estimate makes up for that. The aggregate of the lower ends of
the tasks' own intervals and that of their upper ends do, if those hold: every aggregate here grows (or falls) with each
task's mean. It is wide, since the tasks' errors are not averaged.

A failure that none of few runs has shown leaves no trace in its task's own spread. For the median a task's spread is
therefore taken for no smaller than what is usual among the tasks in the middle, where it is decided.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from lifesigns.stats.aggregates import aggregate
from lifesigns.stats.distributions import student_quantile
from lifesigns.stats.interval import Interval, check_level
from lifesigns.stats.scores import Array, as_scores

OfMeans = Literal["mean", "median", "optimality_gap"]
MIDDLE = 0.5
"""Share of the tasks, about the one in the middle, whose spreads are looked at; assumed."""
USUAL = 0.75
"""Quantile of their spreads that no task's spread falls below; measured: the least of 0.5, 0.75 and 0.9 at which every
other game of 26 is covered in about 95 % at 2 to 10 runs (`benchmarks/stats/spanning.py`; the other games check it)."""


def spanning_interval(
    scores: ArrayLike,
    statistic: OfMeans = "median",
    *,
    level: float = 0.95,
    gamma: float = 1.0,
    borrowed: bool = True,
) -> Interval:
    """Interval of an aggregate of [run, task] scores from Student's interval of each task's mean, at least 2 runs.

    Holds where the tasks' intervals hold together, hence mostly above `level`; measured coverage in
    docs/statistics.md. `borrowed` (of the median only): no task's spread is taken for smaller than the upper quartile
    of those of the middle half of the tasks. Raises ValueError for fewer runs, non-finite scores and statistics that
    are not of task means.
    """
    check_level(level)
    if statistic not in ("mean", "median", "optimality_gap"):
        raise ValueError(f"expected mean, median or optimality_gap, got {statistic!r}")
    matrix = as_scores(scores, 2)
    used = np.minimum(matrix, gamma) if statistic == "optimality_gap" else matrix
    runs = len(used)
    spread = used.std(axis=0, ddof=1)
    if statistic == "median" and borrowed:
        spread = np.maximum(spread, usual_spread(used.mean(axis=0), spread))
    half = student_quantile((1.0 + level) / 2, runs - 1) * spread / np.sqrt(runs)
    ends = [used.mean(axis=0) + sign * half for sign in (-1.0, 1.0)]
    if statistic == "median":
        low, high = (float(np.median(e)) for e in ends)
    else:
        low, high = (float(e.mean()) for e in ends)
    if statistic == "optimality_gap":
        low, high = gamma - high, gamma - low
    return Interval(aggregate(matrix, statistic, gamma), low, high, level, "spanning the tasks' Student intervals")


def usual_spread(means: Array, spreads: Array, quantile: float = USUAL) -> float:
    """A quantile of the spreads [task] of the middle half of the tasks by mean [task]; of three tasks at least."""
    tasks = len(means)
    kept = min(tasks, max(3, round(MIDDLE * tasks)))
    first = (tasks - kept) // 2
    return float(np.quantile(spreads[np.argsort(means, kind="stable")[first : first + kept]], quantile))
