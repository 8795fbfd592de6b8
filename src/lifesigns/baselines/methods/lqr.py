"""LQR about a point (P30): the dynamics of the observation linearised by finite differences of actions and states.

A model o' = A·o + B·u + c is fitted by least squares to transitions near the point where episodes start; the gain
solves the discrete algebraic Riccati equation for unit state cost. With discrete actions in order, the nearest is
taken. It stabilises; where the reward is something else than staying near the point, it cannot do well, and that is
the answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.baselines.problem import FIT_SEED, Policy, Problem, Slice, evaluate, finish, play
from lifesigns.planner.ladder import Rung

EPISODES, EARLY = 60, 15
"""Episodes of random actions, and the steps of each that lie near the start."""
CONTROL_COSTS = (0.01, 0.1, 1.0)
MOST_FEATURES, FIT = 40, 0.6
"""Observations larger than this are not linearised; least explained share of the variance of changes."""


def lqr(problem: Problem, limit: Slice) -> Rung:
    """The best of a few control costs, on fresh seeds."""
    if problem.features.n > MOST_FEATURES or problem.features.pixels:
        return Rung("LQR", "linear", blind=f"{problem.features.n} features are too many to linearise")
    if problem.actions.kind == "discrete" and problem.actions.n > 3:
        return Rung("LQR", "linear", blind=f"{problem.actions.n} discrete actions have no order")
    fitted = _linearised(problem, limit.part(0.4))
    if isinstance(fitted, str):
        return finish(Rung("LQR", "linear", blind=fitted), limit)
    a, b, centre, explained = fitted
    tried: list[tuple[float, Policy]] = []
    for cost in CONTROL_COSTS:
        gain = _gain(a, b, cost)
        if gain is None:
            continue
        policy = _policy(problem, gain, centre)
        returns = [d[0] for i in range(3) if (d := play(problem.world, policy, FIT_SEED + 500 + i, limit.until))]
        if returns:
            tried.append((float(np.mean(returns)), policy))
    if not tried:
        return finish(Rung("LQR", "linear", blind="no gain stabilises the linearised dynamics"), limit)
    best = max(tried, key=lambda pair: pair[0])[1]
    return finish(Rung("LQR", "linear", evaluate(problem, best, limit), facts={"explained": explained}), limit)


def _linearised(
    problem: Problem, limit: Slice
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float] | str:
    """A, B, the mean early observation, and the explained share; or why not."""
    world, of, rng = problem.world, problem.features.of, problem.rng(80)
    rows: list[NDArray[np.float64]] = []
    changes: list[NDArray[np.float64]] = []
    for episode in range(EPISODES):
        x = of(world.reset(seed=FIT_SEED + episode))
        for _ in range(EARLY):
            action = problem.actions.random(rng)
            obs, _, terminated, truncated = world.step(problem.actions.decode(action))
            following = of(obs)
            rows.append(np.concatenate([x, _scalar(problem, action)]))
            changes.append(following - x)
            x = following
            if terminated or truncated:
                break
        if limit.over:
            break
    table, change = np.array(rows), np.array(changes)
    if len(table) < 3 * table.shape[1]:
        return "too few transitions in its time"
    n = problem.features.n
    centre = table[:, :n].mean(0)
    inputs = np.hstack([table[:, :n] - centre, table[:, n:], np.ones((len(table), 1))])
    weights, *_ = np.linalg.lstsq(inputs, change, rcond=None)
    explained = 1 - ((change - inputs @ weights) ** 2).sum() / max(((change - change.mean(0)) ** 2).sum(), 1e-12)
    if explained < FIT:
        return f"the dynamics near the start are not linear ({100 * max(explained, 0):.0f} % explained)"
    return np.eye(n) + weights[:n].T, np.asarray(weights[n:-1].T, dtype=np.float64), centre, float(explained)


def _scalar(problem: Problem, action: Any) -> NDArray[np.float64]:
    """An index as one number in [-1, 1]; a vector as it is."""
    if problem.actions.kind == "discrete":
        return np.array([2 * action / max(problem.actions.n - 1, 1) - 1])
    return np.asarray(action)


def _gain(a: NDArray[np.float64], b: NDArray[np.float64], cost: float) -> NDArray[np.float64] | None:
    """K of u = -K·(o - centre); a slight contraction keeps unreachable components from blocking the equation."""
    from scipy.linalg import LinAlgError, solve_discrete_are

    shrunk, inputs = 0.995 * a, 0.995 * b
    try:
        p = solve_discrete_are(shrunk, inputs, np.eye(len(a)), cost * np.eye(b.shape[1]))
    except (LinAlgError, ValueError):
        return None
    return np.linalg.solve(cost * np.eye(b.shape[1]) + inputs.T @ p @ inputs, inputs.T @ p @ shrunk)


def _policy(problem: Problem, gain: NDArray[np.float64], centre: NDArray[np.float64]) -> Policy:
    actions, of = problem.actions, problem.features.of

    def act(obs: Any) -> Any:
        u = -gain @ (of(obs) - centre)
        if actions.kind == "discrete":
            return actions.decode(int(np.clip(np.rint((u[0] + 1) / 2 * (actions.n - 1)), 0, actions.n - 1)))
        return actions.decode(u)

    return act
