"""Small worlds of the truth set whose best method is known by construction."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class World(gym.Env):
    """Episodes of at most `steps` steps; a subclass says what a step does."""

    steps = 50
    observation_space: spaces.Space = spaces.Box(-2.0, 2.0, (2,), np.float32)
    action_space: spaces.Space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.age = 0
        self.begin()
        return self.look(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.age += 1
        reward, over = self.act(action)
        return self.look(), reward, over, self.age >= self.steps, {}

    def begin(self) -> None: ...

    def look(self) -> Any: ...

    def act(self, action: Any) -> tuple[float, bool]: ...


class Adverts(World):
    """A contextual bandit: the arm of the sector that the visitor is in pays; visitors come at random."""

    action_space = spaces.Discrete(4)

    def begin(self) -> None:
        self.visitor = self.np_random.uniform(-1, 1, 2).astype(np.float32)

    def look(self) -> Any:
        return self.visitor

    def act(self, action: Any) -> tuple[float, bool]:
        best = 2 * int(self.visitor[0] > 0) + int(self.visitor[1] > 0)
        self.begin()
        return float(action == best), False


class Always(World):
    """The third of five actions always pays, whatever is seen."""

    action_space = spaces.Discrete(5)

    def begin(self) -> None:
        self.x = 0.0

    def look(self) -> Any:
        return np.array([self.x, self.age / self.steps], np.float32)

    def act(self, action: Any) -> tuple[float, bool]:
        self.x = float(np.clip(self.x + 0.02 * (action - 2), -1, 1))
        return float(action == 2), False


class Room(World):
    """Living costs; an exit near the start pays little less than nothing, the goal far away pays well."""

    steps = 120
    action_space = spaces.Discrete(4)
    MOVES = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])

    def begin(self) -> None:
        self.at = np.array([3, 3]) + self.np_random.integers(0, 2, 2)

    def look(self) -> Any:
        return (self.at / 20).astype(np.float32)

    def act(self, action: Any) -> tuple[float, bool]:
        self.at = np.clip(self.at + self.MOVES[int(action)], 0, 39)
        if (self.at == 39).all():
            return 100.0, True
        return -1.0, bool((self.at == 0).any())


class Desert(World):
    """A point in the plane with a goal of radius 0.02 far away: random motion never sees the reward."""

    steps = 200
    observation_space = spaces.Box(-10.0, 10.0, (4,), np.float32)
    action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)

    def begin(self) -> None:
        self.at, self.speed = np.zeros(2), np.zeros(2)
        angle = self.np_random.uniform(0, 2 * np.pi)
        self.goal = 6 * np.array([np.cos(angle), np.sin(angle)])

    def look(self) -> Any:
        return np.concatenate([self.at, self.goal]).astype(np.float32)

    def act(self, action: Any) -> tuple[float, bool]:
        self.speed = 0.8 * self.speed + 0.05 * np.asarray(action, dtype=float)
        self.at = np.clip(self.at + self.speed, -9, 9)
        there = bool(np.linalg.norm(self.at - self.goal) < 0.02)
        return float(there), there


class Maze(World):
    """Thirty cells in a row and walls that need the right one of three actions: few states, all of them listed."""

    observation_space = spaces.Discrete(31)
    action_space = spaces.Discrete(3)
    steps = 200

    def begin(self) -> None:
        self.cell = 0

    def look(self) -> Any:
        return self.cell

    def act(self, action: Any) -> tuple[float, bool]:
        self.cell = self.cell + 1 if int(action) == (7 * self.cell) % 3 else 0
        return float(self.cell == 30), self.cell == 30


class Reach(World):
    """Drive a mass to where the observation says: linear dynamics, quadratic cost."""

    steps = 60
    observation_space = spaces.Box(-10.0, 10.0, (2,), np.float32)
    action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def begin(self) -> None:
        self.x, self.v = float(self.np_random.uniform(-1, 1)), 0.0

    def look(self) -> Any:
        return np.array([self.x, self.v], np.float32)

    def act(self, action: Any) -> tuple[float, bool]:
        self.v += 0.1 * float(action[0])
        self.x += 0.1 * self.v
        return -(self.x**2) - 0.1 * self.v**2, False


class Switches(World):
    """Sixteen switches to be turned on in a hidden order that changes with each start: only search finds it."""

    observation_space = spaces.MultiBinary(16)
    action_space = spaces.Discrete(16)
    steps = 40

    def begin(self) -> None:
        self.order = self.np_random.permutation(16)
        self.on = np.zeros(16, np.int8)

    def look(self) -> Any:
        return self.on.copy()

    def act(self, action: Any) -> tuple[float, bool]:
        wanted = int(self.order[int(self.on.sum())])
        if int(action) == wanted:
            self.on[wanted] = 1
            return 1.0, bool(self.on.all())
        return -0.1, False
