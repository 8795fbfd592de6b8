"""REINFORCE with a learned value baseline for discrete actions, in one file.

Complete episodes are collected until a batch is full; every step is weighted by its discounted return minus
the baseline. An episode that terminates ends with value 0; one that is cut by the time limit is bootstrapped
with the baseline at its true final observation.
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
from torch.distributions import Categorical


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="CartPole-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=60_000)
    parser.add_argument("--learning-rate", type=float, default=5e-3)
    parser.add_argument("--value-learning-rate", type=float, default=5e-3)
    parser.add_argument("--batch-steps", type=int, default=500, help="least number of steps per update")
    parser.add_argument("--value-epochs", type=int, default=10, help="baseline updates per policy update")
    parser.add_argument("--gamma", type=float, default=0.98)
    parser.add_argument("--ent-coef", type=float, default=0.005)
    parser.add_argument("--max-grad-norm", type=float, default=1.0)
    parser.add_argument("--eval-episodes", type=int, default=5)
    parser.add_argument("--checkpoint", metavar="FILE")
    return parser.parse_args()


def mlp(inputs, outputs, hidden=64):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, outputs))


def discounted_returns(rewards, final_value, gamma):
    """Return-to-go at every step of one episode; `final_value` is the value after its last reward."""
    returns = np.zeros(len(rewards), dtype=np.float32)
    running = final_value
    for t in reversed(range(len(rewards))):
        running = rewards[t] + gamma * running
        returns[t] = running
    return returns


def play_episode(env, policy, value, gamma):
    """One episode with the current policy: observations, actions, returns-to-go, undiscounted return."""
    obs, _ = env.reset()
    observations, actions, rewards = [], [], []
    terminated = truncated = False
    while not (terminated or truncated):
        with torch.no_grad():
            action = int(Categorical(logits=policy(torch.as_tensor(obs, dtype=torch.float32))).sample())
        observations.append(obs)
        actions.append(action)
        obs, reward, terminated, truncated, _ = env.step(action)
        rewards.append(float(reward))
    with torch.no_grad():
        final_value = 0.0 if terminated else value(torch.as_tensor(obs, dtype=torch.float32)).item()
    return observations, actions, discounted_returns(rewards, final_value, gamma), sum(rewards)


@torch.no_grad()
def evaluate(policy, env_id, episodes, seed):
    """Undiscounted returns of the greedy policy on an environment of its own."""
    env = gym.make(env_id)
    returns = []
    for episode in range(episodes):
        obs, _ = env.reset(seed=seed + episode)
        total, done = 0.0, False
        while not done:
            action = policy(torch.as_tensor(obs, dtype=torch.float32)).argmax()
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

    env = gym.make(args.env_id)
    env.reset(seed=args.seed)
    env.action_space.seed(args.seed)
    obs_dim, num_actions = int(np.prod(env.observation_space.shape)), int(env.action_space.n)
    policy, value = mlp(obs_dim, num_actions), mlp(obs_dim, 1)
    policy_optimizer = torch.optim.Adam(policy.parameters(), lr=args.learning_rate)
    value_optimizer = torch.optim.Adam(value.parameters(), lr=args.value_learning_rate)

    losses, recent_returns, start = [], deque(maxlen=20), time.time()
    global_step, iteration = 0, 0
    while global_step < args.total_timesteps:
        observations, actions, returns = [], [], []
        while len(actions) < args.batch_steps:
            ep_obs, ep_actions, ep_returns, episodic_return = play_episode(env, policy, value, args.gamma)
            observations.extend(ep_obs)
            actions.extend(ep_actions)
            returns.extend(ep_returns)
            recent_returns.append(episodic_return)
        global_step += len(actions)
        iteration += 1
        b_obs = torch.as_tensor(np.stack(observations), dtype=torch.float32)
        b_actions, b_returns = torch.as_tensor(actions), torch.as_tensor(np.array(returns))

        with torch.no_grad():
            advantages = b_returns - value(b_obs).squeeze(-1)
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        dist = Categorical(logits=policy(b_obs))
        entropy = dist.entropy().mean()
        policy_loss = -(dist.log_prob(b_actions) * advantages).mean() - args.ent_coef * entropy
        policy_optimizer.zero_grad()
        policy_loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), args.max_grad_norm)
        policy_optimizer.step()
        losses.append(policy_loss.item())

        for _ in range(args.value_epochs):
            value_loss = F.smooth_l1_loss(value(b_obs).squeeze(-1), b_returns)
            value_optimizer.zero_grad()
            value_loss.backward()
            nn.utils.clip_grad_norm_(value.parameters(), args.max_grad_norm)
            value_optimizer.step()
            losses.append(value_loss.item())

        if iteration % 10 == 0 or global_step >= args.total_timesteps:
            print(
                f"step={global_step} episodic_return={np.mean(recent_returns):.1f} "
                f"policy_loss={policy_loss.item():.3f} value_loss={value_loss.item():.3f} "
                f"entropy={entropy.item():.3f} sps={int(global_step / (time.time() - start))}",
                flush=True,
            )

    if args.checkpoint:
        parameters = {f"policy.{name}": p for name, p in policy.state_dict().items()}
        parameters |= {f"value.{name}": p for name, p in value.state_dict().items()}
        rng = {
            "torch": torch.get_rng_state(),
            "numpy": np.random.get_state(),
            "python": random.getstate(),
            "env": env.unwrapped.np_random.bit_generator.state,
        }
        torch.save({"parameters": parameters, "losses": losses, "rng": rng}, args.checkpoint)
    if args.eval_episodes:
        eval_returns = evaluate(policy, args.env_id, args.eval_episodes, args.seed + 10_000)
        print(f"evaluation: mean return {np.mean(eval_returns):.1f} over {args.eval_episodes} episodes")
    env.close()


if __name__ == "__main__":
    main()
