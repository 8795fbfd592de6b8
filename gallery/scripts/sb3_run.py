"""One run of a stable-baselines3 or sb3-contrib algorithm on a classic-control task.

The table holds settings for each pair of algorithm and environment that learn within a small budget. The
library takes care of final observations and of bootstrapping truncated episodes; evaluation uses an
environment of its own.
"""

import argparse
import random

import gymnasium as gym
import numpy as np
import torch
from sb3_contrib import TRPO
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

ALGORITHMS = {"DQN": DQN, "PPO": PPO, "A2C": A2C, "SAC": SAC, "TD3": TD3, "TRPO": TRPO}

# (algorithm, environment): budget in environment steps, number of environments, keyword arguments
SETTINGS = {
    ("DQN", "CartPole-v1"): (
        50_000,
        1,
        dict(
            learning_rate=2.3e-3,
            batch_size=64,
            buffer_size=100_000,
            learning_starts=1_000,
            gamma=0.99,
            target_update_interval=10,
            train_freq=256,
            gradient_steps=128,
            exploration_fraction=0.16,
            exploration_final_eps=0.04,
            policy_kwargs=dict(net_arch=[256, 256]),
        ),
    ),
    ("DQN", "Acrobot-v1"): (
        40_000,
        1,
        dict(
            learning_rate=6.3e-4,
            batch_size=128,
            buffer_size=50_000,
            learning_starts=1_000,
            gamma=0.99,
            target_update_interval=250,
            train_freq=4,
            gradient_steps=1,
            exploration_fraction=0.2,
            exploration_final_eps=0.05,
            policy_kwargs=dict(net_arch=[128, 128]),
        ),
    ),
    ("PPO", "CartPole-v1"): (
        50_000,
        8,
        dict(
            learning_rate=LinearSchedule(1e-3, 1e-5, 1.0),
            clip_range=LinearSchedule(0.2, 0.01, 1.0),
            n_steps=32,
            batch_size=256,
            n_epochs=20,
            gamma=0.98,
            gae_lambda=0.8,
            ent_coef=0.0,
        ),
    ),
    ("PPO", "Acrobot-v1"): (
        80_000,
        8,
        dict(learning_rate=1e-3, n_steps=128, batch_size=128, n_epochs=6, gamma=0.99, gae_lambda=0.94),
    ),
    ("PPO", "Pendulum-v1"): (
        100_000,
        4,
        dict(
            learning_rate=1e-3,
            n_steps=1024,
            batch_size=64,
            n_epochs=10,
            gamma=0.9,
            gae_lambda=0.95,
            use_sde=True,
            sde_sample_freq=4,
        ),
    ),
    ("A2C", "CartPole-v1"): (
        100_000,
        8,
        dict(learning_rate=LinearSchedule(1.5e-3, 1e-5, 1.0), n_steps=8, gamma=0.98, gae_lambda=0.95),
    ),
    ("A2C", "Acrobot-v1"): (
        150_000,
        16,
        dict(learning_rate=LinearSchedule(2e-3, 1e-5, 1.0), n_steps=8, gamma=0.99, ent_coef=0.001),
    ),
    ("A2C", "Pendulum-v1"): (  # slow to learn: about a million steps
        1_000_000,
        8,
        dict(
            learning_rate=LinearSchedule(7e-4, 0.0, 1.0),
            n_steps=8,
            gamma=0.9,
            gae_lambda=0.9,
            vf_coef=0.4,
            use_sde=True,
            policy_kwargs=dict(log_std_init=-2.0, ortho_init=False),
        ),
    ),
    ("SAC", "Pendulum-v1"): (
        6_000,
        1,
        dict(learning_rate=1e-3, learning_starts=500, batch_size=128, policy_kwargs=dict(net_arch=[64, 64])),
    ),
    ("TD3", "Pendulum-v1"): (
        8_000,
        1,
        dict(
            learning_rate=1e-3,
            gamma=0.98,
            learning_starts=1_000,
            batch_size=128,
            action_noise=NormalActionNoise(np.zeros(1), 0.2 * np.ones(1)),
            policy_kwargs=dict(net_arch=[64, 64]),
        ),
    ),
    ("TRPO", "CartPole-v1"): (
        50_000,
        2,
        dict(learning_rate=1e-3, n_steps=512, batch_size=512, gamma=0.98, n_critic_updates=20),
    ),
    ("TRPO", "Acrobot-v1"): (
        80_000,
        4,
        dict(learning_rate=1e-3, n_steps=512, batch_size=256, gamma=0.99, n_critic_updates=15),
    ),
    ("TRPO", "Pendulum-v1"): (
        100_000,
        2,
        dict(
            learning_rate=1e-3,
            n_steps=1024,
            batch_size=128,
            gamma=0.9,
            n_critic_updates=15,
            cg_max_steps=25,
            sub_sampling_factor=1,
            use_sde=True,
            sde_sample_freq=4,
        ),
    ),
}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--algo", choices=list(ALGORITHMS), default="PPO")
    parser.add_argument("--env", "--env-id", dest="env_id", default="CartPole-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, help="default: the budget of the pair")
    parser.add_argument("--learning-rate", type=float, help="default: the setting of the pair")
    parser.add_argument("--gamma", type=float, help="default: the setting of the pair")
    parser.add_argument("--num-envs", type=int, help="default: the setting of the pair")
    parser.add_argument("--vec-env", choices=["dummy", "subproc"], default="dummy")
    parser.add_argument("--eval-episodes", type=int, default=5)
    parser.add_argument("--verbose", type=int, default=0)
    parser.add_argument("--checkpoint", metavar="FILE")
    args = parser.parse_args()
    if (args.algo, args.env_id) not in SETTINGS:
        known = ", ".join(f"{algo} on {env_id}" for algo, env_id in SETTINGS)
        parser.error(f"no settings for {args.algo} on {args.env_id}; there are {known}")
    return args


class ProgressLine(BaseCallback):
    """Prints the mean return of the last 20 training episodes, ten times a run."""

    def __init__(self, total_timesteps):
        super().__init__()
        self.interval, self.next_print = total_timesteps // 10, total_timesteps // 10

    def _on_step(self):
        if self.num_timesteps >= self.next_print:
            self.next_print += self.interval
            returns = [episode["r"] for episode in list(self.model.ep_info_buffer)[-20:]]
            episodic_return = float(np.mean(returns)) if returns else float("nan")
            print(f"step={self.num_timesteps} episodic_return={episodic_return:.1f}", flush=True)
        return True


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    budget, num_envs, settings = SETTINGS[args.algo, args.env_id]
    total_timesteps = args.total_timesteps or budget
    overrides = {"learning_rate": args.learning_rate, "gamma": args.gamma}
    settings = settings | {name: value for name, value in overrides.items() if value is not None}

    vec_env = make_vec_env(
        args.env_id,
        n_envs=args.num_envs or num_envs,
        seed=args.seed,
        vec_env_cls=DummyVecEnv if args.vec_env == "dummy" else SubprocVecEnv,
    )
    model = ALGORITHMS[args.algo]("MlpPolicy", vec_env, seed=args.seed, device="cpu", verbose=args.verbose, **settings)
    model.learn(total_timesteps, callback=ProgressLine(total_timesteps))

    if args.checkpoint:
        envs = vec_env.envs if args.vec_env == "dummy" else []
        rng = {
            "torch": torch.get_rng_state(),
            "numpy": np.random.get_state(),
            "python": random.getstate(),
            "env": [env.unwrapped.np_random.bit_generator.state for env in envs],
        }
        torch.save({"parameters": model.policy.state_dict(), "losses": [], "rng": rng}, args.checkpoint)
    if args.eval_episodes:
        eval_env = DummyVecEnv([lambda: gym.wrappers.RecordEpisodeStatistics(gym.make(args.env_id))])
        eval_env.seed(args.seed + 10_000)
        mean, _ = evaluate_policy(model, eval_env, n_eval_episodes=args.eval_episodes, warn=False)
        print(f"evaluation: mean return {mean:.1f} over {args.eval_episodes} episodes")
        eval_env.close()
    vec_env.close()


if __name__ == "__main__":
    main()
