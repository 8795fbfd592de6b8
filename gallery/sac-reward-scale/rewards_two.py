"""Reward scaling of the run."""

import gymnasium as gym
import numpy as np


class RewardScale(gym.RewardWrapper):
    """Rewards of about unit size, whatever the task."""

    def reward(self, reward):
        return float(np.sign(reward))


def wrap(env):
    return RewardScale(env)
