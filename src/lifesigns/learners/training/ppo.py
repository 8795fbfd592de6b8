"""Proximal policy optimisation (Schulman et al. 2017) for both kinds of actions, many seeds at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lifesigns.learners.settings import Ppo as Settings
from lifesigns.learners.training.course import Course
from lifesigns.learners.training.layers import adam, apply, clip_each_seed, mlp
from lifesigns.learners.training.scaling import Scale
from lifesigns.learners.training.streams import Drawn, generators


@dataclass(frozen=True)
class Rollout:
    """Steps of all environments, [step, seed, env, …]; `next_obs` is what really followed, `ended` marks ends of either
    kind, `last` those that are not bootstrapped."""

    obs: NDArray[np.float64]
    action: NDArray[np.float32]
    reward: NDArray[np.float64]
    next_obs: NDArray[np.float64]
    last: NDArray[np.bool_]
    ended: NDArray[np.bool_]


class Ppo:
    """A policy and a value network of each seed; Gaussian with a free spread for continuous actions."""

    def __init__(self, seeds: Sequence[int], features: int, actions: int, discrete: bool, settings: Settings) -> None:
        rngs, width = generators(seeds, 1), settings.width
        self.discrete, self._settings = discrete, settings
        self._actor = mlp(rngs, (features, width, width, actions), 0.01)
        self._critic = mlp(rngs, (features, width, width, 1))
        self._log_std = torch.full((len(seeds), 1, actions), -0.5, requires_grad=True)
        self.weights = [*self._actor, *self._critic] + ([] if discrete else [self._log_std])
        self.optimizer = adam(self.weights, settings.lr, 1e-5)
        shape = (settings.envs, actions)
        self._noise = Drawn(seeds, 4, shape, normal=not discrete)

    @torch.no_grad()
    def explore(self, obs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Actions [seed, env, column] drawn from the policy; discrete ones by Gumbel noise on the logits."""
        told, noise = apply(self._actor, torch.from_numpy(obs), torch.tanh), torch.from_numpy(self._noise.next())
        if self.discrete:
            gumbel = -(-(noise.clamp(1e-7, 1 - 1e-7)).log()).log()
            return (told + gumbel).argmax(dim=2, keepdim=True).float().numpy()
        return (told + self._log_std.exp() * noise).numpy()

    @torch.no_grad()
    def greedy(self, obs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The most likely actions [seed, env, column]."""
        told = apply(self._actor, torch.from_numpy(obs), torch.tanh)
        return (told.argmax(dim=2, keepdim=True).float() if self.discrete else told).numpy()

    def value(self, obs: Tensor) -> Tensor:
        """[seed, row]."""
        return apply(self._critic, obs, torch.tanh)[:, :, 0]

    def density(self, obs: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Log density of the actions and entropy, [seed, row]."""
        told = apply(self._actor, obs, torch.tanh)
        if self.discrete:
            logs = torch.log_softmax(told, dim=2)
            return logs.gather(2, action.long())[:, :, 0], -(logs.exp() * logs).sum(dim=2)
        away = (action - told) / self._log_std.exp()
        found = (-0.5 * away.square() - self._log_std - 0.5 * log(2 * pi)).sum(dim=2)
        entropy = (self._log_std + 0.5 * log(2 * pi * np.e)).sum(dim=2).expand_as(found)
        return found, entropy

    def learn(self, rows: dict[str, Tensor], picks: Tensor) -> None:
        """One gradient step of every seed on the rows [seed, pick]."""
        s = self._settings
        at = torch.arange(len(picks))[:, None]
        obs, action, old, advantage, goal = (rows[k][at, picks] for k in ("obs", "action", "old", "advantage", "goal"))
        advantage = (advantage - advantage.mean(dim=1, keepdim=True)) / (advantage.std(dim=1, keepdim=True) + 1e-8)
        density, entropy = self.density(obs, action)
        ratio = (density - old).exp()
        gain = torch.minimum(ratio * advantage, ratio.clamp(1 - s.clip, 1 + s.clip) * advantage)
        error = (self.value(obs) - goal).square()
        loss = (-gain + 0.5 * error - s.entropy * entropy).mean(dim=1)
        self.optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()
        clip_each_seed(self.weights, s.max_grad_norm)
        self.optimizer.step()


def train(course: Course, learner: Ppo, settings: Settings) -> None:
    """Trains until the course says stop, then evaluates."""
    scale = Scale(len(course.seeds), course.worlds.features.n, settings.reward_scale)
    shuffles = generators(course.seeds, 5)

    def act(raw: NDArray[np.float64]) -> Any:
        return playable(learner, learner.greedy(scale.obs(raw)[:, None])[:, 0])

    course.worlds.reset()
    step, more = 0, True
    while more:
        found = roll(course, learner, settings, scale)
        before, step = step, step + settings.rollout * settings.envs
        flat = found.obs.swapaxes(0, 1).reshape(len(course.seeds), -1, found.obs.shape[-1])
        scale.learn(flat, found.reward.swapaxes(0, 1).reshape(len(course.seeds), -1))
        rows = prepared(found, learner, settings, scale)
        for group in learner.optimizer.param_groups:
            group["lr"] = settings.lr * max(1 - before / settings.steps, 0.05)
        count = flat.shape[1]
        for _ in range(settings.epochs):
            order = torch.from_numpy(np.stack([r.permutation(count) for r in shuffles]))
            for picks in order.split(settings.batch, dim=1):
                if picks.shape[1] > 1:
                    learner.learn(rows, picks)
        more = course.goes_on(step)
        course.look(before, step, act)
    course.finish(act)


def playable(learner: Ppo, action: NDArray[np.float32]) -> Any:
    """What `Worlds.step` takes, from [row, column]."""
    return action[:, 0].astype(np.int64) if learner.discrete else action


def roll(course: Course, learner: Ppo, settings: Settings, scale: Scale) -> Rollout:
    """Plays `rollout` steps in every environment."""
    worlds, shape = course.worlds, (len(course.seeds), settings.envs)
    kept: list[list[Any]] = [[] for _ in range(6)]
    for k in range(settings.rollout):
        raw = worlds.obs.reshape(*shape, -1).copy()
        action = learner.explore(scale.obs(raw))
        out = worlds.step(playable(learner, action.reshape(worlds.rows, -1)))
        ended = out.terminated | out.truncated
        last = out.terminated if settings.bootstrap_truncated else ended
        step = (raw, action, out.reward.reshape(shape), out.next_obs.reshape(*shape, -1), last, ended)
        for values, value in zip(kept, step, strict=True):
            values.append(value.reshape(shape) if value.ndim == 1 else value)
        course.progress(course.done + (k + 1) * settings.envs)
    return Rollout(*(np.stack(values) for values in kept))


@torch.no_grad()
def prepared(found: Rollout, learner: Ppo, settings: Settings, scale: Scale) -> dict[str, Tensor]:
    """What the updates need, [seed, step x env, …]: generalised advantages (Schulman et al. 2016) and returns.

    The value after a step is that of the observation that really followed it; it is left out where the episode
    terminated, and the sum of later errors is cut at every end.
    """

    def by_seed(values: NDArray[Any]) -> NDArray[Any]:
        moved = values.swapaxes(0, 1)
        return moved.reshape(moved.shape[0], -1, *values.shape[3:])

    obs = torch.from_numpy(scale.obs(by_seed(found.obs)))
    now = learner.value(obs).numpy()
    then = learner.value(torch.from_numpy(scale.obs(by_seed(found.next_obs)))).numpy()
    now, then = (v.reshape(len(now), found.reward.shape[0], -1) for v in (now, then))
    reward = scale.reward(by_seed(found.reward)).reshape(now.shape)
    last, ended = (by_seed(v).reshape(now.shape) for v in (found.last, found.ended))
    error = reward + settings.gamma * np.where(last, 0.0, then) - now
    advantage, later = np.zeros_like(now), np.zeros_like(now[:, 0])
    for t in reversed(range(now.shape[1])):
        later = error[:, t] + settings.gamma * settings.lam * np.where(ended[:, t], 0.0, later)
        advantage[:, t] = later
    action = torch.from_numpy(by_seed(found.action))
    old, _ = learner.density(obs, action)
    flat = [torch.from_numpy(v.reshape(len(now), -1).astype(np.float32)) for v in (advantage, advantage + now)]
    return {"obs": obs, "action": action, "old": old, "advantage": flat[0], "goal": flat[1]}
