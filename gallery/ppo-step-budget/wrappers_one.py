"""Wrappers around the environment of the run."""

import gymnasium as gym


class StepBudget(gym.Wrapper):
    """Cuts an episode after a number of steps, so that no single episode fills a whole rollout."""

    def __init__(self, env, limit=200):
        super().__init__(env)
        self.limit = limit
        self.elapsed = 0

    def reset(self, **kwargs):
        self.elapsed = 0
        return self.env.reset(**kwargs)

    def step(self, action):
        obs, reward, terminated, truncated, info = self.env.step(action)
        self.elapsed += 1
        return obs, reward, terminated, truncated or self.elapsed >= self.limit, info


def wrap(env):
    return StepBudget(env)
