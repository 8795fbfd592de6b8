"""Soft actor-critic for continuous actions, in one file.

Squashed Gaussian policy, twin critics, automatic temperature, Polyak-averaged targets, one environment. The
buffer stores the observation that really followed each action and whether the episode terminated there, so
that an episode cut by the time limit is bootstrapped.
"""

import argparse
import random
import time
from collections import deque

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Normal

LOG_STD_MIN, LOG_STD_MAX = -5.0, 2.0


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="Pendulum-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=8_000)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--buffer-size", type=int, default=50_000)
    parser.add_argument("--learning-starts", type=int, default=500)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--train-frequency", type=int, default=1, help="environment steps per gradient step")
    parser.add_argument("--gamma", type=float, default=0.99)
    parser.add_argument("--tau", type=float, default=0.01, help="share of the new weights in each update")
    parser.add_argument("--eval-episodes", type=int, default=5)
    parser.add_argument("--checkpoint", metavar="FILE")
    return parser.parse_args()


def make_env(env_id):
    return gym.wrappers.RecordEpisodeStatistics(gym.make(env_id))


def mlp(inputs, outputs, hidden=64):
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
    )


class QNetwork(nn.Module):
    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.network = mlp(obs_dim + action_dim, 1)

    def forward(self, obs, action):
        return self.network(torch.cat([obs, action], dim=-1)).squeeze(-1)


class Actor(nn.Module):
    """Gaussian squashed by tanh and rescaled to the bounds of the action space."""

    def __init__(self, obs_dim, action_space):
        super().__init__()
        self.network = mlp(obs_dim, 2 * action_space.shape[0])
        self.register_buffer("scale", torch.as_tensor((action_space.high - action_space.low) / 2.0))
        self.register_buffer("bias", torch.as_tensor((action_space.high + action_space.low) / 2.0))

    def forward(self, obs):
        mean, log_std = self.network(obs).chunk(2, dim=-1)
        return mean, log_std.clamp(LOG_STD_MIN, LOG_STD_MAX)

    def get_action(self, obs):
        """A reparameterised sample and its log-density in the units of the environment."""
        mean, log_std = self(obs)
        dist = Normal(mean, log_std.exp())
        u = dist.sample()
        action = torch.tanh(u) * self.scale + self.bias
        # log |d tanh(u) / du| = 2 (log 2 - u - softplus(-2 u)), stable for large |u|
        log_det = 2.0 * (np.log(2.0) - u - F.softplus(-2.0 * u)) + self.scale.log()
        return action, (dist.log_prob(u) - log_det).sum(dim=-1)

    def get_mean_action(self, obs):
        return torch.tanh(self(obs)[0]) * self.scale + self.bias


class ReplayBuffer:
    """A ring of transitions (obs, action, reward, next_obs, terminated)."""

    def __init__(self, capacity, obs_dim, action_dim):
        self.capacity, self.position, self.size = capacity, 0, 0
        self.obs = np.zeros((capacity, obs_dim), dtype=np.float32)
        self.next_obs = np.zeros((capacity, obs_dim), dtype=np.float32)
        self.actions = np.zeros((capacity, action_dim), dtype=np.float32)
        self.rewards = np.zeros(capacity, dtype=np.float32)
        self.terminated = np.zeros(capacity, dtype=np.float32)

    def add(self, obs, action, reward, next_obs, terminated):
        i = self.position
        self.obs[i], self.next_obs[i] = obs, next_obs
        self.actions[i], self.rewards[i], self.terminated[i] = action, reward, terminated
        self.position = (i + 1) % self.capacity
        self.size = min(self.size + 1, self.capacity)

    def sample(self, batch_size):
        idx = np.random.randint(0, self.size, size=batch_size)
        fields = (self.obs, self.actions, self.rewards, self.next_obs, self.terminated)
        return tuple(torch.from_numpy(field[idx]) for field in fields)


@torch.no_grad()
def evaluate(actor, env_id, episodes, seed):
    """Undiscounted returns of the mean action on an environment of its own."""
    env = gym.make(env_id)
    returns = []
    for episode in range(episodes):
        obs, _ = env.reset(seed=seed + episode)
        total, done = 0.0, False
        while not done:
            action = actor.get_mean_action(torch.as_tensor(obs, dtype=torch.float32)).numpy()
            obs, reward, terminated, truncated, _ = env.step(action)
            total += float(reward)
            done = terminated or truncated
        returns.append(total)
    env.close()
    return returns


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    env = make_env(args.env_id)
    env.action_space.seed(args.seed)
    obs_dim, action_dim = env.observation_space.shape[0], env.action_space.shape[0]
    actor = Actor(obs_dim, env.action_space)
    q1, q2 = QNetwork(obs_dim, action_dim), QNetwork(obs_dim, action_dim)
    q1_target, q2_target = QNetwork(obs_dim, action_dim), QNetwork(obs_dim, action_dim)
    q1_target.load_state_dict(q1.state_dict())
    q2_target.load_state_dict(q2.state_dict())
    q_optimizer = torch.optim.Adam([*q1.parameters(), *q2.parameters()], lr=args.learning_rate)
    actor_optimizer = torch.optim.Adam(actor.parameters(), lr=args.learning_rate)
    target_entropy = -float(action_dim)
    log_alpha = torch.zeros(1, requires_grad=True)
    alpha_optimizer = torch.optim.Adam([log_alpha], lr=args.learning_rate)
    buffer = ReplayBuffer(args.buffer_size, obs_dim, action_dim)

    losses, recent_returns, start = [], deque(maxlen=10), time.time()
    obs, _ = env.reset(seed=args.seed)
    for global_step in range(1, args.total_timesteps + 1):
        if global_step <= args.learning_starts:
            action = env.action_space.sample()
        else:
            with torch.no_grad():
                action = actor.get_action(torch.as_tensor(obs, dtype=torch.float32))[0].numpy()
        next_obs, reward, terminated, truncated, info = env.step(action)
        buffer.add(obs, action, reward, next_obs, terminated)
        obs = next_obs
        if terminated or truncated:
            recent_returns.append(float(info["episode"]["r"]))
            obs, _ = env.reset()

        if global_step > args.learning_starts and global_step % args.train_frequency == 0:
            b_obs, b_actions, b_rewards, b_next_obs, b_terminated = buffer.sample(args.batch_size)
            alpha = log_alpha.exp().detach()
            with torch.no_grad():
                next_action, next_logprob = actor.get_action(b_next_obs)
                next_q = torch.min(q1_target(b_next_obs, next_action), q2_target(b_next_obs, next_action))
                td_target = b_rewards + args.gamma * (1.0 - b_terminated) * (next_q - alpha * next_logprob)
            q_loss = F.mse_loss(q1(b_obs, b_actions), td_target) + F.mse_loss(q2(b_obs, b_actions), td_target)
            q_optimizer.zero_grad()
            q_loss.backward()
            q_optimizer.step()

            new_action, logprob = actor.get_action(b_obs)
            min_q = torch.min(q1(b_obs, new_action), q2(b_obs, new_action))
            actor_loss = (alpha * logprob - min_q).mean()
            actor_optimizer.zero_grad()
            actor_loss.backward()
            actor_optimizer.step()

            alpha_loss = -(log_alpha.exp() * (logprob.detach() + target_entropy)).mean()
            alpha_optimizer.zero_grad()
            alpha_loss.backward()
            alpha_optimizer.step()

            with torch.no_grad():
                for net, target in ((q1, q1_target), (q2, q2_target)):
                    for param, target_param in zip(net.parameters(), target.parameters(), strict=True):
                        target_param.lerp_(param, args.tau)
            losses.extend([q_loss.item(), actor_loss.item(), alpha_loss.item()])

        if global_step % 1_000 == 0 and losses:
            episodic_return = float(np.mean(recent_returns)) if recent_returns else float("nan")
            print(
                f"step={global_step} episodic_return={episodic_return:.1f} q_loss={q_loss.item():.3f} "
                f"actor_loss={actor_loss.item():.2f} alpha={alpha.item():.3f} "
                f"entropy={-logprob.mean().item():.2f} sps={int(global_step / (time.time() - start))}",
                flush=True,
            )

    if args.checkpoint:
        nets = {"actor": actor, "q1": q1, "q2": q2, "q1_target": q1_target, "q2_target": q2_target}
        parameters = {f"{name}.{key}": p for name, net in nets.items() for key, p in net.state_dict().items()}
        parameters["log_alpha"] = log_alpha.detach()
        rng = {
            "torch": torch.get_rng_state(),
            "numpy": np.random.get_state(),
            "python": random.getstate(),
            "env": env.unwrapped.np_random.bit_generator.state,
        }
        torch.save({"parameters": parameters, "losses": losses, "rng": rng}, args.checkpoint)
    if args.eval_episodes:
        eval_returns = evaluate(actor, args.env_id, args.eval_episodes, args.seed + 10_000)
        print(f"evaluation: mean return {np.mean(eval_returns):.1f} over {args.eval_episodes} episodes")
    env.close()


if __name__ == "__main__":
    main()
