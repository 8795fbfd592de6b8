"""One short run of an sb3-contrib algorithm with its library's defaults where they are not too large for it."""

import argparse
import random

import numpy as np
import torch
from sb3_contrib import QRDQN, TQC, TRPO, RecurrentPPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

# algorithm: environment, policy, environment steps, number of environments, keyword arguments
SETTINGS = {
    "QRDQN": (
        QRDQN,
        "CartPole-v1",
        "MlpPolicy",
        6_000,
        1,
        {
            "learning_rate": 1e-3,
            "buffer_size": 20_000,
            "learning_starts": 200,
            "batch_size": 64,
            "gamma": 0.98,
            "train_freq": 4,
            "gradient_steps": 4,
            "target_update_interval": 100,
            "exploration_fraction": 0.4,
            "policy_kwargs": {"net_arch": [64, 64], "n_quantiles": 25},
        },
    ),
    "RecurrentPPO": (
        RecurrentPPO,
        "CartPole-v1",
        "MlpLstmPolicy",
        6_144,
        4,
        {
            "learning_rate": 1e-3,
            "n_steps": 64,
            "batch_size": 64,
            "n_epochs": 4,
            "gamma": 0.98,
            "gae_lambda": 0.9,
            "policy_kwargs": {"net_arch": [32], "lstm_hidden_size": 32, "enable_critic_lstm": True},
        },
    ),
    "TQC": (
        TQC,
        "Pendulum-v1",
        "MlpPolicy",
        2_000,
        1,
        {
            "learning_rate": 1e-3,
            "buffer_size": 20_000,
            "learning_starts": 200,
            "batch_size": 64,
            "gamma": 0.95,
            "policy_kwargs": {"net_arch": [64, 64], "n_quantiles": 15},
        },
    ),
    "TRPO": (
        TRPO,
        "CartPole-v1",
        "MlpPolicy",
        8_192,
        2,
        {
            "learning_rate": 1e-3,
            "n_steps": 128,
            "batch_size": 128,
            "gamma": 0.98,
            "gae_lambda": 0.9,
            "n_critic_updates": 10,
            "policy_kwargs": {"net_arch": [32, 32]},
        },
    ),
}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--algo", choices=list(SETTINGS), default="QRDQN")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, help="default: the budget of the algorithm")
    parser.add_argument("--eval-episodes", type=int, default=3)
    return parser.parse_args()


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    algorithm, env_id, policy, budget, num_envs, settings = SETTINGS[args.algo]
    env = make_vec_env(env_id, n_envs=num_envs, seed=args.seed)
    model = algorithm(policy, env, seed=args.seed, device="cpu", **settings)
    model.learn(args.total_timesteps or budget)
    returns = [episode["r"] for episode in list(model.ep_info_buffer)[-10:]]
    print(f"step={model.num_timesteps} episodic_return={np.mean(returns):.1f}", flush=True)
    eval_env = make_vec_env(env_id, seed=args.seed + 10_000)
    mean, _ = evaluate_policy(model, eval_env, n_eval_episodes=args.eval_episodes)
    print(f"evaluation: mean return {mean:.1f} over {args.eval_episodes} episodes")
    eval_env.close()
    env.close()


if __name__ == "__main__":
    main()
