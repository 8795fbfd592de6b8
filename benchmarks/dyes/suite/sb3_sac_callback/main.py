"""stable-baselines3's SAC on Pendulum with wrappers and an evaluation callback of our own."""

import argparse
import random

import numpy as np
import torch
from callbacks import EvaluateAndLog
from stable_baselines3 import SAC
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv
from wrappers import make_env


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="Pendulum-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=4_000)
    parser.add_argument("--max-episode-steps", type=int, default=100)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--learning-starts", type=int, default=150)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--gamma", type=float, default=0.95)
    parser.add_argument("--tau", type=float, default=0.01)
    parser.add_argument("--eval-interval", type=int, default=250)
    parser.add_argument("--eval-episodes", type=int, default=1)
    return parser.parse_args()


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    env = DummyVecEnv([lambda: Monitor(make_env(args.env_id, args.max_episode_steps))])
    eval_env = DummyVecEnv([lambda: Monitor(make_env(args.env_id, args.max_episode_steps))])
    model = SAC(
        "MlpPolicy",
        env,
        learning_rate=args.learning_rate,
        buffer_size=20_000,
        learning_starts=args.learning_starts,
        batch_size=args.batch_size,
        gamma=args.gamma,
        tau=args.tau,
        policy_kwargs={"net_arch": [32, 32]},
        seed=args.seed,
        device="cpu",
    )
    callback = EvaluateAndLog(eval_env, args.eval_interval, args.eval_episodes, seed=args.seed + 10_000)
    model.learn(args.total_timesteps, callback=callback)
    print(f"step={model.num_timesteps} best evaluation={max(callback.scores):.1f}")
    env.close()
    eval_env.close()


if __name__ == "__main__":
    main()
