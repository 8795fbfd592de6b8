"""Spread over seeds: quantiles and CVaR, how many runs fail, and whether the scores fall into two groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lifesigns.stats.distributions import Array, binomial_pmf
from lifesigns.stats.interval import Interval, check_level
from lifesigns.stats.scores import as_sample
from lifesigns.stats.success import RateMethod, success_interval


@dataclass(frozen=True, slots=True)
class TwoGroups:
    """The best split of the scores into a lower and an upper group.

    `cut` lies half-way between the groups; `explained` is the share of the variance that the split explains; `p`
    the chance that a sample of this size from a uniform distribution splits as well. `bimodal`: p <= 0.05 and at
    least 2 runs on either side (one run apart is an outlier, not a mode).
    """

    cut: float
    lower: int
    upper: int
    lower_mean: float
    upper_mean: float
    explained: float
    p: float
    bimodal: bool


def quantile_interval(values: ArrayLike, q: float, *, level: float = 0.95) -> Interval:
    """Quantile of the scores over seeds [run] with its distribution-free interval from order statistics.

    An end is infinite where the runs are too few for it (the median needs 6 at 95 %). David and Nagaraja 2003,
    section 7.1; the coverage is at least `level`.
    """
    sample, tail = np.sort(as_sample(values)), (1.0 - check_level(level)) / 2
    if not 0.0 < q < 1.0:
        raise ValueError(f"expected a quantile between 0 and 1, got {q!r}")
    n = len(sample)
    below = np.cumsum(binomial_pmf(n, q))
    low = int((below <= tail).sum())
    high = int((below < 1.0 - tail).sum())
    ends = sample[low - 1] if low >= 1 else -np.inf, sample[high] if high < n else np.inf
    return Interval(float(np.quantile(sample, q)), float(ends[0]), float(ends[1]), level, "order statistics")


def tolerance_interval(values: ArrayLike, share: float = 0.9, *, level: float = 0.95) -> tuple[float, float]:
    """Scores between which a `share` of all seeds lies, with confidence `level`: from order statistics (Wilks 1941).

    Distribution-free, the same number of runs left out at both ends; infinite ends where the runs are too few (a share
    of 0.9 needs 46, 0.95 needs 93). Patterson et al. 2023 show runs so: an interval of the mean says nothing of a run.
    """
    sample = np.sort(as_sample(values))
    if not 0.0 < share < 1.0:
        raise ValueError(f"expected a share between 0 and 1, got {share!r}")
    n, wanted = len(sample), check_level(level)
    held = np.concatenate([[0.0], np.cumsum(binomial_pmf(n, share))])
    # the runs from the r-th lowest to the r-th highest hold the share with P(Binomial(n, share) <= n - 2 r)
    ranks = [r for r in range(1, n // 2 + 1) if held[n - 2 * r + 1] >= wanted]
    if not ranks:
        return -np.inf, np.inf
    return float(sample[ranks[-1] - 1]), float(sample[n - ranks[-1]])


def cvar(values: ArrayLike, alpha: float = 0.05, tail: Literal["lower", "upper"] = "lower") -> float:
    """Conditional value at risk: the mean of the worst (`lower`) `alpha` of the values, at least one of them.

    As in rl-reliability-metrics (Chan et al. 2020): the mean of the values at or beyond the `alpha` quantile.
    """
    sample = as_sample(values)
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"expected `alpha` between 0 and 1, got {alpha!r}")
    if tail == "upper":
        return -cvar(-sample, alpha)
    return float(sample[sample <= np.quantile(sample, alpha)].mean())


def failure_share(
    values: ArrayLike, threshold: float, *, level: float = 0.95, method: RateMethod = "clopper-pearson"
) -> Interval:
    """Share of runs below `threshold` with its interval; values [run], NaN counts as a failure."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or not len(sample):
        raise ValueError(f"expected values of shape [run], got {sample.shape}")
    return success_interval(int((~(sample >= threshold)).sum()), len(sample), level=level, method=method)


def two_groups(values: ArrayLike, *, rng: Generator, simulations: int = 2_000) -> TwoGroups:
    """Whether the scores over seeds fall into two groups ("it works or it does not"); values [run], at least 4.

    The split is that of least squares (Fisher 1958; Otsu 1979), its p-value is simulated from the uniform
    distribution, which splits better than the other common unimodal ones.
    """
    sample = np.sort(as_sample(values, 4))
    share, at = _best_split(sample[None, :])
    k = int(at[0])
    null, _ = _best_split(np.sort(rng.random((simulations, len(sample))), axis=1))
    p = float((np.sum(null >= share[0] - 1e-12) + 1) / (simulations + 1))
    lower, upper = sample[:k], sample[k:]
    bimodal = p <= 0.05 and min(len(lower), len(upper)) >= 2
    cut = float(lower[-1] + upper[0]) / 2
    means = float(lower.mean()), float(upper.mean())
    return TwoGroups(cut, len(lower), len(upper), *means, float(share[0]), p, bimodal)


def bimodality_coefficient(values: ArrayLike) -> float:
    """Sarle's coefficient from skewness and kurtosis: 5/9 for a uniform, 1/3 for a normal distribution, towards 1 for
    two points (Pfister et al. 2013). Rough below 20 runs: see `two_groups`. At least 4 runs; NaN if all are equal."""
    sample = as_sample(values, 4)
    n, centred = len(sample), sample - sample.mean()
    m2 = float((centred**2).mean())
    if m2 <= 0.0:
        return float("nan")
    g1, g2 = float((centred**3).mean()) / m2**1.5, float((centred**4).mean()) / m2**2 - 3.0
    skew = g1 * np.sqrt(n * (n - 1)) / (n - 2)
    kurtosis = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6)
    return float((skew**2 + 1) / (kurtosis + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))))


def _best_split(ranked: Array) -> tuple[Array, Array]:
    """For sorted samples [sample, run]: the largest share of variance that a split explains, and its lower size."""
    n = int(ranked.shape[1])
    centred = ranked - ranked.mean(axis=1, keepdims=True)
    total = (centred**2).sum(axis=1)
    size = np.arange(1, n)
    between = np.cumsum(centred, axis=1)[:, :-1] ** 2 * n / (size * (n - size))
    best = between.argmax(axis=1)
    gained = between[np.arange(len(ranked)), best]
    return np.divide(gained, total, out=np.zeros_like(gained), where=total > 0), best + 1.0
