"""Which runs failed, by a criterion that is the same for all of them and that is said; and where they parted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lifesigns.campaign.curves import CLOCK_NAMES, Curve, Metric, common_metric
from lifesigns.campaign.results import RunResult
from lifesigns.campaign.supervisor import OVER_MEMORY
from lifesigns.stats.spread import two_groups

Array = NDArray[np.float64]

BROKEN = ("crashed", "killed", "lost", OVER_MEMORY)
"""Ends of a run that are failures whatever it had reached."""
GRID = 200
"""points of the common grid on which curves are laid side by side"""
SMOOTH_SHARE = 0.05
"""of the steps, before each point of that grid: the window whose mean is the curve there"""
LEAST_FOR_GROUPS = 6
"""good runs from which a lower group among them is looked for"""
LEAST_LOSS = 0.25
"""How far below the others a lower group must lie, as a share of what those gained since their start; assumed: 490
against 500 is no failure."""
SEED = 0
"""of the simulated p-values of a split into two groups"""


@dataclass(frozen=True)
class Judged:
    """A run with its final score (NaN without) and why it failed (empty if it did not; None where that is open)."""

    run: RunResult
    score: float
    failed: str | None

    @property
    def has_failed(self) -> bool:
        """Whether it is known to have failed."""
        return bool(self.failed)


@dataclass(frozen=True)
class Judgement:
    """All runs of one variant, the metric of the scores, and the criterion in words."""

    runs: tuple[Judged, ...]
    metric: Metric | None
    criterion: str

    @property
    def failed(self) -> list[Judged]:
        """Those that failed."""
        return [r for r in self.runs if r.has_failed]

    @property
    def good(self) -> list[Judged]:
        """Those that did not."""
        return [r for r in self.runs if r.failed == ""]

    @property
    def open(self) -> list[Judged]:
        """Those of which it cannot be told."""
        return [r for r in self.runs if r.failed is None]


def judge(runs: Sequence[RunResult], success_at: float | None = None, metric: Metric | None = None) -> Judgement:
    """Every run as failed or not. A run that crashed, was killed, or has a last score that is not finite failed.

    Of the others, with `success_at` those that do not reach it failed; without, those that did not learn as their
    diagnosis sees it, and those that ended far below the others.
    """
    metric = metric or common_metric([dict(r.curves) for r in runs])
    scores = [r.curves[metric].final() if metric and metric in r.curves else float("nan") for r in runs]
    higher = metric is None or metric.higher_is_better
    verdicts = [_of(r, s, success_at, higher, metric) for r, s in zip(runs, scores, strict=True)]
    criterion = _criterion(success_at, metric)
    if success_at is None and metric is not None:
        left = [i for i, v in enumerate(verdicts) if v == "" and np.isfinite(scores[i])]
        gains = [abs(scores[i] - _start(runs[i].curves[metric])) for i in left]
        low = fell_behind(np.array([scores[i] for i in left]) * (1 if higher else -1), np.array(gains))
        for i in (left[k] for k in low):
            verdicts[i] = "fell behind: ended far from the others"
    judged = tuple(Judged(r, s, v) for r, s, v in zip(runs, scores, verdicts, strict=True))
    return Judgement(judged, metric, criterion)


def _of(run: RunResult, score: float, success_at: float | None, higher: bool, metric: Metric | None) -> str | None:
    if run.ended in BROKEN:
        return run.ended
    if metric is None or metric not in run.curves:
        learning = run.diagnosis.outcome.learning if run.diagnosis else "cannot tell"
        return None if learning == "cannot tell" else "" if learning == "learning" else learning
    if not np.isfinite(score):
        return f"its last {metric.name} is not finite"
    if success_at is not None:
        reached = score >= success_at if higher else score <= success_at
        return "" if reached else f"did not reach {success_at:g}"
    learning = run.diagnosis.outcome.learning if run.diagnosis else "cannot tell"
    if learning in ("not learning", "worse than at the start"):
        return learning
    return "" if learning == "learning" else None


def _criterion(success_at: float | None, metric: Metric | None) -> str:
    broken = "A run failed if it crashed or its last score is not finite"
    if success_at is not None and metric is not None:
        side = "below" if metric.higher_is_better else "above"
        return f"{broken}, or if its final {metric.name} is {side} {success_at:g}."
    return f"{broken}, if it did not learn, or if it ended far below the others; --success-at X sets a line."


def _start(curve: Curve) -> float:
    """Mean of the first tenth of its points."""
    first = curve.y[: max(len(curve.y) // 10, 1)]
    return float(np.mean(first[np.isfinite(first)])) if np.isfinite(first).any() else float("nan")


def fell_behind(scores: Array, gains: Array) -> list[int]:
    """Indices of a lower group of final scores [run], where they fall into two groups; empty where they do not.

    The split and its p-value are those of `two_groups` (one run alone counts as well); the lower group is not the
    larger one, and the loss is at least `LEAST_LOSS` of what the upper group gained (`gains` [run]).
    """
    if len(scores) < LEAST_FOR_GROUPS or np.ptp(scores) == 0:
        return []
    groups = two_groups(scores, rng=np.random.default_rng(SEED))
    upper = gains[scores > groups.cut]
    gained = float(np.median(upper[np.isfinite(upper)])) if np.isfinite(upper).any() else 0.0
    lost = groups.upper_mean - groups.lower_mean
    if groups.p > 0.05 or groups.lower > groups.upper or lost < LEAST_LOSS * gained:
        return []
    return [int(i) for i in np.flatnonzero(scores < groups.cut)]


def parted_at(judgement: Judgement) -> tuple[float, str] | None:
    """The first step from which on every failed run's curve stays worse than every good one's; with its clock's name.

    None where they never part for good, or a group is empty.
    """
    metric = judgement.metric
    if metric is None:
        return None
    bad = [r.run.curves[metric] for r in judgement.failed if metric in r.run.curves]
    good = [r.run.curves[metric] for r in judgement.good if metric in r.run.curves]
    if not bad or not good:
        return None
    end = min(c.end for c in (*bad, *good))
    grid = np.linspace(0.0, end, GRID + 1)[1:]
    sign = 1.0 if metric.higher_is_better else -1.0
    with np.errstate(all="ignore"):
        worst_good = np.min([sign * on_grid(c, grid) for c in good], axis=0)
        best_bad = np.max([np.nan_to_num(sign * on_grid(c, grid), nan=-np.inf) for c in bad], axis=0)
    apart = best_bad < worst_good
    if not apart[-1]:
        return None
    joined = np.flatnonzero(~apart)
    first = int(joined[-1]) + 1 if len(joined) else 0
    return float(grid[first]), CLOCK_NAMES[good[0].clock]


def side_by_side(judgement: Judgement) -> tuple[Array, Array] | None:
    """The runs' curves on one grid: steps [point] and values [run, point], NaN outside a run; None without any."""
    metric = judgement.metric
    if metric is None:
        return None
    empty = Curve(np.empty(0), np.empty(0))
    curves = [r.run.curves.get(metric, empty) for r in judgement.runs]
    end = max((c.end for c in curves), default=0.0)
    if end <= 0.0:
        return None
    grid = np.linspace(0.0, end, GRID + 1)[1:]
    rows = [np.where(grid <= c.end + end / GRID, on_grid(c, grid), np.nan) for c in curves]
    return grid, np.array(rows)


def on_grid(curve: Curve, grid: Array) -> Array:
    """The curve at the steps of a grid: the mean over a window before each, or the last value before it.

    NaN before the first value and wherever the window holds a value that is not finite.
    """
    x, y = curve.x, curve.y
    if not len(x):
        return np.full(len(grid), np.nan)
    width = SMOOTH_SHARE * float(grid[-1] - min(float(x[0]), 0.0))
    stop = np.searchsorted(x, grid, side="right")
    start = np.minimum(np.searchsorted(x, grid - width, side="right"), np.maximum(stop - 1, 0))
    total = np.concatenate([[0.0], np.cumsum(np.where(np.isfinite(y), y, 0.0))])
    bad = np.concatenate([[0], np.cumsum(~np.isfinite(y))])
    count = stop - start
    with np.errstate(all="ignore"):
        mean = (total[stop] - total[start]) / count
    return np.where((count > 0) & (bad[stop] == bad[start]), mean, np.nan)
