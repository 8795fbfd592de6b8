"""Deep Q-learning with n-step targets on CartPole.

Two environments step together (same-step autoreset: at an episode's end the vector's observation is already the next
episode's, and the true last one is in `infos["final_obs"]`). Each environment has a window of its last n steps. A
full window becomes one stored transition; at the end of an episode the rest of the window is stored with shorter
horizons. What is stored is the factor of the bootstrap value: gamma ** steps, or 0 after a termination.
"""

import argparse
import random
from collections import deque

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

HIDDEN = 128
GRAD_NORM = 10.0


def build_network(num_inputs, num_actions):
    return nn.Sequential(
        nn.Linear(num_inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, num_actions)
    )


def parse():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--env-id", default="CartPole-v1")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--total-timesteps", type=int, default=20_000)
    p.add_argument("--learning-starts", type=int, default=400)
    p.add_argument("--num-envs", type=int, default=2)
    p.add_argument("--n-step", type=int, default=3)
    p.add_argument("--gamma", type=float, default=0.98)
    p.add_argument("--learning-rate", type=float, default=1e-3)
    p.add_argument("--capacity", type=int, default=20_000)
    p.add_argument("--batch-size", type=int, default=64)
    p.add_argument("--target-every", type=int, default=200, help="in environment steps")
    p.add_argument("--epsilon-steps", type=int, default=4_000)
    p.add_argument("--epsilon-final", type=float, default=0.04)
    return p.parse_args()


def fold(window, gamma):
    """Discounted sum of the rewards in the window, oldest first."""
    total = 0.0
    for k, (_, _, reward) in enumerate(window):
        total += gamma**k * reward
    return total


def main():
    args = parse()
    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)
    random.seed(args.seed)
    torch.manual_seed(args.seed)

    envs = gym.vector.SyncVectorEnv(
        [lambda: gym.make(args.env_id) for _ in range(args.num_envs)],
        autoreset_mode=gym.vector.AutoresetMode.SAME_STEP,
    )
    num_inputs, num_actions = envs.single_observation_space.shape[0], int(envs.single_action_space.n)
    q_net, target_net = build_network(num_inputs, num_actions), build_network(num_inputs, num_actions)
    target_net.load_state_dict(q_net.state_dict())
    optimizer = torch.optim.Adam(q_net.parameters(), lr=args.learning_rate)

    replay = []
    windows = [deque(maxlen=args.n_step) for _ in range(args.num_envs)]
    running, finished = np.zeros(args.num_envs), deque(maxlen=20)

    def store(window, last_obs, terminated):
        first_obs, first_action, _ = window[0]
        factor = 0.0 if terminated else args.gamma ** len(window)
        replay.append((first_obs, first_action, fold(window, args.gamma), last_obs, factor))
        if len(replay) > args.capacity:
            replay.pop(0)

    obs, _ = envs.reset(seed=args.seed)
    for step in range(0, args.total_timesteps, args.num_envs):
        epsilon = max(args.epsilon_final, 1.0 - step / args.epsilon_steps)
        with torch.no_grad():
            actions = q_net(torch.from_numpy(obs)).argmax(dim=1).numpy()
        explore = rng.random(args.num_envs) < epsilon
        actions = np.where(explore, rng.integers(num_actions, size=args.num_envs), actions)
        next_obs, rewards, terminated, truncated, infos = envs.step(actions)
        running += rewards

        for i in range(args.num_envs):
            ended = terminated[i] or truncated[i]
            followed = infos["final_obs"][i] if ended else next_obs[i]
            windows[i].append((obs[i], actions[i], rewards[i]))
            if len(windows[i]) == args.n_step or ended:
                store(windows[i], followed, terminated[i])
            if ended:
                windows[i].popleft()
                while windows[i]:
                    store(windows[i], followed, terminated[i])
                    windows[i].popleft()
                finished.append(running[i])
                running[i] = 0.0
        obs = next_obs

        if step >= args.learning_starts:
            sample = random.sample(replay, args.batch_size)
            b_obs, b_act, b_ret, b_last, b_factor = (np.array(column) for column in zip(*sample, strict=True))
            with torch.no_grad():
                bootstrap = target_net(torch.as_tensor(b_last)).amax(dim=1)
                target = torch.as_tensor(b_ret).float() + torch.as_tensor(b_factor).float() * bootstrap
            chosen = q_net(torch.as_tensor(b_obs)).gather(1, torch.as_tensor(b_act).view(-1, 1)).view(-1)
            loss = F.smooth_l1_loss(chosen, target)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(q_net.parameters(), GRAD_NORM)
            optimizer.step()

        if step % args.target_every == 0:
            target_net.load_state_dict(q_net.state_dict())
        if step % 1_000 == 0 and step and finished:
            print(
                f"step={step} return={np.mean(finished):.1f} loss={loss.item():.4f} epsilon={epsilon:.2f}", flush=True
            )
    envs.close()


if __name__ == "__main__":
    main()
