"""Sizes of updates relative to the weights that they change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, nan

import numpy as np

from lifesigns.detectors.parameter_names import is_weight
from lifesigns.model import Evidence
from lifesigns.rules import CannotTell, View
from lifesigns.stats.samples import Array, log_ratios, median, shared

SMALLEST_NORM = 1e-3
"""‖θ‖; weights with a smaller median norm (zero-initialised, lone scalars) have no scale yet; assumed."""
FEWEST_SAMPLES = 10
"""samples of each weight with an update other than 0, five in each half of the run; assumed."""
BURST = 5
"""samples on end; assumed."""
UNIT = "log10 of ‖Δθ‖/‖θ‖"
READS = {"optimizer.update_norm": FEWEST_SAMPLES, "optimizer.parameter_norm": FEWEST_SAMPLES}


@dataclass(frozen=True)
class UpdateSizes:
    """Median over weights of the median of log10(‖Δθ‖/‖θ‖) over samples, in both halves of the run.

    `start` is that of the first sample alone, and `burst` the highest median of `BURST` samples on end, both of
    the lower middle weight: a small last layer does not count.
    """

    first: float
    second: float
    start: float
    burst: float
    weights: int

    @property
    def low(self) -> float:
        """The smaller half: an excess must show in both."""
        return min(self.first, self.second)

    @property
    def high(self) -> float:
        """The larger half: a shortage must show in both."""
        return max(self.first, self.second)

    def evidence(self, view: View, value: float, limit: float) -> list[Evidence]:
        """The value in question against its line."""
        one = view["optimizer.update_norm"]
        return [Evidence(one.name, view.subject.id, value, limit, UNIT, one.clock, float(one.x[-1]))]


def update_sizes(view: View) -> UpdateSizes:
    """Sizes for the weights of one optimiser. Raises `CannotTell` where none can be judged."""
    kept = [
        ratios
        for name, update, norm in shared(view["optimizer.update_norm"], view["optimizer.parameter_norm"])
        if is_weight(name)
        and median(norm) > SMALLEST_NORM
        and len(ratios := log_ratios(update, norm)) >= FEWEST_SAMPLES
    ]
    if not kept:
        raise CannotTell("no weight of some size was seen to move in ten samples")
    halves = [_halves(ratios) for ratios in kept]
    start, burst = _lower_middle(float(ratios[0]) for ratios in kept), _lower_middle(map(_burst, kept))
    return UpdateSizes(median([a for a, _ in halves]), median([b for _, b in halves]), start, burst, len(kept))


def first_update(view: View) -> tuple[float, int]:
    """log10(‖Δθ‖/‖θ‖) of the first sample alone, of the lower middle weight, and how many weights; -inf for none."""
    found = [
        float(ratios[0])
        for name, update, norm in shared(view["optimizer.update_norm"], view["optimizer.parameter_norm"])
        if is_weight(name) and norm[0] > SMALLEST_NORM and len(ratios := log_ratios(update[:1], norm[:1]))
    ]
    return (_lower_middle(found), len(found)) if found else (-inf, 0)


def _lower_middle(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def _burst(ratios: Array) -> float:
    windows = np.lib.stride_tricks.sliding_window_view(ratios, BURST)
    return float(np.median(windows, axis=1).max())


def _halves(ratios: Array) -> tuple[float, float]:
    if not len(ratios):
        return nan, nan
    first, second = np.array_split(ratios, 2)
    return median(first), median(second)
