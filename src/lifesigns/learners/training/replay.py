"""A replay buffer of many seeds: one tensor [seed, place, column], each seed sampled by its own stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lifesigns.learners.training.streams import Array, Drawn

MOST_BYTES = 2**29


@dataclass(frozen=True)
class Batch:
    """A sample of transitions, [seed, row, column]; `action` holds an index (one column) or the action's numbers,
    `last` is 1 where nothing may be bootstrapped."""

    obs: Tensor
    action: Tensor
    reward: Tensor
    next_obs: Tensor
    last: Tensor


class Replay:
    """A ring of transitions; the newest overwrite the oldest."""

    def __init__(self, seeds: Sequence[int], features: int, columns: int, capacity: int, batch: int) -> None:
        width = 2 * features + columns + 2
        self.capacity = max(min(capacity, MOST_BYTES // (4 * width * len(seeds))), 1)
        self._kept = torch.zeros(len(seeds), self.capacity, width)
        self._view = self._kept.numpy()
        self._sizes = [features, columns, 1, features, 1]
        self._picks = Drawn(seeds, 2, (batch,))
        self._rows = torch.arange(len(seeds))[:, None]
        self.size = self._place = 0

    def add(self, obs: Array, action: Array, reward: Array, next_obs: Array, last: Array) -> None:
        """One transition of each seed: [seed, column] each, rewards and ends [seed]."""
        n, k = self._sizes[:2]
        row = self._view[:, self._place]
        row[:, :n], row[:, n : n + k], row[:, n + k] = obs, action, reward
        row[:, n + k + 1 : -1], row[:, -1] = next_obs, last
        self._place = (self._place + 1) % self.capacity
        self.size = min(self.size + 1, self.capacity)

    def columns(self) -> tuple[Array, Array, Array]:
        """Observations, rewards, next observations stored so far, [seed, row, …], as views."""
        n, k = self._sizes[:2]
        rows = self._view[:, : self.size]
        return rows[..., :n], rows[..., n + k], rows[..., n + k + 1 : -1]

    def sample(self) -> Batch:
        """A batch of each seed, drawn uniformly with replacement."""
        picks = (self._picks.next() * np.float32(self.size)).astype(np.int64)
        np.minimum(picks, self.size - 1, out=picks)
        found = self._kept[self._rows, torch.from_numpy(picks)]
        return Batch(*found.split(self._sizes, dim=2))
