"""Tests of two algorithms on one task, each from its own independent runs: Welch, Student, ranks, distributions."""

from __future__ import annotations

from math import comb, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from lifesigns.stats.distributions import normal_cdf, student_quantile, student_two_sided
from lifesigns.stats.interval import Interval, Significance, check_level
from lifesigns.stats.samples import mann_whitney
from lifesigns.stats.scores import Array, as_sample

MOST_EXACT_CELLS = 2_000_000
"""Largest table (runs x runs x sums) that the exact rank test counts."""


def welch_test(a: ArrayLike, b: ArrayLike) -> Significance:
    """Two-sided test of equal means without equal variances (Welch 1947); the statistic is t. At least 2 runs each."""
    first, second = as_sample(a, 2, "a"), as_sample(b, 2, "b")
    t, df = _welch(first, second)
    return Significance(float(student_two_sided(t, df)), t, "Welch t")


def student_test(a: ArrayLike, b: ArrayLike) -> Significance:
    """Two-sided test of equal means with equal variances; the statistic is t. At least 2 runs each."""
    first, second = as_sample(a, 2, "a"), as_sample(b, 2, "b")
    n, m = len(first), len(second)
    pooled = ((n - 1) * first.var(ddof=1) + (m - 1) * second.var(ddof=1)) / (n + m - 2)
    t = _ratio(float(first.mean() - second.mean()), sqrt(float(pooled) * (1 / n + 1 / m)))
    return Significance(float(student_two_sided(t, n + m - 2)), t, "Student t")


def effect_size(a: ArrayLike, b: ArrayLike) -> float:
    """Difference of the means in pooled standard deviations of the runs (Cohen's d), without its bias for few runs:
    Hedges' g (Hedges 1981, approximate correction). What `student_power` and `seeds_for_effect` take. At least 2 each.
    """
    first, second = as_sample(a, 2, "a"), as_sample(b, 2, "b")
    df = len(first) + len(second) - 2
    pooled = ((len(first) - 1) * first.var(ddof=1) + (len(second) - 1) * second.var(ddof=1)) / df
    return (1.0 - 3.0 / (4.0 * df - 1.0)) * _ratio(float(first.mean() - second.mean()), sqrt(float(pooled)))


def mean_interval(values: ArrayLike, *, level: float = 0.95) -> Interval:
    """Student's interval of the mean of one sample [run]; at least 2 runs."""
    sample = as_sample(values, 2)
    n = len(sample)
    half = student_quantile((1.0 + check_level(level)) / 2, n - 1) * float(sample.std(ddof=1)) / sqrt(n)
    point = float(sample.mean())
    return Interval(point, point - half, point + half, level, "Student t")


def mean_difference_interval(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Interval:
    """Welch's interval of mean(A) - mean(B); at least 2 runs each."""
    first, second = as_sample(a, 2, "a"), as_sample(b, 2, "b")
    point = float(first.mean() - second.mean())
    error = sqrt(float(first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second)))
    half = student_quantile((1.0 + check_level(level)) / 2, _welch(first, second)[1]) * error
    return Interval(point, point - half, point + half, level, "Welch t")


def rank_test(a: ArrayLike, b: ArrayLike) -> Significance:
    """Two-sided Mann-Whitney U test; the statistic is P(A > B) + P(A = B) / 2.

    Exact without ties and up to about 60 runs each (the distribution of U by Mann and Whitney's recurrence), else by
    the normal approximation with corrections for ties and continuity.
    """
    first, second = as_sample(a, 1, "a"), as_sample(b, 1, "b")
    n, m = len(first), len(second)
    z, share = mann_whitney(first, second)
    least = min(1.0, 2.0 / comb(n + m, n))
    ties = len(np.unique(np.concatenate([first, second]))) < n + m
    if not ties and n * n * m * m <= MOST_EXACT_CELLS * 8:
        u = round(share * n * m)
        chance = rank_sum_chances(n, m)
        return Significance(
            min(1.0, 2.0 * float(chance[: min(u, n * m - u) + 1].sum())), share, "Mann-Whitney", True, least
        )
    distance = abs(share - 0.5) * n * m
    z = 0.0 if z == 0.0 else abs(z) * max(0.0, distance - 0.5) / distance
    return Significance(2.0 * normal_cdf(-z), share, "Mann-Whitney", False, least)


def rank_sum_chances(n: int, m: int) -> Array:
    """P(U = u) for u = 0…n·m when all orders of n and m values are equally likely (Mann and Whitney 1947).

    The generating function is the Gaussian binomial: a product of (1 - q^(m + i)) / (1 - q^i), i = 1…n.
    """
    ways = np.zeros(n * m + 1)
    ways[0] = 1.0
    for i in range(1, n + 1):
        top = ways.copy()
        if m + i <= n * m:
            top[m + i :] -= ways[: -(m + i)]
        for start in range(i):
            top[start::i] = np.cumsum(top[start::i])
        ways = top
    return ways / ways.sum()


def brunner_munzel_test(a: ArrayLike, b: ArrayLike) -> Significance:
    """Two-sided test of P(A > B) + P(A = B) / 2 = ½ without equal variances (Brunner and Munzel 2000).

    The statistic is that probability. At least 2 runs each. Complete separation gives no variance: then p is the
    least p of the rank test.
    """
    first, second = as_sample(a, 2, "a"), as_sample(b, 2, "b")
    n, m = len(first), len(second)
    wins = (first[:, None] > second).astype(np.float64) + 0.5 * (first[:, None] == second)
    share, by_a, by_b = float(wins.mean()), wins.mean(axis=1), wins.mean(axis=0)
    parts = float(by_a.var(ddof=1)) / n, float(by_b.var(ddof=1)) / m
    least = min(1.0, 2.0 / comb(n + m, n))
    if sum(parts) <= 0.0:
        return Significance(least if share != 0.5 else 1.0, share, "Brunner-Munzel", least_p=least)
    df = sum(parts) ** 2 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (m - 1))
    t = (share - 0.5) / sqrt(sum(parts))
    return Significance(max(least, float(student_two_sided(t, df))), share, "Brunner-Munzel", least_p=least)


def distribution_test(a: ArrayLike, b: ArrayLike, method: Literal["exact", "asymptotic"] = "exact") -> Significance:
    """Two-sided Kolmogorov-Smirnov test that two samples have one distribution; the statistic is D.

    `exact` counts the lattice paths that stay within D (Hodges 1958); `asymptotic` is what many published tables
    quote: at 5 against 5 it calls D = 0.8 p = 0.036 where 0.079 is exact.
    """
    first, second = np.sort(as_sample(a, 1, "a")), np.sort(as_sample(b, 1, "b"))
    at = np.concatenate([first, second])
    n, m = len(first), len(second)
    gap = np.searchsorted(first, at, "right") / n - np.searchsorted(second, at, "right") / m
    d = float(np.abs(gap).max())
    least = min(1.0, 2.0 / comb(n + m, n))
    if method == "asymptotic":
        return Significance(smirnov_tail(d, n, m), d, "Kolmogorov-Smirnov (asymptotic)", False, 0.0)
    return Significance(smirnov_exact(d, n, m), d, "Kolmogorov-Smirnov", True, least)


def smirnov_exact(d: float, n: int, m: int) -> float:
    """P(D >= d) for n and m values without ties, by counting the paths that stay below d."""
    chance = np.zeros(m + 1)
    for row in range(n + 1):
        for column in range(m + 1):
            inside = abs(row / n - column / m) < d - 1e-10
            if row == column == 0:
                chance[0] = float(inside)
                continue
            up = chance[column] * row / (row + column)
            left = chance[column - 1] * column / (row + column) if column else 0.0
            chance[column] = (up + left) if inside else 0.0
    return float(min(1.0, max(0.0, 1.0 - chance[m])))


def smirnov_tail(d: float, n: int, m: int) -> float:
    """P(D >= d) by Kolmogorov's limit with Stephens' correction for small samples (Numerical Recipes, section 14.3)."""
    root = sqrt(n * m / (n + m))
    x = (root + 0.12 + 0.11 / root) * d
    k = np.arange(1, 101)
    return float(min(1.0, max(0.0, 2.0 * np.sum((-1.0) ** (k - 1) * np.exp(-2.0 * (k * x) ** 2)))))


def _welch(a: Array, b: Array) -> tuple[float, float]:
    """Welch's t and its degrees of freedom."""
    va, vb = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    t = _ratio(float(a.mean() - b.mean()), sqrt(va + vb))
    if va + vb <= 0.0:
        return t, float(len(a) + len(b) - 2)
    return t, (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))


def _ratio(difference: float, error: float) -> float:
    """difference / error; without any spread 0 for equal means and infinity otherwise."""
    if error > 0:
        return difference / error
    return 0.0 if difference == 0 else float(np.copysign(np.inf, difference))
