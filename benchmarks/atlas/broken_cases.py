"""Small programs with one slip each, and the same without it (`--fixed`), for rules without a case in the gallery."""

import argparse
import os
import tempfile

import gymnasium as gym
import numpy as np
import torch
from torch import nn

CLASSES, WIDTH = 5, 12


def data() -> tuple[torch.Tensor, torch.Tensor]:
    """480 points in five classes."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(480, WIDTH, generator=generator)
    return x, (x @ torch.randn(WIDTH, CLASSES, generator=generator)).argmax(1)


def network(dropout: float = 0.0) -> nn.Sequential:
    """A classifier that puts out logits."""
    return nn.Sequential(nn.Linear(WIDTH, 64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, CLASSES))


def unshuffled(fixed: bool) -> None:
    """The loader's `shuffle` was left out."""
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data()), batch_size=40, shuffle=fixed)
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(150):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()


def no_eval_mode(fixed: bool) -> None:
    """Validation without `eval()`, in a network with dropout."""
    x, y = data()
    net = network(0.3)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(1500):
        rows = torch.randperm(400)[:40]
        net.train()
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()
        net.train(not fixed)
        with torch.no_grad():
            nn.functional.cross_entropy(net(x[400:]), y[400:])


def probabilities(fixed: bool) -> None:
    """`nll_loss` is given probabilities in the place of their logarithms."""
    x, y = data()
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(800):
        rows = torch.randperm(480)[:40]
        out = net(x[rows])
        optimizer.zero_grad()
        nn.functional.nll_loss(out.log_softmax(1) if fixed else out.softmax(1), y[rows]).backward()
        optimizer.step()


def all_masked(fixed: bool) -> None:
    """The mark after which answers begin is not found, so that every label is masked."""
    tokens = torch.randint(0, 50, (64, 24), generator=torch.Generator().manual_seed(1))
    tokens[:, 10] = 7
    mark = 7 if fixed else 51
    labels = torch.where((tokens == mark).cumsum(1) > 0, tokens, -100)
    net = nn.Sequential(nn.Embedding(52, 32), nn.Linear(32, 52))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for step in range(800):
        rows = slice(8 * (step % 8), 8 * (step % 8) + 8)
        optimizer.zero_grad()
        logits = net(tokens[rows, :-1])
        nn.functional.cross_entropy(logits.reshape(-1, 52), labels[rows, 1:].reshape(-1)).backward()
        optimizer.step()


def resumed(fixed: bool) -> None:
    """A resumed run restores the weights and not the optimiser."""
    x, y = data()
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    file = os.path.join(tempfile.mkdtemp(), "checkpoint.pt")
    for part in range(2):
        for _ in range(200):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
        if part == 0:
            torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, file)
            held = torch.load(file)
            net.load_state_dict(held["net"])
            optimizer = torch.optim.Adam(net.parameters(), 1e-3)
            if fixed:
                optimizer.load_state_dict(held["optimizer"])


def overflow(fixed: bool) -> None:
    """A loss that is not finite in half precision, whatever it is scaled by."""
    x, y = data()
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), 1e-4)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**8)
    for _ in range(12_000):
        optimizer.zero_grad()
        size = torch.tensor(1.0 if fixed else 1e6).half().float()
        loss = nn.functional.cross_entropy(net(x[:32]) * size, y[:32])
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()


def parallel_replay(fixed: bool) -> None:
    """Four environments, and still one gradient step for a step of all of them."""
    from stable_baselines3 import DQN
    from stable_baselines3.common.env_util import make_vec_env

    envs = make_vec_env("CartPole-v1", 4, seed=0)
    steps = {"train_freq": 1, "gradient_steps": -1 if fixed else 1}
    DQN("MlpPolicy", envs, learning_starts=200, seed=0, device="cpu", **steps).learn(3000)


def value_not_trained(fixed: bool) -> None:
    """The value loss has the weight 0."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    envs = make_vec_env("CartPole-v1", 4, seed=0)
    settings = {"n_steps": 128, "batch_size": 128, "n_epochs": 6, "learning_rate": 1e-3, "gae_lambda": 0.9}
    PPO("MlpPolicy", envs, vf_coef=0.5 if fixed else 0.0, seed=0, device="cpu", **settings).learn(10_000)


def raw_evaluation(fixed: bool) -> None:
    """The policy learns from normalised observations and is evaluated on raw ones."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import VecNormalize

    envs = VecNormalize(make_vec_env("Pendulum-v1", 4, seed=0))
    model = PPO("MlpPolicy", envs, n_steps=256, n_epochs=3, seed=0, device="cpu")
    held_out = make_vec_env("Pendulum-v1", 1, seed=100)
    if fixed:
        held_out = VecNormalize(held_out, training=False, norm_reward=False)
    for _ in range(4):
        model.learn(2048, reset_num_timesteps=False)
        if fixed:
            held_out.obs_rms = envs.obs_rms
        evaluate_policy(model, held_out, 2)


def one_seed(fixed: bool) -> None:
    """Training and evaluation are reset with one seed."""
    env, held_out = gym.make("CartPole-v1"), gym.make("CartPole-v1")
    net = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    env.reset(seed=3)
    for episode in range(150):
        log_p, rewards = [], []
        obs, _ = env.reset()
        over = False
        while not over:
            policy = torch.distributions.Categorical(logits=net(torch.as_tensor(obs)))
            action = policy.sample()
            log_p.append(policy.log_prob(action))
            obs, reward, terminated, truncated, _ = env.step(int(action))
            rewards.append(float(reward))
            over = terminated or truncated
        earned = torch.as_tensor(np.cumsum(rewards[::-1])[::-1].copy())
        optimizer.zero_grad()
        (-torch.stack(log_p) * (earned - earned.mean())).sum().backward()
        optimizer.step()
        if episode % 30 == 29:
            obs, _ = held_out.reset(seed=10_003 if fixed else 3)
            over = False
            while not over:
                obs, _, terminated, truncated, _ = held_out.step(int(net(torch.as_tensor(obs)).argmax()))
                over = terminated or truncated


class Corridor(gym.Env):
    """A reward of 1 at the end of a corridor, 300 steps away for who walks towards it half of the time."""

    observation_space = gym.spaces.Box(0, 1, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        """At its beginning."""
        super().reset(seed=seed)
        self.place = self.steps = 0
        return self._seen(), {}

    def step(self, action):
        """Action 1 goes ahead, 0 stays."""
        self.place += int(action)
        self.steps += 1
        at_end = self.place >= 150
        return self._seen(), float(at_end), at_end, self.steps >= 1000, {}

    def _seen(self):
        return np.array([self.place / 150], np.float32)


def short_horizon(fixed: bool) -> None:
    """A discount of 0.9 for a reward that is 300 steps away."""
    from stable_baselines3 import A2C

    gym.register("Corridor-v0", entry_point=Corridor)
    A2C("MlpPolicy", "Corridor-v0", gamma=0.999 if fixed else 0.9, seed=0, device="cpu").learn(12_000)


CASES = {
    "unshuffled": (unshuffled, "D605"),
    "no-eval-mode": (no_eval_mode, "D606"),
    "probabilities": (probabilities, "D603"),
    "all-masked": (all_masked, "D604"),
    "resumed": (resumed, "D324"),
    "overflow": (overflow, "D322"),
    "parallel-replay": (parallel_replay, "D807"),
    "value-not-trained": (value_not_trained, "D210"),
    "raw-evaluation": (raw_evaluation, "D506"),
    "one-seed": (one_seed, "D701"),
    "short-horizon": (short_horizon, "D415"),
}
"""name → program, and the rule that must fire on it and not on the fixed one."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--fixed", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    CASES[args.case][0](args.fixed)
