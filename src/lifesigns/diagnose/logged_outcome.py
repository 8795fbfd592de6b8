"""What became of a run of which only rolling means of the return were logged."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from lifesigns.model import Outcome, Series, Trace
from lifesigns.stats.samples import mann_whitney

MEAN, LENGTH = "env.mean_return", "env.mean_episode_length"
WINDOW = 100
"""episodes over which loggers average: `stats_window_size` of Stable-Baselines3, `metrics_num_episodes_for_smoothing`
of RLlib."""
POINTS = 15
"""points kept where it cannot be known how many episodes lie between two; assumed."""
MOST = 2000
"""points to which longer series are thinned evenly: Kendall's score takes the square of their number."""
FEWEST = 6
"""points from which Kendall's test can reach `SIGNIFICANT_Z`."""
SIGNIFICANT_Z, CLEARLY = 2.58, 0.64
"""As for single returns (outcome.py)."""


def from_means(trace: Trace, found: Sequence[Series]) -> Outcome | None:
    """The outcome from the longest series of logged means, training before evaluation; None where there is none.

    Neighbouring means share episodes. They are thinned until none do, by the logged episode length, or to `POINTS`
    points over the run; then Kendall's test for a trend (Kendall 1938) and, from 15 points on, the effect of the last
    third against the first decide.
    """
    one = max(found, key=len, default=None)
    if one is None:
        return None
    evaluated = (s := trace.subjects.get(one.subject)) is not None and s.info.get("role") == "eval"
    kept = np.isfinite(one.y) & np.isfinite(one.x)
    x, y = one.x[kept], one.y[kept]
    chosen = np.arange(len(y)) if evaluated else _apart(x, trace.get(LENGTH, one.subject))
    chosen = chosen[:: max(1, -(-len(chosen) // MOST))]
    values = y[chosen]
    what = "evaluations" if evaluated else f"logged means that share no episode ({len(y)} logged)"
    if len(values) < FEWEST:
        return Outcome(
            "cannot tell", f"Too little data to tell whether it learned: {len(values)} {what}, {FEWEST} needed.", MEAN
        )
    third = max(1, len(values) // 3)
    start, end = float(np.mean(values[:third])), float(np.mean(values[-third:]))
    z, larger = kendall(values), mann_whitney(values[-third:], values[:third])[1]
    span = f"{start:.4g} over the first third of {len(values)} {what} to {end:.4g} over the last third."
    if z >= SIGNIFICANT_Z and larger >= CLEARLY:
        return Outcome("learning", f"It learned: the mean return rose from {span}", MEAN, start, end)
    if z <= -SIGNIFICANT_Z and larger <= 1 - CLEARLY:
        return Outcome("worse than at the start", f"It got worse: the mean return fell from {span}", MEAN, start, end)
    return Outcome("not learning", f"It is not learning: the mean return went from {span}", MEAN, start, end)


def _apart(x: NDArray[np.float64], lengths: Series | None) -> NDArray[np.int64]:
    """Which of the means at environment steps `x` share no episode."""
    if lengths is None or len(lengths) < 2 or lengths.clock != "env_step":
        return np.unique(np.linspace(0, max(len(x) - 1, 0), min(len(x), POINTS)).astype(np.int64))
    length = np.maximum(np.interp(x, lengths.x, np.nan_to_num(lengths.y, nan=1.0)), 1.0)
    episodes = np.concatenate([[0.0], np.cumsum(np.diff(x) / length[1:])]) if len(x) else np.empty(0)
    chosen: list[int] = []
    next_at = 0.0
    for index, at in enumerate(episodes.tolist()):
        if at >= next_at:
            chosen.append(index)
            next_at = at + WINDOW
    return np.asarray(chosen, dtype=np.int64)


def kendall(values: NDArray[np.float64]) -> float:
    """z of Kendall's test for a trend over the order of the values, corrected for continuity and ties."""
    n = len(values)
    if n < 2:
        return 0.0
    score = float(sum(np.sign(values[i + 1 :] - values[i]).sum() for i in range(n - 1)))
    _, ties = np.unique(values, return_counts=True)
    spread = (n * (n - 1) * (2 * n + 5) - float((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    return (score - np.sign(score)) / sqrt(spread) if spread > 0 else 0.0
