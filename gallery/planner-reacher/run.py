"""Reacher by planning (H4): MPPI with the true reward, and with the control weight that the documentation names by mistake."""

import time
from types import SimpleNamespace

import numpy as np

from lifesigns.baselines.methods.mppi import SMOOTH, Mppi
from lifesigns.baselines.mujoco_rollout import MujocoRollout
from lifesigns.baselines.planning import play_planned
from lifesigns.baselines.problem import Slice
from lifesigns.baselines.ready import ready

SEEDS, SAMPLES, HORIZON = range(10), 64, 20
DOCUMENTED = SimpleNamespace(_reward_dist_weight=1.0, _reward_control_weight=0.1)
"""What the docstring of Reacher-v5 says; the code's default weight is 1 (Gymnasium 1.4.0)."""


def returns(problem, fast):
    found, begun = [], time.process_time()
    for seed in SEEDS:
        planner = Mppi(fast.score, problem.actions.n, SAMPLES, HORIZON, np.random.default_rng(seed), **SMOOTH)
        found.append(play_planned(problem, lambda _, s, p=planner: p.decide(s), seed, Slice(problem.world, 1e9)).total)
    return found, (time.process_time() - begun) / len(found)


def measure():
    problem = ready("Reacher-v5", random_s=0)
    rows = []
    for name, essay, must in (("the true reward", -7.1, -7.5), ("the documented weight 0.1", -6.0, None)):
        fast = MujocoRollout.of(problem)
        if must is None:
            fast.base = DOCUMENTED
        found, cpu_s = returns(problem, fast)
        row = {"what": f"Reacher MPPI {SAMPLES}x{HORIZON}, planned with {name}: mean of {len(found)} episodes"}
        row |= {
            "essay": f"{essay} (random -42.5, best random linear policy -29)",
            "here": round(float(np.mean(found)), 2),
        }
        rows.append(row | {"cpu_s": round(cpu_s, 2)} | ({} if must is None else {"must": must}))
    return rows


if __name__ == "__main__":
    for row in measure():
        print(f"{row['what']}\n  before: {row['essay']}\n  here:   {row['here']}, {row['cpu_s']} CPU-s an episode")
