"""How much of what an environment shows is new: the share of sampled observations in cells not seen before."""

from __future__ import annotations

from typing import Any

import numpy as np

CELLS = 2.0
"""Cells a standard deviation of the first observations; assumed."""
MAX_DIMS, MAX_SEEN = 16, 50_000
"""Components that make up a cell, and cells remembered."""


class Novelty:
    """The cells that were seen."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._origin: Any = None
        self._size: Any = None

    def share(self, values: Any) -> float:
        """Share of the rows of `values` [rows, components] whose cell is new; NaN once too many were seen."""
        if len(self._seen) >= MAX_SEEN:
            return float("nan")
        if values.shape[1] > MAX_DIMS:
            values = values[:, :: values.shape[1] // MAX_DIMS + 1]
        if self._origin is None:
            std = values.std(axis=0)
            self._origin, self._size = values.mean(axis=0), np.where(std > 0, std, 1.0) / CELLS
        if values.shape[1] != len(self._origin):
            return float("nan")
        with np.errstate(all="ignore"):
            cells = np.clip(np.floor((values - self._origin) / self._size), -32000, 32000).astype(np.int16)
        rows = [row.tobytes() for row in cells]
        new = sum(row not in self._seen for row in dict.fromkeys(rows))
        self._seen.update(rows)
        return new / len(rows)
