"""Model-predictive control by sampling (P28): MPPI over restored states, with a sweep over horizons.

Sources: Tassa et al. 2012 (MPC on such bodies), Williams et al. 2017 (MPPI: a weighted mean of sampled action sequences
with weights exp(return / temperature)). Noise is coloured in time. Simulations run in `mujoco.rollout` where the
environment's reward is known in closed form (`mujoco_rewards.py`), else in the environment itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.baselines.mujoco_rollout import MujocoRollout
from lifesigns.baselines.planning import Played, episodes, imagine, needs_restore, play_planned
from lifesigns.baselines.problem import FIT_SEED, Problem, Slice
from lifesigns.planner.ladder import Rung

HORIZONS = (5, 10, 20, 40)
SWEEP_STEPS, SWEEP_SHARE = 60, 0.2
SAMPLES, ENOUGH = 64, 32
WANTED = 5
"""Episodes that are planned for where each can still have ENOUGH samples a step."""
LARGE: dict[str, Any] = {"colour": 0.6, "spread": 0.6, "temperature": 0.15}
SMOOTH: dict[str, Any] = {"colour": 0.8, "spread": 0.3, "temperature": 0.3}
"""Correlation of the noise from step to step; its deviation; temperature in deviations of the returns. Bodies that
must be thrown about need large moves (HalfCheetah), fine ones small and smooth moves (Reacher: -5 against -10)."""

Sequences = NDArray[np.float64]
"""[sample, step, component] in [-1, 1]"""
Score = Callable[[Any, Sequences], NDArray[np.float64]]
"""(saved state, sequences) → return of each sample"""


@dataclass
class Mppi:
    """A plan that is improved at each decision and moved on by `hold` steps."""

    score: Score
    components: int
    samples: int
    horizon: int
    rng: np.random.Generator
    hold: int = 1
    rounds: int = 1
    spread: float = LARGE["spread"]
    colour: float = LARGE["colour"]
    temperature: float = LARGE["temperature"]

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.plan = np.zeros((self.horizon, self.components))
        self.pending: list[NDArray[np.float64]] = []

    def decide(self, state: Any) -> NDArray[np.float64]:
        if self.pending:
            return self.pending.pop(0)
        for _ in range(self.rounds):
            sequences = np.clip(self.plan + self.spread * self._noise(), -1.0, 1.0)
            returns = np.nan_to_num(self.score(state, sequences), nan=-1e9)
            width = max(self.temperature * float(returns.std()), 1e-9)
            weights = np.exp((returns - returns.max()) / width)
            self.plan = np.tensordot(weights / weights.sum(), sequences, 1)
        taken = self.plan[: self.hold].copy()
        self.plan = np.concatenate([self.plan[self.hold :], np.zeros((self.hold, self.components))])
        self.pending = list(taken[1:])
        return taken[0]

    def _noise(self) -> Sequences:
        """Coloured noise; the first sample has none, so that the plan itself is always tried."""
        noise = self.rng.normal(size=(self.samples, self.horizon, self.components))
        fresh = np.sqrt(1 - self.colour**2)
        for step in range(1, self.horizon):
            noise[:, step] = self.colour * noise[:, step - 1] + fresh * noise[:, step]
        noise[0] = 0.0
        return noise


def env_score(problem: Problem, rng: np.random.Generator) -> Score:
    """Scores sequences in the environment itself, one after the other."""

    def score(state: Any, sequences: Sequences) -> NDArray[np.float64]:
        return np.array([imagine(problem, state, sequence, rng) for sequence in sequences])

    return score


def scorer(problem: Problem) -> tuple[Score, float, str]:
    """The fastest exact way to score: function, simulated steps a second, and its name."""
    fast = MujocoRollout.of(problem)
    if fast is not None:
        return fast.score, fast.steps_per_s, "mujoco.rollout"
    return env_score(problem, problem.rng(30)), problem.sps, "env.step"


def mppi(problem: Problem, limit: Slice, **fixed: Any) -> tuple[Rung, list[Played]]:
    """Sweeps the horizon on the first steps of a fitting episode, tries smaller moves at the best one, then plays whole
    episodes."""
    if problem.actions.kind == "discrete":
        return Rung("MPPI", "planner", blind="actions are discrete; UCT and GORP plan there"), []
    if (no := needs_restore(problem, "MPPI")) is not None:
        return no, []
    score, sps, how = scorer(problem)
    sweep, horizon, moves = {}, int(fixed.get("horizon", 0)), LARGE
    if not horizon:
        begin = limit.part(SWEEP_SHARE)
        sweep = horizon_sweep(problem, score, sps, begin)
        horizon = max(sweep, key=lambda h: sweep[h]) if sweep else 15
        smooth = horizon_sweep(problem, score, sps, begin, (horizon,), SMOOTH)
        moves = SMOOTH if sweep and smooth.get(horizon, -np.inf) > sweep[horizon] else LARGE
    samples, hold = int(fixed.get("samples", 0)), int(fixed.get("hold", 1))
    if not samples:
        samples = sized(problem, sps, limit.left, horizon)
    planner = Mppi(score, problem.actions.n, samples, horizon, problem.rng(31), hold, **moves)

    def decide(_: Any, state: Any) -> NDArray[np.float64]:
        if problem.world.age == 0:
            planner.restart()
        return planner.decide(state)

    rung, played = episodes(problem, "MPPI", "planner", decide, limit, most=int(fixed.get("most", 5)))
    facts = {**rung.facts, "horizon": horizon, "samples": samples, "replan_every": hold, "simulator": how, **moves}
    facts |= {"sweep": {str(h): r for h, r in sweep.items()}, "sweep_steps": SWEEP_STEPS}
    return replace(rung, facts=facts), played


def sized(problem: Problem, sps: float, seconds: float, horizon: int) -> int:
    """Samples for which several episodes fit, or one; never fewer than are needed to plan at all.

    Where not even one fits, its first steps are played with ENOUGH samples: a whole episode of a starved planner would
    say something false about the environment.
    """
    affordable = 0.9 * seconds * sps / (problem.expected_steps * horizon)
    shared = affordable / WANTED if affordable / WANTED >= ENOUGH else affordable
    return int(np.clip(shared, ENOUGH, SAMPLES))


def horizon_sweep(
    problem: Problem,
    score: Score,
    sps: float,
    limit: Slice,
    horizons: tuple[int, ...] = HORIZONS,
    moves: dict[str, Any] = LARGE,
) -> dict[int, float]:
    """Return of the first steps by horizon, at equal samples; horizons that do not fit are left out."""
    found: dict[int, float] = {}
    steps = min(SWEEP_STEPS, problem.world.horizon)
    samples = int(np.clip(limit.seconds * sps / (steps * sum(HORIZONS)), 8, 32))
    for horizon in horizons:
        if horizon > problem.world.horizon or limit.over:
            break
        planner = Mppi(score, problem.actions.n, samples, horizon, problem.rng(32), **moves)
        played = play_planned(problem, lambda _, s, p=planner: p.decide(s), FIT_SEED, limit, steps)
        if played.steps < steps and not played.whole:
            break
        found[horizon] = played.total
    return found
