"""TD3 of stable-baselines3 on the pendulum, with orthogonal initial weights."""

import argparse
import random

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
from stable_baselines3 import TD3
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.noise import NormalActionNoise


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="Pendulum-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=8_000)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--gamma", type=float, default=0.98)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-starts", type=int, default=500)
    parser.add_argument("--tau", type=float, default=0.02, help="share of the new weights in each update")
    parser.add_argument("--action-noise", type=float, default=0.2)
    parser.add_argument("--eval-episodes", type=int, default=5)
    parser.add_argument("--checkpoint", metavar="FILE")
    return parser.parse_args()


def initialise(network, gain):
    """Orthogonal weights and zero biases in every linear layer."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.orthogonal_(module.weight, gain)
            nn.init.zeros_(module.bias)


class ProgressLine(BaseCallback):
    """Prints the mean return of the last 10 training episodes every 1000 steps."""

    def _on_step(self):
        if self.num_timesteps % 1_000 == 0:
            returns = [episode["r"] for episode in list(self.model.ep_info_buffer)[-10:]]
            print(f"step={self.num_timesteps} episodic_return={np.mean(returns):.1f}", flush=True)
        return True


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    vec_env = make_vec_env(args.env_id, n_envs=1, seed=args.seed)
    action_dim = vec_env.action_space.shape[0]
    model = TD3(
        "MlpPolicy",
        vec_env,
        learning_rate=args.learning_rate,
        gamma=args.gamma,
        batch_size=args.batch_size,
        learning_starts=args.learning_starts,
        tau=args.tau,
        action_noise=NormalActionNoise(np.zeros(action_dim), args.action_noise * np.ones(action_dim)),
        policy_kwargs=dict(net_arch=[64, 64]),
        seed=args.seed,
        device="cpu",
    )
    initialise(model.actor, gain=1.0)
    model.actor_target.load_state_dict(model.actor.state_dict())
    model.learn(args.total_timesteps, callback=ProgressLine())

    if args.checkpoint:
        rng = {
            "torch": torch.get_rng_state(),
            "numpy": np.random.get_state(),
            "python": random.getstate(),
            "env": [env.unwrapped.np_random.bit_generator.state for env in vec_env.envs],
        }
        torch.save({"parameters": model.policy.state_dict(), "losses": [], "rng": rng}, args.checkpoint)
    if args.eval_episodes:
        eval_env = Monitor(gym.make(args.env_id))
        eval_env.reset(seed=args.seed + 10_000)
        mean, _ = evaluate_policy(model, eval_env, n_eval_episodes=args.eval_episodes)
        print(f"evaluation: mean return {mean:.1f} over {args.eval_episodes} episodes")
        eval_env.close()
    vec_env.close()


if __name__ == "__main__":
    main()
