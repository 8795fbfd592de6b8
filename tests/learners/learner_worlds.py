"""Tiny environments whose right values are known."""

from __future__ import annotations

import time
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

HERE = __file__


class Counter(gymnasium.Env):
    """Observes (episode, step); ends by terminating or by truncation in turn; the reward is the step."""

    observation_space = Box(-1e6, 1e6, (2,))
    action_space = Discrete(2)

    def __init__(self) -> None:
        self.episode, self.at = -1, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.episode, self.at = self.episode + 1, 0
        return self._obs(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.at += 1
        over = self.at == 3 + self.episode % 3
        return self._obs(), float(self.at), over and self.episode % 2 == 0, over and self.episode % 2 == 1, {}

    def _obs(self) -> Any:
        return np.array([self.episode, self.at], dtype=np.float32)


class Steady(gymnasium.Env):
    """One observation, reward 1 at each step, cut after 5 steps: worth 1 / (1 - gamma) if the cut is no end."""

    observation_space = Box(-1.0, 1.0, (1,))
    action_space: Any = Box(-1.0, 1.0, (1,))
    cut = True

    def __init__(self) -> None:
        self.at = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.at = 0
        return np.ones(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.at += 1
        over = self.at == 5
        return np.ones(1, np.float32), 1.0, over and not self.cut, over and self.cut, {}


class SteadyDiscrete(Steady):
    action_space = Discrete(2)


class SteadyEnding(SteadyDiscrete):
    """The same, but the fifth step is the end."""

    cut = False


class Match(gymnasium.Env):
    """Shows -1 or 1; the action must have its sign. 10 steps; reward 1 for each match, so 10 is the best."""

    observation_space = Box(-1.0, 1.0, (1,))
    action_space: Any = Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.at = 0
        return self._show(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        right = (self._sign(action) > 0) == (self.shown > 0)
        self.at += 1
        return self._show(), float(right), False, self.at == 10, {}

    def _sign(self, action: Any) -> float:
        return 2 * int(action) - 1

    def _show(self) -> Any:
        self.shown = float(self.np_random.choice([-1.0, 1.0]))
        return np.array([self.shown], np.float32)


class MatchContinuous(Match):
    """Two numbers; their distance from the sign shown is lost."""

    action_space = Box(-3.0, 7.0, (2,))

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        lost = float(np.square(np.asarray(action) - 2.0 * self.shown).sum())
        self.at += 1
        return self._show(), 1.0 - lost / 10, False, self.at == 10, {}


class Hangs(Match):
    """The 40th step of an instance does not come back."""

    taken = 0

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.taken += 1
        if self.taken == 400:
            time.sleep(3600)
        return super().step(action)


class Breaks(Match):
    """Raises after a while."""

    taken = 0

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.taken += 1
        if self.taken == 400:
            raise RuntimeError("the motor is stuck")
        return super().step(action)


class Worded(Match):
    """Nothing to learn from: observations without numbers."""

    observation_space: Any = Dict({})
