"""Deep Q-learning for discrete actions (Mnih et al. 2015, van Hasselt et al. 2016), many seeds at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import smooth_l1_loss

from lifesigns.learners.settings import Dqn as Settings
from lifesigns.learners.training.layers import adam, apply, clip_each_seed, copied, follow, mlp
from lifesigns.learners.training.off_policy import Obs
from lifesigns.learners.training.replay import Batch
from lifesigns.learners.training.streams import Array, Drawn, generators

MAX_GRAD_NORM = 10.0


class Dqn:
    """Action values [seed, row, action]; a column of actions holds indices."""

    columns, discrete = 1, True

    def __init__(self, seeds: Sequence[int], features: int, actions: int, settings: Settings) -> None:
        sizes = (features, settings.width, settings.width, actions)
        self.weights = mlp(generators(seeds, 1), sizes)
        self._targets = copied(self.weights)
        self._optimizer = adam(self.weights, settings.lr)
        self._dice = Drawn(seeds, 4, (2,))
        self._actions, self._settings = actions, settings

    def random(self, uniform: Array) -> Array:
        return np.minimum((uniform * self._actions).astype(np.int64), self._actions - 1).astype(np.float32)

    def explore(self, obs: Obs, progress: float) -> Array:
        s = self._settings
        epsilon = max(s.epsilon_end, 1 - (1 - s.epsilon_end) * progress / max(s.exploration, 1e-9))
        for group in self._optimizer.param_groups:
            group["lr"] = s.lr * (1 - (1 - s.lr_end) * progress)
        dice = self._dice.next()
        return np.where(dice[:, :1] < epsilon, self.random(dice[:, 1:]), self.greedy(obs))

    @torch.no_grad()
    def greedy(self, obs: Obs) -> Array:
        best = apply(self.weights, torch.from_numpy(obs)[:, None]).argmax(dim=2)
        return best.numpy().astype(np.float32)

    def update(self, batch: Batch) -> None:
        with torch.no_grad():
            best = apply(self.weights, batch.next_obs).argmax(dim=2, keepdim=True)
            then = apply(self._targets, batch.next_obs).gather(2, best)
            goal = batch.reward + self._settings.gamma * (1 - batch.last) * then
        found = apply(self.weights, batch.obs).gather(2, batch.action.long())
        loss = smooth_l1_loss(found, goal, reduction="none").mean(dim=(1, 2))
        self._optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()
        clip_each_seed(self.weights, MAX_GRAD_NORM)
        self._optimizer.step()
        follow(self._targets, self.weights, self._settings.tau)
