"""Q-learning with normalised advantage functions (Gu et al. 2016) for continuous actions, many seeds at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lifesigns.learners.settings import Naf as Settings
from lifesigns.learners.training.layers import adam, copied, descend, follow, layer, mlp
from lifesigns.learners.training.off_policy import Obs
from lifesigns.learners.training.replay import Batch
from lifesigns.learners.training.streams import Array, Drawn, generators

CURVATURE = 5.0
"""Bound of the logarithm of the advantage's scale."""


class Naf:
    """Q(s, a) = V(s) − ½ |Lᵀ(s) (a − μ(s))|² with L lower triangular; actions in [-1, 1]."""

    discrete = False

    def __init__(self, seeds: Sequence[int], features: int, actions: int, settings: Settings) -> None:
        self.columns, self._settings = actions, settings
        rngs, width = generators(seeds, 1), settings.width
        self._triangle = torch.tril_indices(actions, actions)
        body = mlp(rngs, (features, width, width))
        heads = [w for n in (1, actions, self._triangle.shape[1]) for w in layer(rngs, width, n)]
        self.weights = body + heads
        self._targets = copied(self.weights)
        self._optimizer = adam(self.weights, settings.lr)
        self._noise = Drawn(seeds, 4, (actions,), normal=True)

    def random(self, uniform: Array) -> Array:
        return 2 * uniform - 1

    def explore(self, obs: Obs, progress: float) -> Array:
        s = self._settings
        size = max(s.noise_end, s.noise * (1 - progress / 0.8))
        return np.clip(self.greedy(obs) + size * self._noise.next(), -1, 1).astype(np.float32)

    @torch.no_grad()
    def greedy(self, obs: Obs) -> Array:
        hidden = body(self.weights, torch.from_numpy(obs)[:, None])
        return torch.tanh(torch.baddbmm(self.weights[7], hidden, self.weights[6]))[:, 0].numpy()

    def update(self, batch: Batch) -> None:
        with torch.no_grad():
            hidden = body(self._targets, batch.next_obs)
            then = torch.baddbmm(self._targets[5], hidden, self._targets[4])
            goal = batch.reward + self._settings.gamma * (1 - batch.last) * then
        loss = (self._values(batch) - goal).square().mean(dim=(1, 2))
        descend(self._optimizer, loss)
        follow(self._targets, self.weights, self._settings.tau)

    def _values(self, batch: Batch) -> Tensor:
        """Q of the batch's actions, [seed, row, 1]."""
        w, hidden = self.weights, body(self.weights, batch.obs)
        value = torch.baddbmm(w[5], hidden, w[4])
        away = batch.action - torch.tanh(torch.baddbmm(w[7], hidden, w[6]))
        entries = torch.baddbmm(w[9], hidden, w[8])
        rows, columns = self._triangle
        entries = torch.where(rows == columns, entries.clamp(-CURVATURE, CURVATURE).exp(), entries)
        if self.columns == 1:
            return value - 0.5 * (entries * away).square()
        lower = entries.new_zeros(*entries.shape[:2], self.columns, self.columns)
        lower[:, :, rows, columns] = entries
        return value - 0.5 * (lower * away[..., None]).sum(dim=2).square().sum(dim=2, keepdim=True)


def body(weights: Sequence[Tensor], x: Tensor) -> Tensor:
    """The two hidden layers."""
    hidden = torch.relu(torch.baddbmm(weights[1], x, weights[0]))
    return torch.relu(torch.baddbmm(weights[3], hidden, weights[2]))
