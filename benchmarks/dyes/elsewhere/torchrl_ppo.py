"""Proximal policy optimisation on CartPole with TorchRL, in the manner of its tutorials."""

import argparse
import random

import numpy as np
import torch
from tensordict.nn import TensorDictModule
from torch import nn
from torch.distributions import Categorical
from torchrl.collectors import Collector
from torchrl.envs import ExplorationType, GymEnv, RewardSum, StepCounter, TransformedEnv, set_exploration_type
from torchrl.envs.transforms import Compose
from torchrl.modules import ProbabilisticActor, ValueOperator
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="CartPole-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=12_288)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--num-steps", type=int, default=512)
    parser.add_argument("--minibatch-size", type=int, default=128)
    parser.add_argument("--update-epochs", type=int, default=8)
    parser.add_argument("--gamma", type=float, default=0.98)
    parser.add_argument("--gae-lambda", type=float, default=0.9)
    parser.add_argument("--clip-coef", type=float, default=0.2)
    parser.add_argument("--ent-coef", type=float, default=0.01)
    parser.add_argument("--max-grad-norm", type=float, default=0.5)
    parser.add_argument("--eval-episodes", type=int, default=3)
    return parser.parse_args()


def make_env(env_id, seed):
    env = TransformedEnv(GymEnv(env_id, categorical_action_encoding=True), Compose(RewardSum(), StepCounter()))
    env.set_seed(seed)
    return env


def mlp(in_dim, out_dim, hidden=64):
    return nn.Sequential(
        nn.Linear(in_dim, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, out_dim)
    )


def evaluate(env, actor, episodes):
    """Undiscounted returns of the most likely actions."""
    returns = []
    with torch.no_grad(), set_exploration_type(ExplorationType.DETERMINISTIC):
        for _ in range(episodes):
            returns.append(env.rollout(500, actor)["next", "reward"].sum().item())
    return returns


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    env, eval_env = make_env(args.env_id, args.seed), make_env(args.env_id, args.seed + 10_000)
    obs_dim, num_actions = env.observation_spec["observation"].shape[-1], env.action_spec.space.n
    logits = TensorDictModule(mlp(obs_dim, num_actions), in_keys=["observation"], out_keys=["logits"])
    actor = ProbabilisticActor(
        logits, in_keys=["logits"], spec=env.action_spec, distribution_class=Categorical, return_log_prob=True
    )
    critic = ValueOperator(mlp(obs_dim, 1), in_keys=["observation"])
    advantage = GAE(gamma=args.gamma, lmbda=args.gae_lambda, value_network=critic, average_gae=False)
    loss_module = ClipPPOLoss(
        actor, critic, clip_epsilon=args.clip_coef, entropy_coeff=args.ent_coef, normalize_advantage=True
    )
    optimizer = torch.optim.Adam(loss_module.parameters(), lr=args.learning_rate)
    collector = Collector(
        env,
        actor,
        frames_per_batch=args.num_steps,
        total_frames=args.total_timesteps,
        auto_register_policy_transforms=True,
    )

    for iteration, data in enumerate(collector, start=1):
        with torch.no_grad():
            advantage(data)
        for _ in range(args.update_epochs):
            for rows in torch.randperm(args.num_steps).split(args.minibatch_size):
                losses = loss_module(data[rows])
                loss = losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(loss_module.parameters(), args.max_grad_norm)
                optimizer.step()
        ended = data["next", "done"].squeeze(-1)
        if iteration % 4 == 0 and ended.any():
            episodic_return = data["next", "episode_reward"][ended].mean().item()
            print(
                f"step={iteration * args.num_steps} episodic_return={episodic_return:.1f} loss={loss.item():.3f}",
                flush=True,
            )
    collector.shutdown()
    returns = evaluate(eval_env, actor, args.eval_episodes)
    print(f"evaluation: mean return {np.mean(returns):.1f} over {args.eval_episodes} episodes")


if __name__ == "__main__":
    main()
