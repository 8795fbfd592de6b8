"""Two arms against each other: the test, how likely a run of the one beats one of the other, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lifesigns.compare.scores import ArmScores, Scores
from lifesigns.stats.bootstrap import difference_interval
from lifesigns.stats.equivalence import Equivalence, equivalence_test
from lifesigns.stats.improvement import improvement_interval
from lifesigns.stats.interval import Interval, Significance
from lifesigns.stats.multiplicity import adjusted
from lifesigns.stats.paired import Pairing, same_seed_test
from lifesigns.stats.permutation import least_p, permutation_test
from lifesigns.stats.pilots import SeedsNeeded, seeds_from_pilots
from lifesigns.stats.power import seeds_for_least_p
from lifesigns.stats.selection import opposite_share
from lifesigns.stats.success import fisher_test

Array = NDArray[np.float64]

FEW = 5
"""Seeds of the smaller study whose chance of the opposite result is told: what papers mostly report."""


@dataclass(frozen=True)
class Pair:
    """`ahead` against `behind` (by mean score). With a `refusal` there is no test, and it says what is missing.

    `p` is corrected for the number of pairs (Holm). `wins` of `shared` seeds: where `ahead` is above on the same
    seed. `opposite` is the chance that five seeds of each had shown the opposite order.
    """

    ahead: str
    behind: str
    refusal: str = ""
    test: Significance | None = None
    p: float = 1.0
    alpha: float = 0.05
    improvement: Interval | None = None
    difference: Interval | None = None
    pairing: Pairing | None = None
    wins: int = 0
    shared: int = 0
    opposite: float | None = None
    needed: SeedsNeeded | None = None
    runs: int = 0
    failures: Significance | None = None
    equivalence: Equivalence | None = None

    @property
    def different(self) -> bool:
        """Whether `ahead` is shown to be better: the corrected p, and more wins than losses."""
        return (
            not self.refusal
            and self.p <= self.alpha
            and self.improvement is not None
            and (self.improvement.estimate > 0.5)
        )

    @property
    def more(self) -> tuple[int | None, int | None] | None:
        """Further seeds of each for a power of 80 %: with little and with good assurance; None where unknown."""
        if self.needed is None:
            return None
        low = None if self.needed.low is None else max(0, self.needed.low - self.runs)
        return low, self.needed.more(self.runs)


def pairs_of(scores: Scores, *, rng: Generator, alpha: float = 0.05, margin: float | None = None) -> list[Pair]:
    """Every pair of arms, with p-values corrected for their number."""
    found = [_pair(a, b, scores, rng, alpha, margin) for a, b in combinations(scores.arms, 2)]
    tested = [i for i, pair in enumerate(found) if pair.test is not None]
    corrected = adjusted([t.p for i in tested if (t := found[i].test) is not None]) if tested else np.empty(0)
    for place, p in zip(tested, corrected.tolist(), strict=True):
        found[place] = replace(found[place], p=float(p))
    return found


def refusal(arms: Sequence[ArmScores], alpha: float) -> str:
    """Why no winner can be called from so few runs, and what is missing; empty where one can."""
    single = [arm.name for arm in arms if arm.runs < 2]
    least = seeds_for_least_p(alpha)
    if single:
        have = "has one seed" if len(single) == 1 else "have one seed each"
        return (
            f"{' and '.join(single)} {have}: one run says nothing about the next. "
            f"Run at least {least} seeds of each; {least} can show only a very large difference"
        )
    n, m = arms[0].runs, arms[1].runs
    smallest = least_p(n, m, 1)
    if smallest > alpha and arms[0].oriented.shape[1] == 1:
        return (
            f"{n} against {m} seeds cannot be significant at {100 * alpha:g} %, whatever they score (smallest possible "
            f"p: {smallest:.2g}). Run at least {max(least - min(n, m), 1)} more of each"
        )
    return ""


def _pair(a: ArmScores, b: ArmScores, scores: Scores, rng: Generator, alpha: float, margin: float | None) -> Pair:
    if a.oriented.mean() < b.oriented.mean():
        a, b = b, a
    why = refusal((a, b), alpha)
    shared = [s for s in a.seeds if s and s in b.seeds]
    first, second = a.oriented.mean(axis=1), b.oriented.mean(axis=1)
    wins = sum(float(first[a.seeds.index(s)]) > float(second[b.seeds.index(s)]) for s in shared)
    runs = min(a.runs, b.runs)
    base = Pair(a.name, b.name, alpha=alpha, wins=wins, shared=len(shared), runs=runs, refusal=why)
    if runs < 2:
        return base
    base = replace(
        base,
        improvement=improvement_interval(a.oriented, b.oriented, rng=rng),
        difference=_difference(a, b, scores, rng),
        opposite=opposite_share(first, second, FEW, rng=rng),
        needed=_needed(first, second, rng, alpha),
        failures=_failures(a, b),
    )
    if why:
        return base
    test, pairing = _test(a, b, shared, rng)
    equal = None if margin is None else equivalence_test(first, second, margin, alpha=alpha)
    return replace(base, test=test, p=test.p, pairing=pairing, equivalence=equal)


def _test(a: ArmScores, b: ArmScores, shared: Sequence[str], rng: Generator) -> tuple[Significance, Pairing | None]:
    """By the same seeds where all are shared and that helps; else by permuting the labels."""
    if a.oriented.shape[1] == 1 and len(shared) == a.runs == b.runs:
        order = [b.seeds.index(s) for s in a.seeds]
        return same_seed_test(a.oriented[:, 0], b.oriented[order, 0], rng=rng)
    return permutation_test(a.oriented, b.oriented, rng=rng), None


def _difference(a: ArmScores, b: ArmScores, scores: Scores, rng: Generator) -> Interval:
    """Of the interquartile means, in the unit of the scores (of a loss: how much lower)."""
    return difference_interval(a.oriented, b.oriented, "iqm", rng=rng, replicates=4_000)


def _needed(first: Array, second: Array, rng: Generator, alpha: float) -> SeedsNeeded | None:
    try:
        return seeds_from_pilots(first, second, rng=rng, alpha=alpha)
    except ValueError:
        return None


def _failures(a: ArmScores, b: ArmScores) -> Significance | None:
    """Whether the one fails more often than the other; None where none failed."""
    bad = int(a.failed.sum()), int(b.failed.sum())
    if not any(bad):
        return None
    return fisher_test(bad[0], a.failed.size, bad[1], b.failed.size)
