"""GORP (H9): greedy on the values of random play. Does a pre-flight of seconds say whether a task can be learned?"""

import time

import numpy as np

from lifesigns.baselines.methods.gorp import gorp
from lifesigns.baselines.methods.mppi import Mppi, env_score
from lifesigns.baselines.planning import play_planned
from lifesigns.baselines.problem import Slice
from lifesigns.baselines.ready import ready

CASES = (
    ("CartPole-v1", 20, 60, 6, "500 and 500 in 3 CPU-s each", 500, 3),
    ("Pendulum-v1", 5, 30, 6, "-125 and -128 in 4 CPU-s each, near the optimum", -130, 5),
    ("MountainCar-v0", 10, 200, 1, "all actions tie in 100 % of decisions", None, None),
)


PENDULUM = {"samples": 24, "horizon": 25, "colour": 0.7, "spread": 0.8, "temperature": 0.1}
ANGLES, SPEEDS, TORQUES, STEPS = 181, 161, 17, 200


def planned(episodes=6):
    """Pendulum by MPPI in the environment itself, from the same starts."""
    problem, found, begun = ready("Pendulum-v1", 0), [], time.process_time()
    for seed in range(episodes):
        score = env_score(problem, np.random.default_rng(seed))
        planner = Mppi(score, 1, rng=np.random.default_rng(seed), **PENDULUM)
        found.append(play_planned(problem, lambda _, s, p=planner: p.decide(s), seed, Slice(problem.world, 1e9)).total)
    cpu_s = (time.process_time() - begun) / episodes
    what = f"Pendulum-v1 MPPI, {PENDULUM['samples']} samples of {PENDULUM['horizon']} steps"
    return {
        "what": what,
        "essay": "-125 and -128 by GORP",
        "here": [round(r, 1) for r in found],
        "cpu_s": round(cpu_s, 1),
    }


def optimum(episodes=6):
    """The best that Pendulum-v1 allows from the same starts: backward induction over its 200 steps on a grid."""
    begun = time.process_time()
    angle = np.linspace(-np.pi, np.pi, ANGLES, endpoint=False)
    x, v = np.meshgrid(angle, np.linspace(-8, 8, SPEEDS), indexing="ij")
    torques, moves = np.linspace(-2, 2, TORQUES), []
    for u in torques:
        after = np.clip(v + (15 * np.sin(x) + 3 * u) * 0.05, -8, 8)
        column = ((x + after * 0.05 + np.pi) % (2 * np.pi)) / (2 * np.pi) * ANGLES
        row = (after + 8) / 16 * (SPEEDS - 1)
        i, j = np.floor(column).astype(int), np.minimum(np.floor(row).astype(int), SPEEDS - 2)
        moves.append((i % ANGLES, (i + 1) % ANGLES, column - i, j, row - j, x**2 + 0.1 * v**2 + 0.001 * u**2))
    value, best = np.zeros_like(x), []
    for _ in range(STEPS):
        q = []
        for i, k, f, j, g, cost in moves:
            left, right = (1 - g) * value[i, j] + g * value[i, j + 1], (1 - g) * value[k, j] + g * value[k, j + 1]
            q.append((1 - f) * left + f * right - cost)
        value = np.max(q, axis=0)
        best.append(np.argmax(q, axis=0))
    env, found = ready("Pendulum-v1", 0).world.env, []
    for seed in range(episodes):
        env.reset(seed=seed)
        total = 0.0
        for step in range(STEPS):
            a, s = env.unwrapped.state
            i = round((a + np.pi) % (2 * np.pi) / (2 * np.pi) * ANGLES) % ANGLES
            u = torques[best[STEPS - 1 - step][i, round((s + 8) / 16 * (SPEEDS - 1))]]
            total += env.step(np.array([u], np.float32))[1]
        found.append(total)
    return {
        "what": "Pendulum-v1, the optimum from these starts (backward induction on a grid)",
        "essay": "-",
        "here": [round(float(r), 1) for r in found],
        "cpu_s": round(time.process_time() - begun, 1),
    }


def measure():
    rows = []
    for name, rollouts, depth, episodes, before, must, most_cpu_s in CASES:
        problem = ready(name, 0)
        rung, _ = gorp(problem, Slice(problem.world, 1e9), rollouts=rollouts, depth=depth, seeds=range(episodes))
        row = {"what": f"{name} GORP, {rollouts} rollouts of {depth} steps", "essay": before}
        if must is None:
            row |= {"here": f"{100 * rung.facts['tie_rate']:.0f} % ties", "returns": list(rung.returns)}
        else:
            row |= {"here": [round(r, 1) for r in rung.returns], "must": must, "most_cpu_s": most_cpu_s}
        rows.append(row | {"cpu_s": round(rung.cpu_s / episodes, 1)})
    return [*rows, planned(), optimum()]


if __name__ == "__main__":
    for row in measure():
        print(f"{row['what']}\n  before: {row['essay']}\n  here:   {row['here']} in {row['cpu_s']} CPU-s an episode")
