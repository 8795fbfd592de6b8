"""Small robust statistics that the detectors share; non-finite values are left out, never propagated."""

from __future__ import annotations

from collections.abc import Iterator
from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.model import Series

Array = NDArray[np.float64]


def finite(values: Any) -> Array:
    """The finite values, flat."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return flat[np.isfinite(flat)]


def median(values: Any) -> float:
    """Median of the finite values; NaN where there is none."""
    kept = finite(values)
    with np.errstate(all="ignore"):
        return float(np.median(kept)) if len(kept) else nan


def largest(values: Any) -> float:
    """Largest finite value; NaN where there is none."""
    kept = finite(values)
    return float(kept.max()) if len(kept) else nan


def constant(values: Any) -> bool:
    """Whether all values are finite and equal."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return len(flat) > 0 and bool(np.isfinite(flat).all()) and float(flat.min()) == float(flat.max())


def columns(one: Series) -> Iterator[tuple[str, Array]]:
    """Name and values of each component; a narrow series has a single one with the name ''."""
    if one.y.ndim == 1:
        yield "", one.y
        return
    for index, name in enumerate(one.columns):
        yield name, one.y[:, index]


def shared(one: Series, other: Series) -> list[tuple[str, Array, Array]]:
    """Name and values of the components that both series have, at the steps that both were sampled at."""
    _, here, there = np.intersect1d(one.x, other.x, return_indices=True)
    second = dict(columns(other))
    return [(name, y[here], second[name][there]) for name, y in columns(one) if name in second]


def first_share(one: Series, share: float) -> NDArray[np.bool_]:
    """Mask of the points in the first `share` of the range of `x`."""
    start, end = float(one.x.min()), float(one.x.max())
    return one.x <= start + share * (end - start)


def mann_whitney(sample: Any, other: Any) -> tuple[float, float]:
    """z of the Mann-Whitney U test, and P(sample > other) with ties counted half.

    Normal approximation with tie correction (Mann and Whitney 1947; Lehmann, Nonparametrics, 1975).
    Positive z: `sample` is the larger one. Without two values to tell apart it is (0, 0.5).
    """
    a, b = finite(sample), finite(other)
    if not len(a) or not len(b):
        return 0.0, 0.5
    _, inverse, counts = np.unique(np.concatenate([a, b]), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n, m, total = len(a), len(b), len(a) + len(b)
    u = float(ranks[:n].sum()) - n * (n + 1) / 2
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / (total * (total - 1))
    variance = n * m / 12 * (total + 1 - ties)
    return ((u - n * m / 2) / sqrt(variance) if variance > 1e-12 else 0.0), u / (n * m)


def trend(values: Any, least: int = 10) -> float:
    """z of the last third against the first third of the values; 0 where a third has fewer than `least`."""
    kept = finite(values)
    third = len(kept) // 3
    return mann_whitney(kept[-third:], kept[:third])[0] if third >= least else 0.0


def log_ratios(one: Array, other: Array) -> Array:
    """log10(one / other), where both are positive and finite."""
    fits = np.isfinite(one) & np.isfinite(other) & (one > 0) & (other > 0)
    return np.log10(one[fits]) - np.log10(other[fits])


def total_std(means: Array, stds: Array) -> float:
    """Standard deviation over all samples from their means and deviations; NaN where none is finite."""
    mean, std = finite(means), finite(stds)
    if not len(mean) or not len(std):
        return nan
    with np.errstate(all="ignore"):
        return 0.0 if constant(mean) and not std.any() else float(np.sqrt(np.mean(std**2) + np.var(mean)))
