"""Sequential comparison: run seeds in groups, look after each, and stop as soon as the question is settled.

A group-sequential permutation test in the manner of AdaStop (Mathieu et al. 2023), of exactly the nominal size: labels
are permuted within each group of seeds, and each look may spend a given share of alpha.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from lifesigns.stats.scores import Array, as_sample

Decision = Literal["different", "continue", "not shown different"]


@dataclass(frozen=True, slots=True)
class SequentialPlan:
    """`groups` looks, each after `group_runs` further seeds an arm; `spending` is alpha spent up to each look."""

    group_runs: int
    groups: int
    spending: tuple[float, ...]

    @property
    def most_runs(self) -> int:
        """Seeds an arm if it never stops early."""
        return self.group_runs * self.groups


@dataclass(frozen=True, slots=True)
class SequentialLook:
    """The state after `look` groups: `statistic` is the mean difference A - B, `boundary` what its size must exceed."""

    decision: Decision
    look: int
    runs: int
    statistic: float
    boundary: float


def sequential_plan(
    group_runs: int = 5, groups: int = 5, *, alpha: float = 0.05, shape: Literal["even", "late"] = "even"
) -> SequentialPlan:
    """A plan fixed before the first run. `even` spends alpha in equal parts (as AdaStop), `late` by the cube of the
    share of the seeds (near O'Brien and Fleming 1979): hard to stop early, little lost at the end.

    Raises ValueError where no look could ever reject: groups of 2 or 3 can spend nothing at the first look.
    """
    if group_runs < 1 or groups < 1:
        raise ValueError(f"expected at least 1 run a group and 1 group, got {group_runs} and {groups}")
    share = np.arange(1, groups + 1) / groups
    spending = alpha * (share if shape == "even" else share**3)
    return SequentialPlan(group_runs, groups, tuple(float(s) for s in spending))


def sequential_test(
    a: ArrayLike, b: ArrayLike, plan: SequentialPlan, *, rng: Generator, permutations: int = 10_000
) -> SequentialLook:
    """Decision from all scores so far, [run] in the order in which they were run, a whole number of groups of each.

    Pass the same state of `rng` at every look: the earlier looks are replayed. The size is at most alpha: under the
    null the observed labelling is one of `permutations` + 1 exchangeable ones, of which the looks together may
    reject a share of alpha. Raises ValueError for unequal or broken groups and more groups than planned.
    """
    first, second = as_sample(a, 1, "a"), as_sample(b, 1, "b")
    size = plan.group_runs
    looks, rest = divmod(len(first), size)
    if len(first) != len(second) or rest or not 1 <= looks <= plan.groups:
        raise ValueError(
            f"expected 1 to {plan.groups} whole groups of {size} runs in both, got {len(first)} and {len(second)}"
        )
    sums = np.zeros(permutations + 1)
    alive = np.ones(permutations + 1, dtype=np.bool_)
    removed, boundary = 0, np.inf
    children = rng.integers(0, 2**63, size=plan.groups)
    for look in range(1, looks + 1):
        rows = slice((look - 1) * size, look * size)
        own = np.random.Generator(np.random.PCG64(int(children[look - 1])))
        sums += _relabelled(first[rows], second[rows], own, permutations)
        budget = int(np.floor(plan.spending[look - 1] * (permutations + 1) + 1e-9)) - removed
        boundary = _boundary(np.abs(sums[alive]), budget)
        rejected = alive & (np.abs(sums) > boundary)
        removed += int(rejected.sum())
        alive &= ~rejected
        if not alive[0]:
            return _look("different", look, size, sums[0], boundary)
    last: Decision = "not shown different" if looks == plan.groups else "continue"
    return _look(last, looks, size, sums[0], boundary)


def _look(decision: Decision, look: int, size: int, total: float, boundary: float) -> SequentialLook:
    runs = look * size
    return SequentialLook(decision, look, runs, float(total) / runs, float(boundary) / runs)


def _relabelled(a: Array, b: Array, rng: Generator, permutations: int) -> Array:
    """Sum of A less sum of B of one group under the observed labels (first) and random ones, [permutation + 1]."""
    pool = np.concatenate([a, b])
    chosen = np.argsort(rng.random((permutations, len(pool))), axis=1)[:, : len(a)]
    sums = pool[chosen].sum(axis=1)
    return np.concatenate([[a.sum() - b.sum()], 2.0 * sums - pool.sum()])


def _boundary(sizes: Array, budget: int) -> float:
    """The least value that at most `budget` of the sizes exceed; rounding of equal sums is evened out."""
    if budget <= 0 or not len(sizes):
        return float("inf")
    if budget >= len(sizes):
        return -1.0
    edge = float(np.sort(sizes)[-budget - 1])
    return edge * (1.0 + 1e-9) + 1e-300


def as_groups(values: Sequence[ArrayLike]) -> Array:
    """Groups of scores as one sample in order."""
    return np.concatenate([as_sample(v) for v in values])
