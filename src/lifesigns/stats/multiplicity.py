"""Corrections of p-values for many comparisons."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from lifesigns.stats.distributions import Array

Correction = Literal["bonferroni", "sidak", "holm", "hochberg", "benjamini-hochberg", "benjamini-yekutieli"]


def adjusted(p_values: ArrayLike, method: Correction = "holm") -> Array:
    """Adjusted p-values, in the order given; compare each with the level as it is.

    Family-wise error: `bonferroni`, `sidak` (independent tests), `holm` (1979; any dependence), `hochberg` (1988;
    independent or positively dependent). False discovery rate: `benjamini-hochberg` (1995),
    `benjamini-yekutieli` (2001; any dependence). Raises ValueError for values outside 0…1 and unknown methods.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("expected a flat list of p-values from 0 to 1")
    count = len(p)
    order = np.argsort(p, kind="stable")
    ranked, place = p[order], np.arange(1, count + 1)
    match method:
        case "bonferroni":
            out = ranked * count
        case "sidak":
            out = -np.expm1(count * np.log1p(-np.minimum(ranked, 1 - 1e-16)))
        case "holm":
            out = np.maximum.accumulate(ranked * (count - place + 1))
        case "hochberg":
            out = _least_from_above(ranked * (count - place + 1))
        case "benjamini-hochberg":
            out = _least_from_above(ranked * count / place)
        case "benjamini-yekutieli":
            out = _least_from_above(ranked * count / place * float(np.sum(1.0 / place)))
        case _:
            raise ValueError(f"expected a known correction, got {method!r}")
    back = np.empty(count)
    back[order] = np.minimum(out, 1.0)
    return back


def _least_from_above(values: Array) -> Array:
    return np.minimum.accumulate(values[::-1])[::-1]
