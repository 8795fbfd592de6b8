"""Stop or wait: of healthy public runs that stood where this one stands, how many ended above half of the reference?

The unit of progress is the share of the way from the random policy's score to a reference score (0 to 1), and the
unit of time the share of the budget that is over. Both are rough: see `CAVEAT`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from lifesigns.curves.public import atari, mujoco

GOOD = 0.5
"""share of the reference above which a run has ended well; by definition."""
NEAR = 0.05
"""distance in progress within which curves stand where this one stands; assumed, widened until enough are found."""
FEWEST = 60
"""curves that are compared with, at least, before the answer is given; assumed."""
WINDOW = 10
"""iterations (a twentieth of a curve) over which the end of a curve is averaged; assumed."""
CAVEAT = "1,650 runs on Atari and 25 on MuJoCo, all of tuned algorithms; other tasks and budgets may differ"

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Outlook:
    """`share` of `count` healthy curves ended above `GOOD`, with a 95 % interval (Wilson, by games as clusters)."""

    share: float
    low: float
    high: float
    count: int
    progress: float
    fraction: float

    def sentence(self) -> str:
        """The answer with its caveat."""
        return (
            f"Stop or wait: of {self.count} healthy runs that stood at about {_percent(self.progress)} of the way from "
            f"random to reference after {self.fraction:.0%} of their budget, {self.share:.0%} ended above half of it "
            f"(95 % interval {self.low:.0%} to {self.high:.0%}; {CAVEAT})."
        )


def _percent(share: float) -> str:
    """Whole per cent; a little below 0 is 0%, not -0%."""
    return f"{round(share, 2) + 0.0:.0%}"


@dataclass(frozen=True)
class Healthy:
    """Curves as progress [curve, iteration], averaged over a twentieth, and the task that each is of."""

    progress: Array
    task: NDArray[np.int64]


@lru_cache(maxsize=1)
def healthy() -> Healthy:
    """All curves with a reference, on 200 points of their budget: 1,650 of Atari and 25 of MuJoCo."""
    scores = atari().normalised()
    kept = np.isfinite(scores).all(axis=(0, 2, 3))
    parts = [scores[:, kept].transpose(1, 0, 2, 3).reshape(-1, scores.shape[-1])]
    tasks = [np.repeat(np.arange(int(kept.sum())), scores.shape[0] * scores.shape[2])]
    runs = mujoco().normalised()[0]
    at = np.linspace(0, runs.shape[-1] - 1, scores.shape[-1]).round().astype(int)
    parts.append(runs.reshape(-1, runs.shape[-1])[:, at])
    tasks.append(np.repeat(1000 + np.arange(runs.shape[0]), runs.shape[1]))
    return Healthy(_smooth(np.concatenate(parts)), np.concatenate(tasks))


def outlook(progress: float, fraction: float, curves: Healthy | None = None) -> Outlook | None:
    """What became of the healthy curves that stood at `progress` when `fraction` of their budget was over.

    `fraction` lies in (0, 1). None where too few curves stood near it, or where nothing is to be told (less than 2 %
    of the budget is over, or nothing is left of it).
    """
    held = curves or healthy()
    if not (0.02 <= fraction < 0.95 and np.isfinite(progress)):
        return None
    now = held.progress[:, int(fraction * (held.progress.shape[1] - 1))]
    away = np.abs(now - min(progress, 1.0))
    away[now >= 1.0] = np.abs(1.0 - min(progress, 1.0))
    near = away <= max(NEAR, float(np.sort(away)[FEWEST - 1]) if len(away) >= FEWEST else np.inf)
    if int(near.sum()) < FEWEST or float(away[near].max()) > 4 * NEAR:
        return None
    well = held.progress[near, -1] > GOOD
    low, high = _interval(well, held.task[near])
    return Outlook(float(well.mean()), low, high, int(near.sum()), progress, fraction)


def _smooth(curves: Array) -> Array:
    """Means over the last `WINDOW` points up to each point (fewer at the start)."""
    sums = np.cumsum(np.pad(curves, ((0, 0), (1, 0))), axis=1)
    ends = np.arange(1, curves.shape[1] + 1)
    starts = np.maximum(ends - WINDOW, 0)
    return (sums[:, ends] - sums[:, starts]) / (ends - starts)


def _interval(well: NDArray[np.bool_], task: NDArray[np.int64]) -> tuple[float, float]:
    """Wilson's interval at an effective number of runs: curves of one game are not independent.

    The design effect is 1 + (mean cluster size − 1) × intra-class correlation, the latter from a one-way analysis of
    variance (Kish, Survey sampling, 1965, section 5.4).
    """
    share, count = float(well.mean()), len(well)
    effective = count / _design_effect(well.astype(np.float64), task)
    z = 1.96
    centre = (share + z * z / (2 * effective)) / (1 + z * z / effective)
    half = z * sqrt(share * (1 - share) / effective + z * z / (4 * effective**2)) / (1 + z * z / effective)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def _design_effect(values: Array, task: NDArray[np.int64]) -> float:
    _, group, sizes = np.unique(task, return_inverse=True, return_counts=True)
    groups, count = len(sizes), len(values)
    if groups < 2 or count <= groups:
        return float(count) / max(groups, 1)
    means = np.bincount(group, values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum()) / (groups - 1)
    within = float(((values - means[group]) ** 2).sum()) / (count - groups)
    size = (count - float((sizes**2).sum()) / count) / (groups - 1)
    spread = between + (size - 1) * within
    correlation = min(max((between - within) / spread, 0.0), 1.0) if spread > 0 else 0.0
    return 1.0 + (float((sizes**2).sum()) / count - 1.0) * correlation
