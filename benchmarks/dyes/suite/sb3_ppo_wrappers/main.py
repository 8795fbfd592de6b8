"""stable-baselines3's PPO on CartPole with wrappers of our own."""

import argparse
import random

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv
from wrappers import wrap


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="CartPole-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=10_000)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--num-envs", type=int, default=4)
    parser.add_argument("--num-steps", type=int, default=64)
    parser.add_argument("--gamma", type=float, default=0.98)
    parser.add_argument("--gae-lambda", type=float, default=0.9)
    parser.add_argument("--max-episode-steps", type=int, default=100)
    return parser.parse_args()


def make_env(env_id, max_episode_steps):
    def thunk():
        env = gym.make(env_id, max_episode_steps=max_episode_steps)
        return Monitor(wrap(env))

    return thunk


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    env = DummyVecEnv([make_env(args.env_id, args.max_episode_steps) for _ in range(args.num_envs)])
    model = PPO(
        "MlpPolicy",
        env,
        learning_rate=args.learning_rate,
        n_steps=args.num_steps,
        batch_size=64,
        n_epochs=4,
        gamma=args.gamma,
        gae_lambda=args.gae_lambda,
        policy_kwargs={"net_arch": [32, 32]},
        seed=args.seed,
        device="cpu",
    )
    model.learn(args.total_timesteps)
    returns = [episode["r"] for episode in model.ep_info_buffer]
    print(f"step={model.num_timesteps} episodic_return={np.mean(returns):.1f}")
    env.close()


if __name__ == "__main__":
    main()
