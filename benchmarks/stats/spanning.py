"""Coverage of the spanning interval beside the default one, and the bias that the default cannot see."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from coverage import real_populations, row

from lifesigns.stats import aggregate, bootstrap_interval, spanning_interval

STATISTICS = ("median", "optimality_gap")
SIMULATIONS = 600


def rows(smoke: bool, simulations: int = 0) -> list[dict]:
    """All rows; a smoke run takes seconds."""
    return list(_rows(6 if smoke else simulations or SIMULATIONS))


def _rows(simulations: int) -> Iterator[dict]:
    pools, seeds = real_populations()
    means, stds = seeds.mean(axis=2), seeds.std(axis=2, ddof=1)
    rng = np.random.default_rng(21)
    tasks = np.arange(pools.shape[1])
    wholes = {"real scores": pools.swapaxes(1, 2), "normal with real means and spreads": means[:, None]}
    truths = {
        "real scores": {s: [aggregate(w, s) for w in wholes["real scores"]] for s in STATISTICS},
        "normal with real means and spreads": {
            s: [aggregate(m + d * rng.normal(size=(20_000, len(m))), s) for m, d in zip(means, stds, strict=True)]
            for s in STATISTICS
        },
    }
    for kind, runs in ((k, r) for k in wholes for r in (2, 3, 5, 10)):
        hits = {(s, m): 0 for s in STATISTICS for m in ("widened", "spanning")}
        for i in range(simulations):
            k = i % len(pools)
            scores = means[k] + stds[k] * rng.normal(size=(runs, len(tasks)))
            if kind == "real scores":
                scores = pools[k][tasks, rng.integers(0, pools.shape[2], size=(runs, len(tasks)))]
            for s in STATISTICS:
                true = truths[kind][s][k]
                hits[s, "widened"] += bootstrap_interval(scores, s, rng=rng, replicates=1_000).contains(true)
                hits[s, "spanning"] += spanning_interval(scores, s).contains(true)
        for (s, m), count in hits.items():
            yield row(f"{s}, 26 games", kind, runs, m, count / simulations, simulations)
