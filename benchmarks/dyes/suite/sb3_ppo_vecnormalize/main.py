"""stable-baselines3's PPO on CartPole with normalised observations and rewards, evaluated between rollouts."""

import argparse
import random

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from wrappers import make_eval_env, make_training_env


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="CartPole-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=10_240)
    parser.add_argument("--max-episode-steps", type=int, default=100)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--num-envs", type=int, default=4)
    parser.add_argument("--num-steps", type=int, default=64)
    parser.add_argument("--gamma", type=float, default=0.98)
    parser.add_argument("--gae-lambda", type=float, default=0.92)
    parser.add_argument("--eval-rounds", type=int, default=4)
    parser.add_argument("--eval-episodes", type=int, default=2)
    return parser.parse_args()


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    env = make_training_env(args.env_id, args.num_envs, args.max_episode_steps, args.gamma)
    eval_env = make_eval_env(args.env_id, env)
    eval_env.seed(args.seed + 10_000)
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
    for _ in range(args.eval_rounds):
        model.learn(args.total_timesteps // args.eval_rounds, reset_num_timesteps=False)
        score, _ = evaluate_policy(model, eval_env, args.eval_episodes)
        returns = [episode["r"] for episode in list(model.ep_info_buffer)[-20:]]
        print(f"step={model.num_timesteps} episodic_return={np.mean(returns):.1f} evaluation={score:.1f}", flush=True)
    env.close()
    eval_env.close()


if __name__ == "__main__":
    main()
