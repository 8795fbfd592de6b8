"""What choosing after looking does: the winner's curse of the best of k, and the best p-value that one could have
faked from the same seeds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb, pi, sqrt

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lifesigns.stats.distributions import Array, normal_cdfs, student_two_sided
from lifesigns.stats.scores import as_sample, as_scores

MOST_SPLITS = 50_000
"""Splits up to which all are looked at."""


@dataclass(frozen=True, slots=True)
class SplitHonesty:
    """All ways to split the runs of *one* algorithm into two groups and compare them. `least_p`: the p-value that
    the best split would have reported; `share_significant`: how many of the splits reach p <= 0.05; `split`: the
    indices of the first group of the best one."""

    splits: int
    exact: bool
    least_p: float
    t: float
    share_significant: float
    split: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WinnersCurse:
    """The winner of k candidates: its index, observed mean, and how much of its lead over the mean of all is luck."""

    winner: int
    observed: float
    luck: float
    corrected: float


def expected_best(k: int) -> float:
    """Expected maximum of k standard normal draws: 0.846 for 3. What the best of k equal candidates seems to gain."""
    if k < 1:
        raise ValueError(f"expected at least 1 candidate, got {k}")
    z = np.linspace(-9.0, 9.0, 20_001)
    density = k * normal_cdfs(z) ** (k - 1) * np.exp(-0.5 * z**2) / sqrt(2 * pi)
    return float((z * density).sum() * (z[1] - z[0]))


def winners_curse(scores: ArrayLike, *, rng: Generator, replicates: int = 10_000) -> WinnersCurse:
    """Bias of the best of k candidates, chosen by mean over runs; scores [run, candidate], at least 2 of each.

    Bootstrap estimate: in resamples of the runs the winner is chosen anew; its resampled mean less its mean in the
    data is the luck. The spread of a resample's means is widened by sqrt(n / (n - 1)).
    """
    values = as_scores(scores, 2)
    runs, candidates = values.shape
    if candidates < 2:
        raise ValueError("expected at least 2 candidates as columns, got 1")
    means = values.mean(axis=0)
    errors = values.std(axis=0, ddof=1) / sqrt(runs)
    drawn = means + errors * rng.standard_normal((replicates, candidates))
    best = drawn.argmax(axis=1)
    luck = float((drawn[np.arange(replicates), best] - means[best]).mean())
    winner = int(means.argmax())
    return WinnersCurse(winner, float(means[winner]), luck, float(means[winner]) - luck)


def split_honesty(values: ArrayLike, *, rng: Generator, group: int | None = None) -> SplitHonesty:
    """The best p-value that could have been reported by splitting runs of the *same* algorithm into two groups.

    `values` [run], at least 4; `group` is the size of the first group, half of the runs unless given. Henderson et
    al. 2018, figure 5, averaged two groups of five of ten such runs and got p = 0.0016. Welch's t. All splits where
    there are up to 50,000, else as many random ones.
    """
    sample = as_sample(values, 4)
    size = len(sample) // 2 if group is None else group
    if not 2 <= size <= len(sample) - 2:
        raise ValueError(f"expected groups of at least 2 of {len(sample)} runs, got {size}")
    exact = comb(len(sample), size) <= MOST_SPLITS
    chosen = _splits(len(sample), size, rng, exact)
    t, p = _welch_splits(sample, chosen)
    best = int(np.argmin(p))
    return SplitHonesty(
        len(chosen), exact, float(p[best]), float(t[best]), float(np.mean(p <= 0.05)), tuple(map(int, chosen[best]))
    )


def opposite_share(
    a: ArrayLike, b: ArrayLike, runs: int = 5, *, rng: Generator, draws: int = 20_000, replace: bool = True
) -> float:
    """How often `runs` seeds of each would have shown the opposite order of the means of A and B; ties count half.

    Seeds are drawn from those at hand, with replacement (what fresh seeds would do) or without (what a smaller
    study of these very seeds could have reported). Scores [run].
    """
    first, second = as_sample(a, 1, "a"), as_sample(b, 1, "b")
    if not replace and runs > min(len(first), len(second)):
        raise ValueError(f"expected at most {min(len(first), len(second))} seeds without replacement, got {runs}")
    means: list[Array] = []
    for sample in (first, second):
        if replace:
            picks = rng.integers(0, len(sample), size=(draws, runs))
        else:
            picks = np.argsort(rng.random((draws, len(sample))), axis=1)[:, :runs]
        means.append(sample[picks].mean(axis=1))
    moved = (means[0] - means[1]) * np.sign(float(first.mean() - second.mean()))
    scale = max(float(np.abs(first).max()), float(np.abs(second).max())) * 1e-12
    return float((moved < -scale).mean() + 0.5 * (np.abs(moved) <= scale).mean())


def _splits(runs: int, size: int, rng: Generator, exact: bool) -> np.ndarray[tuple[int, int], np.dtype[np.intp]]:
    if exact:
        return np.array(list(combinations(range(runs), size)), dtype=np.intp)
    return np.argsort(rng.random((MOST_SPLITS, runs)), axis=1)[:, :size].astype(np.intp)


def _welch_splits(sample: Array, chosen: np.ndarray[tuple[int, int], np.dtype[np.intp]]) -> tuple[Array, Array]:
    """Welch's t and p of each split."""
    n, m = chosen.shape[1], len(sample) - chosen.shape[1]
    centred = sample - sample.mean()
    sums, squares = centred[chosen].sum(axis=1), (centred[chosen] ** 2).sum(axis=1)
    other, other_squares = centred.sum() - sums, (centred**2).sum() - squares
    va = np.maximum(squares - sums**2 / n, 0.0) / (n - 1) / n
    vb = np.maximum(other_squares - other**2 / m, 0.0) / (m - 1) / m
    error = np.sqrt(va + vb)
    gap = sums / n - other / m
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, gap / error, np.where(gap == 0, 0.0, np.copysign(np.inf, gap)))
        df = np.where(error > 0, (va + vb) ** 2 / (va**2 / (n - 1) + vb**2 / (m - 1)), n + m - 2)
    return t, student_two_sided(t, df)
