"""Open loop: actions that never look at the observation (P22, P23).

Periodic motions a_i = sin(ω t + φ_i)·A_i + b_i (Raffin et al. 2023) for continuous actions; the best of many random
action lists, replayed, for all ("Brute", Machado et al. 2018). Where these do well, feedback is hardly needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.baselines.problem import EVALUATION_SEED, FIT_SEED, Problem, Slice, finish, play
from lifesigns.planner.ladder import Rung

POPULATION, ELITE = 20, 5
LIST_EPISODES = 10
HOLDS = (1, 4, 12)
"""Steps for which an action of a random list is held."""


def open_loop(problem: Problem, limit: Slice) -> list[Rung]:
    """The best replayed list, and for continuous actions the best periodic motion."""
    if not problem.actions.kind:
        return [Rung("replayed action list", "open loop", blind=problem.actions.note)]
    if problem.actions.kind == "continuous":
        return [replayed(problem, limit.part(0.35)), periodic(problem, limit)]
    return [replayed(problem, limit)]


def replayed(problem: Problem, limit: Slice) -> Rung:
    """Searches on one start, then replays on other starts: a drop shows that feedback matters."""
    rng, search = problem.rng(70), limit.part(0.7)
    best: tuple[float, list[Any]] = (-np.inf, [])
    lists = 0
    while not search.over:
        hold = HOLDS[lists % len(HOLDS)]
        made: list[Any] = []
        age = [0]

        def act(_: Any, made: list[Any] = made, hold: int = hold, age: list[int] = age) -> Any:
            made.append(problem.actions.random(rng) if age[0] % hold == 0 else made[-1])
            age[0] += 1
            return problem.actions.decode(made[-1])

        done = play(problem.world, act, FIT_SEED, search.until)
        if done is None:
            break
        lists += 1
        if done[0] > best[0]:
            best = (done[0], made)
    if not lists:
        return finish(Rung("replayed action list", "open loop"), limit)
    returns = _played(problem, lambda t: best[1][t] if t < len(best[1]) else best[1][-1], limit)
    facts = {"lists": lists, "on_its_own_start": best[0]}
    return finish(Rung("replayed action list", "open loop", returns, facts=facts), limit)


def _played(problem: Problem, action: Any, limit: Slice, episodes: int = LIST_EPISODES) -> tuple[float, ...]:
    """Returns of the motion `action(t)` on the evaluation seeds."""
    found: list[float] = []
    for i in range(episodes):
        done = play(problem.world, _timed(problem, action), EVALUATION_SEED + i, limit.until)
        if done is None:
            break
        found.append(done[0])
    return tuple(found)


def _timed(problem: Problem, action: Any) -> Any:
    age = [-1]

    def act(_: Any) -> Any:
        age[0] += 1
        return problem.actions.decode(action(age[0]))

    return act


def periodic(problem: Problem, limit: Slice) -> Rung:
    """CEM on one frequency and an amplitude, a phase and an offset for each component."""
    n, rng, search = problem.actions.n, problem.rng(71), limit.part(0.8)
    mean = np.concatenate([[-1.0], np.full(n, 0.7), np.zeros(n), np.zeros(n)])
    deviation = np.concatenate([[1.0], np.full(n, 0.5), np.full(n, 2.0), np.full(n, 0.4)])

    def motion(theta: NDArray[np.float64]) -> Any:
        rate = np.exp(theta[0])
        amplitude, phase, offset = theta[1 : 1 + n], theta[1 + n : 1 + 2 * n], theta[1 + 2 * n :]
        return lambda t: amplitude * np.sin(rate * t + phase) + offset

    rounds, best = 0, (-np.inf, mean)
    while not search.over:
        thetas = mean + deviation * rng.normal(size=(POPULATION, len(mean)))
        scores: list[float] = []
        for theta in thetas:
            done = play(problem.world, _timed(problem, motion(theta)), FIT_SEED + rounds, search.until)
            if done is None:
                break
            scores.append(done[0])
        if scores:
            best = max(best, (max(scores), thetas[int(np.argmax(scores))]), key=lambda pair: pair[0])
        if len(scores) < POPULATION:
            break
        elite = thetas[np.argsort(scores)[::-1][:ELITE]]
        mean, deviation = elite.mean(0), elite.std(0) + 0.15 * 0.9**rounds
        rounds += 1
    if not np.isfinite(best[0]):
        return finish(Rung("periodic motion", "open loop"), limit)
    returns = _played(problem, motion(best[1]), limit)
    return finish(Rung("periodic motion", "open loop", returns, facts={"rounds": rounds}), limit)
