"""A measured quantity of one subject over one clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLOCKS = ("env_step", "update", "backward", "episode", "wall", "logged", "rank")
"""What `Series.x` counts: environment steps (all environments of a run together), optimiser steps of one
optimiser, calls of backward, finished episodes, seconds since the start, the step a logger was
given, or a place in a sorted list."""


@dataclass(frozen=True)
class Series:
    """`y` against `x`; NaN, ±inf and -0.0 are values.

    `x` has shape [n]; `y` has shape [n], or [n, k] with one name in `columns` for each of its k components.
    """

    name: str
    clock: str
    unit: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    subject: str = "run"
    columns: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.clock not in CLOCKS:
            raise ValueError(f"expected `clock` to be one of {CLOCKS}, got {self.clock!r} for `{self.name}`")
        if self.x.ndim != 1 or self.y.ndim not in (1, 2) or len(self.x) != len(self.y):
            raise ValueError(
                f"expected x [n] and y [n] or [n, k], got {self.x.shape}, {self.y.shape} for `{self.name}`"
            )
        if self.y.ndim == 2 and len(self.columns) != self.y.shape[1]:
            raise ValueError(f"expected {self.y.shape[1]} column names, got {len(self.columns)} for `{self.name}`")

    def __len__(self) -> int:
        return len(self.x)

    def head(self, points: int) -> Series:
        """The first `points` points."""
        return replace(self, x=self.x[:points], y=self.y[:points])

    def column(self, index: int) -> NDArray[np.float64]:
        """Component `index`, shape [n]."""
        return self.y if self.y.ndim == 1 else self.y[:, index]


def series(
    name: str, clock: str, y: Any, *, x: Any = None, unit: str = "", subject: str = "run", columns: tuple[str, ...] = ()
) -> Series:
    """Builds a `Series` from array-likes; `x` defaults to 0, 1, 2, … and column names to their index."""
    values = np.asarray(y, dtype=np.float64)
    clock_values = np.arange(len(values), dtype=np.float64) if x is None else np.asarray(x, dtype=np.float64)
    if values.ndim == 2 and not columns:
        columns = tuple(str(i) for i in range(values.shape[1]))
    return Series(name, clock, unit, clock_values, values, subject, columns)
