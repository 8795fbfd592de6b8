"""Where the variance of the return comes from: the start state, chance in the dynamics, or the policy (M4)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from lifesigns.baselines.methods.linear import plain_form
from lifesigns.baselines.problem import FIT_SEED, Problem, Slice
from lifesigns.planner.properties import Property
from lifesigns.stats.components import crossed

STARTS, REPEATS, LEAST, MOST = 6, 2, 4, 24
"""Start states, repeats of each with chance drawn anew, fewest and most policies."""
LEAST_STEPS = 20
"""Fewest first steps whose return is divided, where whole episodes do not fit."""
NAMES = ("variance_policy", "variance_start", "variance_dynamics")
Act = Callable[[Any, int], Any]
"""(observation, step) → action of the environment."""


def shares(problem: Problem, limit: Slice) -> list[Property]:
    """Shares of the variance of the return, by a crossed design: each policy plays from each start, twice.

    Starts are restored with chance drawn anew; without such a restore each seed stands for start and chance together,
    and is played once.
    """
    restore = problem.restore
    repeats = REPEATS if restore is not None and restore.chance else 1
    fit = int(problem.sps * 0.4 * limit.seconds / (STARTS * repeats * LEAST))
    steps = min(problem.world.horizon, fit)
    longest = max((len(s) for s in problem.random_streams), default=problem.world.horizon)
    if steps < min(LEAST_STEPS, longest):
        return _blind(f"not measured: only {steps} steps of each episode fit into {limit.seconds:.1f} s")
    starts = _starts(problem)
    columns: list[list[list[float]]] = []
    rng, cut = problem.rng(43), [0]
    for i in range(MOST):
        column = _played(problem, _policy(problem, i, steps), starts, rng, repeats, steps, limit, cut)
        if column is None:
            break
        columns.append(column)
    if len(columns) < LEAST:
        return _blind(f"not measured: only {len(columns)} of {LEAST} policies fitted into the time")
    return _said(problem, np.array(columns).transpose(1, 0, 2), steps, cut[0])


def _starts(problem: Problem) -> list[tuple[Any, Any]]:
    """(first observation, its state) of each start; the state is None without a restore that draws chance anew."""
    found: list[tuple[Any, Any]] = []
    fresh = problem.restore is not None and problem.restore.chance
    for i in range(STARTS):
        obs = copy.deepcopy(problem.world.reset(seed=FIT_SEED + i))
        found.append((obs, problem.restore.save() if fresh and problem.restore else None))
    return found


def _policy(problem: Problem, number: int, steps: int) -> Act:
    """A random linear policy; where there are no features, a list of random actions."""
    rng = problem.rng(5000 + number)
    if problem.features.n and problem.actions.kind:
        form = plain_form(problem)
        policy = form.policy(rng.normal(size=form.size))
        return lambda obs, _: policy(obs)
    if problem.actions.kind:
        listed = [problem.actions.decode(problem.actions.random(rng)) for _ in range(steps)]
    else:
        listed = [problem.world.env.action_space.sample() for _ in range(steps)]
    return lambda _, step: listed[step]


def _played(
    problem: Problem,
    act: Act,
    starts: list[tuple[Any, Any]],
    rng: np.random.Generator,
    repeats: int,
    steps: int,
    limit: Slice,
    cut: list[int],
) -> list[list[float]] | None:
    """Returns [start][repeat] of one policy; None where the time was over; counts the episodes that it cuts."""
    rows: list[list[float]] = []
    for i, (first, state) in enumerate(starts):
        row: list[float] = []
        for _ in range(repeats):
            if limit.over:
                return None
            obs = first
            if state is None or problem.restore is None:
                obs = problem.world.reset(seed=FIT_SEED + i)
            else:
                problem.restore.restore(state, rng)
            total, whole = _return(problem, act, obs, steps)
            row.append(total)
            cut[0] += not whole
        rows.append(row)
    return rows


def _return(problem: Problem, act: Act, obs: Any, steps: int) -> tuple[float, bool]:
    """Sum of the rewards, and whether the episode ended."""
    total = 0.0
    for step in range(steps):
        obs, reward, terminated, truncated = problem.world.step(act(obs, step))
        total += reward
        if terminated or truncated:
            return total, True
    return total, steps >= problem.world.horizon


def _said(problem: Problem, table: np.ndarray[Any, Any], steps: int, cut: int) -> list[Property]:
    starts, policies, repeats = table.shape
    kind = "random linear policies" if problem.features.n and problem.actions.kind else "lists of random actions"
    size = f"{policies} {kind} × {starts} starts × {repeats}"
    size += f", first {steps} steps" if cut else ""
    if not np.isfinite(table).all() or np.ptp(table) == 0:
        return _blind(f"cannot be told: all returns are the same ({size})")
    parts = crossed(table)
    policy, start, both, chance = (v / parts.total for v in (parts.columns, parts.rows, parts.together, parts.within))
    lead = f"{100 * policy:.0f} % of the variance of the return is the policy's"
    if repeats == 1:
        text = f"{lead}, {100 * start:.0f} % the seed's (start and chance), the rest their interplay ({size})"
        why = "cannot be told apart from the start: no restore that draws chance anew"
        return [
            Property(NAMES[0], policy, text),
            Property(NAMES[1], start, f"{100 * start:.0f} % of it comes from the seed: the start state and chance"),
            Property(NAMES[2], None, why),
        ]
    text = f"{lead}, {100 * both:.0f} % of start and policy together ({size}; a rough estimate)"
    return [
        Property(NAMES[0], policy, text),
        Property(NAMES[1], start, f"{100 * start:.0f} % of it comes from the start state alone"),
        Property(NAMES[2], chance, f"{100 * chance:.0f} % of it comes from chance in the dynamics"),
    ]


def _blind(why: str) -> list[Property]:
    return [Property(name, None, why) for name in NAMES]
