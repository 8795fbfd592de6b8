"""Recurrent proximal policy optimisation on CartPole without velocities.

The observation wrapper leaves position and angle only, so the policy has to remember. The vector environment does not
reset by itself: an ended environment's true final observation is what `step` returns, its value is taken with the
memory that led there, and then the environment is reset by mask and its memory is set to zero. The update replays
whole rollouts of some environments from the memory they began with, cutting it at the same places.
"""

import argparse
from collections import deque
from dataclasses import dataclass, fields

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Categorical


@dataclass
class Config:
    seed: int = 1
    total_timesteps: int = 100_000
    num_envs: int = 8
    num_steps: int = 64
    envs_per_minibatch: int = 4
    epochs: int = 6
    hidden: int = 64
    learning_rate: float = 4e-3
    gamma: float = 0.96
    gae_lambda: float = 0.92
    clip_coef: float = 0.2
    ent_coef: float = 0.003
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5

    @classmethod
    def from_command_line(cls):
        parser = argparse.ArgumentParser(description=__doc__)
        for f in fields(cls):
            parser.add_argument("--" + f.name.replace("_", "-"), type=type(f.default), default=f.default)
        return cls(**vars(parser.parse_args()))


class NoVelocity(gym.ObservationWrapper):
    def __init__(self, env):
        super().__init__(env)
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (2,), np.float32)

    def observation(self, observation):
        return observation[[0, 2]] * np.float32(5.0)


class RecurrentActorCritic(nn.Module):
    def __init__(self, obs_dim, num_actions, hidden):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh())
        self.lstm = nn.LSTMCell(hidden, hidden)
        self.policy_head, self.value_head = nn.Linear(hidden, num_actions), nn.Linear(hidden, 1)
        nn.init.orthogonal_(self.policy_head.weight, 0.01)

    def step(self, obs, memory):
        """One step of a batch of environments; `memory` is the pair (h, c)."""
        memory = self.lstm(self.encoder(obs), memory)
        return Categorical(logits=self.policy_head(memory[0])), self.value_head(memory[0]).squeeze(-1), memory

    def replay(self, obs, memory, starts):
        """Logits and values of a rollout; where `starts[t]` is 1 a new episode begins with step t."""
        logits, values = [], []
        for t in range(len(obs)):
            keep = (1.0 - starts[t]).unsqueeze(-1)
            dist, value, memory = self.step(obs[t], (memory[0] * keep, memory[1] * keep))
            logits.append(dist.logits)
            values.append(value)
        return torch.stack(logits), torch.stack(values)


@dataclass
class Rollout:
    obs: Tensor
    starts: Tensor
    actions: Tensor
    log_probs: Tensor
    values: Tensor
    next_values: Tensor
    rewards: Tensor
    terminated: Tensor
    ended: Tensor


def advantages_of(rollout, gamma, lam):
    delta = rollout.rewards + gamma * (1 - rollout.terminated) * rollout.next_values - rollout.values
    out, carry = torch.zeros_like(delta), torch.zeros(delta.shape[1])
    for t in range(delta.shape[0] - 1, -1, -1):
        carry = delta[t] + gamma * lam * (1 - rollout.ended[t]) * carry
        out[t] = carry
    return out


def main():
    cfg = Config.from_command_line()
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    envs = gym.vector.SyncVectorEnv(
        [lambda: NoVelocity(gym.make("CartPole-v1"))] * cfg.num_envs,
        autoreset_mode=gym.vector.AutoresetMode.DISABLED,
    )
    net = RecurrentActorCritic(2, int(envs.single_action_space.n), cfg.hidden)
    optimizer = torch.optim.Adam(net.parameters(), lr=cfg.learning_rate, eps=1e-5)

    obs = torch.from_numpy(envs.reset(seed=cfg.seed)[0])
    memory = (torch.zeros(cfg.num_envs, cfg.hidden), torch.zeros(cfg.num_envs, cfg.hidden))
    start = torch.ones(cfg.num_envs)
    lengths, recent = np.zeros(cfg.num_envs), deque(maxlen=40)
    iterations = cfg.total_timesteps // (cfg.num_envs * cfg.num_steps)
    for iteration in range(1, iterations + 1):
        rows = []
        first_memory = memory
        for _ in range(cfg.num_steps):
            with torch.no_grad():
                dist, value, memory = net.step(obs, memory)
                action = dist.sample()
                after, reward, terminated, truncated, _ = envs.step(action.numpy())
                after = torch.from_numpy(after)
                next_value = net.step(after, memory)[1]
            ended = terminated | truncated
            end = torch.from_numpy(ended).float()
            paid, fell = torch.from_numpy(reward).float(), torch.from_numpy(terminated).float()
            rows.append((obs, start, action, dist.log_prob(action), value, next_value, paid, fell, end))
            lengths += reward
            if ended.any():
                recent.extend(lengths[ended])
                lengths[ended] = 0.0
                after = torch.from_numpy(envs.reset(options={"reset_mask": ended})[0])
                keep = (1.0 - end).unsqueeze(-1)
                memory = (memory[0] * keep, memory[1] * keep)
            obs, start = after, end

        rollout = Rollout(*(torch.stack(column) for column in zip(*rows, strict=True)))
        advantages = advantages_of(rollout, cfg.gamma, cfg.gae_lambda)
        targets = advantages + rollout.values
        for _ in range(cfg.epochs):
            for ids in torch.randperm(cfg.num_envs).split(cfg.envs_per_minibatch):
                logits, values = net.replay(
                    rollout.obs[:, ids], (first_memory[0][ids], first_memory[1][ids]), rollout.starts[:, ids]
                )
                dist = Categorical(logits=logits)
                ratio = (dist.log_prob(rollout.actions[:, ids]) - rollout.log_probs[:, ids]).exp()
                adv = advantages[:, ids]
                adv = (adv - adv.mean()) / (adv.std() + 1e-8)
                policy_loss = -torch.min(ratio * adv, ratio.clamp(1 - cfg.clip_coef, 1 + cfg.clip_coef) * adv).mean()
                value_loss = 0.5 * (values - targets[:, ids]).square().mean()
                entropy = dist.entropy().mean()
                loss = policy_loss + cfg.vf_coef * value_loss - cfg.ent_coef * entropy
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), cfg.max_grad_norm)
                optimizer.step()
        if iteration % 20 == 0 and recent:
            steps = iteration * cfg.num_envs * cfg.num_steps
            print(
                f"step={steps} return={np.mean(recent):.1f} loss={loss.item():.3f} entropy={entropy.item():.3f}",
                flush=True,
            )
    envs.close()


if __name__ == "__main__":
    main()
