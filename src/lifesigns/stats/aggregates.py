"""Point estimates over a score matrix [run, task]: mean, median, interquartile mean, optimality gap.

Agarwal et al. 2021, *Deep RL at the edge of the statistical precipice*, section 4; the numbers are rliable's.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from lifesigns.stats.scores import as_scores

Aggregate = Literal["mean", "median", "iqm", "optimality_gap"]
AGGREGATES: tuple[Aggregate, ...] = ("median", "iqm", "mean", "optimality_gap")


def mean(scores: ArrayLike) -> float:
    """Mean over tasks of the tasks' means over runs; unit of the scores."""
    return float(as_scores(scores).mean(axis=0).mean())


def median(scores: ArrayLike) -> float:
    """Median over tasks of the tasks' means over runs. For a single task this is the mean of its runs."""
    return float(np.median(as_scores(scores).mean(axis=0)))


def iqm(scores: ArrayLike) -> float:
    """Interquartile mean: the mean of the middle half of all runs x tasks scores.

    As in scipy's `trim_mean(scores, 0.25)`, floor(N / 4) scores are cut off at each end.
    """
    pool = np.sort(as_scores(scores), axis=None)
    cut = trimmed_count(len(pool))
    return float(pool[cut : len(pool) - cut].mean())


def optimality_gap(scores: ArrayLike, gamma: float = 1.0) -> float:
    """How far the scores fall short of `gamma` on average; what is above `gamma` counts as `gamma`. Lower is better."""
    return float(gamma - np.minimum(as_scores(scores), gamma).mean(axis=0).mean())


def trimmed_count(size: int) -> int:
    """How many of `size` scores the interquartile mean leaves out at each end."""
    return int(0.25 * size)


def aggregate(scores: ArrayLike, statistic: Aggregate, gamma: float = 1.0) -> float:
    """The named point estimate; `gamma` is used by the optimality gap only. Raises ValueError for another name."""
    match statistic:
        case "mean":
            return mean(scores)
        case "median":
            return median(scores)
        case "iqm":
            return iqm(scores)
        case "optimality_gap":
            return optimality_gap(scores, gamma)
    raise ValueError(f"expected `statistic` to be one of {AGGREGATES}, got {statistic!r}")
