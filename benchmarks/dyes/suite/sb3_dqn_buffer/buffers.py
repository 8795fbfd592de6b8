"""A replay buffer that prefers recent transitions."""

import numpy as np
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples


class RecentReplayBuffer(ReplayBuffer):
    """Half of each batch comes from the newest `recent` steps, half from all that are stored."""

    def __init__(self, *args, recent=500, **kwargs):
        super().__init__(*args, **kwargs)
        self.recent = recent

    def sample(self, batch_size, env=None):
        size = self.buffer_size if self.full else self.pos
        newest = np.random.randint(0, min(size, self.recent), size=batch_size // 2)
        anywhere = np.random.randint(0, size, size=batch_size - batch_size // 2)
        rows = np.concatenate([(self.pos - 1 - newest) % self.buffer_size, anywhere])
        return self._get_samples(rows, env=env)

    def _get_samples(self, batch_inds, env=None):
        env_inds = np.random.randint(0, self.n_envs, size=len(batch_inds))
        obs = self._normalize_obs(self.observations[batch_inds, env_inds], env)
        next_obs = self._normalize_obs(self.next_observations[batch_inds, env_inds], env)
        rewards = self._normalize_reward(self.rewards[batch_inds, env_inds].reshape(-1, 1), env)
        terminated = self.dones[batch_inds, env_inds] * (1 - self.timeouts[batch_inds, env_inds])
        return ReplayBufferSamples(
            observations=self.to_torch(obs),
            actions=self.to_torch(self.actions[batch_inds, env_inds]),
            next_observations=self.to_torch(next_obs),
            dones=self.to_torch(terminated.reshape(-1, 1)),
            rewards=self.to_torch(rewards),
        )
