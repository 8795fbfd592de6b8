"""Random numbers of each seed from a stream of its own: what one seed draws does not depend on the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float32]
AHEAD = 256
"""Draws made at a time."""


def generators(seeds: Sequence[int], purpose: int) -> list[Generator]:
    """One generator for each seed; `purpose` keeps the streams of one seed apart."""
    return [np.random.default_rng([seed, purpose]) for seed in seeds]


class Drawn:
    """Uniform numbers in [0, 1) or standard normal ones, [seed, *shape] at each `next`."""

    def __init__(self, seeds: Sequence[int], purpose: int, shape: tuple[int, ...], *, normal: bool = False) -> None:
        self._rngs = generators(seeds, purpose)
        self._shape = shape
        self._draw: Callable[[Generator], Array] = self._normal if normal else self._uniform
        self._block = np.zeros((0, 0), np.float32)
        self._place = 0

    def next(self) -> Array:
        """The next draw of every seed."""
        if self._place >= len(self._block):
            self._block = np.ascontiguousarray(np.stack([self._draw(r) for r in self._rngs], axis=1))
            self._place = 0
        self._place += 1
        return self._block[self._place - 1]

    def _uniform(self, rng: Generator) -> Array:
        return rng.random((AHEAD, *self._shape), dtype=np.float32)

    def _normal(self, rng: Generator) -> Array:
        return rng.standard_normal((AHEAD, *self._shape), dtype=np.float32)
