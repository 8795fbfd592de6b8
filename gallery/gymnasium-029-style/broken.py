"""Proximal policy optimisation in one file, in the manner of scripts written for Gymnasium 0.29.

Vector environment that starts the next episode by itself, the value of the final observation added to the reward
where the time limit cut an episode, returns of ended episodes taken from the infos.
"""

import argparse
import random
import time
from collections import deque

import greenhouse  # noqa: F401  registers Greenhouse-v0 and GreenhouseLong-v0
import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
from gymnasium.vector import SyncVectorEnv
from torch.distributions import Categorical


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="Greenhouse-v0")
    parser.add_argument("--eval-env-id", default="GreenhouseLong-v0")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=30_000)
    parser.add_argument("--learning-rate", type=float, default=2.5e-3)
    parser.add_argument("--num-envs", type=int, default=4)
    parser.add_argument("--num-steps", type=int, default=128, help="steps per environment and rollout")
    parser.add_argument("--num-minibatches", type=int, default=4)
    parser.add_argument("--update-epochs", type=int, default=8)
    parser.add_argument("--gamma", type=float, default=0.98)
    parser.add_argument("--gae-lambda", type=float, default=0.9)
    parser.add_argument("--clip-coef", type=float, default=0.2)
    parser.add_argument("--ent-coef", type=float, default=0.01)
    parser.add_argument("--vf-coef", type=float, default=0.5)
    parser.add_argument("--max-grad-norm", type=float, default=0.5)
    parser.add_argument("--eval-episodes", type=int, default=10)
    return parser.parse_args()


def make_env(env_id):
    def thunk():
        return gym.wrappers.RecordEpisodeStatistics(gym.make(env_id))

    return thunk


def layer_init(layer, std=2**0.5):
    nn.init.orthogonal_(layer.weight, std)
    nn.init.zeros_(layer.bias)
    return layer


class Agent(nn.Module):
    def __init__(self, obs_dim, num_actions, hidden=64):
        super().__init__()
        self.critic = nn.Sequential(
            layer_init(nn.Linear(obs_dim, hidden)),
            nn.Tanh(),
            layer_init(nn.Linear(hidden, hidden)),
            nn.Tanh(),
            layer_init(nn.Linear(hidden, 1), std=1.0),
        )
        self.actor = nn.Sequential(
            layer_init(nn.Linear(obs_dim, hidden)),
            nn.Tanh(),
            layer_init(nn.Linear(hidden, hidden)),
            nn.Tanh(),
            layer_init(nn.Linear(hidden, num_actions), std=0.01),
        )

    def get_value(self, obs):
        return self.critic(obs).squeeze(-1)

    def get_action_and_value(self, obs, action=None):
        dist = Categorical(logits=self.actor(obs))
        if action is None:
            action = dist.sample()
        return action, dist.log_prob(action), dist.entropy(), self.get_value(obs)


def compute_gae(rewards, values, dones, next_value, next_done, gamma, gae_lambda):
    """Advantages over a rollout of shape (num_steps, num_envs); `dones[t]` says that `obs[t]` starts an episode."""
    advantages = torch.zeros_like(rewards)
    last = torch.zeros_like(next_value)
    for t in reversed(range(len(rewards))):
        continues = 1.0 - next_done
        delta = rewards[t] + gamma * next_value * continues - values[t]
        last = delta + gamma * gae_lambda * continues * last
        advantages[t] = last
        next_value, next_done = values[t], dones[t]
    return advantages


@torch.no_grad()
def evaluate(agent, env_id, episodes, seed):
    """Undiscounted returns of the greedy policy on an environment of its own."""
    env = gym.make(env_id)
    returns = []
    for episode in range(episodes):
        obs, _ = env.reset(seed=seed + episode)
        total, done = 0.0, False
        while not done:
            action = agent.actor(torch.as_tensor(obs, dtype=torch.float32)).argmax()
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

    envs = SyncVectorEnv([make_env(args.env_id) for _ in range(args.num_envs)])
    obs_shape = envs.single_observation_space.shape
    agent = Agent(int(np.prod(obs_shape)), int(envs.single_action_space.n))
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)

    shape = (args.num_steps, args.num_envs)
    obs = torch.zeros(shape + obs_shape)
    actions, logprobs, values = torch.zeros(shape, dtype=torch.long), torch.zeros(shape), torch.zeros(shape)
    rewards, dones = torch.zeros(shape), torch.zeros(shape)
    batch_size = args.num_steps * args.num_envs
    minibatch_size = batch_size // args.num_minibatches
    num_iterations = args.total_timesteps // batch_size

    recent_returns, global_step, start = deque(maxlen=20), 0, time.time()
    next_obs = torch.as_tensor(envs.reset(seed=args.seed)[0])
    next_done = torch.zeros(args.num_envs)
    for iteration in range(1, num_iterations + 1):
        frac = 1.0 - (iteration - 1.0) / num_iterations
        optimizer.param_groups[0]["lr"] = frac * args.learning_rate

        for t in range(args.num_steps):
            global_step += args.num_envs
            obs[t], dones[t] = next_obs, next_done
            with torch.no_grad():
                actions[t], logprobs[t], _, values[t] = agent.get_action_and_value(next_obs)
            observation, reward, terminated, truncated, infos = envs.step(actions[t].numpy())
            rewards[t] = torch.as_tensor(reward)
            next_obs, next_done = torch.as_tensor(observation), torch.as_tensor(terminated | truncated).float()
            if "final_observation" in infos:
                final_obs = infos["final_observation"]
                for i in np.flatnonzero(truncated & ~terminated):
                    with torch.no_grad():
                        rewards[t, i] += args.gamma * agent.get_value(torch.as_tensor(final_obs[i]))
            if "final_info" in infos:
                recent_returns.extend(info["episode"]["r"] for info in infos["final_info"] if info is not None)

        with torch.no_grad():
            next_value = agent.get_value(next_obs)
        advantages = compute_gae(rewards, values, dones, next_value, next_done, args.gamma, args.gae_lambda)
        returns = advantages + values

        b_obs, b_actions, b_logprobs = obs.reshape(-1, *obs_shape), actions.flatten(), logprobs.flatten()
        b_advantages, b_returns = advantages.flatten(), returns.flatten()
        for _ in range(args.update_epochs):
            for mb in torch.randperm(batch_size).split(minibatch_size):
                _, new_logprob, entropy, new_value = agent.get_action_and_value(b_obs[mb], b_actions[mb])
                logratio = new_logprob - b_logprobs[mb]
                ratio = logratio.exp()
                mb_advantages = b_advantages[mb]
                mb_advantages = (mb_advantages - mb_advantages.mean()) / (mb_advantages.std() + 1e-8)
                unclipped = ratio * mb_advantages
                clipped = ratio.clamp(1 - args.clip_coef, 1 + args.clip_coef) * mb_advantages
                policy_loss = -torch.min(unclipped, clipped).mean()
                value_loss = 0.5 * (new_value - b_returns[mb]).pow(2).mean()
                entropy_loss = entropy.mean()
                loss = policy_loss + args.vf_coef * value_loss - args.ent_coef * entropy_loss

                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
                optimizer.step()

        if recent_returns:
            print(f"step={global_step} episodic_return={np.mean(recent_returns):.1f}", flush=True)
        if iteration % 10 == 0 or iteration == num_iterations:
            # estimator (r - 1) - log r of the divergence of the new from the old policy, last minibatch
            approx_kl = ((ratio - 1) - logratio).mean().item()
            residual_var, return_var = (b_returns - values.flatten()).var().item(), b_returns.var().item()
            print(
                f"step={global_step} loss={loss.item():.3f} entropy={entropy_loss.item():.3f} "
                f"approx_kl={approx_kl:.4f} explained_variance={1.0 - residual_var / (return_var + 1e-12):.2f} "
                f"sps={int(global_step / (time.time() - start))}",
                flush=True,
            )

    if args.eval_episodes:
        eval_returns = evaluate(agent, args.eval_env_id, args.eval_episodes, args.seed + 10_000)
        print(f"evaluation: mean return {np.mean(eval_returns):.1f} over {args.eval_episodes} episodes")
    envs.close()


if __name__ == "__main__":
    main()
