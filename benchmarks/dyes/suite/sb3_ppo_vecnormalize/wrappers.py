"""Vector environment wrapper and the construction of training and evaluation environments."""

import gymnasium as gym
import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnvWrapper, VecNormalize


class VecChange(VecEnvWrapper):
    """Appends to each observation its change since the step before, zeros at the start of an episode."""

    def __init__(self, venv):
        low, high = (np.tile(bound, 2) for bound in (venv.observation_space.low, venv.observation_space.high))
        super().__init__(venv, observation_space=gym.spaces.Box(low, high, dtype=np.float32))

    def reset(self):
        self.last = self.venv.reset()
        return np.concatenate([self.last, np.zeros_like(self.last)], axis=1)

    def step_wait(self):
        obs, rewards, dones, infos = self.venv.step_wait()
        change = obs - self.last
        for i in np.flatnonzero(dones):
            terminal = infos[i]["terminal_observation"]
            infos[i]["terminal_observation"] = np.concatenate([terminal, terminal - self.last[i]])
            change[i] = 0.0
        self.last = obs
        return np.concatenate([obs, change], axis=1), rewards, dones, infos


def make_training_env(env_id, num_envs, max_episode_steps, gamma):
    def make():
        return Monitor(gym.make(env_id, max_episode_steps=max_episode_steps))

    venv = VecChange(DummyVecEnv([make] * num_envs))
    return VecNormalize(venv, norm_obs=True, norm_reward=True, clip_obs=10.0, clip_reward=10.0, gamma=gamma)


def make_eval_env(env_id, training_env):
    """One environment that uses the statistics of the training environment and leaves them as they are."""
    venv = VecChange(DummyVecEnv([lambda: Monitor(gym.make(env_id))]))
    eval_env = VecNormalize(venv, training=False, norm_obs=True, norm_reward=False, clip_obs=10.0)
    eval_env.obs_rms = training_env.obs_rms
    return eval_env
