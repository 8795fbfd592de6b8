"""A warehouse floor: fetch the parcel, bring it to the door, mind the hole."""

import gymnasium as gym
import numpy as np

SIZE = 5
MOVES = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])


class Warehouse(gym.Env):
    """Grid with four moves. Falling into the hole or delivering the parcel terminates the episode.

    Observation: own position, position of the parcel, position of the hole (each in [-1, 1]) and whether the
    parcel is carried.
    """

    def __init__(self, step_cost=0.02):
        self.step_cost = step_cost
        self.observation_space = gym.spaces.Box(-1.0, 1.0, shape=(7,), dtype=np.float32)
        self.action_space = gym.spaces.Discrete(4)
        self.door = np.array([0, 0])
        self.observation = np.zeros(7, dtype=np.float32)

    def _observation(self):
        places = np.concatenate([self.position, self.parcel, self.hole])
        self.observation[:6] = 2.0 * places / (SIZE - 1) - 1.0
        self.observation[6] = self.carrying
        return self.observation.copy()

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        cells = self.np_random.permutation(np.arange(1, SIZE * SIZE))[:3]
        self.position, self.parcel, self.hole = (np.array(divmod(int(cell), SIZE)) for cell in cells)
        self.carrying = 0.0
        return self._observation(), {}

    def step(self, action):
        self.position = np.clip(self.position + MOVES[int(action)], 0, SIZE - 1)
        reward = -self.step_cost
        if not self.carrying and np.array_equal(self.position, self.parcel):
            self.carrying, reward = 1.0, 0.5
        delivered = bool(self.carrying) and np.array_equal(self.position, self.door)
        fallen = np.array_equal(self.position, self.hole)
        if delivered:
            reward = 1.0
        if fallen:
            reward = -1.0
        return self._observation(), reward, delivered or fallen, False, {}
