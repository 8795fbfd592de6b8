"""GORP: greedy on the values of the random policy, estimated by rollouts from the restored state (P29).

Source: Laidlaw, Russell, Dragan 2023, "Bridging RL theory and practice with the effective horizon". Where acting
greedily on random play is good, any RL method should work, and one that does not has a bug.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from lifesigns.baselines.planning import Played, episodes, imagine, needs_restore
from lifesigns.baselines.problem import Problem, Slice
from lifesigns.planner.ladder import Rung

ROLLOUTS, DEPTH = 10, 100
FEWEST, SHALLOWEST = 3, 15
MOST_SEQUENCES = 64
MOST_OVER = 8.0
"""How many times too long the cheapest version may take before it is not begun: a part of an episode still says how
often actions tie."""


def gorp(
    problem: Problem, limit: Slice, k: int = 1, rollouts: int = 0, depth: int = 0, **options: Any
) -> tuple[Rung, list[Played]]:
    """Each decision: the first action of the best sequence of `k`, followed by random actions; ties are counted."""
    method = f"GORP k={k}"
    if (no := needs_restore(problem, method, "greedy")) is not None:
        return no, []
    rng = problem.rng(10 + k)
    heads = list(itertools.product(problem.actions.candidates(rng), repeat=k))
    if len(heads) > MOST_SEQUENCES:
        return Rung(method, "greedy", blind=f"{len(heads)} sequences of {k} actions are too many"), []
    if not rollouts and (seconds := least_seconds(problem, len(heads))) > MOST_OVER * limit.seconds:
        why = (
            f"{len(heads)} actions to compare at each of some {problem.expected_steps} steps would take {seconds:.0f} s"
        )
        return Rung(method, "greedy", blind=why), []
    m, T = (rollouts, depth) if rollouts else sized(problem, limit, len(heads))
    ties = [0, 0]
    small = problem.actions.kind == "discrete" or len(heads) <= 25

    def decide(_: Any, state: Any) -> Any:
        chosen = heads if small else list(itertools.product(problem.actions.candidates(rng), repeat=k))
        values = np.zeros(len(chosen))
        for _ in range(m):
            tail = [problem.actions.random(rng) for _ in range(T - k)]
            for i, head in enumerate(chosen):
                values[i] += imagine(problem, state, (*head, *tail), rng) / m
        best = np.flatnonzero(values >= values.max() - 1e-9 * max(1.0, abs(values.max())))
        ties[0] += len(best) == len(chosen)
        ties[1] += 1
        return chosen[best[rng.integers(len(best))]][0]

    rung, played = episodes(problem, method, "greedy", decide, limit, **options)
    facts = {**rung.facts, "tie_rate": ties[0] / max(ties[1], 1), "rollouts": m, "depth": T, "sequences": len(heads)}
    return replace(rung, facts=facts), played


def least_seconds(problem: Problem, heads: int) -> float:
    """Seconds of one episode with the fewest rollouts of the least depth."""
    typical = float(np.mean([len(s) for s in problem.random_streams])) if problem.random_streams else SHALLOWEST
    return problem.expected_steps * heads * FEWEST * min(SHALLOWEST, typical) / problem.sps


def sized(problem: Problem, limit: Slice, heads: int) -> tuple[int, int]:
    """Rollouts and depth for which one episode fits into the slice."""
    horizon = problem.world.horizon
    typical = float(np.mean([len(s) for s in problem.random_streams])) if problem.random_streams else horizon
    affordable = 0.8 * limit.seconds * problem.sps / (problem.expected_steps * heads)
    depth = min(DEPTH, horizon)
    per = min(depth, typical)
    if affordable / per > 3 * ROLLOUTS:
        return ROLLOUTS, depth
    m = int(min(ROLLOUTS, max(affordable / per, FEWEST)))
    if affordable / per < FEWEST:
        depth = int(min(depth, max(affordable / FEWEST, SHALLOWEST)))
    return m, depth
