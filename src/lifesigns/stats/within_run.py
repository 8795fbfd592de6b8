"""Reliability within and across runs: dispersion, drawdown and risk of learning curves.

Chan et al. 2020, *Measuring the reliability of reinforcement learning algorithms* (rl-reliability-metrics). All take
curves [run, step] at even steps and return one number per run (within) or per step (across).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lifesigns.stats.scores import Array


def dispersion_within(curves: ArrayLike, window: int | None = None) -> Array:
    """Interquartile range of the steps from point to point (which takes out the trend), [run].

    With a `window` (in points) it is the mean over all windows of that length. Section 4.1, DT.
    """
    moves = np.diff(_curves(curves, 3), axis=1)
    if window is None:
        return iqr(moves)
    if not 2 <= window <= moves.shape[1]:
        raise ValueError(f"expected a window from 2 to {moves.shape[1]} points, got {window}")
    return iqr(np.lib.stride_tricks.sliding_window_view(moves, window, axis=1)).mean(axis=1)


def short_term_risk(curves: ArrayLike, alpha: float = 0.05) -> Array:
    """Mean of the worst `alpha` of the steps from point to point, [run]: how bad a sudden drop is. Section 4.1, SRT."""
    return _worst(np.diff(_curves(curves, 2), axis=1), alpha)


def long_term_risk(curves: ArrayLike, alpha: float = 0.05) -> Array:
    """Mean of the worst `alpha` of the drawdowns, [run]; 0 or below. Section 4.1, LRT."""
    return _worst(drawdown(curves), alpha)


def drawdown(curves: ArrayLike) -> Array:
    """How far each point lies below the highest point so far, [run, step]; 0 or below."""
    values = _curves(curves, 1)
    return values - np.maximum.accumulate(values, axis=1)


def end_below_peak(curves: ArrayLike, start: ArrayLike = 0.0, *, end_share: float = 0.05, window: int = 10) -> Array:
    """Share of the gain at its peak that a run has lost at its end, [run]: 0 ends at the peak, 1 is back at `start`.

    Peak: the highest mean of `window` points; end: the mean of the last `end_share`. `start` is the score before
    training (of a random policy), one for all or [run]. NaN where the peak is not above the start.
    """
    values = _curves(curves, window)
    means = np.lib.stride_tricks.sliding_window_view(values, window, axis=1).mean(axis=2)
    peak = means.max(axis=1) - np.asarray(start, dtype=np.float64)
    end = values[:, -max(1, round(end_share * values.shape[1])) :].mean(axis=1) - np.asarray(start, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(peak > 0, np.maximum(0.0, 1.0 - end / peak), np.nan)


def dispersion_across(curves: ArrayLike) -> Array:
    """Interquartile range over runs at each step, [step]. Section 4.1, DR."""
    return iqr(_curves(curves, 1).T)


def risk_across(curves: ArrayLike, alpha: float = 0.05) -> Array:
    """Mean of the worst `alpha` of the runs (at least one) at each step, [step]. Section 4.1, RR."""
    return _worst(_curves(curves, 1).T, alpha)


def iqr(values: Array) -> Array:
    """Interquartile range along the last axis."""
    quartiles = np.quantile(values, [0.25, 0.75], axis=-1)
    return quartiles[1] - quartiles[0]


def _worst(values: Array, alpha: float) -> Array:
    """Mean of the values at or below the `alpha` quantile, along the last axis."""
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"expected `alpha` between 0 and 1, got {alpha!r}")
    kept = values <= np.quantile(values, alpha, axis=-1, keepdims=True)
    return np.where(kept, values, 0.0).sum(axis=-1) / kept.sum(axis=-1)


def _curves(curves: ArrayLike, least: int) -> Array:
    values = np.asarray(curves, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < least:
        raise ValueError(f"expected curves [run, step] of at least {least} steps, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("expected finite curves; cut or fill the missing points first")
    return values
