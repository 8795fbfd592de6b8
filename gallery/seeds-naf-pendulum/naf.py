"""NAF (Gu et al. 2016) on Pendulum, many seeds in one process: their networks are trained side by side by torch.bmm.

`python naf.py [--seeds 10] [--steps 10000] [--first-seed 0] [--time-limit-is-terminal] [--reward-scale 0.1] --out F.json`

The two switches are the faults of the case: `--time-limit-is-terminal` stores the end of the 200 steps as the end of the
world, `--reward-scale 1.0` feeds the raw rewards (0 to -16 a step) to the critic.
"""

import argparse
import json
import math
import time

import numpy as np
import torch

EPISODE, WARM_UP, BATCH, GAMMA, TAU, LR, WIDTH = 200, 500, 64, 0.99, 0.005, 1e-3, 100
MAX_SPEED, MAX_TORQUE, DT = 8.0, 2.0, 0.05


class Pendulums:
    """Pendulum-v1 of Gymnasium for many seeds at once: the same equations, one row for each seed."""

    def __init__(self, seeds, rng):
        self.rng, self.angle, self.speed = rng, np.zeros(seeds), np.zeros(seeds)

    def reset(self):
        self.angle = self.rng.uniform(-math.pi, math.pi, len(self.angle))
        self.speed = self.rng.uniform(-1, 1, len(self.angle))
        return self.obs()

    def obs(self):
        return np.stack([np.cos(self.angle), np.sin(self.angle), self.speed], axis=1).astype(np.float32)

    def step(self, action):
        torque = np.clip(MAX_TORQUE * action, -MAX_TORQUE, MAX_TORQUE)
        wrapped = (self.angle + math.pi) % (2 * math.pi) - math.pi
        reward = -(wrapped**2 + 0.1 * self.speed**2 + 0.001 * torque**2)
        speed = self.speed + (15 * np.sin(self.angle) + 3 * torque) * DT
        self.speed = np.clip(speed, -MAX_SPEED, MAX_SPEED)
        self.angle = self.angle + self.speed * DT
        return self.obs(), reward


class Networks:
    """Value, best action and curvature of the advantage for each seed; weights [seed, in, out]."""

    def __init__(self, seeds, generator):
        def layer(n, m):
            bound = 1 / math.sqrt(n)
            return [((torch.rand(seeds, k, m, generator=generator) * 2 - 1) * bound).requires_grad_() for k in (n, 1)]

        sizes = ((3, WIDTH), (WIDTH, WIDTH), (WIDTH, 1), (WIDTH, 1), (WIDTH, 1))
        self.weights = [w for n, m in sizes for w in layer(n, m)]

    def __call__(self, obs, weights=None):
        w = weights or self.weights
        h = torch.relu(torch.baddbmm(w[1], obs, w[0]))
        h = torch.relu(torch.baddbmm(w[3], h, w[2]))
        value, action, curvature = (torch.baddbmm(w[i + 1], h, w[i]) for i in (4, 6, 8))
        return value, torch.tanh(action), curvature.clamp(-5, 5).exp()

    @torch.no_grad()
    def act(self, obs):
        return self(torch.from_numpy(obs)[:, None])[1][:, 0, 0].numpy()


def evaluate(networks, seeds, episodes, rng):
    """Mean return over episodes without noise, [seed]."""
    world, total = Pendulums(seeds, rng), np.zeros(seeds)
    for _ in range(episodes):
        obs = world.reset()
        for _ in range(EPISODE):
            obs, reward = world.step(networks.act(obs))
            total += reward
    return total / episodes


def train(seeds, steps, first_seed, reward_scale, time_limit_is_terminal, every=500, episodes=20):
    """Steps of the evaluations [point] and returns [seed, point]."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(1000 + first_seed)
    rng = np.random.default_rng(first_seed)
    networks, world = Networks(seeds, generator), Pendulums(seeds, rng)
    target = [w.detach().clone() for w in networks.weights]
    optimizer = torch.optim.Adam(networks.weights, lr=LR)
    size = {"obs": 3, "action": 1, "reward": 1, "next_obs": 3, "terminal": 1}
    memory = {name: torch.zeros(seeds, steps, n) for name, n in size.items()}
    rows, obs, points, curve = torch.arange(seeds)[:, None], world.reset(), [], []
    for k in range(steps):
        noise = 0.3 * max(0.1, 1 - k / (0.8 * steps))
        action = rng.uniform(-1, 1, seeds)
        if k >= WARM_UP:
            action = np.clip(networks.act(obs) + noise * rng.normal(size=seeds), -1, 1)
        next_obs, reward = world.step(action)
        time_is_up = (k + 1) % EPISODE == 0
        memory["obs"][:, k], memory["next_obs"][:, k] = torch.from_numpy(obs), torch.from_numpy(next_obs)
        memory["action"][:, k, 0] = torch.from_numpy(action.astype(np.float32))
        memory["reward"][:, k, 0] = torch.from_numpy((reward_scale * reward).astype(np.float32))
        memory["terminal"][:, k] = float(time_is_up and time_limit_is_terminal)
        obs = world.reset() if time_is_up else next_obs
        if k >= WARM_UP:
            picks = torch.randint(0, k + 1, (seeds, BATCH), generator=generator)
            b = {name: kept[rows, picks] for name, kept in memory.items()}
            with torch.no_grad():
                goal = b["reward"] + GAMMA * (1 - b["terminal"]) * networks(b["next_obs"], target)[0]
            value, best, curvature = networks(b["obs"])
            q = value - 0.5 * (curvature * (b["action"] - best)) ** 2
            loss = ((q - goal) ** 2).mean(dim=(1, 2)).sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                torch._foreach_lerp_(target, networks.weights, TAU)
        if (k + 1) % every == 0:
            points.append(k + 1)
            curve.append(
                evaluate(networks, seeds, episodes if k + 1 == steps else 4, np.random.default_rng(10_000 + k))
            )
    return np.array(points), np.stack(curve, axis=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--reward-scale", type=float, default=0.1)
    parser.add_argument("--time-limit-is-terminal", action="store_true")
    parser.add_argument("--out", required=True)
    asked = parser.parse_args()
    begun = time.process_time()
    steps, returns = train(asked.seeds, asked.steps, asked.first_seed, asked.reward_scale, asked.time_limit_is_terminal)
    settings = {k: v for k, v in vars(asked).items() if k != "out"}
    made = {"settings": settings, "cpu_s": round(time.process_time() - begun, 1), "steps": steps.tolist()}
    made["returns"] = [[round(float(x), 1) for x in row] for row in returns]
    with open(asked.out, "w") as file:
        json.dump(made, file)
    print("final returns:", *sorted(round(row[-1]) for row in made["returns"]), f"({made['cpu_s']} CPU s)")


if __name__ == "__main__":
    main()
