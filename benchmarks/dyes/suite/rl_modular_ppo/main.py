"""Proximal policy optimisation spread over modules: environment, wrappers, rollout buffer, networks."""

import argparse
import random
from collections import deque

import envs  # noqa: F401  registers Buoy-v0
import numpy as np
import torch
import torch.nn as nn
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from networks import Agent
from rollout import RolloutBuffer
from wrappers import make_env


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="Buoy-v0")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=20_000)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--num-envs", type=int, default=4)
    parser.add_argument("--num-steps", type=int, default=64)
    parser.add_argument("--minibatch-size", type=int, default=64)
    parser.add_argument("--update-epochs", type=int, default=4)
    parser.add_argument("--num-frames", type=int, default=2)
    parser.add_argument("--reward-scale", type=float, default=0.05)
    parser.add_argument("--gamma", type=float, default=0.97)
    parser.add_argument("--gae-lambda", type=float, default=0.9)
    parser.add_argument("--clip-coef", type=float, default=0.2)
    parser.add_argument("--ent-coef", type=float, default=0.01)
    parser.add_argument("--vf-coef", type=float, default=0.5)
    parser.add_argument("--max-grad-norm", type=float, default=0.5)
    return parser.parse_args()


def update(agent, optimizer, buffer, args):
    for _ in range(args.update_epochs):
        for obs, actions, old_logprobs, advantages, returns in buffer.minibatches(args.minibatch_size):
            dist = agent.distribution(obs)
            ratio = (dist.log_prob(actions) - old_logprobs).exp()
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
            clipped = ratio.clamp(1 - args.clip_coef, 1 + args.clip_coef)
            policy_loss = -torch.min(ratio * advantages, clipped * advantages).mean()
            value_loss = 0.5 * (agent.value(obs) - returns).pow(2).mean()
            loss = policy_loss + args.vf_coef * value_loss - args.ent_coef * dist.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
            optimizer.step()
    return loss.item()


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    thunks = [make_env(args.env_id, args.num_frames, args.reward_scale) for _ in range(args.num_envs)]
    vec_env = SyncVectorEnv(thunks, autoreset_mode=AutoresetMode.SAME_STEP)
    obs_shape = vec_env.single_observation_space.shape
    agent = Agent(int(np.prod(obs_shape)), int(vec_env.single_action_space.n))
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)
    buffer = RolloutBuffer(args.num_steps, args.num_envs, obs_shape, args.gamma, args.gae_lambda)

    recent_returns = deque(maxlen=20)
    obs, _ = vec_env.reset(seed=args.seed)
    num_iterations = args.total_timesteps // (args.num_steps * args.num_envs)
    for iteration in range(1, num_iterations + 1):
        for _ in range(args.num_steps):
            obs_tensor = torch.as_tensor(obs, dtype=torch.float32)
            with torch.no_grad():
                dist, value = agent.distribution(obs_tensor), agent.value(obs_tensor)
                action = dist.sample()
            next_obs, reward, terminated, truncated, infos = vec_env.step(action.numpy())
            done = terminated | truncated
            followed_by = next_obs.copy()
            if "final_obs" in infos:
                for i in np.flatnonzero(infos["_final_obs"]):
                    followed_by[i] = infos["final_obs"][i]
                    recent_returns.append(float(infos["final_info"]["episode"]["r"][i]))
            with torch.no_grad():
                next_value = agent.value(torch.as_tensor(followed_by, dtype=torch.float32))
            buffer.add(obs_tensor, action, dist.log_prob(action), value, reward, next_value, terminated, done)
            obs = next_obs
        buffer.compute_advantages()
        loss = update(agent, optimizer, buffer, args)
        if iteration % 5 == 0 or iteration == num_iterations:
            mean_return = float(np.mean(recent_returns)) if recent_returns else float("nan")
            step = iteration * args.num_steps * args.num_envs
            print(f"step={step} episodic_return={mean_return:.1f} loss={loss:.3f}", flush=True)
    vec_env.close()


if __name__ == "__main__":
    main()
