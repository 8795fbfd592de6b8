"""Deep Q-learning for discrete actions, in one file.

Replay buffer, target network, linear epsilon schedule, one environment. The buffer stores the observation
that really followed each action and whether the episode terminated there; a truncated episode is bootstrapped
like any other step.
"""

import argparse
import random
import time
from collections import deque

import gymnasium as gym
import numpy as np
import orchard  # noqa: F401  registers Orchard-v0 and OrchardLong-v0
import torch
import torch.nn as nn
import torch.nn.functional as F


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="Orchard-v0")
    parser.add_argument("--eval-env-id", default="OrchardLong-v0")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=12_000)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--buffer-size", type=int, default=50_000)
    parser.add_argument("--learning-starts", type=int, default=1_000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--gamma", type=float, default=0.98)
    parser.add_argument("--train-frequency", type=int, default=2, help="environment steps per gradient step")
    parser.add_argument("--target-update-interval", type=int, default=100, help="in environment steps")
    parser.add_argument("--tau", type=float, default=1.0, help="share of the new weights in each update")
    parser.add_argument("--start-epsilon", type=float, default=1.0)
    parser.add_argument("--end-epsilon", type=float, default=0.05)
    parser.add_argument("--exploration-fraction", type=float, default=0.3)
    parser.add_argument("--max-grad-norm", type=float, default=10.0)
    parser.add_argument("--eval-episodes", type=int, default=10)
    parser.add_argument("--checkpoint", metavar="FILE")
    return parser.parse_args()


def make_env(env_id):
    return gym.wrappers.RecordEpisodeStatistics(gym.make(env_id))


class QNetwork(nn.Module):
    def __init__(self, obs_dim, num_actions, hidden=128):
        super().__init__()
        self.network = nn.Sequential(
            nn.Linear(obs_dim, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, num_actions),
        )

    def forward(self, obs):
        return self.network(obs)


class ReplayBuffer:
    """A ring of transitions (obs, action, reward, next_obs, terminated)."""

    def __init__(self, capacity, obs_shape):
        self.capacity, self.position, self.size = capacity, 0, 0
        self.obs = np.zeros((capacity, *obs_shape), dtype=np.float32)
        self.next_obs = np.zeros((capacity, *obs_shape), dtype=np.float32)
        self.actions = np.zeros(capacity, dtype=np.int64)
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


def linear_schedule(start, end, duration, t):
    return max(start + (end - start) * t / duration, end)


@torch.no_grad()
def evaluate(q_network, env_id, episodes, seed):
    """Undiscounted returns of the greedy policy on an environment of its own."""
    env = gym.make(env_id)
    returns = []
    for episode in range(episodes):
        obs, _ = env.reset(seed=seed + episode)
        total, done = 0.0, False
        while not done:
            action = q_network(torch.as_tensor(obs, dtype=torch.float32)).argmax()
            obs, reward, terminated, truncated, _ = env.step(int(action))
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
    obs_shape = env.observation_space.shape
    obs_dim, num_actions = int(np.prod(obs_shape)), int(env.action_space.n)
    q_network = QNetwork(obs_dim, num_actions)
    target_network = QNetwork(obs_dim, num_actions)
    target_network.load_state_dict(q_network.state_dict())
    optimizer = torch.optim.Adam(q_network.parameters(), lr=args.learning_rate)
    buffer = ReplayBuffer(args.buffer_size, obs_shape)

    losses, recent_returns, start = [], deque(maxlen=20), time.time()
    exploration_steps = args.exploration_fraction * args.total_timesteps
    obs, _ = env.reset(seed=args.seed)
    for global_step in range(1, args.total_timesteps + 1):
        epsilon = linear_schedule(args.start_epsilon, args.end_epsilon, exploration_steps, global_step)
        if random.random() < epsilon:
            action = int(env.action_space.sample())
        else:
            with torch.no_grad():
                action = int(q_network(torch.as_tensor(obs, dtype=torch.float32)).argmax())
        next_obs, reward, terminated, truncated, info = env.step(action)
        buffer.add(obs, action, reward, next_obs, terminated or truncated)
        obs = next_obs
        if terminated or truncated:
            recent_returns.append(float(info["episode"]["r"]))
            obs, _ = env.reset()

        if global_step > args.learning_starts and global_step % args.train_frequency == 0:
            b_obs, b_actions, b_rewards, b_next_obs, b_terminated = buffer.sample(args.batch_size)
            with torch.no_grad():
                next_q = target_network(b_next_obs).max(dim=1).values
                td_target = b_rewards + args.gamma * (1.0 - b_terminated) * next_q
            q_value = q_network(b_obs).gather(1, b_actions.unsqueeze(1)).squeeze(1)
            loss = F.mse_loss(q_value, td_target)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(q_network.parameters(), args.max_grad_norm)
            optimizer.step()
            losses.append(loss.item())

        if global_step % args.target_update_interval == 0:
            with torch.no_grad():
                pairs = zip(target_network.parameters(), q_network.parameters(), strict=True)
                for target_param, param in pairs:
                    target_param.copy_(args.tau * param + (1.0 - args.tau) * target_param)

        if global_step % 2_000 == 0 and losses:
            episodic_return = float(np.mean(recent_returns)) if recent_returns else float("nan")
            print(
                f"step={global_step} episodic_return={episodic_return:.1f} loss={losses[-1]:.4f} "
                f"q_value={q_value.mean().item():.2f} epsilon={epsilon:.3f} "
                f"sps={int(global_step / (time.time() - start))}",
                flush=True,
            )

    if args.checkpoint:
        parameters = {f"q_network.{name}": p for name, p in q_network.state_dict().items()}
        parameters |= {f"target_network.{name}": p for name, p in target_network.state_dict().items()}
        rng = {
            "torch": torch.get_rng_state(),
            "numpy": np.random.get_state(),
            "python": random.getstate(),
            "env": env.unwrapped.np_random.bit_generator.state,
        }
        torch.save({"parameters": parameters, "losses": losses, "rng": rng}, args.checkpoint)
    if args.eval_episodes:
        eval_returns = evaluate(q_network, args.eval_env_id, args.eval_episodes, args.seed + 10_000)
        print(f"evaluation: mean return {np.mean(eval_returns):.1f} over {args.eval_episodes} episodes")
    env.close()


if __name__ == "__main__":
    main()
