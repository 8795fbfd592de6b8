"""Random weight guessing (H10): what share of random linear policies solves a benchmark, and how much policies matter at all."""

from lifesigns.baselines.methods.linear import random_weights
from lifesigns.baselines.problem import Slice
from lifesigns.baselines.ready import ready

CASES = (
    ("CartPole-v1", 475.0, 1000, "1.0 % of policies, the first at 52"),
    ("Acrobot-v1", -100.0, 150, "2 % of policies"),
    ("MountainCar-v0", -110.0, 200, "none; policies control 0.000 nats of the return"),
    ("Pendulum-v1", -200.0, 150, "0 % of policies"),
)


def measure(cases=CASES):
    rows = []
    for name, target, policies, before in cases:
        problem = ready(name, 0)
        problem.target = target
        limit = Slice(problem.world, 1e9)
        rung = random_weights(problem, limit, policies)
        facts = rung.facts
        share = (
            f"{100 * facts['solved_share']:.2g} % [{100 * facts['solved_low']:.2g}, {100 * facts['solved_high']:.2g}]"
        )
        rows.append(
            {
                "what": f"{name}: share of {facts['policies']} random linear policies that reach {target:g}",
                "essay": before,
                "here": f"{share}, first at {facts['first_solved']}, PIC {facts['pic']:.3f}",
                "solved_share": facts["solved_share"],
                "solved_low": facts["solved_low"],
                "solved_high": facts["solved_high"],
                "pic": round(facts["pic"], 3),
                "best_replayed": round(rung.mean, 1),
                "cpu_s": round(limit.cpu_s, 1),
            }
        )
    return rows


if __name__ == "__main__":
    for row in measure():
        print(f"{row['what']}\n  before: {row['essay']}\n  here:   {row['here']} in {row['cpu_s']} CPU-s")
