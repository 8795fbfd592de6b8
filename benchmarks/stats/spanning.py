"""Coverage of the spanning interval beside the default one, and how its borrowed spread was chosen and checked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from coverage import real_populations, row

from lifesigns.stats import aggregate, bootstrap_interval, spanning_interval
from lifesigns.stats.distributions import student_quantile
from lifesigns.stats.spanning import usual_spread

STATISTICS = ("median", "optimality_gap")
SIMULATIONS = 600
QUANTILES = (0.5, 0.75, 0.9)


def rows(smoke: bool, simulations: int = 0) -> list[dict]:
    """All rows; a smoke run takes seconds."""
    count = 6 if smoke else simulations or SIMULATIONS
    return [*_rows(count), *_halves(count)]


def _halves(simulations: int) -> Iterator[dict]:
    """The quantile of the spreads that is borrowed: chosen on every other game, checked on the rest."""
    pools, _ = real_populations()
    games = np.arange(pools.shape[1])
    halves = {"every other game (chosen on)": games[::2], "the other games (checked on)": games[1::2]}
    rng = np.random.default_rng(22)
    for (half, kept), runs in ((h, r) for h in halves.items() for r in (2, 3, 5, 10)):
        hits = dict.fromkeys(("own spreads", *(f"at least the {q:g} quantile" for q in QUANTILES)), 0)
        for i in range(simulations):
            pool = pools[i % len(pools)][kept]
            scores = pool[np.arange(len(kept)), rng.integers(0, pool.shape[1], size=(runs, len(kept)))]
            true = float(np.median(pool.mean(axis=1)))
            for name, quantile in zip(hits, (None, *QUANTILES), strict=True):
                hits[name] += _spanned(scores, quantile, true)
        for name, count in hits.items():
            yield row("median of 13 games, spanning", half, runs, name, count / simulations, simulations)


def _spanned(scores: np.ndarray, quantile: float | None, true: float) -> bool:
    """Whether the interval holds the truth when no spread is taken for smaller than a quantile of the middle ones."""
    means, spreads = scores.mean(axis=0), scores.std(axis=0, ddof=1)
    if quantile is not None:
        spreads = np.maximum(spreads, usual_spread(means, spreads, quantile))
    half = student_quantile(0.975, len(scores) - 1) * spreads / np.sqrt(len(scores))
    return bool(np.median(means - half) <= true <= np.median(means + half))


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
        hits = {(s, m): 0 for s in STATISTICS for m in ("widened", "spanning")} | {("median", "borrowing"): 0}
        for i in range(simulations):
            k = i % len(pools)
            scores = means[k] + stds[k] * rng.normal(size=(runs, len(tasks)))
            if kind == "real scores":
                scores = pools[k][tasks, rng.integers(0, pools.shape[2], size=(runs, len(tasks)))]
            for s in STATISTICS:
                true = truths[kind][s][k]
                hits[s, "widened"] += bootstrap_interval(scores, s, rng=rng, replicates=1_000).contains(true)
                hits[s, "spanning"] += spanning_interval(scores, s, borrowed=False).contains(true)
            hits["median", "borrowing"] += spanning_interval(scores).contains(truths[kind]["median"][k])
        for (s, m), count in hits.items():
            yield row(f"{s}, 26 games", kind, runs, m, count / simulations, simulations)
