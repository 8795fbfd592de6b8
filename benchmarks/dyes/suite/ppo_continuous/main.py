"""Proximal policy optimisation for Pendulum with a single environment and plain Python lists.

The policy is a Gaussian with a learned, state-independent spread. A sample may lie outside the bounds of the action
space: it is clipped on its way into the environment only, and the update scores the sample. Observations are
standardised with running moments; what the policy saw is what is stored. Rewards are multiplied by a constant.
"""

import argparse
import math
from dataclasses import dataclass, field

import gymnasium as gym
import numpy as np
import torch
from torch import nn


class RunningMoments:
    """Mean and variance of everything seen so far."""

    def __init__(self, size):
        self.count, self.mean, self.m2 = 0, np.zeros(size), np.zeros(size)

    def update(self, x):
        self.count += 1
        delta = x - self.mean
        self.mean = self.mean + delta / self.count
        self.m2 = self.m2 + delta * (x - self.mean)

    def __call__(self, x):
        variance = self.m2 / max(self.count - 1, 1) if self.count > 1 else np.ones_like(self.m2)
        return np.clip((x - self.mean) / np.sqrt(variance + 1e-8), -10.0, 10.0).astype(np.float32)


@dataclass
class Memory:
    states: list = field(default_factory=list)
    actions: list = field(default_factory=list)
    log_probs: list = field(default_factory=list)
    rewards: list = field(default_factory=list)
    values: list = field(default_factory=list)
    next_values: list = field(default_factory=list)
    terminated: list = field(default_factory=list)
    ended: list = field(default_factory=list)

    def clear(self):
        for column in vars(self).values():
            column.clear()


class PPO:
    def __init__(self, state_size, action_size, args):
        self.args = args
        self.mean = nn.Sequential(
            nn.Linear(state_size, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, action_size)
        )
        self.log_std = nn.Parameter(torch.zeros(action_size))
        self.value = nn.Sequential(nn.Linear(state_size, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
        self.actor_optimizer = torch.optim.Adam([*self.mean.parameters(), self.log_std], lr=args.actor_lr)
        self.critic_optimizer = torch.optim.Adam(self.value.parameters(), lr=args.critic_lr)

    def log_prob(self, state, action):
        z = (action - self.mean(state)) / self.log_std.exp()
        return (-0.5 * z.pow(2) - self.log_std - 0.5 * math.log(2 * math.pi)).sum(-1)

    @torch.no_grad()
    def select_action(self, state):
        state = torch.from_numpy(state)
        action = self.mean(state) + self.log_std.exp() * torch.randn_like(self.log_std)
        return action, self.log_prob(state, action).item(), self.value(state).item()

    def advantages(self, memory):
        gamma, lam = self.args.gamma, self.args.gae_lambda
        gae, result = 0.0, []
        for t in range(len(memory.rewards) - 1, -1, -1):
            if memory.ended[t]:
                gae = 0.0
            bootstrap = 0.0 if memory.terminated[t] else memory.next_values[t]
            delta = memory.rewards[t] + gamma * bootstrap - memory.values[t]
            gae = delta + gamma * lam * gae
            result.append(gae)
        return result[::-1]

    def update(self, memory):
        states = torch.from_numpy(np.array(memory.states))
        actions = torch.stack(memory.actions)
        old_log_probs = torch.tensor(memory.log_probs)
        advantages = torch.tensor(self.advantages(memory))
        targets = advantages + torch.tensor(memory.values)
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        for _ in range(self.args.epochs):
            for idx in torch.randperm(len(states)).split(self.args.minibatch_size):
                ratio = torch.exp(self.log_prob(states[idx], actions[idx]) - old_log_probs[idx])
                surrogate = ratio * advantages[idx]
                clipped = torch.clamp(ratio, 1 - self.args.clip, 1 + self.args.clip) * advantages[idx]
                actor_loss = -torch.minimum(surrogate, clipped).mean()
                self.actor_optimizer.zero_grad()
                actor_loss.backward()
                self.actor_optimizer.step()

                critic_loss = nn.functional.mse_loss(self.value(states[idx]).squeeze(-1), targets[idx])
                self.critic_optimizer.zero_grad()
                critic_loss.backward()
                self.critic_optimizer.step()
        return actor_loss.item(), critic_loss.item()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="Pendulum-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=60_000)
    parser.add_argument("--rollout", type=int, default=1_000)
    parser.add_argument("--minibatch-size", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--gamma", type=float, default=0.95)
    parser.add_argument("--gae-lambda", type=float, default=0.9)
    parser.add_argument("--clip", type=float, default=0.2)
    parser.add_argument("--actor-lr", type=float, default=1e-3)
    parser.add_argument("--critic-lr", type=float, default=2e-3)
    parser.add_argument("--reward-scale", type=float, default=0.1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    env = gym.make(args.env_id)
    low, high = env.action_space.low, env.action_space.high
    moments = RunningMoments(env.observation_space.shape[0])
    agent, memory = PPO(env.observation_space.shape[0], env.action_space.shape[0], args), Memory()

    raw, _ = env.reset(seed=args.seed)
    episode_return, returns = 0.0, []
    for step in range(1, args.total_timesteps + 1):
        moments.update(raw)
        state = moments(raw)
        action, log_prob, value = agent.select_action(state)
        raw, reward, terminated, truncated, _ = env.step(np.clip(action.numpy(), low, high))
        episode_return += float(reward)
        memory.states.append(state)
        memory.actions.append(action)
        memory.log_probs.append(log_prob)
        memory.values.append(value)
        memory.rewards.append(float(reward) * args.reward_scale)
        memory.terminated.append(terminated)
        memory.ended.append(terminated or truncated)
        with torch.no_grad():
            memory.next_values.append(agent.value(torch.from_numpy(moments(raw))).item())
        if terminated or truncated:
            returns.append(episode_return)
            episode_return = 0.0
            raw, _ = env.reset()
        if step % args.rollout == 0:
            actor_loss, critic_loss = agent.update(memory)
            memory.clear()
        if step % (5 * args.rollout) == 0:
            print(
                f"{step} steps: return {np.mean(returns[-20:]):.0f}, actor loss {actor_loss:.4f}, critic loss "
                f"{critic_loss:.3f}, std {agent.log_std.exp().mean().item():.2f}",
                flush=True,
            )
    env.close()


if __name__ == "__main__":
    main()
