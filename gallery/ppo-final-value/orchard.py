"""A continuing task on a line, cut into short episodes for the sake of varied starting points."""

import gymnasium as gym
import numpy as np

SIZE = 16


class Orchard(gym.Env):
    """Walk along a row of trees. The left end pays half a basket at every step, the right end a whole one.

    Where the walker stands is read off a slightly noisy sensor. Nothing in the task ever ends; the time limit of the registration below only brings a new starting point.
    """

    def __init__(self, last_start=SIZE - 1):
        self.last_start = last_start
        self.observation_space = gym.spaces.Box(-2.0, 2.0, shape=(1,), dtype=np.float32)
        self.action_space = gym.spaces.Discrete(3)
        self.position = 0

    def _observation(self):
        jitter = self.np_random.normal(0.0, 0.01)
        return np.array([2.0 * self.position / (SIZE - 1) - 1.0 + jitter], dtype=np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.position = int(self.np_random.integers(0, self.last_start + 1))
        return self._observation(), {}

    def step(self, action):
        self.position = int(np.clip(self.position + int(action) - 1, 0, SIZE - 1))
        reward = {0: 0.5, SIZE - 1: 1.0}.get(self.position, 0.0)
        return self._observation(), reward, False, False, {}


gym.register("Orchard-v0", entry_point=Orchard, max_episode_steps=8)
gym.register("OrchardLong-v0", entry_point=Orchard, max_episode_steps=200, kwargs={"last_start": 3})
