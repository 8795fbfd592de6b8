"""Dueling network, double Q-learning target, and evaluation."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class DuelingNetwork(nn.Module):
    def __init__(self, obs_dim, num_actions, hidden=64):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(obs_dim, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.value = nn.Linear(hidden, 1)
        self.advantage = nn.Linear(hidden, num_actions)

    def forward(self, obs):
        features = self.trunk(obs)
        advantage = self.advantage(features)
        return self.value(features) + advantage - advantage.mean(dim=1, keepdim=True)


@torch.no_grad()
def td_target(network, target_network, returns, next_obs, discounts):
    """n-step double Q-learning: the online network chooses the next action, the target network values it."""
    best = network(next_obs).argmax(dim=1, keepdim=True)
    next_value = target_network(next_obs).gather(1, best).squeeze(1)
    return returns + discounts * next_value


def td_loss(network, target_network, batch):
    obs, actions, returns, next_obs, discounts = batch
    target = td_target(network, target_network, returns, next_obs, discounts)
    predicted = network(obs).gather(1, actions.unsqueeze(1)).squeeze(1)
    return F.smooth_l1_loss(predicted, target)


@torch.no_grad()
def greedy_action(network, obs):
    return int(network(torch.as_tensor(obs)[None]).argmax())


def evaluate(network, env, episodes, seed):
    """Mean undiscounted return of the greedy policy."""
    total = 0.0
    for episode in range(episodes):
        obs, _ = env.reset(seed=seed + episode)
        done = False
        while not done:
            obs, reward, terminated, truncated, _ = env.step(greedy_action(network, obs))
            total += float(reward)
            done = terminated or truncated
    return total / episodes
