"""Permutation tests of two algorithms: exact where the relabellings can be counted, sampled otherwise.

Fisher 1935; Phipson and Smyth 2010 (a sampled p-value counts the observed labelling). Several tasks: labels are
shuffled within each task.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from lifesigns.stats.interval import Significance
from lifesigns.stats.scores import Array, as_pair, as_sample

MOST_EXACT = 200_000
"""Relabellings up to which all are counted."""
TOLERANCE = 1e-9
"""Relative difference below which two statistics count as equal (rounding of sums in another order)."""


def permutation_test(a: ArrayLike, b: ArrayLike, *, rng: Generator, permutations: int = 20_000) -> Significance:
    """Two-sided test that A and B are the same, by the difference of the tasks' mean scores averaged over tasks.

    Scores [run] or [run, task]. Exact when one task has at most 200,000 relabellings (10 against 10 has 184,756),
    else `permutations` random ones. `least_p` is the smallest two-sided p of these sizes.
    """
    first, second = as_pair(a, b)
    n, m, tasks = len(first), len(second), first.shape[1]
    pool = np.concatenate([first, second])
    observed = float((first.mean(axis=0) - second.mean(axis=0)).mean())
    ways = comb(n + m, n)
    if tasks == 1 and ways <= MOST_EXACT:
        sums = _choice_sums(pool[:, 0], n)
        moved = sums / n - (pool.sum() - sums) / m
        return Significance(_share(moved, observed), observed, "permutation", exact=True, least_p=least_p(n, m))
    moved = np.empty(permutations)
    total = pool.sum()
    for start in range(0, permutations, 1000):
        size = min(1000, permutations - start)
        keys = rng.random((size, n + m, tasks))
        chosen = np.argpartition(keys, n - 1, axis=1)[:, :n]
        sums = np.take_along_axis(np.broadcast_to(pool, keys.shape), chosen, axis=1).sum(axis=(1, 2))
        moved[start : start + size] = (sums / n - (total - sums) / m) / tasks
    as_far = int(np.sum(np.abs(moved) >= abs(observed) * (1.0 - TOLERANCE)))
    p = (as_far + 1) / (permutations + 1)
    return Significance(p, observed, "permutation", exact=False, least_p=least_p(n, m, tasks))


def sign_flip_test(
    differences: ArrayLike, *, rng: Generator, permutations: int = 20_000, most_exact: int = 17
) -> Significance:
    """Two-sided test that paired differences [run] are symmetric about 0, by their mean.

    Exact up to `most_exact` differences that are not 0 (2^17 sign patterns), else sampled.
    """
    values = as_sample(differences, 1, "differences")
    observed, kept = float(values.mean()), values[values != 0]
    count = len(kept)
    if count <= most_exact:
        bits: NDArray[np.int64] = (np.arange(1 << count)[:, None] >> np.arange(count)) & 1
        signs = 1.0 - 2.0 * bits
        p, exact = _share(signs @ kept, float(kept.sum())), True
    else:
        signs = 1.0 - 2.0 * rng.integers(0, 2, size=(permutations, count))
        as_far = np.abs(signs @ kept) >= abs(float(kept.sum())) * (1.0 - TOLERANCE)
        p, exact = float((as_far.sum() + 1) / (permutations + 1)), False
    return Significance(p, observed, "paired sign flip", exact=exact, least_p=min(1.0, 2.0 ** (1 - len(values))))


def least_p(n: int, m: int, tasks: int = 1) -> float:
    """The smallest two-sided p-value of a permutation test of n runs against m: 3 against 3 cannot be below 0.10."""
    ways = float(comb(n + m, n)) ** tasks
    return min(1.0, (2.0 if n == m else 1.0) / ways)


def _share(moved: Array, observed: float) -> float:
    """Share of statistics at least as far from 0 as the observed one."""
    return float(np.mean(np.abs(moved) >= abs(observed) * (1.0 - TOLERANCE)))


def _choice_sums(values: Array, n: int) -> Array:
    """Sum of each choice of n of the values."""
    chosen = np.fromiter((i for one in combinations(range(len(values)), n) for i in one), dtype=np.intp)
    return values[chosen.reshape(-1, n)].sum(axis=1)
