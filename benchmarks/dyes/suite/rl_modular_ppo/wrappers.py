"""Wrappers of observations and rewards."""

from collections import deque

import gymnasium as gym
import numpy as np


class ScaleReward(gym.RewardWrapper):
    """Multiplies rewards, so that returns are of order one."""

    def __init__(self, env, scale):
        super().__init__(env)
        self.scale = scale

    def reward(self, reward):
        return self.scale * reward


class NormalizeObservation(gym.ObservationWrapper):
    """Maps the bounds of the observation space to [-1, 1]."""

    def __init__(self, env):
        super().__init__(env)
        low, high = env.observation_space.low, env.observation_space.high
        self.center, self.halfwidth = (low + high) / 2, (high - low) / 2
        self.observation_space = gym.spaces.Box(-1.0, 1.0, shape=low.shape, dtype=np.float32)

    def observation(self, observation):
        return ((observation - self.center) / self.halfwidth).clip(-1.5, 1.5)


class FrameStack(gym.Wrapper):
    """Concatenates the last observations, oldest first; an episode begins with copies of its first one."""

    def __init__(self, env, num_frames):
        super().__init__(env)
        self.num_frames = num_frames
        self.frames = deque(maxlen=num_frames)
        low, high = (np.tile(bound, num_frames) for bound in (env.observation_space.low, env.observation_space.high))
        self.observation_space = gym.spaces.Box(low, high, dtype=np.float32)

    def _stacked(self):
        return np.concatenate(self.frames)

    def reset(self, *, seed=None, options=None):
        observation, info = self.env.reset(seed=seed, options=options)
        self.frames.clear()
        self.frames.extend([observation] * self.num_frames)
        return self._stacked(), info

    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        self.frames.append(observation)
        return self._stacked(), reward, terminated, truncated, info


def make_env(env_id, num_frames, reward_scale):
    """A function that builds one environment with all wrappers."""

    def thunk():
        env = gym.wrappers.RecordEpisodeStatistics(gym.make(env_id))
        return FrameStack(NormalizeObservation(ScaleReward(env, reward_scale)), num_frames)

    return thunk
