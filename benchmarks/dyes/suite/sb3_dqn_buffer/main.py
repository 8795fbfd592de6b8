"""stable-baselines3's DQN on CartPole with a replay buffer of our own."""

import argparse
import random

import gymnasium as gym
import numpy as np
import torch
from buffers import RecentReplayBuffer
from stable_baselines3 import DQN
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="CartPole-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=8_000)
    parser.add_argument("--max-episode-steps", type=int, default=50)
    parser.add_argument("--num-envs", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--buffer-size", type=int, default=10_000)
    parser.add_argument("--learning-starts", type=int, default=150)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--gamma", type=float, default=0.97)
    parser.add_argument("--target-update-interval", type=int, default=200)
    return parser.parse_args()


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    def make_env():
        return Monitor(gym.make(args.env_id, max_episode_steps=args.max_episode_steps))

    env = DummyVecEnv([make_env] * args.num_envs)
    model = DQN(
        "MlpPolicy",
        env,
        learning_rate=args.learning_rate,
        buffer_size=args.buffer_size,
        learning_starts=args.learning_starts,
        batch_size=args.batch_size,
        gamma=args.gamma,
        train_freq=2,
        gradient_steps=2,
        target_update_interval=args.target_update_interval,
        exploration_fraction=0.4,
        replay_buffer_class=RecentReplayBuffer,
        replay_buffer_kwargs={"recent": 400},
        policy_kwargs={"net_arch": [64, 64]},
        seed=args.seed,
        device="cpu",
    )
    model.learn(args.total_timesteps)
    returns = [episode["r"] for episode in list(model.ep_info_buffer)[-20:]]
    print(f"step={model.num_timesteps} episodic_return={np.mean(returns):.1f}")
    env.close()


if __name__ == "__main__":
    main()
