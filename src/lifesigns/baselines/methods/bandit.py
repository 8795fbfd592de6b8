"""A myopic bandit (P34): least squares of the next reward on observation and action, the best action taken greedily."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.baselines.problem import FIT_SEED, Problem, Slice, evaluate, finish
from lifesigns.planner.ladder import Rung

STEPS, PENALTY = 3000, 1.0
MOST_SQUARED = 24
"""Features up to which their squares and products with the action are inputs as well."""


def myopic(problem: Problem, limit: Slice) -> Rung:
    """γ = 0: where this is as good as planning, no credit has to be assigned over time."""
    world, rng = problem.world, problem.rng(50)
    candidates = problem.actions.candidates(rng)
    rows, rewards = [], []
    x, seed = problem.features.of(world.reset(seed=FIT_SEED)), FIT_SEED
    fit = limit.part(0.4)
    while len(rows) < STEPS and not fit.over:
        action = problem.actions.random(rng)
        obs, reward, terminated, truncated = world.step(problem.actions.decode(action))
        rows.append(_inputs(problem, x, action))
        rewards.append(reward)
        x = problem.features.of(obs)
        if terminated or truncated:
            seed += 1
            x = problem.features.of(world.reset(seed=seed))
    table, mean = np.array(rows), float(np.mean(rewards))
    scale = np.maximum(table.std(0), 1e-6)
    shift = table.mean(0)
    normal = ((table - shift) / scale).T @ ((table - shift) / scale) + PENALTY * np.eye(table.shape[1])
    weights = np.linalg.solve(normal, ((table - shift) / scale).T @ (np.array(rewards) - mean)) / scale

    def act(obs: Any) -> Any:
        seen = problem.features.of(obs)
        values = [float(_inputs(problem, seen, a) @ weights) for a in candidates]
        best = np.flatnonzero(np.array(values) >= max(values) - 1e-9)
        return problem.actions.decode(candidates[int(best[rng.integers(len(best))])])

    return finish(Rung("myopic bandit", "bandit", evaluate(problem, act, limit), facts={"steps": len(rows)}), limit)


def _inputs(problem: Problem, x: NDArray[np.float64], action: Any) -> NDArray[np.float64]:
    """Features of observation and action: each alone, and their products."""
    if problem.actions.kind == "discrete":
        n = len(x) + 1
        found = np.zeros(n * problem.actions.n)
        found[action * n : action * n + len(x)] = x
        found[action * n + len(x)] = 1.0
        return found
    parts = [x, action, action**2]
    if len(x) * len(action) <= MOST_SQUARED**2:
        parts.append(np.outer(x, action).ravel())
    if len(x) <= MOST_SQUARED:
        parts.append(x**2)
    return np.concatenate(parts)
