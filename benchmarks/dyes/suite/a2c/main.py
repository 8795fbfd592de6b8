"""Advantage actor-critic on CartPole, in the manner of early scripts: the rollout keeps the graph of its own forward
passes, and one backward pass follows it.

The vector environment resets on the step after an episode's end. That step ignores the action, pays nothing and only
hands out the new first observation, so it is no transition: `valid` is 0 there and keeps it out of all losses.
"""

import argparse

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
from gymnasium.vector import AutoresetMode, SyncVectorEnv

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--env-id", type=str, default="CartPole-v1")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--total-timesteps", type=int, default=80_000)
parser.add_argument("--num-envs", type=int, default=8)
parser.add_argument("--num-steps", type=int, default=8)
parser.add_argument("--gamma", type=float, default=0.97)
parser.add_argument("--lr", type=float, default=3e-3)
parser.add_argument("--value-coef", type=float, default=0.5)
parser.add_argument("--entropy-coef", type=float, default=0.005)
parser.add_argument("--max-grad-norm", type=float, default=0.5)


class ActorCritic(nn.Module):
    def __init__(self, num_inputs, num_actions, hidden=64):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(num_inputs, hidden), nn.Tanh(), nn.Linear(hidden, num_actions))
        self.critic = nn.Sequential(nn.Linear(num_inputs, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, x):
        probs = torch.softmax(self.actor(x), dim=-1)
        return torch.distributions.Categorical(probs), self.critic(x).squeeze(-1)


def compute_returns(next_value, rewards, terminated, ended, values_after, gamma):
    """n-step returns; a truncated episode goes on with the value of its last observation, a terminated one with 0."""
    ret = next_value
    returns = []
    for t in reversed(range(len(rewards))):
        future = torch.where(ended[t], values_after[t], ret)
        ret = rewards[t] + gamma * future * (~terminated[t]).float()
        returns.insert(0, ret)
    return torch.stack(returns)


def main():
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    np.random.seed(args.seed)

    envs = SyncVectorEnv(
        [lambda: gym.make(args.env_id)] * args.num_envs,
        autoreset_mode=AutoresetMode.NEXT_STEP,
    )
    model = ActorCritic(envs.single_observation_space.shape[0], int(envs.single_action_space.n))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=args.lr, eps=1e-5)

    episode_return = np.zeros(args.num_envs)
    last_returns = []
    state, _ = envs.reset(seed=args.seed)
    resetting = np.zeros(args.num_envs, dtype=bool)
    step, updates = 0, 0
    while step < args.total_timesteps:
        log_probs, values, entropies, rewards, terminateds, endeds, valids = [], [], [], [], [], [], []
        for _ in range(args.num_steps):
            dist, value = model(torch.as_tensor(state, dtype=torch.float32))
            action = dist.sample()
            state, reward, terminated, truncated, _ = envs.step(action.numpy())
            ended = terminated | truncated

            log_probs.append(dist.log_prob(action))
            entropies.append(dist.entropy())
            values.append(value)
            rewards.append(torch.as_tensor(reward, dtype=torch.float32))
            terminateds.append(torch.as_tensor(terminated))
            endeds.append(torch.as_tensor(ended))
            valids.append(torch.as_tensor(~resetting, dtype=torch.float32))

            episode_return += reward
            for i in np.flatnonzero(ended):
                last_returns.append(episode_return[i])
                episode_return[i] = 0.0
            resetting = ended
            step += args.num_envs

        with torch.no_grad():
            _, next_value = model(torch.as_tensor(state, dtype=torch.float32))
        values = torch.stack(values)
        # the observation after an episode's last step is its true final one, and is the next row's input
        values_after = torch.cat([values[1:].detach(), next_value.unsqueeze(0)])
        returns = compute_returns(next_value, rewards, terminateds, endeds, values_after, args.gamma)
        valid = torch.stack(valids)
        advantages = returns - values

        actor_loss = -(torch.stack(log_probs) * advantages.detach() * valid).sum() / valid.sum()
        critic_loss = (advantages.pow(2) * valid).sum() / valid.sum()
        entropy = (torch.stack(entropies) * valid).sum() / valid.sum()
        loss = actor_loss + args.value_coef * critic_loss - args.entropy_coef * entropy
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), args.max_grad_norm)
        optimizer.step()

        updates += 1
        if updates % 100 == 0 and last_returns:
            print(
                f"step {step}: return {np.mean(last_returns[-20:]):.1f}, actor loss {actor_loss.item():.3f}, "
                f"critic loss {critic_loss.item():.3f}, entropy {entropy.item():.3f}",
                flush=True,
            )
    envs.close()


if __name__ == "__main__":
    main()
