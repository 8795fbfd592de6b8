"""Wrappers for the pendulum."""

import gymnasium as gym
import numpy as np


class UnitActions(gym.ActionWrapper):
    """Actions in [-1, 1] for an environment with any symmetric bounds."""

    def __init__(self, env):
        super().__init__(env)
        self.high = env.action_space.high
        self.action_space = gym.spaces.Box(-1.0, 1.0, shape=env.action_space.shape, dtype=np.float32)

    def action(self, action):
        return np.asarray(action) * self.high


class SmoothedVelocity(gym.Wrapper):
    """Appends a running mean of the angular velocity over the episode."""

    def __init__(self, env, rate=0.2):
        super().__init__(env)
        self.rate = rate
        low, high = (np.append(bound, bound[-1]) for bound in (env.observation_space.low, env.observation_space.high))
        self.observation_space = gym.spaces.Box(low, high, dtype=np.float32)

    def _extended(self, obs):
        return np.append(obs, np.float32(self.mean))

    def reset(self, *, seed=None, options=None):
        obs, info = self.env.reset(seed=seed, options=options)
        self.mean = float(obs[-1])
        return self._extended(obs), info

    def step(self, action):
        obs, reward, terminated, truncated, info = self.env.step(action)
        self.mean += self.rate * (float(obs[-1]) - self.mean)
        return self._extended(obs), reward, terminated, truncated, info


def make_env(env_id, max_episode_steps):
    return SmoothedVelocity(UnitActions(gym.make(env_id, max_episode_steps=max_episode_steps)))
