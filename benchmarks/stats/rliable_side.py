"""One workload of rliable on saved scores, in rliable's own environment; no part of lifesigns is imported here.

`python rliable_side.py SCORES.npz OUT.json TASK ALGORITHM REPLICATES`; SCORES.npz holds `scores`
[algorithm, run, task] and `thresholds`. CPU and wall seconds are those of the call alone.
"""

import json
import sys
import time

import numpy as np
from rliable import library, metrics

AGGREGATES = {
    "median": metrics.aggregate_median,
    "iqm": metrics.aggregate_iqm,
    "mean": metrics.aggregate_mean,
    "optimality_gap": metrics.aggregate_optimality_gap,
}


def work(task, scores, algorithm, thresholds, replicates):
    """(point estimates, interval ends [2, …]) of one workload."""
    one = {"a": scores[algorithm]}
    if task == "profile":
        points, ends = library.create_performance_profile(one, thresholds, reps=replicates)
    elif task == "improvement":
        pair = {"a": (scores[algorithm], scores[(algorithm + 1) % len(scores)])}
        points, ends = library.get_interval_estimates(pair, metrics.probability_of_improvement, reps=replicates)
    else:
        chosen = list(AGGREGATES.values()) if task == "aggregates" else [AGGREGATES[task]]
        points, ends = library.get_interval_estimates(one, lambda x: np.array([f(x) for f in chosen]), reps=replicates)
    return np.atleast_1d(points["a"]), np.atleast_2d(ends["a"].reshape(2, -1))


def main():
    source, out, task, algorithm, replicates = sys.argv[1:]
    kept = np.load(source)
    np.random.seed(1)
    work(task, kept["scores"], int(algorithm), kept["thresholds"], 5)
    cpu, wall = time.process_time(), time.perf_counter()
    points, ends = work(task, kept["scores"], int(algorithm), kept["thresholds"], int(replicates))
    seconds = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
    with open(out, "w") as file:
        json.dump({**seconds, "points": points.tolist(), "ends": ends.tolist()}, file)


if __name__ == "__main__":
    main()
