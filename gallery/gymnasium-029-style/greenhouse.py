"""A greenhouse whose heating is set step by step, observed in short spells for the sake of varied weather."""

import gymnasium as gym
import numpy as np

LEVELS = 16


class Greenhouse(gym.Env):
    """Make it warmer, leave it, or make it cooler. Cold storage pays half at every step, a hothouse the whole.

    The thermometer is slightly noisy. Nothing in the task ever ends; the time limit of the registration below
    only brings a new temperature to start from.
    """

    def __init__(self, warmest_start=LEVELS - 1):
        self.warmest_start = warmest_start
        self.observation_space = gym.spaces.Box(-2.0, 2.0, shape=(1,), dtype=np.float32)
        self.action_space = gym.spaces.Discrete(3)
        self.level = 0

    def _observation(self):
        reading = 2.0 * self.level / (LEVELS - 1) - 1.0 + self.np_random.normal(0.0, 0.01)
        return np.array([reading], dtype=np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.level = int(self.np_random.integers(0, self.warmest_start + 1))
        return self._observation(), {}

    def step(self, action):
        self.level = int(np.clip(self.level + int(action) - 1, 0, LEVELS - 1))
        reward = {0: 0.5, LEVELS - 1: 1.0}.get(self.level, 0.0)
        return self._observation(), reward, False, False, {}


gym.register("Greenhouse-v0", entry_point=Greenhouse, max_episode_steps=8)
gym.register("GreenhouseLong-v0", entry_point=Greenhouse, max_episode_steps=200, kwargs={"warmest_start": 3})
