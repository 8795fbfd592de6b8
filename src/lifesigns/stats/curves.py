"""Learning curves: runs of unequal length on one grid, sample-efficiency bands, area under the curve, final scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lifesigns.stats.aggregates import Aggregate
from lifesigns.stats.bootstrap import Method, aggregate_intervals
from lifesigns.stats.interval import Band
from lifesigns.stats.scores import Array

Between = Literal["linear", "last"]
Until = Literal["shortest", "longest"]


def aligned(
    steps: Sequence[ArrayLike],
    values: Sequence[ArrayLike],
    *,
    points: int = 200,
    between: Between = "linear",
    until: Until = "shortest",
) -> tuple[Array, Array]:
    """Runs logged at their own steps, on one grid: steps [point] and values [run, point].

    `between` points a curve is `linear` or holds its `last` value (evaluations). `until="shortest"` ends the grid
    where the shortest run ends, `longest` has NaN after a run's end; before a run's first point it is NaN as well
    unless all runs have begun there. Points of a run that are not finite are left out. Raises ValueError for runs
    without a finite point, steps that do not rise, and runs that share no steps.
    """
    runs = [_one_run(x, y, i) for i, (x, y) in enumerate(zip(steps, values, strict=True))]
    if not runs:
        raise ValueError("expected at least one run, got none")
    starts, ends = [float(x[0]) for x, _ in runs], [float(x[-1]) for x, _ in runs]
    start = max(starts) if until == "shortest" else min(starts)
    end = min(ends) if until == "shortest" else max(ends)
    if end < start:
        raise ValueError(
            f"expected runs that share some steps, got one that begins at {start} and one that ends at {end}"
        )
    grid = np.linspace(start, end, points)
    out = np.empty((len(runs), points))
    for row, (x, y) in zip(out, runs, strict=True):
        row[:] = np.interp(grid, x, y) if between == "linear" else y[np.searchsorted(x, grid, side="right") - 1]
        row[(grid < x[0]) | (grid > x[-1])] = np.nan
    return grid, out


def curve_band(
    curves: ArrayLike,
    steps: ArrayLike,
    statistic: Aggregate = "iqm",
    *,
    rng: Generator,
    replicates: int = 2_000,
    level: float = 0.95,
    method: Method = "widened",
    gamma: float = 1.0,
) -> Band:
    """Sample-efficiency curve: an aggregate of the runs at each step with its interval; pointwise.

    `curves` [run, step] of one task or [run, task, step], finite; at least 2 runs. Agarwal et al. 2021, section 4.1.
    The same draws are used at every step, so that the ends are smooth in the step.
    """
    values, at = as_curves(curves, steps)
    seed = int(rng.integers(0, 2**63))
    found = [
        aggregate_intervals(
            values[:, :, k],
            rng=np.random.default_rng(seed),
            statistics=(statistic,),
            replicates=replicates,
            level=level,
            method=method,
            gamma=gamma,
        )[statistic]
        for k in range(len(at))
    ]
    estimate, low, high = np.array([(one.estimate, one.low, one.high) for one in found]).T
    return Band(at, estimate, low, high, level, found[0].method)


def area_under_curve(curves: ArrayLike, steps: ArrayLike) -> Array:
    """Mean height of each curve over the steps (trapezoids), in the unit of the values.

    [run] for curves [run, step]; [run, task] for [run, task, step]. At least 2 steps.
    """
    values, at = as_curves(curves, steps)
    if len(at) < 2:
        raise ValueError(f"expected at least 2 steps, got {len(at)}")
    area = ((values[:, :, 1:] + values[:, :, :-1]) / 2 * np.diff(at)).sum(axis=-1) / (at[-1] - at[0])
    return area[:, 0] if np.ndim(curves) == 2 else area


def final_scores(curves: ArrayLike, share: float = 0.1) -> Array:
    """Mean of the last `share` of each curve's finite points (at least one), over the last axis.

    NaN where a curve has none: what a run that never reported is worth is for the caller to decide.
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"expected a share of the curve between 0 and 1, got {share}")
    values = np.asarray(curves, dtype=np.float64)
    flat = values.reshape(-1, values.shape[-1])
    out = np.full(len(flat), np.nan)
    for i, one in enumerate(flat):
        kept = one[np.isfinite(one)]
        if len(kept):
            out[i] = kept[-max(1, round(share * len(kept))) :].mean()
    return out.reshape(values.shape[:-1])


def smoothed(curves: ArrayLike, window: int) -> Array:
    """Mean of the last `window` points (fewer at the start), along the last axis: never looks ahead."""
    values = np.asarray(curves, dtype=np.float64)
    if window < 1:
        raise ValueError(f"expected a window of at least 1 point, got {window}")
    sums = np.cumsum(values, axis=-1)
    sums[..., window:] = sums[..., window:] - sums[..., :-window].copy()
    return sums / np.minimum(np.arange(1, int(values.shape[-1]) + 1), window)


def as_curves(curves: ArrayLike, steps: ArrayLike) -> tuple[Array, Array]:
    """Finite curves as [run, task, step] and rising steps [step]; raises ValueError for anything else."""
    values, at = np.asarray(curves, dtype=np.float64), np.asarray(steps, dtype=np.float64)
    if values.ndim == 2:
        values = values[:, None, :]
    if values.ndim != 3 or at.shape != values.shape[-1:]:
        raise ValueError(f"expected curves [run, step] or [run, task, step] and as many steps, got {np.shape(curves)}")
    if not np.isfinite(values).all():
        raise ValueError(
            "expected finite curves; cut them where all runs have data (`aligned`), or fill them knowingly"
        )
    if not (np.diff(at) > 0).all():
        raise ValueError("expected steps that rise")
    return values, at


def _one_run(steps: ArrayLike, values: ArrayLike, run: int) -> tuple[Array, Array]:
    x, y = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"expected steps and values of one length for run {run}, got {x.shape} and {y.shape}")
    kept = np.isfinite(x) & np.isfinite(y)
    x, y = x[kept], y[kept]
    if not len(x):
        raise ValueError(f"expected a finite point in run {run}, got none")
    if not (np.diff(x) > 0).all():
        raise ValueError(f"expected steps that rise in run {run}; sort them and keep one value per step")
    return x, y
