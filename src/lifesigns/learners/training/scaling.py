"""The scale of observations and rewards, of each seed by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
CLIP, LEAST_STD = 10.0, 1e-4


class Scale:
    """Mean and standard deviation [seed, feature] of observations, factor [seed] of rewards; nothing is changed until
    `learn` was called."""

    def __init__(self, seeds: int, features: int, reward_scale: float) -> None:
        self.mean = np.zeros((seeds, features), np.float64)
        self.std = np.ones((seeds, features), np.float64)
        self._fixed = reward_scale
        self.factor = np.full(seeds, reward_scale or 1.0, np.float64)
        self._n = 0
        self._sums = np.zeros((3, seeds, features), np.float64)

    def learn(self, obs: NDArray[np.floating], reward: NDArray[np.floating]) -> None:
        """Takes in observations [seed, row, feature] and rewards [seed, row], together with those of earlier calls."""
        self._n += obs.shape[1]
        self._sums[0] += obs.sum(axis=1, dtype=np.float64)
        self._sums[1] += np.square(obs, dtype=np.float64).sum(axis=1)
        self._sums[2] += np.square(reward, dtype=np.float64).sum(axis=1)[:, None]
        self.mean = self._sums[0] / self._n
        std = np.sqrt(np.maximum(self._sums[1] / self._n - self.mean**2, 0.0))
        self.std = np.where(std < LEAST_STD, 1.0, std)
        if not self._fixed:
            size = np.sqrt(self._sums[2][:, 0] / self._n)
            self.factor = np.where(size > 0, 1.0 / np.where(size > 0, size, 1.0), 1.0)

    def obs(self, raw: NDArray[np.floating]) -> Array:
        """Observations [seed, feature] or [seed, row, feature] in standard deviations, cut at ±10."""
        mean, std = (self.mean, self.std) if raw.ndim == 2 else (self.mean[:, None], self.std[:, None])
        return np.clip((raw - mean) / std, -CLIP, CLIP).astype(np.float32)

    def reward(self, raw: NDArray[np.floating]) -> Array:
        """Rewards [seed] or [seed, row] times the factor."""
        factor = self.factor if raw.ndim == 1 else self.factor[:, None]
        return (raw * factor).astype(np.float32)
