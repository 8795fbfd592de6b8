"""n-step transitions and the replay buffer that holds them."""

from collections import deque

import numpy as np
import torch


class NStepAccumulator:
    """Turns single steps into n-step transitions (obs, action, return, next_obs, discount).

    `discount` multiplies the value of `next_obs`: gamma to the number of steps, or 0 after a termination.
    """

    def __init__(self, num_steps, gamma):
        self.num_steps, self.gamma = num_steps, gamma
        self.steps = deque()

    def _oldest(self, next_obs, terminated):
        total = 0.0
        for _, _, reward in reversed(self.steps):
            total = reward + self.gamma * total
        obs, action, _ = self.steps[0]
        discount = 0.0 if terminated else self.gamma ** len(self.steps)
        return obs, action, total, next_obs, discount

    def push(self, obs, action, reward, next_obs, terminated, truncated):
        """The transitions that this step completes: one in the middle of an episode, all that wait at its end."""
        self.steps.append((obs, action, reward))
        complete = []
        if terminated or truncated:
            while self.steps:
                complete.append(self._oldest(next_obs, terminated))
                self.steps.popleft()
        elif len(self.steps) == self.num_steps:
            complete.append(self._oldest(next_obs, terminated))
            self.steps.popleft()
        return complete


class ReplayBuffer:
    """The last `capacity` transitions."""

    def __init__(self, capacity):
        self.transitions = deque(maxlen=capacity)

    def __len__(self):
        return len(self.transitions)

    def add(self, transition):
        self.transitions.append(transition)

    def sample(self, batch_size):
        """Tensors of a uniform sample, in the order of a transition."""
        rows = np.random.randint(len(self.transitions), size=batch_size)
        obs, actions, returns, next_obs, discounts = zip(*(self.transitions[i] for i in rows), strict=True)
        return (
            torch.from_numpy(np.stack(obs)),
            torch.tensor(actions),
            torch.tensor(returns, dtype=torch.float32),
            torch.from_numpy(np.stack(next_obs)),
            torch.tensor(discounts, dtype=torch.float32),
        )
