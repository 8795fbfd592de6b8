"""Soft actor-critic (Haarnoja et al. 2018) with small networks, for continuous actions, many seeds at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi

import torch
from torch import Tensor
from torch.nn.functional import softplus

from lifesigns.learners.settings import Sac as Settings
from lifesigns.learners.training.layers import adam, apply, copied, descend, follow, mlp
from lifesigns.learners.training.off_policy import Obs
from lifesigns.learners.training.replay import Batch
from lifesigns.learners.training.streams import Array, Drawn, generators

LOG_STD = (-5.0, 2.0)
FIRST_ALPHA = 0.2
"""Of rewards whose root mean square is 1."""


class Sac:
    """A squashed Gaussian policy, two critics (the first dimension of their weights is critic x seed), a temperature
    of each seed; actions in [-1, 1]."""

    discrete = False

    def __init__(self, seeds: Sequence[int], features: int, actions: int, settings: Settings) -> None:
        self.columns, self._settings = actions, settings
        rngs, width = generators(seeds, 1), settings.width
        self.actor = mlp(rngs, (features, width, width, 2 * actions))
        self.critics = mlp([*rngs, *rngs], (features + actions, width, width, 1))
        self._targets = copied(self.critics)
        self._log_alpha = torch.full((len(seeds), 1, 1), log(FIRST_ALPHA), requires_grad=True)
        self._optimizers = [adam(w, settings.lr) for w in (self.actor, self.critics, [self._log_alpha])]
        self._acting = Drawn(seeds, 4, (1, actions), normal=True)
        self._learning = Drawn(seeds, 5, (2, settings.batch, actions), normal=True)

    @property
    def weights(self) -> list[Tensor]:
        return [*self.actor, *self.critics, self._log_alpha]

    def random(self, uniform: Array) -> Array:
        return 2 * uniform - 1

    @torch.no_grad()
    def explore(self, obs: Obs, progress: float) -> Array:
        del progress
        action, _ = self._sample(torch.from_numpy(obs)[:, None], torch.from_numpy(self._acting.next()))
        return action[:, 0].numpy()

    @torch.no_grad()
    def greedy(self, obs: Obs) -> Array:
        mean, _ = apply(self.actor, torch.from_numpy(obs)[:, None]).chunk(2, dim=2)
        return torch.tanh(mean)[:, 0].numpy()

    def update(self, batch: Batch) -> None:
        noise = torch.from_numpy(self._learning.next())
        alpha = self._log_alpha.exp().detach()
        with torch.no_grad():
            action, density = self._sample(batch.next_obs, noise[:, 0])
            then = self._least(self._targets, batch.next_obs, action) - alpha * density
            goal = batch.reward + self._settings.gamma * (1 - batch.last) * then
        found = self._both(self.critics, batch.obs, batch.action)
        descend(self._optimizers[1], (found - goal).square().mean(dim=(2, 3)).sum(dim=0))
        action, density = self._sample(batch.obs, noise[:, 1])
        least = self._least([w.detach() for w in self.critics], batch.obs, action)
        descend(self._optimizers[0], (alpha * density - least).mean(dim=(1, 2)))
        wanted = density.detach() - self.columns
        descend(self._optimizers[2], -(self._log_alpha.exp() * wanted).mean(dim=(1, 2)))
        follow(self._targets, self.critics, self._settings.tau)

    def _sample(self, obs: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Actions [seed, row, number] and their log densities [seed, row, 1]."""
        mean, log_std = apply(self.actor, obs).chunk(2, dim=2)
        log_std = log_std.clamp(*LOG_STD)
        raw = mean + log_std.exp() * noise
        gaussian = -0.5 * noise.square() - log_std - 0.5 * log(2 * pi)
        squash = 2.0 * (log(2.0) - raw - softplus(-2.0 * raw))
        return torch.tanh(raw), (gaussian - squash).sum(dim=2, keepdim=True)

    def _both(self, critics: Sequence[Tensor], obs: Tensor, action: Tensor) -> Tensor:
        """[critic, seed, row, 1]."""
        x = torch.cat([obs, action], dim=2)
        return apply(critics, torch.cat([x, x])).unflatten(0, (2, len(x)))

    def _least(self, critics: Sequence[Tensor], obs: Tensor, action: Tensor) -> Tensor:
        return self._both(critics, obs, action).amin(dim=0)
