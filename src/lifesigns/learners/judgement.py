"""What the seeds of a reference learner say of a task, in words."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from statistics import median

from lifesigns.learners.learned import Learned
from lifesigns.stats.interval import Interval
from lifesigns.stats.success import success_interval
from lifesigns.stats.two_sample import rank_test

NAMES = {"dqn": "DQN", "naf": "NAF", "ppo": "PPO", "sac": "SAC"}
CLEAR = 0.01
"""p below which a seed's episodes are told from random ones."""


@dataclass(frozen=True)
class Judgement:
    """`kind`: `learnable` (every seed), `a lottery` (some), `not learned` (none), `no target` (nothing says how much is
    enough; seeds that beat random actions are counted instead).

    `good[i]` is whether seed i succeeded; `rate` the share of successes with its exact interval; `first` the step of
    the first evaluation from which a seed stayed there, None for those that did not get there.
    """

    kind: str
    headline: str
    sentences: tuple[str, ...]
    good: tuple[bool, ...]
    rate: Interval
    first: tuple[int | None, ...]


def judge(found: Learned) -> Judgement:
    """The judgement of a complete result; raises ValueError for one without a last evaluation."""
    if not found.complete:
        raise ValueError("expected returns of a last evaluation of every seed, got none")
    good = tuple(succeeded(found, i) for i in range(len(found.seeds)))
    wins, runs = sum(good), len(good)
    rate = success_interval(wins, runs)
    kind = "learnable" if wins == runs else "a lottery" if wins else "not learned"
    kind = "no target" if found.target is None else kind
    first = tuple(reached(found, i) for i in range(runs))
    return Judgement(kind, headline(found, kind, wins, rate), sentences(found, wins, first), good, rate, first)


def succeeded(found: Learned, i: int) -> bool:
    """Whether seed i's mean return is enough; without a target, whether it is clearly above random actions."""
    score = found.scores[i]
    if not isfinite(score):
        return False
    if found.target is not None:
        return score >= found.target
    random = [r for r in found.random if isfinite(r)]
    if len(random) < 2 or score <= sum(random) / len(random):
        return False
    return rank_test(found.final[i], random).p < CLEAR


def reached(found: Learned, i: int) -> int | None:
    """The step of the first evaluation of seed i at or above the target after which none was below it."""
    if found.target is None:
        return None
    first = None
    for step, value in zip(found.steps, found.curves[i], strict=True):
        if not value >= found.target:
            first = None
        elif first is None:
            first = step
    return first


def headline(found: Learned, kind: str, wins: int, rate: Interval) -> str:
    """One sentence: how many seeds of what reached it, and how sure that is."""
    runs, name = len(found.seeds), NAMES[found.learner]
    span = f"{100 * rate.low:.0f} to {100 * rate.high:.0f} %, 95 %, exact"
    steps = f"{found.done_steps:,} steps"
    if kind == "no target":
        return (
            f"{wins} of {runs} seeds of {name} ({span}) end clearly above random actions after {steps}; nothing says "
            "which return is enough here: name it with --target."
        )
    if kind == "not learned":
        return f"Not learned: no seed of {runs} of {name} reached {found.target:g} in {steps} (success {span})."
    words = "Learnable" if kind == "learnable" else "Learnable, but a lottery" if 2 * wins >= runs else "A lottery"
    return f"{words}: {wins} of {runs} seeds of {name} reach {found.target:g} within {steps} (success {span})."


def sentences(found: Learned, wins: int, first: tuple[int | None, ...]) -> tuple[str, ...]:
    """What the result means for somebody whose own code fails here."""
    said: list[str] = []
    runs = len(found.seeds)
    if found.target is not None:
        said.append(f"{found.target:g} is enough: {found.target_source}.")
    there = sorted(step for step in first if step is not None)
    if there:
        said.append(f"Half of the seeds that got there and stayed did so by step {int(median(there)):,}.")
    if found.target is not None and wins == runs:
        worst = success_interval(runs, runs).low
        said.append(
            f"Code that fails here in more than {100 * (1 - worst):.0f} % of its seeds at as many steps is not "
            "unlucky: suspect the code or its settings."
        )
    elif found.target is not None and wins:
        said.append("A single failed run of yours may be bad luck: count the failures of ten (`lifesigns seeds`).")
    elif found.target is not None:
        said.append(
            "This says only that the task is hard for this learner at these steps and settings; more --steps or "
            "another --learner may do it."
        )
    if found.done_steps < found.asked_steps:
        said.append(f"The time was over after {found.done_steps:,} of {found.asked_steps:,} steps.")
    return tuple(said)
