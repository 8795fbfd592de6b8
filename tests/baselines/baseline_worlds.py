"""Small environments with a stated optimum, and some that misbehave; opened by name in child processes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

WORLDS = Path(__file__)
LENGTH = 6


class Corridor(gym.Env):
    """Walk right for 6 cells: +1 at the end, -0.1 for each step; the optimum is 1 - 6·0.1 = 0.4."""

    observation_space = spaces.Discrete(LENGTH + 1)
    action_space = spaces.Discrete(2)
    BEST = 1 - 0.1 * LENGTH

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.cell = 0
        return self._obs(), {}

    def _obs(self) -> Any:
        return self.cell

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.cell = min(self.cell + 1, LENGTH) if action == 1 else max(self.cell - 1, 0)
        over = self.cell == LENGTH
        return self._obs(), 0.9 if over else -0.1, over, False, {}


class Counted(Corridor):
    """The corridor with a counter of steps of its own, which is no part of the state that matters."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.passed = 0
        return super().reset(seed=seed)

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.passed += 1
        obs, reward, terminated, _, info = super().step(action)
        return obs, reward, terminated, self.passed >= 60, info


class Slippery(Corridor):
    """The corridor with a fifth of the steps going nowhere."""

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if self.np_random.random() < 0.2:
            return self._obs(), -0.1, False, False, {}
        return super().step(action)


class Bandit(gym.Env):
    """Ten rounds; action 2 pays 1, nothing carries over: the optimum is 10."""

    observation_space = spaces.Box(-1, 1, (2,), np.float32)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.round = 0
        return self._obs(), {}

    def _obs(self) -> Any:
        return self.np_random.uniform(-1, 1, 2).astype(np.float32)

    def step(self, action: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        self.round += 1
        return self._obs(), self.pay(action), self.round >= 10, False, {}

    def pay(self, action: Any) -> Any:
        return float(action == 2)


class Steer(gym.Env):
    """x moves by 0.5·u and pays -x²; two components, the second does nothing. Always zero is not the optimum."""

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
    action_space = spaces.Box(-1, 1, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.x, self.age = float(self.np_random.uniform(1, 2)), 0
        return np.array([self.x, 1.0]), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.x += 0.5 * float(action[0])
        self.age += 1
        return np.array([self.x, 1.0]), -(self.x**2), False, self.age >= 20, {}


class Boat(gym.Env):
    """Circling (1) pays 1 for each of 20 steps; five steps ahead (0) end it with success and 3: the reward is gamed."""

    observation_space = spaces.Box(-1, 1, (2,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.ahead, self.age = 0, 0
        return self._obs(), {}

    def _obs(self) -> Any:
        return np.array([self.ahead / 5, self.age / 20], np.float32)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.age += 1
        self.ahead += int(action == 0)
        there = self.ahead == 5
        reward = 3.0 if there else float(action == 1)
        return self._obs(), reward, there, self.age >= 20, {"is_success": there}


class Many(Bandit):
    action_space = spaces.MultiDiscrete([3, 4])

    def pay(self, action: Any) -> float:
        return float(action[0] == 2) + float(action[1] == 3)


class Nested(Bandit):
    observation_space = spaces.Dict(
        near=spaces.Box(-1, 1, (2,), np.float32), kind=spaces.Discrete(3), say=spaces.Text(9)
    )
    action_space = spaces.Dict(move=spaces.Box(-1, 1, (2,), np.float32), push=spaces.MultiBinary(2))

    def _obs(self) -> Any:
        return {"near": super()._obs(), "kind": 1, "say": "hello"}

    def pay(self, action: Any) -> float:
        return float(action["move"][0]) + float(action["push"].sum())


class Picture(Bandit):
    observation_space = spaces.Box(0, 255, (32, 32, 3), np.uint8)

    def _obs(self) -> Any:
        return self.np_random.integers(0, 255, (32, 32, 3)).astype(np.uint8)


class Words(Bandit):
    observation_space = spaces.Text(9)
    action_space = spaces.Text(3)

    def _obs(self) -> Any:
        return "hello"

    def pay(self, action: Any) -> float:
        return float(len(action))


class NoRestore(Bandit):
    """Holds a running generator and looks at the clock: no adapter can restore it."""

    def __init__(self) -> None:
        self.source = (i for i in range(10**9))

    def _obs(self) -> Any:
        next(self.source)
        return np.array([time.time() % 1, 0], np.float32)


class Hangs(Bandit):
    def pay(self, action: Any) -> float:
        while self.round > 5:
            time.sleep(0.05)
        return 0.0


class Raises(Bandit):
    def pay(self, action: Any) -> float:
        if self.round > 5:
            raise RuntimeError("the robot fell over")
        return 0.0


class Exits(Bandit):
    def pay(self, action: Any) -> float:
        if self.round > 5:
            os._exit(7)
        return 0.0


class OldForm(Bandit):
    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        return super().reset(seed=seed)[0]


class Unseeded(Bandit):
    def reset(self) -> Any:  # type: ignore[override]
        return super().reset()


class Outside(Bandit):
    def _obs(self) -> Any:
        return np.array([5.0, 0.0], np.float32)


class NotANumber(Bandit):
    def pay(self, action: Any) -> float:
        return float("nan")


class SameArray(Bandit):
    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.array = np.zeros(2, np.float32)
        return super().reset(seed=seed)

    def _obs(self) -> Any:
        self.array[:] = super()._obs()
        return self.array


def factory(length: int = 3) -> Corridor:
    return Corridor()


def broken() -> None:
    raise ValueError("no licence")


class NoEnvironment:
    pass


def save(env: Any) -> Any:
    return (env.cell,)


def load(env: Any, state: Any) -> None:
    (env.cell,) = state


def load_wrongly(env: Any, state: Any) -> None:
    env.cell = 0


class Heavy(Corridor):
    """The corridor with an array of 8 MB."""

    def __init__(self) -> None:
        self.load = np.ones(1_000_000)


class PolicyDecides(gym.Env):
    """Ten rounds with the same observation; action 1 pays 1: the policy alone decides the return."""

    observation_space = spaces.Box(-1, 1, (2,), np.float64)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.round, self.start = 0, float(self.np_random.normal())
        return self._obs(), {}

    def _obs(self) -> Any:
        return np.array([1.0, -1.0])

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.round += 1
        return self._obs(), self.pay(action), self.round >= 10, False, {}

    def pay(self, action: Any) -> float:
        return float(action == 1)


class StartDecides(PolicyDecides):
    """Each round pays what the start drew: the start state alone decides the return."""

    def pay(self, action: Any) -> float:
        return self.start + 0.01 * float(action == 1)


class ChanceDecides(PolicyDecides):
    """Each round pays what is drawn then: chance in the dynamics alone decides the return."""

    def pay(self, action: Any) -> float:
        return float(self.np_random.normal()) + 0.01 * float(action == 1)
