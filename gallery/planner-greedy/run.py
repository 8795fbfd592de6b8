"""GORP (H9): greedy on the values of random play. Does a pre-flight of seconds say whether a task can be learned?"""

from lifesigns.baselines.methods.gorp import gorp
from lifesigns.baselines.problem import Slice
from lifesigns.baselines.ready import ready

CASES = (
    ("CartPole-v1", 20, 60, 6, "500 and 500 in 3 CPU-s each", 500, 3),
    ("Pendulum-v1", 5, 30, 6, "-125 and -128 in 4 CPU-s each, near the optimum", -130, 5),
    ("MountainCar-v0", 10, 200, 1, "all actions tie in 100 % of decisions", None, None),
)


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
    return rows


if __name__ == "__main__":
    for row in measure():
        print(f"{row['what']}\n  before: {row['essay']}\n  here:   {row['here']} in {row['cpu_s']} CPU-s an episode")
