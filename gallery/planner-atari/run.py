"""Atari by UCT on cloned emulator states (H5): against random play over the same seconds of game."""

import numpy as np

from lifesigns.baselines.methods.tree_search import uct
from lifesigns.baselines.problem import Slice
from lifesigns.baselines.ready import ready

SIMULATIONS, DEPTH, SKIP, DECISIONS, RANDOM_RUNS = 30, 25, 8, 120, 20
BEFORE = {"Pong": "+2 against -5.2 (20 runs, best -2)", "Breakout": "8 against 1.4 (best 4)"}


def random_scores(problem):
    """Scores of random actions over as many decisions, from different starts of the action sequence."""
    found = []
    for run in range(RANDOM_RUNS):
        rng, total = np.random.default_rng(run), 0.0
        problem.world.reset(seed=run)
        for _ in range(DECISIONS):
            _, reward, terminated, _ = problem.world.step(problem.actions.decode(problem.actions.random(rng)))
            total += reward
            if terminated:
                break
        found.append(total)
    return found


def measure(games=tuple(BEFORE)):
    rows = []
    for game in games:
        problem = ready(f"ALE/{game}-v5", 0, obs_type="ram", frameskip=SKIP, repeat_action_probability=0.0)
        random = random_scores(problem)
        limit = Slice(problem.world, 1e9)
        rung, _ = uct(problem, limit, SIMULATIONS, DEPTH, most=1, most_steps=DECISIONS)
        rows.append(
            {
                "what": f"{game} UCT, {DECISIONS} decisions ({DECISIONS * SKIP / 60:.0f} s of game)",
                "essay": BEFORE[game],
                "here": rung.mean,
                "random": float(np.mean(random)),
                "random_best": float(np.max(random)),
                "cpu_s": round(rung.cpu_s, 1),
                "frames_per_decision": round(SKIP * limit.env_steps / DECISIONS),
                "must": float(np.mean(random)),
            }
        )
    return rows


if __name__ == "__main__":
    for row in measure():
        print(f"{row['what']}\n  before: {row['essay']}")
        print(
            f"  here:   {row['here']:g} against {row['random']:g} (best {row['random_best']:g}) in {row['cpu_s']} CPU-s"
        )
