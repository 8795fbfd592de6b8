"""Same-seed comparisons: does pairing the runs by seed help, and a test that pairs only where it does.

A shared seed pairs two runs only as far as it makes them alike (the same environment draws, the same initial
weights). In deep RL that is often nothing; then pairing halves the degrees of freedom for no gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atanh, sqrt, tanh
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lifesigns.stats.distributions import normal_quantile, student_quantile, student_two_sided
from lifesigns.stats.interval import Interval, Significance, check_level
from lifesigns.stats.permutation import permutation_test, sign_flip_test
from lifesigns.stats.scores import Array, as_sample

LEAST_PAIRS = 6
"""Fewer pairs cannot be significant at 5 % by signs (5 pairs: 0.0625)."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Whether runs of the same seed are alike. `variance_ratio` is var(A - B) / (var A + var B): below 1 pairing
    takes out noise, 1 it does nothing, above 1 it adds some. `helps`: the lower end of the correlation's interval is
    above 0."""

    pairs: int
    correlation: Interval
    variance_ratio: float
    helps: bool


def pairing(a: ArrayLike, b: ArrayLike, *, level: float = 0.8) -> Pairing:
    """How alike runs of the same seed are; `a` and `b` [seed], row by row from the same seeds, at least 4.

    The correlation's interval is Fisher's z (1921). Raises ValueError for unequal lengths.
    """
    first, second = _same_seeds(a, b, 4)
    spread = float(first.var(ddof=1) + second.var(ddof=1))
    ratio = float((first - second).var(ddof=1)) / spread if spread > 0 else 1.0
    both = float(first.std()) * float(second.std())
    r = float(((first - first.mean()) * (second - second.mean())).mean()) / both if both > 0 else 0.0
    r = min(1.0, max(-1.0, r))
    z, half = (
        atanh(min(0.999999, max(-0.999999, r))),
        normal_quantile((1 + check_level(level)) / 2) / sqrt(len(first) - 3),
    )
    interval = Interval(r, tanh(z - half), tanh(z + half), level, "Fisher z")
    return Pairing(len(first), interval, ratio, interval.low > 0.0)


def paired_t_test(a: ArrayLike, b: ArrayLike) -> Significance:
    """Two-sided paired t test of equal means, rows paired by seed; the statistic is t. At least 2 pairs."""
    first, second = _same_seeds(a, b, 2)
    d = first - second
    error = float(d.std(ddof=1)) / sqrt(len(d))
    t = float(d.mean()) / error if error > 0 else (0.0 if not d.any() else float(np.copysign(np.inf, d.mean())))
    return Significance(float(student_two_sided(t, len(d) - 1)), t, "paired t")


def paired_interval(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Interval:
    """Student's interval of the mean of A - B over seeds; at least 2 pairs."""
    first, second = _same_seeds(a, b, 2)
    d = first - second
    half = student_quantile((1 + check_level(level)) / 2, len(d) - 1) * float(d.std(ddof=1)) / sqrt(len(d))
    return Interval(float(d.mean()), float(d.mean()) - half, float(d.mean()) + half, level, "paired t")


def paired_test(
    a: ArrayLike, b: ArrayLike, *, rng: Generator, method: Literal["sign-flip", "signed-rank"] = "sign-flip"
) -> Significance:
    """Two-sided test that A - B is symmetric about 0, rows paired by seed.

    `sign-flip` uses the differences, `signed-rank` their ranks (Wilcoxon 1945, ties get mean ranks, zeros are left
    out); both are exact up to 17 pairs.
    """
    first, second = _same_seeds(a, b, 1)
    d = first - second
    if method == "sign-flip":
        return sign_flip_test(d, rng=rng)
    _, inverse, counts = np.unique(np.abs(d), return_inverse=True, return_counts=True)
    zeros = int(np.sum(d == 0))
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse] - zeros
    one = sign_flip_test(np.sign(d) * ranks, rng=rng)
    return Significance(one.p, one.statistic, "Wilcoxon signed rank", one.exact, one.least_p)


def same_seed_test(a: ArrayLike, b: ArrayLike, *, rng: Generator) -> tuple[Significance, Pairing | None]:
    """The sign-flip test where pairing by seed helps and 6 pairs are there, the permutation test otherwise.

    Returns the outcome and the check of the pairing (None where fewer than 6 pairs leave no choice).
    """
    first, second = _same_seeds(a, b, 2)
    if len(first) < LEAST_PAIRS:
        return permutation_test(first, second, rng=rng), None
    check = pairing(first, second)
    if check.helps:
        return paired_test(first, second, rng=rng), check
    return permutation_test(first, second, rng=rng), check


def _same_seeds(a: ArrayLike, b: ArrayLike, least: int) -> tuple[Array, Array]:
    first, second = as_sample(a, least, "a"), as_sample(b, least, "b")
    if len(first) != len(second):
        raise ValueError(
            f"expected one row per seed in both, got {len(first)} and {len(second)}; keep the seeds shared"
        )
    return first, second
