"""How a stratified bootstrap draws: counts of each run in each replicate, in batches whose draws do not depend on
the number of workers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import log
from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Counts = NDArray[np.uint8] | NDArray[np.uint16]
Result = TypeVar("Result")

BATCH_CELLS = 1 << 19
"""Runs x tasks x replicates of a batch, so that its counts stay in a processor's cache."""
MOST_RUNS_COMPARED = 48
"""Up to so many runs, comparing each draw with each run (vectorised) is faster than counting draw by draw."""


def run_counts(rng: Generator, runs: int, tasks: int, replicates: int) -> Counts:
    """How often each run of each task is in each replicate, [run, task, replicate]; each task draws `runs` times.

    Every (task, replicate) column is multinomial with equal probabilities.
    """
    if runs > MOST_RUNS_COMPARED:
        return _counted(rng, runs, tasks, replicates)
    drawn = _draws(rng, runs, runs * tasks * replicates).reshape(runs, tasks, replicates)
    counts = np.empty((runs, tasks, replicates), dtype=np.uint8)
    hit = np.empty(drawn.shape, dtype=np.bool_)
    for run in range(runs):
        np.equal(drawn, run, out=hit)
        np.add.reduce(hit.view(np.uint8), axis=0, dtype=np.uint8, out=counts[run])
    return counts


def _draws(rng: Generator, runs: int, count: int) -> NDArray[np.uint8]:
    """`count` independent draws out of 0…runs - 1, all equally likely.

    A bounded 16-bit draw costs as much as an 8-bit one and, written in base `runs`, holds several (four for 10 runs).
    """
    digits = int(log(1 << 16) / log(runs) + 1e-9) if runs > 1 else 1
    each = -(-count // digits)
    number = rng.integers(0, runs**digits, size=each, dtype=np.uint16)
    out = np.empty((digits, each), dtype=np.uint8)
    for row in out:
        rest = number // runs
        np.subtract(number, rest * runs, out=row, casting="unsafe")
        number = rest
    return out.ravel()[:count]


def _counted(rng: Generator, runs: int, tasks: int, replicates: int) -> NDArray[np.uint16]:
    """`run_counts` for many runs."""
    columns = tasks * replicates
    drawn = rng.integers(0, runs, size=(columns, runs))
    drawn += np.arange(columns)[:, None] * runs
    counts = np.bincount(drawn.ravel(), minlength=columns * runs).astype(np.uint16)
    return np.ascontiguousarray(counts.reshape(columns, runs).T).reshape(runs, tasks, replicates)


def in_batches(
    work: Callable[[Generator, int], Result], rng: Generator, replicates: int, cells: int, workers: int = 1
) -> list[Result]:
    """Results of `work(rng of the batch, replicates of the batch)`, in order.

    `cells` is the size of one replicate (runs x tasks). The batches' generators are seeded from `rng`: the same
    state of `rng` gives the same results with any number of `workers` (threads). Raises ValueError without a
    replicate.
    """
    if replicates < 1:
        raise ValueError(f"expected at least 1 replicate, got {replicates}")
    size = min(replicates, max(64, BATCH_CELLS // max(cells, 1)))
    sizes = [size] * (replicates // size) + ([replicates % size] if replicates % size else [])
    seeds = rng.integers(0, 2**63, size=len(sizes))
    jobs = [(np.random.Generator(np.random.SFC64(int(seed))), n) for seed, n in zip(seeds, sizes, strict=True)]
    if workers <= 1 or len(jobs) == 1:
        return [work(one, n) for one, n in jobs]

    def run(job: tuple[Generator, int]) -> Result:
        return work(*job)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, jobs))
