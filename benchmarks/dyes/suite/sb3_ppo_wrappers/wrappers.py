"""Wrappers for CartPole: a cost of pushing, scaled observations, and the previous action as an input."""

import gymnasium as gym
import numpy as np


class SteadyReward(gym.Wrapper):
    """Takes off a little of the reward where the cart stands far from the middle."""

    def __init__(self, env, weight=0.1):
        super().__init__(env)
        self.weight = weight

    def step(self, action):
        obs, reward, terminated, truncated, info = self.env.step(action)
        reward = float(reward) - self.weight * min(1.0, abs(float(obs[0])) / 2.4)
        return obs, reward, terminated, truncated, info


class ScaleObservation(gym.ObservationWrapper):
    """Divides each component by its usual size."""

    def __init__(self, env, scale=(2.4, 2.0, 0.21, 2.0)):
        super().__init__(env)
        self.scale = np.array(scale, dtype=np.float32)
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, shape=self.scale.shape, dtype=np.float32)

    def observation(self, observation):
        return (observation / self.scale).astype(np.float32)


class PreviousAction(gym.Wrapper):
    """Appends the previous action, -1 or 1, to the observation; 0 at the start of an episode."""

    def __init__(self, env):
        super().__init__(env)
        size = env.observation_space.shape[0] + 1
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, shape=(size,), dtype=np.float32)
        self.previous = 0.0

    def _extended(self, obs):
        return np.append(obs, self.previous).astype(np.float32)

    def reset(self, *, seed=None, options=None):
        obs, info = self.env.reset(seed=seed, options=options)
        self.previous = 0.0
        return self._extended(obs), info

    def step(self, action):
        obs, reward, terminated, truncated, info = self.env.step(action)
        self.previous = 2.0 * float(action) - 1.0
        return self._extended(obs), reward, terminated, truncated, info


def wrap(env):
    return PreviousAction(ScaleObservation(SteadyReward(env)))
