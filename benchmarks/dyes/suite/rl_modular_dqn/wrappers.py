"""Wrappers of the warehouse."""

import gymnasium as gym
import numpy as np
from envs import Warehouse


class LastMove(gym.Wrapper):
    """Appends the change of the observation since the step before; zeros at the start of an episode."""

    def __init__(self, env):
        super().__init__(env)
        size = 2 * env.observation_space.shape[0]
        self.observation_space = gym.spaces.Box(-2.0, 2.0, shape=(size,), dtype=np.float32)

    def reset(self, *, seed=None, options=None):
        obs, info = self.env.reset(seed=seed, options=options)
        self.last = obs
        return np.concatenate([obs, np.zeros_like(obs)]), info

    def step(self, action):
        obs, reward, terminated, truncated, info = self.env.step(action)
        change = obs - self.last
        self.last = obs
        return np.concatenate([obs, change]), reward, terminated, truncated, info


class RewardUnits(gym.RewardWrapper):
    """From the units of the task to those of the learner."""

    def __init__(self, env, factor):
        super().__init__(env)
        self.factor = factor

    def reward(self, reward):
        return self.factor * float(reward)


def make_env(max_steps, reward_factor=2.0):
    env = gym.wrappers.TimeLimit(Warehouse(), max_steps)
    env = gym.wrappers.RecordEpisodeStatistics(env)
    return LastMove(RewardUnits(env, reward_factor))
