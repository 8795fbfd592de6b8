"""Twin delayed deep deterministic policy gradient on Pendulum.

Two critics in one module, smoothed target actions, an actor that is updated every other time. The replay is one torch
tensor per field. The current policy is evaluated without noise from time to time, on an environment of its own.
"""

import argparse
from copy import deepcopy

import gymnasium as gym
import torch
import torch.nn as nn
import torch.nn.functional as F


def get_args():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--env-id", default="Pendulum-v1")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--total-timesteps", type=int, default=10_000)
    ap.add_argument("--learning-starts", type=int, default=500)
    ap.add_argument("--capacity", type=int, default=20_000)
    ap.add_argument("--batch-size", type=int, default=100)
    ap.add_argument("--gamma", type=float, default=0.98)
    ap.add_argument("--polyak", type=float, default=0.99, help="share of the old weights in each target update")
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--explore-noise", type=float, default=0.1, help="relative to the action's range")
    ap.add_argument("--target-noise", type=float, default=0.2)
    ap.add_argument("--noise-clip", type=float, default=0.5)
    ap.add_argument("--policy-delay", type=int, default=2)
    ap.add_argument("--eval-every", type=int, default=1_000)
    return ap.parse_args()


def mlp(sizes, final=nn.Identity):
    layers = []
    for i in range(len(sizes) - 1):
        layers += [nn.Linear(sizes[i], sizes[i + 1]), nn.ReLU() if i < len(sizes) - 2 else final()]
    return nn.Sequential(*layers)


class TwinCritic(nn.Module):
    def __init__(self, obs_dim, act_dim):
        super().__init__()
        self.first, self.second = mlp([obs_dim + act_dim, 64, 64, 1]), mlp([obs_dim + act_dim, 64, 64, 1])

    def forward(self, obs, act):
        both = torch.cat([obs, act], dim=-1)
        return self.first(both).squeeze(-1), self.second(both).squeeze(-1)


class Replay:
    def __init__(self, capacity, obs_dim, act_dim):
        self.data = {
            "obs": torch.zeros(capacity, obs_dim),
            "act": torch.zeros(capacity, act_dim),
            "rew": torch.zeros(capacity),
            "obs2": torch.zeros(capacity, obs_dim),
            "term": torch.zeros(capacity),
        }
        self.capacity, self.count = capacity, 0

    def put(self, **fields):
        for key, value in fields.items():
            self.data[key][self.count % self.capacity] = torch.as_tensor(value, dtype=torch.float32)
        self.count += 1

    def batch(self, size):
        ids = torch.randint(min(self.count, self.capacity), (size,))
        return [self.data[key][ids] for key in ("obs", "act", "rew", "obs2", "term")]


def evaluate(env_id, policy, seed, episodes=2):
    env, total = gym.make(env_id), 0.0
    for k in range(episodes):
        obs, _ = env.reset(seed=seed + k)
        finished = False
        while not finished:
            obs, reward, terminated, truncated, _ = env.step(policy(obs))
            total += reward
            finished = terminated or truncated
    env.close()
    return total / episodes


def main():
    args = get_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    env = gym.make(args.env_id)
    obs_dim, act_dim = env.observation_space.shape[0], env.action_space.shape[0]
    limit = float(env.action_space.high[0])

    actor, critic = mlp([obs_dim, 64, 64, act_dim], final=nn.Tanh), TwinCritic(obs_dim, act_dim)
    actor_targ, critic_targ = deepcopy(actor), deepcopy(critic)
    actor_opt = torch.optim.Adam(actor.parameters(), lr=args.lr)
    critic_opt = torch.optim.Adam(critic.parameters(), lr=args.lr)
    replay = Replay(args.capacity, obs_dim, act_dim)

    @torch.no_grad()
    def act(obs, noise):
        a = actor(torch.as_tensor(obs, dtype=torch.float32))
        if noise:
            a = (a + noise * torch.randn(act_dim)).clamp(-1.0, 1.0)
        return (limit * a).numpy()

    obs, _ = env.reset(seed=args.seed)
    for step in range(1, args.total_timesteps + 1):
        if step <= args.learning_starts:
            action = (limit * (2.0 * torch.rand(act_dim) - 1.0)).numpy()
        else:
            action = act(obs, args.explore_noise)
        obs2, reward, terminated, truncated, _ = env.step(action)
        replay.put(obs=obs, act=action, rew=reward, obs2=obs2, term=terminated)
        obs = obs2 if not (terminated or truncated) else env.reset()[0]

        if step > args.learning_starts:
            o, a, r, o2, d = replay.batch(args.batch_size)
            with torch.no_grad():
                jitter = (args.target_noise * torch.randn_like(a)).clamp(-args.noise_clip, args.noise_clip)
                a2 = limit * (actor_targ(o2) + jitter).clamp(-1.0, 1.0)
                q1_next, q2_next = critic_targ(o2, a2)
                backup = r + args.gamma * (1.0 - d) * torch.minimum(q1_next, q2_next)
            q1, q2 = critic(o, a)
            critic_loss = F.mse_loss(q1, backup) + F.mse_loss(q2, backup)
            critic_opt.zero_grad()
            critic_loss.backward()
            critic_opt.step()

            if step % args.policy_delay == 0:
                actor_loss = -critic(o, limit * actor(o))[0].mean()
                actor_opt.zero_grad()
                actor_loss.backward()
                actor_opt.step()
                with torch.no_grad():
                    for net, targ in ((actor, actor_targ), (critic, critic_targ)):
                        for p, p_targ in zip(net.parameters(), targ.parameters(), strict=True):
                            p_targ.mul_(args.polyak).add_((1.0 - args.polyak) * p)

        if step % args.eval_every == 0:
            score = evaluate(args.env_id, lambda x: act(x, 0.0), args.seed + 1_000)
            print(f"step {step}  evaluation {score:.0f}  critic loss {critic_loss.item():.3f}", flush=True)
    env.close()


if __name__ == "__main__":
    main()
