"""What estimates and tests return: an interval, a band over a grid, a significance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate and the ends of an interval about it; `level` is the nominal coverage, 0.95 for 95 %."""

    estimate: float
    low: float
    high: float
    level: float
    method: str

    def contains(self, value: float) -> bool:
        """Whether `value` lies inside, ends included."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.estimate:.3g} [{self.low:.3g}, {self.high:.3g}]"


@dataclass(frozen=True, slots=True)
class Band:
    """An estimate with a pointwise interval at each point of `grid`; all arrays have shape [point]."""

    grid: Array
    estimate: Array
    low: Array
    high: Array
    level: float
    method: str


@dataclass(frozen=True, slots=True)
class Significance:
    """The outcome of a two-sided test.

    `least_p` is the smallest p-value that samples of these sizes can give (0 where there is no such floor): where
    it is above the level wanted, no data could have been significant. `exact`: no asymptotics, no sampling of
    permutations.
    """

    p: float
    statistic: float
    method: str
    exact: bool = False
    least_p: float = 0.0

    def significant(self, level: float = 0.05) -> bool:
        """Whether p <= level."""
        return self.p <= level


def check_level(level: float) -> float:
    """`level` itself; raises ValueError unless it is a share between 0 and 1, such as 0.95."""
    if not 0.0 < level < 1.0:
        raise ValueError(f"expected `level` between 0 and 1 (0.95 for 95 %), got {level!r}")
    return level
