"""One arm in figures: aggregates with intervals, failures, speed; and its curve and profile for drawing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lifesigns.campaign.judge import on_grid
from lifesigns.compare.scores import ArmScores, Scores
from lifesigns.stats.bootstrap import bootstrap_interval
from lifesigns.stats.curves import area_under_curve, curve_band
from lifesigns.stats.interval import Band, Interval
from lifesigns.stats.profiles import even_thresholds, profile_band
from lifesigns.stats.success import success_interval
from lifesigns.stats.survival import kaplan_meier, steps_to_threshold
from lifesigns.stats.two_sample import mean_interval
from lifesigns.stats.within_run import end_below_peak

Array = NDArray[np.float64]

POINTS = 60
"""of the grid of curves"""
REPLICATES = 1_000
"""of the bootstrap of curves and profiles"""


@dataclass(frozen=True)
class ArmSummary:
    """An arm's figures. Intervals are None for a single run; `area` and what follows only where there are curves.

    `to_line`: steps until half of the runs are at the line for good scores (infinity: fewer ever are).
    `lost_since_peak`: median share of the gain at its best that a run has lost at its end.
    """

    name: str
    runs: int
    mean: float
    mean_interval: Interval | None
    iqm: Interval | None
    failures: Interval
    failed: int
    area: Interval | None = None
    to_line: Interval | None = None
    lost_since_peak: float | None = None
    band: Band | None = None
    profile: Band | None = None


def summaries(scores: Scores, *, rng: Generator) -> tuple[ArmSummary, ...]:
    """Every arm in figures, in the unit of the scores where there is one task, else normalised."""
    values = [arm.raw if len(scores.tasks) == 1 else arm.oriented for arm in scores.arms]
    grid_of = _grid(scores)
    thresholds = even_thresholds(*values) if len({float(x) for v in values for x in v.ravel()}) > 1 else None
    return tuple(_summary(arm, v, scores, grid_of, thresholds, rng) for arm, v in zip(scores.arms, values, strict=True))


def _summary(
    arm: ArmScores, values: Array, scores: Scores, grid: Array | None, thresholds: Array | None, rng: Generator
) -> ArmSummary:
    failed, total = int(arm.failed.sum()), arm.failed.size
    summary = ArmSummary(arm.name, arm.runs, float(values.mean()), None, None, success_interval(failed, total), failed)
    if arm.runs < 2:
        return summary
    summary = replace(
        summary,
        mean_interval=mean_interval(values.mean(axis=1)),
        iqm=bootstrap_interval(values, "iqm", rng=rng, replicates=4_000),
        profile=None if thresholds is None else profile_band(values, thresholds, rng=rng, replicates=REPLICATES),
    )
    curves = None if grid is None else _filled(arm, grid)
    return summary if curves is None or grid is None else _with_curves(summary, curves, grid, scores, rng)


def _with_curves(summary: ArmSummary, curves: Array, grid: Array, scores: Scores, rng: Generator) -> ArmSummary:
    """Adds what only curves know; `curves` [run, point], finite."""
    sign = 1.0 if scores.metric.higher_is_better else -1.0
    lost = end_below_peak(sign * curves, sign * curves[:, 0])
    to_line = None
    if np.isfinite(scores.line):
        to_line = kaplan_meier(steps_to_threshold(sign * curves, grid, sign * scores.line)).quantile(0.5)
    return replace(
        summary,
        area=mean_interval(area_under_curve(curves, grid)),
        to_line=to_line,
        lost_since_peak=float(np.nanmedian(lost)) if np.isfinite(lost).any() else None,
        band=curve_band(curves, grid, "iqm", rng=rng, replicates=REPLICATES),
    )


def _grid(scores: Scores) -> Array | None:
    """Steps on which the curves of all arms are read; None without curves, or with several tasks."""
    if len(scores.tasks) > 1 or not scores.has_curves:
        return None
    firsts = [float(c.x[np.isfinite(c.y)][0]) for arm in scores.arms for c in arm.curves[0] if np.isfinite(c.y).any()]
    start, end = max(firsts, default=0.0), scores.steps[0]
    if end <= start:
        return None
    return np.linspace(start, end, POINTS)


def _filled(arm: ArmScores, grid: Array) -> Array | None:
    """The arm's curves [run, point]; after a run's end, and where it is not finite, its last finite value."""
    rows: list[Array] = []
    for curve in arm.curves[0]:
        row = on_grid(curve, grid)
        good = np.isfinite(row)
        if not good.any():
            return None
        last = np.maximum.accumulate(np.where(good, np.arange(len(row)), -1))
        rows.append(np.where(last >= 0, row[np.maximum(last, 0)], row[good][0]))
    return np.array(rows)
