"""Agreement with rliable's numbers and the speed of its documented workloads, both sides measured in turn.

Workloads: 26 games, 10 runs, 5 algorithms; 50,000 replicates for aggregates, 2,000 for profiles (81 thresholds) and
probability of improvement, percentile intervals. Scores are real ones: of five agents, 10 draws for each game out of
5 seeds x the last 50 iterations.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
from coverage import real_populations

from lifesigns.stats import (
    aggregate,
    aggregate_intervals,
    even_thresholds,
    improvement_interval,
    performance_profile,
    probability_of_improvement,
    profile_band,
)
from lifesigns.stats.aggregates import AGGREGATES

HERE = Path(__file__).parent
TASKS = {"iqm": (50_000, 5), "aggregates": (50_000, 5), "profile": (2_000, 5), "improvement": (2_000, 1)}
"""Replicates, and how many algorithms (pairs, for the improvement: rliable takes most of a minute for one)."""
ALGORITHMS, RUNS = 5, 10
SPREADS = 8
"""How many further seeds give our own Monte-Carlo error of an interval's ends. A profile's ends are multiples of one
run: there the error counts as half of one at least."""


def scores_and_thresholds() -> tuple[np.ndarray, np.ndarray]:
    """Scores [algorithm, run, task] and thresholds [81]."""
    pools, _ = real_populations()
    rng = np.random.default_rng(0)
    picks = rng.integers(0, pools.shape[2], size=(ALGORITHMS, RUNS, pools.shape[1]))
    scores = np.stack([pools[a][np.arange(pools.shape[1]), picks[a]] for a in range(ALGORITHMS)])
    return scores, even_thresholds(*scores)


def ours(task: str, scores: np.ndarray, algorithm: int, at: np.ndarray, replicates: int, seed: int, workers: int):
    """Interval ends [2, …] of one workload."""
    rng, one = np.random.default_rng(seed), scores[algorithm]
    if task == "profile":
        band = profile_band(one, at, rng=rng, replicates=replicates, method="percentile", workers=workers)
        return np.stack([band.low, band.high])
    if task == "improvement":
        other = scores[(algorithm + 1) % len(scores)]
        found = improvement_interval(one, other, rng=rng, replicates=replicates, method="percentile", workers=workers)
        return np.array([[found.low], [found.high]])
    names = AGGREGATES if task == "aggregates" else ("iqm",)
    made = aggregate_intervals(
        one, rng=rng, statistics=names, replicates=replicates, method="percentile", workers=workers
    )
    return np.array([[made[n].low for n in names], [made[n].high for n in names]])


def points(task: str, scores: np.ndarray, algorithm: int, at: np.ndarray) -> np.ndarray:
    """Point estimates of one workload."""
    if task == "profile":
        return performance_profile(scores[algorithm], at)
    if task == "improvement":
        return np.array([probability_of_improvement(scores[algorithm], scores[(algorithm + 1) % len(scores)])])
    return np.array([aggregate(scores[algorithm], n) for n in (AGGREGATES if task == "aggregates" else ("iqm",))])


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def rows(python: str, smoke: bool, workloads: list[str], most: int) -> list[dict]:
    """One row for each workload, summed over the algorithms (at most `most` of them)."""
    scores, at = scores_and_thresholds()
    out: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "scores.npz", scores=scores, thresholds=at)
        for task in workloads or TASKS:
            full, count = TASKS[task]
            replicates, algorithms = (100, 1) if smoke else (full, min(count, most))
            out.append(one_task(python, Path(folder), task, scores, at, replicates, algorithms))
    return out


def one_task(
    python: str, folder: Path, task: str, scores: np.ndarray, at: np.ndarray, replicates: int, algorithms: int
) -> dict:
    """Both sides in turn for each algorithm."""
    sums = dict.fromkeys(("rliable_cpu_s", "rliable_wall_s", "cpu_s", "wall_s", "wall_2_workers_s"), 0.0)
    gap, furthest, apart = 0.0, 0.0, []
    for algorithm in range(algorithms):
        ours(task, scores, algorithm, at, 5, 0, 1)
        for workers, names in ((1, ("cpu_s", "wall_s")), (2, ("", "wall_2_workers_s"))):
            spent = timed(lambda a=algorithm, w=workers: ours(task, scores, a, at, replicates, 0, w))
            sums |= {n: sums[n] + s for n, s in zip(names, spent, strict=True) if n}
        out = folder / "out.json"
        command = [python, str(HERE / "rliable_side.py"), str(folder / "scores.npz"), str(out), task]
        subprocess.run([*command, str(algorithm), str(replicates)], check=True, capture_output=True)
        theirs = json.loads(out.read_text("utf-8"))
        sums["rliable_cpu_s"] += theirs["cpu_s"]
        sums["rliable_wall_s"] += theirs["wall_s"]
        gap = max(gap, float(np.abs(points(task, scores, algorithm, at) - np.array(theirs["points"])).max()))
        own = np.stack([ours(task, scores, algorithm, at, replicates, s, 1) for s in range(1, SPREADS + 1)])
        grain = 0.5 / scores[algorithm].size if task == "profile" else 0.0
        error = np.maximum(own.std(axis=0, ddof=1), grain)
        moved = np.array(theirs["ends"]) - own.mean(axis=0)
        furthest = max(furthest, float(np.abs(moved).max()))
        apart.append(float(np.sqrt(np.mean((moved / error) ** 2 / (1 + 1 / SPREADS)))))
    return {
        "workload": task,
        "algorithms": algorithms,
        "date": str(date.today()),
        "replicates": replicates,
        **{k: round(v, 4) for k, v in sums.items()},
        "cpu_ratio": round(sums["rliable_cpu_s"] / sums["cpu_s"], 1),
        "wall_ratio_2_workers": round(sums["rliable_wall_s"] / sums["wall_2_workers_s"], 1),
        "points_differ_by": f"{gap:.1e}",
        "ends_differ_by": f"{furthest:.1e}",
        "ends_apart_in_monte_carlo_errors": round(float(np.mean(apart)), 2),
    }
