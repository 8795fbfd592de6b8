"""What a score matrix is: final scores [run, task], one row for each independent run (seed)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def as_scores(values: ArrayLike, least_runs: int = 1, name: str = "scores") -> Array:
    """`values` as float64 [run, task]; a flat list is one task.

    Raises ValueError for other shapes, for fewer than `least_runs` runs and for NaN or infinite scores: what a run
    without a score is worth is a decision of the caller (the lowest possible score, or left out and said so).
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim == 1:
        scores = scores[:, None]
    if scores.ndim != 2 or scores.shape[1] == 0:
        raise ValueError(f"expected `{name}` of shape [run] or [run, task], got {scores.shape}")
    if len(scores) < least_runs:
        raise ValueError(f"expected at least {least_runs} runs in `{name}`, got {len(scores)}; run more seeds")
    wrong = np.argwhere(~np.isfinite(scores))
    if len(wrong):
        run, task = (int(i) for i in wrong[0])
        raise ValueError(
            f"expected finite `{name}`, got {scores[run, task]} for run {run}, task {task}; "
            "give a failed run the lowest possible score, or leave it out"
        )
    return np.ascontiguousarray(scores)


def as_pair(a: ArrayLike, b: ArrayLike, least_runs: int = 1) -> tuple[Array, Array]:
    """Two score matrices of the same tasks; the numbers of runs may differ. Raises ValueError as `as_scores`."""
    first, second = as_scores(a, least_runs, "a"), as_scores(b, least_runs, "b")
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"expected the same tasks in both, got {first.shape[1]} and {second.shape[1]}")
    return first, second


def as_sample(values: ArrayLike, least: int = 1, name: str = "values") -> Array:
    """`values` as one flat float64 sample [run]; raises ValueError for a matrix and as `as_scores`."""
    scores = as_scores(values, least, name)
    if scores.shape[1] != 1:
        raise ValueError(f"expected `{name}` of shape [run], got {scores.shape}; give one task at a time")
    return scores[:, 0]
