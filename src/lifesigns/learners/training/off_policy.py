"""The loop that DQN, NAF and SAC share: act, store, update, for all seeds in step."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lifesigns.learners.settings import OffPolicy
from lifesigns.learners.training.course import Course
from lifesigns.learners.training.replay import Batch, Replay
from lifesigns.learners.training.scaling import Scale
from lifesigns.learners.training.streams import Array, Drawn

Obs = NDArray[np.float32]


class Learner(Protocol):
    """What the loop needs of a learner. Actions are [seed, column]: an index, or numbers in [-1, 1]."""

    columns: int

    def random(self, uniform: Array) -> Array:
        """Actions from uniform numbers [seed, column]."""
        ...

    def explore(self, obs: Obs, progress: float) -> Array:
        """Actions with exploration; `progress` goes from 0 to 1 over the run."""
        ...

    def greedy(self, obs: Obs) -> Array:
        """The best actions known."""
        ...

    def update(self, batch: Batch) -> None:
        """One gradient step of every seed."""
        ...


def train(course: Course, learner: Learner, settings: OffPolicy) -> None:
    """Trains until the course says stop, then evaluates."""
    worlds, count = course.worlds, len(course.seeds)
    scale = Scale(count, worlds.features.n, settings.reward_scale)
    replay = Replay(
        course.seeds, worlds.features.n, learner.columns, min(settings.buffer, settings.steps), settings.batch
    )
    uniform = Drawn(course.seeds, 3, (learner.columns,))

    def act(raw: NDArray[np.float64]) -> Any:
        return playable(learner, learner.greedy(scale.obs(raw)))

    worlds.reset()
    step, more = 0, True
    while more:
        warming = step < settings.warm_up
        obs = worlds.obs.astype(np.float32) if warming else scale.obs(worlds.obs)
        action = learner.random(uniform.next()) if warming else learner.explore(obs, step / settings.steps)
        out = worlds.step(playable(learner, action))
        last = out.terminated if settings.bootstrap_truncated else out.terminated | out.truncated
        next_obs = out.next_obs.astype(np.float32) if warming else scale.obs(out.next_obs)
        reward = out.reward.astype(np.float32) if warming else scale.reward(out.reward)
        replay.add(obs, action, reward, next_obs, last.astype(np.float32))
        step += 1
        if step == settings.warm_up:
            rescale(replay, scale)
        if step >= settings.warm_up and replay.size >= settings.batch and step % settings.update_every == 0:
            learner.update(replay.sample())
        more = course.goes_on(step)
        if step >= settings.warm_up:
            course.look(step - 1, step, act)
    course.finish(act)


def playable(learner: Learner, action: Array) -> Any:
    """What `Worlds.step` takes: whole numbers where actions are discrete."""
    return action[:, 0].astype(np.int64) if getattr(learner, "discrete", False) else action


def rescale(replay: Replay, scale: Scale) -> None:
    """Learns the scale from what the warm-up stored, and puts the store in it."""
    obs, reward, next_obs = replay.columns()
    scale.learn(obs, reward)
    obs[:], next_obs[:] = scale.obs(obs), scale.obs(next_obs)
    reward[:] = scale.reward(reward)
