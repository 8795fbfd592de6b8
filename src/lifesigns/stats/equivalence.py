"""Equivalence: evidence that two algorithms differ by less than a margin (absence of evidence is not that)."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from lifesigns.stats.distributions import student_cdf
from lifesigns.stats.interval import Interval
from lifesigns.stats.paired import paired_interval
from lifesigns.stats.two_sample import mean_difference_interval


@dataclass(frozen=True, slots=True)
class Equivalence:
    """`p` of the two one-sided tests; `difference`, of level 1 - 2 alpha, is inside ±margin exactly if p <= alpha."""

    p: float
    margin: float
    difference: Interval
    equivalent: bool


def equivalence_test(
    a: ArrayLike, b: ArrayLike, margin: float, *, alpha: float = 0.05, paired: bool = False
) -> Equivalence:
    """Two one-sided tests that |mean(A) - mean(B)| < margin; scores [run], `margin` in their unit (Schuirmann 1987).

    Welch's t, or paired by row. Raises ValueError unless the margin is positive.
    """
    if margin <= 0:
        raise ValueError(f"expected a positive `margin` in the unit of the scores, got {margin}")
    interval = (paired_interval if paired else mean_difference_interval)(a, b, level=1 - 2 * alpha)
    p = _one_sided_p(a, b, margin, interval, paired)
    return Equivalence(p, margin, interval, p <= alpha)


def _one_sided_p(a: ArrayLike, b: ArrayLike, margin: float, interval: Interval, paired: bool) -> float:
    """The larger p-value of the two one-sided tests."""
    error, df = standard_error(a, b, paired)
    if error <= 0.0:
        return 0.0 if abs(interval.estimate) < margin else 1.0
    return student_cdf((abs(interval.estimate) - margin) / error, df)


def standard_error(a: ArrayLike, b: ArrayLike, paired: bool) -> tuple[float, float]:
    """Standard error of mean(A) - mean(B) and its degrees of freedom."""
    from lifesigns.stats.scores import as_sample

    first, second = as_sample(a, 2, "a"), as_sample(b, 2, "b")
    if paired:
        d = first - second
        return float(d.std(ddof=1)) / len(d) ** 0.5, float(len(d) - 1)
    va, vb = float(first.var(ddof=1)) / len(first), float(second.var(ddof=1)) / len(second)
    if va + vb <= 0.0:
        return 0.0, float(len(first) + len(second) - 2)
    return (va + vb) ** 0.5, (va + vb) ** 2 / (va**2 / (len(first) - 1) + vb**2 / (len(second) - 1))
