"""One or more environments of each seed, stepped side by side; a transition always holds what really followed.

Environments are stepped singly and reset by us, not by a vector environment: an ended episode leaves no dummy
transition behind (Gymnasium 1.x's next-step autoreset would), and the last observation is never mixed up with the
first of the next episode.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.baselines.environment import World
from lifesigns.baselines.problem import EVALUATION_SEED
from lifesigns.baselines.spaces import Actions, Features

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
APART = 1_000_003
"""Between the first reset's seeds of the environments of neighbouring seeds; a prime, so that none is met twice."""


@dataclass(frozen=True)
class Stepped:
    """What followed an action: `next_obs` [row, feature] before any reset, and the kinds of the end, all by row."""

    next_obs: Array
    reward: Array
    terminated: Bools
    truncated: Bools


class Worlds:
    """`rows` = seeds x `each` environments; `obs` [row, feature] is what the next actions answer to."""

    def __init__(
        self, make: Callable[[], World], seeds: Sequence[int], actions: Actions, features: Features, each: int = 1
    ) -> None:
        self._worlds = [make() for _ in range(len(seeds) * each)]
        self._seeds = [APART * seed + i for seed in seeds for i in range(each)]
        self.actions, self.features, self.each = actions, features, each
        self.rows = len(self._worlds)
        self.obs = np.zeros((self.rows, features.n))
        self.totals = np.zeros(self.rows)
        self.ended: list[list[float]] = [[] for _ in range(self.rows)]
        """Returns of each row's whole episodes so far."""
        self._now = self._worlds[0]

    @property
    def steps(self) -> int:
        """Steps of all environments together."""
        return sum(w.steps for w in self._worlds)

    @property
    def entered(self) -> float:
        """When the call into the user's code that runs now began; 0 outside."""
        return self._now.entered

    @property
    def doing(self) -> str:
        return self._now.doing

    def reset(self) -> None:
        """Begins an episode everywhere, each environment with its own seed."""
        for i, seed in enumerate(self._seeds):
            self.begin(i, seed)

    def begin(self, row: int, seed: int | None = None) -> None:
        """A new episode of one environment."""
        self._now = self._worlds[row]
        self.obs[row] = self.features.of(self._now.reset(seed))
        self.totals[row] = 0.0

    def step(self, actions: Any, only: Bools | None = None, *, restart: bool = True) -> Stepped:
        """Steps every environment (or those marked in `only`) with its action: an index, or numbers in [-1, 1].

        Ended episodes are noted in `ended` and, with `restart`, begun anew.
        """
        out = Stepped(self.obs.copy(), np.zeros(self.rows), np.zeros(self.rows, bool), np.zeros(self.rows, bool))
        for i, world in enumerate(self._worlds):
            if only is not None and not only[i]:
                continue
            self._now = world
            obs, out.reward[i], out.terminated[i], out.truncated[i] = world.step(self.actions.decode(actions[i]))
            self.obs[i] = out.next_obs[i] = self.features.of(obs)
            self.totals[i] += out.reward[i]
            if out.terminated[i] or out.truncated[i]:
                self.ended[i].append(float(self.totals[i]))
                if restart:
                    self.begin(i)
        return out


def evaluate(worlds: Worlds, act: Callable[[Array], Any], episodes: int, until: float = np.inf) -> list[list[float]]:
    """Returns of up to `episodes` whole episodes of each row; episode i starts from the same seed in every row.

    `act` maps observations [row, feature] to actions. Stops at `until` (seconds of `monotonic`).
    """
    returns: list[list[float]] = [[] for _ in range(worlds.rows)]
    for row in range(worlds.rows):
        worlds.begin(row, EVALUATION_SEED)
    busy = np.ones(worlds.rows, bool)
    while busy.any() and time.monotonic() < until:
        out = worlds.step(act(worlds.obs), busy, restart=False)
        for row in np.flatnonzero(busy & (out.terminated | out.truncated)):
            returns[row].append(float(worlds.totals[row]))
            busy[row] = len(returns[row]) < episodes
            if busy[row]:
                worlds.begin(int(row), EVALUATION_SEED + len(returns[row]))
    return returns
