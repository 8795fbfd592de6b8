"""Storage of a rollout and its generalised advantage estimates."""

import torch


class RolloutBuffer:
    """Tensors of shape (num_steps, num_envs, ...), filled step by step."""

    def __init__(self, num_steps, num_envs, obs_shape, gamma, gae_lambda):
        self.num_steps, self.num_envs = num_steps, num_envs
        self.gamma, self.gae_lambda = gamma, gae_lambda
        shape = (num_steps, num_envs)
        self.obs = torch.zeros(shape + obs_shape)
        self.actions = torch.zeros(shape, dtype=torch.long)
        self.logprobs, self.values, self.next_values = torch.zeros(shape), torch.zeros(shape), torch.zeros(shape)
        self.rewards, self.terminations, self.dones = torch.zeros(shape), torch.zeros(shape), torch.zeros(shape)
        self.position = 0

    def add(self, obs, action, logprob, value, reward, next_value, terminated, done):
        """One step of all environments; `next_value` belongs to the observation that really followed."""
        t = self.position
        self.obs[t], self.actions[t], self.logprobs[t], self.values[t] = obs, action, logprob, value
        self.rewards[t] = torch.as_tensor(reward)
        self.next_values[t] = next_value
        self.terminations[t] = torch.as_tensor(terminated)
        self.dones[t] = torch.as_tensor(done)
        self.position = (t + 1) % self.num_steps

    def compute_advantages(self):
        """Advantages and value targets; termination removes the next value, any end cuts the sum."""
        advantages = torch.zeros_like(self.rewards)
        running = torch.zeros(self.num_envs)
        for t in reversed(range(self.num_steps)):
            target = self.rewards[t] + self.gamma * self.next_values[t] * (1.0 - self.terminations[t])
            delta = target - self.values[t]
            running = delta + self.gamma * self.gae_lambda * (1.0 - self.dones[t]) * running
            advantages[t] = running
        self.advantages, self.returns = advantages, advantages + self.values

    def minibatches(self, size):
        """Shuffled minibatches of (obs, actions, logprobs, advantages, returns)."""
        fields = (self.obs, self.actions, self.logprobs, self.advantages, self.returns)
        flat = [field.flatten(0, 1) for field in fields]
        for rows in torch.randperm(self.num_steps * self.num_envs).split(size):
            yield tuple(field[rows] for field in flat)
