"""One healthy run of a Stable-Baselines3 or sb3-contrib algorithm, with settings that learn within a small budget."""

import argparse

import gymnasium as gym
import numpy as np
import torch
from sb3_contrib import ARS, QRDQN, TQC, TRPO, MaskablePPO, RecurrentPPO
from sb3_contrib.common.wrappers import ActionMasker
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.noise import NormalActionNoise

ALGORITHMS = {a.__name__: a for a in (A2C, ARS, DDPG, DQN, PPO, QRDQN, SAC, TD3, TQC, TRPO, MaskablePPO, RecurrentPPO)}
SMALL = {"net_arch": [64, 64]}
NOISE = NormalActionNoise(np.zeros(1), 0.2 * np.ones(1))
SETTINGS = {
    ("PPO", "CartPole-v1"): (
        8,
        {"n_steps": 32, "batch_size": 256, "n_epochs": 20, "gamma": 0.98, "gae_lambda": 0.8, "learning_rate": 1e-3},
    ),
    ("A2C", "CartPole-v1"): (8, {"learning_rate": 1.5e-3, "n_steps": 8, "gamma": 0.98, "gae_lambda": 0.95}),
    ("DQN", "CartPole-v1"): (
        1,
        {
            "learning_rate": 2.3e-3,
            "batch_size": 64,
            "learning_starts": 1_000,
            "target_update_interval": 10,
            "train_freq": 256,
            "gradient_steps": 128,
            "exploration_fraction": 0.3,
            "exploration_final_eps": 0.04,
            "policy_kwargs": SMALL,
        },
    ),
    ("TRPO", "CartPole-v1"): (2, {"learning_rate": 1e-3, "n_steps": 512, "batch_size": 512, "gamma": 0.98}),
    ("QRDQN", "CartPole-v1"): (
        1,
        {
            "learning_rate": 2.3e-3,
            "batch_size": 64,
            "learning_starts": 1_000,
            "target_update_interval": 10,
            "train_freq": 256,
            "gradient_steps": 128,
            "exploration_fraction": 0.3,
            "policy_kwargs": {"net_arch": [64, 64], "n_quantiles": 10},
        },
    ),
    ("RecurrentPPO", "CartPole-v1"): (
        8,
        {"n_steps": 32, "batch_size": 128, "n_epochs": 10, "gamma": 0.98, "gae_lambda": 0.8},
    ),
    ("MaskablePPO", "Acrobot-v1"): (
        8,
        {"n_steps": 128, "batch_size": 128, "n_epochs": 6, "learning_rate": 1e-3, "gae_lambda": 0.94},
    ),
    ("PPO", "Acrobot-v1"): (
        8,
        {"learning_rate": 1e-3, "n_steps": 128, "batch_size": 128, "n_epochs": 6, "gae_lambda": 0.94},
    ),
    ("A2C", "Acrobot-v1"): (16, {"learning_rate": 2e-3, "n_steps": 8, "ent_coef": 0.001}),
    ("DQN", "Acrobot-v1"): (
        1,
        {
            "learning_rate": 6.3e-4,
            "batch_size": 128,
            "buffer_size": 50_000,
            "learning_starts": 1_000,
            "target_update_interval": 250,
            "exploration_fraction": 0.3,
            "policy_kwargs": SMALL,
        },
    ),
    ("TRPO", "Acrobot-v1"): (4, {"learning_rate": 1e-3, "n_steps": 512, "batch_size": 256}),
    ("DQN", "MountainCar-v0"): (
        1,
        {
            "learning_rate": 4e-3,
            "batch_size": 128,
            "learning_starts": 1_000,
            "gamma": 0.98,
            "target_update_interval": 600,
            "train_freq": 16,
            "gradient_steps": 8,
            "exploration_fraction": 0.2,
            "exploration_final_eps": 0.07,
            "policy_kwargs": SMALL,
        },
    ),
    ("PPO", "Pendulum-v1"): (
        4,
        {"learning_rate": 1e-3, "n_steps": 1024, "batch_size": 64, "gamma": 0.9, "use_sde": True, "sde_sample_freq": 4},
    ),
    ("A2C", "Pendulum-v1"): (8, {"n_steps": 8, "gamma": 0.9, "gae_lambda": 0.9, "vf_coef": 0.4, "use_sde": True}),
    ("TRPO", "Pendulum-v1"): (
        2,
        {"learning_rate": 1e-3, "n_steps": 1024, "batch_size": 128, "gamma": 0.9, "use_sde": True},
    ),
    ("SAC", "Pendulum-v1"): (
        1,
        {"learning_rate": 1e-3, "learning_starts": 300, "batch_size": 128, "policy_kwargs": SMALL},
    ),
    ("TD3", "Pendulum-v1"): (
        1,
        {
            "learning_rate": 1e-3,
            "gamma": 0.98,
            "learning_starts": 500,
            "batch_size": 128,
            "action_noise": NOISE,
            "policy_kwargs": SMALL,
        },
    ),
    ("DDPG", "Pendulum-v1"): (
        1,
        {
            "learning_rate": 1e-3,
            "gamma": 0.98,
            "learning_starts": 500,
            "batch_size": 128,
            "action_noise": NOISE,
            "policy_kwargs": SMALL,
        },
    ),
    ("TQC", "Pendulum-v1"): (
        1,
        {"learning_rate": 1e-3, "learning_starts": 300, "batch_size": 64, "policy_kwargs": SMALL},
    ),
    ("PPO", "FrozenLake-v1"): (
        8,
        {"n_steps": 64, "batch_size": 128, "n_epochs": 6, "learning_rate": 1e-3, "ent_coef": 0.01},
    ),
    ("ARS", "CartPole-v1"): (1, {"n_delta": 8}),
}
"""(algorithm, environment): number of environments, keyword arguments; after rl-baselines3-zoo's tuned settings."""
POLICY = {"RecurrentPPO": "MlpLstmPolicy", "ARS": "LinearPolicy"}


def main() -> None:
    """Trains with an evaluation now and then."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--algo", choices=sorted(ALGORITHMS), default="PPO")
    parser.add_argument("--env", default="CartPole-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=20_000)
    args = parser.parse_args()
    torch.set_num_threads(1)
    count, settings = SETTINGS[args.algo, args.env]
    kwargs = {"is_slippery": False} if args.env == "FrozenLake-v1" else {}
    wrapper = _masked if args.algo == "MaskablePPO" else None
    envs = make_vec_env(args.env, n_envs=count, seed=args.seed, env_kwargs=kwargs, wrapper_class=wrapper)
    policy = POLICY.get(args.algo, "MlpPolicy")
    model = ALGORITHMS[args.algo](policy, envs, seed=args.seed, device="cpu", **settings)
    if args.algo in ("MaskablePPO", "ARS"):
        model.learn(args.total_timesteps)
        return
    held_out = make_vec_env(args.env, n_envs=1, seed=args.seed + 10_000, env_kwargs=kwargs)
    every = max(args.total_timesteps // (4 * count), 1)
    model.learn(args.total_timesteps, callback=EvalCallback(held_out, eval_freq=every, n_eval_episodes=5, verbose=0))


def _masked(env: gym.Env) -> gym.Env:
    return ActionMasker(env, lambda _: np.ones(env.action_space.n, bool))


if __name__ == "__main__":
    main()
