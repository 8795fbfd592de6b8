"""Playing an episode with a planner: decide from a saved state, put the state back, act."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lifesigns.baselines.problem import EVALUATION_SEED, Problem, Slice, blind, finish
from lifesigns.planner.ladder import Rung

Decide = Callable[[Any, Any], Any]
"""(observation, saved state) → action in the methods' form; may leave the world in any state."""


@dataclass
class Played:
    """One episode, or its beginning where the time was over."""

    total: float = 0.0
    steps: int = 0
    whole: bool = False
    observations: list[Any] = field(default_factory=list[Any])
    actions: list[Any] = field(default_factory=list[Any])


def imagine(problem: Problem, state: Any, actions: Iterable[Any], rng: np.random.Generator | None) -> float:
    """Sum of rewards of an action sequence (methods' form) from a saved state; ends with the episode.

    On a stochastic environment the future is drawn anew, where the adapter can.
    """
    assert problem.restore is not None
    problem.restore.restore(state, rng if problem.stochastic and problem.restore.chance else None)
    world, decode = problem.world, problem.actions.decode
    total = 0.0
    for action in actions:
        _, reward, terminated, truncated = world.step(decode(action))
        total += reward
        if terminated or truncated:
            break
    return total


def play_planned(
    problem: Problem, decide: Decide, seed: int, limit: Slice, most_steps: int = 0, hold: int = 1
) -> Played:
    """An episode with a decision every `hold` steps, or the part of it that fitted into the slice."""
    world, restore = problem.world, problem.restore
    assert restore is not None
    obs = world.reset(seed=seed)
    played = Played()
    action: Any = None
    while True:
        if played.steps % hold == 0:
            state = restore.save()
            action = decide(obs, state)
            restore.restore(state)
        played.observations.append(obs)
        played.actions.append(action)
        obs, reward, terminated, truncated = world.step(problem.actions.decode(action))
        played.total += reward
        played.steps += 1
        if terminated or truncated:
            played.whole = True
            return played
        if limit.far_over or (most_steps and played.steps >= most_steps):
            return played


def episodes(
    problem: Problem,
    method: str,
    kind: str,
    decide: Decide,
    limit: Slice,
    most: int = 5,
    seeds: Sequence[int] = (),
    **options: Any,
) -> tuple[Rung, list[Played]]:
    """Plays episodes on the evaluation seeds while a further one is likely to fit; the rung and what was played.

    `seeds` names other starts; `options` go to `play_planned`. Where not even one episode fitted, the rung is of its
    first steps, beside random actions over as many.
    """
    found: list[Played] = []
    wall = time.monotonic()
    for seed in seeds or range(EVALUATION_SEED, EVALUATION_SEED + most):
        played = play_planned(problem, decide, seed, limit, **options)
        if not played.whole and found:
            break
        found.append(played)
        if not played.whole or (time.monotonic() - wall) / len(found) > limit.left:
            break
    steps = sum(p.steps for p in found)
    first = found[0]
    rung = Rung(
        method,
        kind,
        tuple(p.total for p in found),
        unfair=problem.model_unfair,
        steps=0 if first.whole else first.steps,
        random_then=float("nan") if first.whole else problem.random_over(first.steps),
        decision_ms=1000 * (time.monotonic() - wall) / max(steps, 1),
        facts={"decisions": steps},
    )
    return finish(rung, limit), found


def needs_restore(problem: Problem, method: str, kind: str = "planner") -> Rung | None:
    """A blind rung where the state cannot be restored or actions cannot be chosen; None where planning can begin."""
    if problem.restore is None:
        return blind(method, kind, problem.no_restore or "the state cannot be restored")
    if not problem.actions.kind:
        return blind(method, kind, problem.actions.note)
    return None
