"""Floors (P21): random, sticky random, zero, every constant action."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from lifesigns.baselines.problem import EVALUATION_SEED, Problem, Slice, evaluate, finish
from lifesigns.planner.ladder import Rung

RANDOM_EPISODES, CONSTANT_EPISODES = 50, 10
STICKY = 0.9
"""Probability that sticky random actions repeat the last one."""
MOST_CONSTANTS = 18


def random(problem: Problem, limit: Slice) -> Rung:
    """Actions sampled from the space; keeps the rewards of each episode for comparison over equal steps."""
    world = problem.world
    world.env.action_space.seed(problem.seed)
    streams: list[np.ndarray[Any, Any]] = []
    cut = 0
    for i in range(RANDOM_EPISODES):
        world.reset(seed=EVALUATION_SEED + i)
        rewards: list[float] = []
        over = False
        while not over and not (limit.over and streams):
            _, reward, terminated, truncated = world.step(world.env.action_space.sample())
            rewards.append(reward)
            over = terminated or truncated
            if time.monotonic() > limit.until + limit.seconds:
                break
        if over:
            streams.append(np.array(rewards))
            world.ended(float(streams[-1].sum()))
        elif not streams:
            cut = len(rewards)
            streams.append(np.array(rewards))
        if limit.over:
            break
    problem.random_streams = streams
    returns = tuple(float(s.sum()) for s in streams)
    lengths = [len(s) for s in streams]
    return finish(
        Rung("random", "floor", returns, steps=cut, facts={"episode_steps": float(np.mean(lengths))}),
        limit,
        random_then=returns[0] if cut else float("nan"),
    )


def sticky(problem: Problem, limit: Slice) -> Rung:
    """Random actions that are repeated with probability 0.9: reaches further where a single step does little."""
    space, rng = problem.world.env.action_space, problem.rng(1)
    last: list[Any] = [space.sample()]

    def act(_: Any) -> Any:
        if rng.random() > STICKY:
            last[0] = space.sample()
        return last[0]

    return finish(Rung(f"sticky random (repeat {STICKY:g})", "floor", evaluate(problem, act, limit)), limit)


def constants(problem: Problem, limit: Slice) -> list[Rung]:
    """Every action of a small set, or zero and the ends of a box, always the same."""
    choices = constant_choices(problem)
    found: list[Rung] = []
    for i, (name, action) in enumerate(choices.items()):
        own = limit.part(1 / (len(choices) - i))
        decoded = problem.actions.decode(action)
        returns = evaluate(problem, lambda _, a=decoded: a, own, CONSTANT_EPISODES)
        if returns:
            found.append(finish(Rung(f"constant {name}", "constant", returns), own))
    return found


def constant_choices(problem: Problem) -> dict[str, Any]:
    """Name → action in the methods' form."""
    actions = problem.actions
    if actions.kind == "discrete":
        return {str(i): i for i in range(min(actions.n, MOST_CONSTANTS))}
    if actions.kind == "continuous":
        ends = {"middle": np.zeros(actions.n), "high": np.ones(actions.n), "low": -np.ones(actions.n)}
        for i in range(actions.n if 1 < actions.n <= 8 else 0):
            for sign in (1.0, -1.0):
                one = np.zeros(actions.n)
                one[i] = sign
                ends[f"component {i} {'high' if sign > 0 else 'low'}"] = one
        return ends
    return {}
