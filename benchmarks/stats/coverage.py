"""How often each 95 % interval holds the true value: by simulation, by enumeration where outcomes can be counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from math import erf, log

import numpy as np

from lifesigns.curves import atari
from lifesigns.stats import (
    aggregate,
    bootstrap_interval,
    difference_interval,
    failure_bound,
    improvement_interval,
    kaplan_meier,
    mean_difference_interval,
    mean_interval,
    paired_interval,
    performance_profile,
    profile_band,
    quantile_interval,
    rate_difference_interval,
    success_interval,
)
from lifesigns.stats.aggregates import Aggregate
from lifesigns.stats.bootstrap import Method, replicate_interval
from lifesigns.stats.distributions import binomial_pmf
from lifesigns.stats.influence import influence
from lifesigns.stats.interval import Interval
from lifesigns.stats.replicates import aggregate_replicates
from lifesigns.stats.scores import as_scores
from lifesigns.stats.survival import Reached

GAMES = (
    "alien",
    "amidar",
    "assault",
    "asterix",
    "bankheist",
    "battlezone",
    "boxing",
    "breakout",
    "choppercommand",
    "crazyclimber",
    "demonattack",
    "freeway",
    "frostbite",
    "gopher",
    "hero",
    "jamesbond",
    "kangaroo",
    "krull",
    "kungfumaster",
    "mspacman",
    "pong",
    "privateeye",
    "qbert",
    "roadrunner",
    "seaquest",
    "upndown",
)
"""The games of Atari-100k (Kaiser et al. 2020)."""
METHODS: tuple[Method, ...] = ("widened", "rescaled", "percentile", "basic", "bca", "studentised")
Draw = Callable[[np.random.Generator, int], np.ndarray]


def row(what: str, setting: str, runs: int, method: str, hits: float, simulations: int) -> dict:
    """One line of the table; `simulations` 0 means enumerated."""
    return {
        "what": what,
        "setting": setting,
        "runs": runs,
        "method": method,
        "coverage": round(hits, 4),
        "simulations": simulations,
        "error": round((hits * (1 - hits) / simulations) ** 0.5, 4) if simulations else 0.0,
    }


def real_populations() -> tuple[np.ndarray, np.ndarray]:
    """Human-normalised scores at the end of training of 6 agents on 26 games: [agent, game, 5 seeds x 50 iterations],
    and the seeds' own means [agent, game, seed]."""
    curves = atari()
    kept = curves.normalised()[:, [curves.tasks.index(g) for g in GAMES], :, -50:]
    return kept.reshape(len(kept), len(GAMES), -1), kept.mean(axis=-1)


def every_method(
    scores: np.ndarray, statistic: Aggregate, rng: np.random.Generator, methods: tuple[Method, ...]
) -> Iterator[tuple[str, Interval]]:
    """The interval of each method; all but the studentised one from the same 1,000 replicates."""
    scores = as_scores(scores)
    drawn = aggregate_replicates(scores, rng, statistics=(statistic,), replicates=1_000)[:, 0]
    point, values = aggregate(scores, statistic), influence(scores, statistic)
    for m in methods:
        if m == "studentised":
            yield m, bootstrap_interval(scores, statistic, rng=rng, replicates=1_000, method=m)
        else:
            yield m, replicate_interval(point, drawn, scores, values, m)


def many_tasks(simulations: int) -> Iterator[dict]:
    """Aggregates over 26 games, from two populations made of real scores."""
    pools, seeds = real_populations()
    rng = np.random.default_rng(0)
    means, stds = seeds.mean(axis=2), seeds.std(axis=2, ddof=1)
    big = means[:, None] + stds[:, None] * rng.normal(size=(len(pools), 20_000, len(GAMES)))
    for statistic, runs, real in product(("iqm", "mean", "median", "optimality_gap"), (2, 3, 5, 10), (False, True)):
        methods = tuple(m for m in METHODS if (m, statistic) != ("studentised", "median"))
        truths = [aggregate(p.T if real else b, statistic) for p, b in zip(pools, big, strict=True)]
        hits = dict.fromkeys(methods, 0)
        for i in range(simulations):
            agent = i % len(pools)
            if real:
                picks = rng.integers(0, pools.shape[2], size=(runs, len(GAMES)))
                scores = pools[agent][np.arange(len(GAMES)), picks]
            else:
                scores = means[agent] + stds[agent] * rng.normal(size=(runs, len(GAMES)))
            for m, found in every_method(scores, statistic, rng, methods):
                hits[m] += found.contains(truths[agent])
        setting = "26 games, real scores" if real else "26 games, normal with real means and spreads"
        yield from (
            row(f"{statistic} bootstrap", setting, runs, m, hits[m] / simulations, simulations) for m in methods
        )


POPULATIONS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, n: rng.normal(size=n), 0.0),
    "exponential": (lambda rng, n: rng.exponential(size=n), 1.0),
    "1 run in 10 fails": (lambda rng, n: np.where(rng.random(n) < 0.1, -8.0, 0.0) + rng.normal(size=n), -0.8),
}


def one_task(simulations: int) -> Iterator[dict]:
    """The mean of a single task."""
    rng = np.random.default_rng(1)
    for (setting, (draw, truth)), runs in product(POPULATIONS.items(), (3, 5, 10, 20)):
        hits = dict.fromkeys((*METHODS, "Student t", "±1.96 SEM"), 0)
        for _ in range(simulations):
            scores = draw(rng, runs)
            for m, found in every_method(scores, "mean", rng, METHODS):
                hits[m] += found.contains(truth)
            hits["Student t"] += mean_interval(scores).contains(truth)
            half = 1.96 * scores.std(ddof=1) / runs**0.5
            hits["±1.96 SEM"] += abs(scores.mean() - truth) <= half
        yield from (row("mean, one task", setting, runs, m, h / simulations, simulations) for m, h in hits.items())


def differences(simulations: int) -> Iterator[dict]:
    """Differences of two algorithms: bootstrap, Welch, paired."""
    rng = np.random.default_rng(2)
    for runs, spread in product((3, 5, 10), (1.0, 3.0)):
        names = ("widened", "rescaled", "percentile", "Welch t", "paired t", "paired widened")
        hits = dict.fromkeys(names, 0)
        for _ in range(simulations):
            shared = rng.normal(size=runs)
            a, b = 1 + rng.normal(size=runs), spread * rng.normal(size=runs)
            for m in names[:3]:
                hits[m] += difference_interval(a, b, "mean", rng=rng, replicates=1_000, method=m).contains(1.0)
            hits["Welch t"] += mean_difference_interval(a, b).contains(1.0)
            hits["paired t"] += paired_interval(a + shared, b + shared).contains(1.0)
            both = difference_interval(a + shared, b + shared, "mean", rng=rng, paired=True, replicates=1_000)
            hits["paired widened"] += both.contains(1.0)
        setting = f"normal, standard deviations 1 and {spread:g}"
        yield from (row("difference of means", setting, runs, m, h / simulations, simulations) for m, h in hits.items())


def improvement(simulations: int) -> Iterator[dict]:
    """Probability of improvement: one task at three distances, and 26 games with random distances."""
    rng = np.random.default_rng(3)
    methods = ("auto", "score", "widened", "percentile")
    for (tasks, shift), runs in product(((1, 0.0), (1, 1.0), (1, 2.0), (26, 1.0)), (3, 5, 10)):
        hits = dict.fromkeys(methods, 0)
        shifts = np.full(tasks, shift) if tasks == 1 else np.random.default_rng(0).normal(0, shift, size=tasks)
        truth = float(np.mean([0.5 * (1 + erf(s / 2)) for s in shifts]))
        for _ in range(simulations):
            a, b = shifts + rng.normal(size=(runs, tasks)), rng.normal(size=(runs, tasks))
            for m in methods:
                hits[m] += improvement_interval(a, b, rng=rng, replicates=1_000, method=m).contains(truth)
        setting = f"{tasks} task{'s' * (tasks > 1)}, P = {truth:.2f}"
        what = "probability of improvement"
        yield from (row(what, setting, runs, m, h / simulations, simulations) for m, h in hits.items())


def rates() -> Iterator[dict]:
    """Success rates: exact coverage over a grid of true rates."""
    grid = np.linspace(0.02, 0.98, 97)
    for runs, method in product((5, 10, 20, 40), ("clopper-pearson", "mid-p", "wilson", "jeffreys")):
        ends = [success_interval(k, runs, method=method) for k in range(runs + 1)]
        found = [sum(p for p, e in zip(binomial_pmf(runs, r), ends, strict=True) if e.contains(r)) for r in grid]
        yield row("success rate, mean over rates", "rates 0.02 to 0.98", runs, method, float(np.mean(found)), 0)
        yield row("success rate, least over rates", "rates 0.02 to 0.98", runs, method, float(np.min(found)), 0)
    for runs in (5, 10, 20):
        bounds = [failure_bound(k, runs) for k in range(runs + 1)]
        found = [sum(p for p, b in zip(binomial_pmf(runs, r), bounds, strict=True) if r <= b) for r in grid]
        yield row("failure bound, least over rates", "one-sided", runs, "clopper-pearson", float(np.min(found)), 0)
        ends = [[rate_difference_interval(i, runs, j, runs) for j in range(runs + 1)] for i in range(runs + 1)]
        pairs = []
        for p, q in product(grid[::8], grid[::8]):
            inside = np.array([[e.contains(p - q) for e in line] for line in ends])
            pairs.append(float(binomial_pmf(runs, p) @ inside @ binomial_pmf(runs, q)))
        yield row("rate difference, mean over rates", "13 x 13 rates", runs, "Newcombe", float(np.mean(pairs)), 0)
        yield row("rate difference, least over rates", "13 x 13 rates", runs, "Newcombe", float(np.min(pairs)), 0)


def others(simulations: int) -> Iterator[dict]:
    """Quantiles over seeds, survival curves, performance profiles."""
    rng = np.random.default_rng(4)
    for runs, q in product((6, 10, 20), (0.25, 0.5)):
        truth = {0.25: -0.6744898, 0.5: 0.0}[q]
        hits = sum(quantile_interval(rng.normal(size=runs), q).contains(truth) for _ in range(simulations))
        yield row(
            "quantile over seeds", f"normal, quantile {q}", runs, "order statistics", hits / simulations, simulations
        )
    for runs in (10, 20, 40):
        median = curve = 0
        for _ in range(simulations):
            steps, end = rng.exponential(size=runs), rng.uniform(0.5, 3.0, size=runs)
            found = kaplan_meier(Reached(np.minimum(steps, end), steps <= end))
            median += found.quantile(0.5).contains(log(2))
            past = np.flatnonzero(found.steps <= 0.7)
            if len(past):
                curve += bool(found.low[past[-1]] <= np.exp(-0.7) <= found.high[past[-1]])
            else:
                curve += 1
        setting = "exponential, about a quarter censored"
        yield row("median steps to threshold", setting, runs, "Kaplan-Meier", median / simulations, simulations)
        yield row("share still below at one step", setting, runs, "Kaplan-Meier", curve / simulations, simulations)
    _, seeds = real_populations()
    means, stds = seeds.mean(axis=2), seeds.std(axis=2, ddof=1)
    at = np.array([0.25, 0.5, 1.0, 2.0, 4.0])
    big = means[:, None] + stds[:, None] * rng.normal(size=(len(means), 20_000, len(GAMES)))
    truths = [performance_profile(b, at) for b in big]
    for runs in (3, 5, 10):
        inside = {m: np.zeros(len(at)) for m in ("predictive", "percentile")}
        for i in range(simulations):
            scores = means[i % 6] + stds[i % 6] * rng.normal(size=(runs, len(GAMES)))
            for m in inside:
                band = profile_band(scores, at, rng=rng, replicates=1_000, method=m)
                inside[m] += (band.low <= truths[i % 6]) & (truths[i % 6] <= band.high)
        for m, (k, threshold) in product(inside, enumerate(at)):
            setting = f"26 games, above {threshold:g}"
            yield row("performance profile", setting, runs, m, float(inside[m][k]) / simulations, simulations)


def rows(smoke: bool) -> list[dict]:
    """All rows; a smoke run takes seconds."""
    few, many = (3, 3) if smoke else (1_000, 2_000)
    parts = (many_tasks(few), one_task(few), differences(few), improvement(few), rates(), others(many))
    return [r for part in parts for r in part]
