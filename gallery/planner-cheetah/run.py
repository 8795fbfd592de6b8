"""HalfCheetah by planning (H2, H3): MPPI with the true model against training for a million steps; a short horizon lands on its back."""

import time

import numpy as np

from lifesigns.baselines.methods.mppi import Mppi
from lifesigns.baselines.mujoco_rollout import MujocoRollout
from lifesigns.baselines.planning import play_planned
from lifesigns.baselines.problem import Slice
from lifesigns.baselines.ready import ready

SEEDS, SAMPLES, HORIZON = (0, 1), 64, 20
ESSAY = "4484 and 4154 in 55 CPU-s; after 1M steps TRPO 1785, A2C 3041, PPO 5819, SAC 9535 (rl-zoo)"
SHORT, SHORT_STEPS = 8, 400
ESSAY_SHORT = "92 to 96 % of steps on its back at horizon 8, 15 to 27 % at horizon 20"


def episode(problem, fast, horizon, seed, steps=0):
    """Return, CPU-seconds and the share of steps upside down (pitch beyond a quarter turn)."""
    planner = Mppi(fast.score, problem.actions.n, SAMPLES, horizon, np.random.default_rng(seed))
    data, pitch = problem.world.env.unwrapped.data, []

    def decide(_, state):
        pitch.append((data.qpos[2] + np.pi) % (2 * np.pi) - np.pi)
        return planner.decide(state)

    begun = time.process_time()
    played = play_planned(problem, decide, seed, Slice(problem.world, 1e9), steps)
    return played.total, time.process_time() - begun, float(np.mean(np.abs(pitch) > np.pi / 2)), played.steps


def measure():
    problem = ready("HalfCheetah-v5", random_s=0)
    fast = MujocoRollout.of(problem)
    rows = []
    for seed in SEEDS:
        total, cpu_s, inverted, steps = episode(problem, fast, HORIZON, seed)
        rows.append(
            {
                "what": f"HalfCheetah MPPI {SAMPLES}x{HORIZON}, seed {seed}: return of {steps} steps",
                "essay": ESSAY,
                "here": round(total),
                "cpu_s": round(cpu_s, 1),
                "upside_down": round(inverted, 2),
                "must": 4000,
                "most_cpu_s": 60,
            }
        )
    total, cpu_s, inverted, steps = episode(problem, fast, SHORT, 0, SHORT_STEPS)
    rows.append(
        {
            "what": f"horizon {SHORT}: share of {steps} steps on its back",
            "essay": ESSAY_SHORT,
            "here": round(inverted, 2),
            "cpu_s": round(cpu_s, 1),
        }
    )
    return rows


if __name__ == "__main__":
    for row in measure():
        print(f"{row['what']}\n  before: {row['essay']}\n  here:   {row['here']} in {row['cpu_s']} CPU-s, no training")
