"""Double, dueling, n-step Q-learning spread over modules: environment, wrappers, replay, learner."""

import argparse
import copy
import random
from collections import deque

import numpy as np
import torch
import torch.nn as nn
from learner import DuelingNetwork, evaluate, greedy_action, td_loss
from replay import NStepAccumulator, ReplayBuffer
from wrappers import make_env


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=15_000)
    parser.add_argument("--max-episode-steps", type=int, default=30)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--buffer-size", type=int, default=10_000)
    parser.add_argument("--learning-starts", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--gamma", type=float, default=0.96)
    parser.add_argument("--n-step", type=int, default=3)
    parser.add_argument("--train-frequency", type=int, default=2)
    parser.add_argument("--target-update-interval", type=int, default=100)
    parser.add_argument("--end-epsilon", type=float, default=0.05)
    parser.add_argument("--exploration-fraction", type=float, default=0.4)
    parser.add_argument("--eval-interval", type=int, default=1_000)
    parser.add_argument("--eval-episodes", type=int, default=10)
    return parser.parse_args()


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    env, eval_env = make_env(args.max_episode_steps), make_env(args.max_episode_steps)
    num_actions = int(env.action_space.n)
    network = DuelingNetwork(env.observation_space.shape[0], num_actions)
    target_network = copy.deepcopy(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=args.learning_rate)
    accumulator = NStepAccumulator(args.n_step, args.gamma)
    buffer = ReplayBuffer(args.buffer_size)

    recent_returns = deque(maxlen=50)
    obs, _ = env.reset(seed=args.seed)
    for step in range(1, args.total_timesteps + 1):
        progress = step / (args.exploration_fraction * args.total_timesteps)
        epsilon = max(args.end_epsilon, 1.0 - (1.0 - args.end_epsilon) * progress)
        action = random.randrange(num_actions) if random.random() < epsilon else greedy_action(network, obs)
        next_obs, reward, terminated, truncated, info = env.step(action)
        for transition in accumulator.push(obs, action, reward, next_obs, terminated, truncated):
            buffer.add(transition)
        obs = next_obs
        if terminated or truncated:
            recent_returns.append(float(info["episode"]["r"]))
            obs, _ = env.reset()

        if step > args.learning_starts and step % args.train_frequency == 0:
            loss = td_loss(network, target_network, buffer.sample(args.batch_size))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 10.0)
            optimizer.step()
        if step % args.target_update_interval == 0:
            target_network.load_state_dict(network.state_dict())
        if step % args.eval_interval == 0:
            score = evaluate(network, eval_env, args.eval_episodes, seed=10_000)
            mean_return = float(np.mean(recent_returns)) if recent_returns else float("nan")
            print(f"step={step} episodic_return={mean_return:.2f} loss={loss.item():.4f} eval={score:.2f}", flush=True)


if __name__ == "__main__":
    main()
