"""Stable-Baselines3's PPO or A2C on CartPole, with γ and λ from the command line: their impulse response is read."""

import argparse

from stable_baselines3 import A2C, PPO
from stable_baselines3.common.env_util import make_vec_env

ALGORITHMS = {
    "PPO": (PPO, {"n_steps": 64, "batch_size": 64, "n_epochs": 4}),
    "A2C": (A2C, {"n_steps": 16}),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--algo", choices=sorted(ALGORITHMS), default="PPO")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=2000)
    parser.add_argument("--gamma", type=float, default=0.98)
    parser.add_argument("--gae-lambda", type=float, default=0.9)
    args = parser.parse_args()
    algorithm, settings = ALGORITHMS[args.algo]
    env = make_vec_env("CartPole-v1", n_envs=2, seed=args.seed)
    model = algorithm("MlpPolicy", env, gamma=args.gamma, gae_lambda=args.gae_lambda, seed=args.seed, **settings)
    model.learn(args.total_timesteps)
    env.close()
