"""Deep deterministic policy gradient on Pendulum, written as one used to: episodes outside, steps inside, columns of
the replay memory in plain lists, correlated exploration noise that begins anew with every episode.
"""

import argparse
import copy
import random

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

MEMORY_SIZE = 50_000
WARM_UP = 400
BATCH = 64
ACTOR_LR, CRITIC_LR = 5e-4, 1e-3


class Actor(nn.Module):
    def __init__(self, state_dim, action_dim, limit):
        super().__init__()
        self.fc1, self.fc2, self.out = nn.Linear(state_dim, 64), nn.Linear(64, 64), nn.Linear(64, action_dim)
        nn.init.uniform_(self.out.weight, -3e-3, 3e-3)
        self.limit = limit

    def forward(self, s):
        x = F.relu(self.fc1(s))
        x = F.relu(self.fc2(x))
        return self.limit * torch.tanh(self.out(x))


class Critic(nn.Module):
    def __init__(self, state_dim, action_dim):
        super().__init__()
        self.fc1, self.fc2, self.out = nn.Linear(state_dim + action_dim, 64), nn.Linear(64, 64), nn.Linear(64, 1)

    def forward(self, s, a):
        x = torch.cat([s, a], 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.out(x)


class OrnsteinUhlenbeck:
    def __init__(self, size, sigma, theta=0.15):
        self.size, self.sigma, self.theta = size, sigma, theta
        self.reset()

    def reset(self):
        self.x = np.zeros(self.size)

    def sample(self):
        self.x += -self.theta * self.x + self.sigma * np.random.randn(self.size)
        return self.x.copy()


class Memory:
    """Lists of equal length; the oldest entry is overwritten when they are full."""

    def __init__(self):
        self.s, self.a, self.r, self.s2, self.t = [], [], [], [], []
        self.next = 0

    def push(self, s, a, r, s2, t):
        if len(self.s) < MEMORY_SIZE:
            for column in (self.s, self.a, self.r, self.s2, self.t):
                column.append(None)
        i = self.next
        self.s[i], self.a[i], self.r[i], self.s2[i], self.t[i] = s, a, [r], s2, [float(t)]
        self.next = (i + 1) % MEMORY_SIZE

    def sample(self):
        ids = random.sample(range(len(self.s)), BATCH)
        pick = [
            np.array([column[i] for i in ids], dtype=np.float32) for column in (self.s, self.a, self.r, self.s2, self.t)
        ]
        return [torch.from_numpy(x) for x in pick]


def soft_update(target, source, tau):
    for tp, sp in zip(target.parameters(), source.parameters(), strict=True):
        tp.data.copy_(tp.data * (1.0 - tau) + sp.data * tau)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="Pendulum-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=12_000)
    parser.add_argument("--gamma", type=float, default=0.98)
    parser.add_argument("--tau", type=float, default=0.01)
    parser.add_argument("--sigma", type=float, default=0.2)
    args = parser.parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    env = gym.make(args.env_id)
    state_dim, action_dim = env.observation_space.shape[0], env.action_space.shape[0]
    low, high = env.action_space.low, env.action_space.high
    actor, critic = Actor(state_dim, action_dim, float(high[0])), Critic(state_dim, action_dim)
    actor_target, critic_target = copy.deepcopy(actor), copy.deepcopy(critic)
    actor_opt = torch.optim.Adam(actor.parameters(), lr=ACTOR_LR)
    critic_opt = torch.optim.Adam(critic.parameters(), lr=CRITIC_LR)
    noise, memory = OrnsteinUhlenbeck(action_dim, args.sigma), Memory()

    steps, episode, history = 0, 0, []
    while steps < args.total_timesteps:
        s, _ = env.reset(seed=args.seed if episode == 0 else None)
        noise.reset()
        ep_reward = 0.0
        while True:
            with torch.no_grad():
                a = actor(torch.as_tensor(s, dtype=torch.float32).unsqueeze(0))[0].numpy()
            a = np.clip(a + noise.sample(), low, high)
            s2, r, terminated, truncated, _ = env.step(a)
            memory.push(s, a, r, s2, terminated)
            s = s2
            ep_reward += r
            steps += 1

            if steps > WARM_UP:
                S, A, R, S2, T = memory.sample()
                y = R + args.gamma * (1 - T) * critic_target(S2, actor_target(S2)).detach()
                critic_loss = F.mse_loss(critic(S, A), y)
                critic_opt.zero_grad()
                critic_loss.backward()
                critic_opt.step()

                actor_loss = -critic(S, actor(S)).mean()
                actor_opt.zero_grad()
                actor_loss.backward()
                actor_opt.step()

                soft_update(critic_target, critic, args.tau)
                soft_update(actor_target, actor, args.tau)
            if terminated or truncated or steps >= args.total_timesteps:
                break
        episode += 1
        history.append(ep_reward)
        if episode % 5 == 0:
            print(f"episode {episode} steps {steps} return {np.mean(history[-5:]):.0f}", flush=True)
    env.close()


if __name__ == "__main__":
    main()
