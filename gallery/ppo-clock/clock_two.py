"""The clock that the policy sees besides the state of the cart."""

import gymnasium as gym
import numpy as np

MILLISECONDS_PER_STEP = 20.0


class Clock(gym.Wrapper):
    """Appends the time since the start of the episode to the observation."""

    def __init__(self, env):
        super().__init__(env)
        size = env.observation_space.shape[0] + 1
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, shape=(size,), dtype=np.float32)
        self.elapsed = 0.0

    def _with_clock(self, obs):
        return np.append(obs, self.elapsed / 10_000.0).astype(np.float32)

    def reset(self, **kwargs):
        self.elapsed = 0.0
        obs, info = self.env.reset(**kwargs)
        return self._with_clock(obs), info

    def step(self, action):
        obs, reward, terminated, truncated, info = self.env.step(action)
        self.elapsed += MILLISECONDS_PER_STEP
        return self._with_clock(obs), reward, terminated, truncated, info


def wrap(env):
    return Clock(env)
