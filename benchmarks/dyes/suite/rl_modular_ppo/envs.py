"""A buoy in changing wind: keep it near the mark."""

import gymnasium as gym
import numpy as np

LIMIT = 2.0


class Buoy(gym.Env):
    """One coordinate, three thrusts. The episode terminates when the buoy drifts out of reach.

    Observation: position, velocity and the wind, which wanders slowly.
    """

    def __init__(self, thrust=0.05, gust=0.01):
        self.thrust, self.gust = thrust, gust
        high = np.array([LIMIT, 1.0, 0.1], dtype=np.float32)
        self.observation_space = gym.spaces.Box(-high, high, dtype=np.float32)
        self.action_space = gym.spaces.Discrete(3)
        self.state = np.zeros(3)

    def _observation(self):
        return np.array(self.state, dtype=np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = self.np_random.uniform([-0.5, -0.05, -0.03], [0.5, 0.05, 0.03])
        return self._observation(), {}

    def step(self, action):
        position, velocity, wind = self.state
        wind = np.clip(wind + self.np_random.normal(0.0, self.gust), -0.05, 0.05)
        velocity = np.clip(0.95 * velocity + self.thrust * (int(action) - 1) + 0.5 * wind, -1.0, 1.0)
        position = position + velocity
        self.state = np.array([position, velocity, wind])
        terminated = bool(abs(position) > LIMIT)
        reward = 10.0 * (1.0 - position**2) - 20.0 * terminated
        return self._observation(), float(reward), terminated, False, {}


gym.register("Buoy-v0", entry_point=Buoy, max_episode_steps=40)
