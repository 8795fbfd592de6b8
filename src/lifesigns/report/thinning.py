"""Makes long series short enough to draw without losing a peak, and marks values that are not finite."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lifesigns.model import Series

Array = NDArray[np.float64]
MOST_POINTS = 2000
"""points of a chart."""
MOST_MARKS = 100
"""marked values that are not finite, of one line."""
MOST_COLUMNS = 12
"""lines of a chart."""


def thin(y: Array, most: int) -> NDArray[np.intp]:
    """Indices of at most `most` points of `y`: first, last, and the smallest and largest of each stretch.

    One point that is not finite is kept of each stretch that has any, so that a line through the kept points
    breaks there.
    """
    count = len(y)
    if count <= most:
        return np.arange(count)
    kept: set[int] = {0, count - 1}
    edges = np.linspace(0, count, max(2, (most - 2) // 3 + 1)).astype(int)
    for start, end in pairwise(edges.tolist()):
        if start == end:
            continue
        part = y[start:end]
        good = np.flatnonzero(np.isfinite(part))
        if len(good) < len(part):
            kept.add(int(start + np.flatnonzero(~np.isfinite(part))[0]))
        if len(good):
            kept.add(int(start + good[np.argmin(part[good])]))
            kept.add(int(start + good[np.argmax(part[good])]))
    return np.array(sorted(kept)[:most], dtype=np.intp)


def rows(x: Array, y: Array, most: int) -> list[list[float | None]]:
    """[x, y] of the kept points; `y` is None where it is not finite."""
    return [[_short(float(x[i])), _short(float(y[i]))] for i in thin(y, most).tolist() if np.isfinite(x[i])]


def not_finite(x: Array, y: Array) -> list[list[float | str]]:
    """[x, "nan" | "inf" | "-inf"] of values that are not finite; of many, an even choice with both ends."""
    bad = np.flatnonzero(~np.isfinite(y) & np.isfinite(x))
    if len(bad) > MOST_MARKS:
        bad = bad[np.linspace(0, len(bad) - 1, MOST_MARKS).astype(int)]
    return [[float(x[i]), str(float(y[i]))] for i in bad]


def lines(one: Series, wanted: tuple[str, ...] = ()) -> Iterator[tuple[str, Array]]:
    """Name and values of the columns to draw: those wanted, then the first, up to `MOST_COLUMNS`."""
    if one.y.ndim == 1:
        yield "", one.y
        return
    first = [i for i, c in enumerate(one.columns) if c in wanted]
    order = [*first, *(i for i in range(len(one.columns)) if i not in first)][:MOST_COLUMNS]
    for i in sorted(order):
        yield one.columns[i], one.y[:, i]


def _short(value: float) -> float | None:
    return float(f"{value:.7g}") if np.isfinite(value) else None
