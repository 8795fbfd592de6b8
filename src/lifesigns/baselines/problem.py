"""What a baseline is given: a world, forms of its actions and observations, a way to restore it, and a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lifesigns.baselines.environment import World
from lifesigns.baselines.restore import Restore
from lifesigns.baselines.spaces import Actions, Features
from lifesigns.planner.ladder import Rung

EVALUATION_SEED, FIT_SEED = 10_000, 20_000
"""Episodes that are reported and episodes that a method may learn from start from different seeds."""
EPISODES, LEAST = 20, 5
"""Episodes of an evaluation, and those that may run over its time."""
GRACE = 0.5
"""Share of a slice by which it may be overrun."""
Policy = Callable[[Any], Any]
"""Observation → action of the environment."""


class Slice:
    """A stretch of wall time and the costs inside it."""

    def __init__(self, world: World, seconds: float) -> None:
        self._world = world
        self.until = time.monotonic() + seconds
        self.seconds = seconds
        self._cpu, self._steps = time.process_time(), world.steps

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.until

    @property
    def left(self) -> float:
        return max(self.until - time.monotonic(), 0.0)

    @property
    def far_over(self) -> bool:
        """Whether even what may be finished (a first episode, a few episodes of evaluation) must end."""
        return time.monotonic() >= self.until + GRACE * self.seconds

    def part(self, share: float) -> Slice:
        """A slice of this share of the time that is left."""
        return Slice(self._world, self.left * share)

    @property
    def cpu_s(self) -> float:
        return time.process_time() - self._cpu

    @property
    def env_steps(self) -> int:
        return self._world.steps - self._steps


@dataclass
class Problem:
    """One environment as the methods see it."""

    world: World
    actions: Actions
    features: Features
    restore: Restore | None = None
    no_restore: str = ""
    """Why there is no restore."""
    stochastic: bool = False
    sps: float = 1e4
    """Steps a second, measured."""
    target: float | None = None
    random_streams: list[np.ndarray[Any, Any]] = field(default_factory=list[np.ndarray[Any, Any]])
    """Rewards of each random episode, for comparison over equal numbers of steps."""
    seed: int = 0

    def rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream])

    @property
    def expected_steps(self) -> int:
        """Steps of a good episode, for planning time: at most 25 times those of a random one."""
        typical = float(np.mean([len(s) for s in self.random_streams])) if self.random_streams else np.inf
        return int(min(self.world.horizon, 25 * typical))

    def random_over(self, steps: int) -> float:
        """Mean return of random actions over the first `steps` steps."""
        return float(np.mean([s[:steps].sum() for s in self.random_streams])) if self.random_streams else float("nan")

    @property
    def model_unfair(self) -> str:
        """What a planner has that a learner has not, in this environment."""
        base = "uses the true model"
        if self.stochastic and self.restore is not None and not self.restore.chance:
            return base + ", foresees chance"
        return base


def play(world: World, policy: Policy, seed: int, until: float = float("inf")) -> tuple[float, int] | None:
    """Return and length of one whole episode; None where the time was over before its end."""
    obs = world.reset(seed=seed)
    total, steps = 0.0, 0
    while True:
        obs, reward, terminated, truncated = world.step(policy(obs))
        total += reward
        steps += 1
        if terminated or truncated:
            world.ended(total)
            return total, steps
        if time.monotonic() > until:
            return None


def evaluate(problem: Problem, policy: Policy, limit: Slice, episodes: int = EPISODES) -> tuple[float, ...]:
    """Returns of up to `episodes` whole episodes on the evaluation seeds, as many as fit."""
    found: list[float] = []
    for i in range(episodes):
        late = limit.until + (GRACE * limit.seconds if i < LEAST else 0.0)
        done = play(problem.world, policy, EVALUATION_SEED + i, late)
        if done is None:
            break
        found.append(done[0])
        if limit.over and len(found) >= LEAST:
            break
    return tuple(found)


def finish(rung: Rung, limit: Slice, **more: Any) -> Rung:
    """The rung with the costs of its slice filled in."""
    from dataclasses import replace

    return replace(rung, cpu_s=limit.cpu_s, env_steps=limit.env_steps, **more)


def blind(method: str, kind: str, reason: str) -> Rung:
    return Rung(method, kind, blind=reason)
