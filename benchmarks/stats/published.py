"""Figures that are known from elsewhere and can only be had by simulation, beside what we measure.

Not here: the interval of a mean on 192 real SAC runs and the stratified intervals on the 100-run data of rliable, which
are not bundled; the part `coverage` has their counterparts on bundled data.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from coverage import real_populations

from lifesigns.curves import atari
from lifesigns.stats import (
    difference_interval,
    end_below_peak,
    iqm,
    seeds_for_effect,
    seeds_from_pilots,
    sequential_plan,
    sequential_test,
    split_honesty,
    student_power,
    welch_test,
)


def row(figure: str, setting: str, known: str, measured: float, simulations: int, note: str = "") -> dict:
    """One line; shares in per cent."""
    return {
        "figure": figure,
        "setting": setting,
        "known": known,
        "measured": round(measured, 1),
        "simulations": simulations,
        "note": note,
    }


def bootstrap_false_positives(simulations: int) -> Iterator[dict]:
    """False positives of the percentile bootstrap of a difference of means, of the widened one, and of Welch."""
    rng = np.random.default_rng(0)
    for runs, known in ((2, "33"), (3, "19-20"), (5, "12-14"), (10, "8-10")):
        hits = {"percentile": 0, "widened": 0, "Welch": 0}
        for _ in range(simulations):
            a, b = rng.normal(size=(2, runs))
            for m in ("percentile", "widened"):
                hits[m] += not difference_interval(a, b, "mean", rng=rng, replicates=1_000, method=m).contains(0.0)
            hits["Welch"] += welch_test(a, b).p <= 0.05
        for m, h in hits.items():
            told = {"percentile": known, "Welch": "2-5", "widened": "5 (wanted)"}[m]
            yield row(
                "false positives %, difference of means", f"{m}, {runs} seeds", told, 100 * h / simulations, simulations
            )


@lru_cache(maxsize=4_096)
def seeds_at(effect: float) -> int:
    """Seeds an arm for 80 % power at an effect rounded to hundredths; 10,000 for less than 0.05."""
    return seeds_for_effect(effect) if effect >= 0.05 else 10_000


def divided_by_n(a: np.ndarray, b: np.ndarray) -> int:
    """The naive plan of pilots whose spread was divided by n, not by n - 1: the effect seems larger than it is."""
    spread = np.sqrt((a.var() + b.var()) / 2)
    return seeds_at(round(float(abs(a.mean() - b.mean()) / spread), 2))


def plans(simulations: int) -> Iterator[dict]:
    """Power of plans made from pilots when the true effect is 1 (17 seeds an arm give 80 %).

    The known 60, 66 and 71 % are those of plans that divide the pilots' spread by n; dividing by n - 1 gives more.
    """
    rng = np.random.default_rng(1)
    for pilots, known in ((3, "60"), (5, "66"), (10, "71")):
        made: dict[str, list[float]] = {"naive": [], "spread divided by n": [], "middle": [], "high": []}
        for _ in range(simulations):
            a, b = rng.normal(1, 1, pilots), rng.normal(size=pilots)
            plan = seeds_from_pilots(a, b, rng=rng, draws=300)
            for name, powers in made.items():
                n = divided_by_n(a, b) if name == "spread divided by n" else getattr(plan, name)
                powers.append(1.0 if n is None else student_power(1.0, n))
        for name, powers in made.items():
            told = known if name == "spread divided by n" else ""
            note = f"{100 * np.mean(np.array(powers) >= 0.8):.0f} % of plans have 80 % power"
            yield row(
                "mean power % of a plan",
                f"{name}, {pilots} pilots",
                told,
                100 * float(np.mean(powers)),
                simulations,
                note,
            )


def sequential(simulations: int) -> Iterator[dict]:
    """Type-I error of the group-sequential permutation test, two-sided by absolute values; AdaStop 0.1.3 for one."""
    for groups, known in ((1, "8.6 (AdaStop), 4.4 (absolute values)"), (5, "10.7 (AdaStop)")):
        rng, hits, plan = np.random.default_rng(2), 0, sequential_plan(5, groups)
        for i in range(simulations):
            a, b = rng.normal(size=(2, 5 * groups))
            found = sequential_test(a, b, plan, rng=np.random.default_rng(i), permutations=1_999)
            hits += found.decision == "different"
        yield row("type-I error %, sequential", f"{groups} groups of 5", known, 100 * hits / simulations, simulations)


def curves() -> Iterator[dict]:
    """What 1,650 real Atari runs say of waiting (MEASURED H8); nothing is simulated."""
    found = atari()
    kept = ~np.isnan(found.reference)
    scores = found.normalised()[:, kept].reshape(-1, found.returns.shape[-1])
    for frames, known in ((10, "33"), (20, "23"), (40, "8"), (80, "2")):
        low = scores[:, max(0, frames - 5) : frames].mean(axis=1) < 0.05
        share = 100 * float((scores[low, -10:].mean(axis=1) > 0.5).mean())
        setting = f"below 0.05 at {frames}M frames, {int(low.sum())} runs"
        yield row("end above 0.5 human-normalised, % of runs", setting, known, share, 0)
    dqn = found.agents.index("DQN")
    lost = end_below_peak(found.returns[dqn, kept].reshape(-1, scores.shape[1]), np.repeat(found.random[kept], 5))
    yield row("end more than 25 % below their peak, % of runs", "DQN", "20", 100 * float(np.nanmean(lost > 0.25)), 0)


def five_against_five(simulations: int) -> Iterator[dict]:
    """Henderson et al. 2018: two groups of five runs of the *same* algorithm can differ "significantly"."""
    rng, best, shares = np.random.default_rng(3), [], []
    for i in range(simulations):
        found = split_honesty(rng.normal(size=10), rng=np.random.default_rng(i))
        best.append(found.least_p)
        shares.append(found.share_significant)
    note = f"median of the least p {np.median(best):.4f}; {100 * np.mean(shares):.1f} % of all splits"
    for p in (0.05, 0.0016):
        figure = f"best of the 126 splits of 10 equal runs: p <= {p}, % of samples"
        yield row(figure, "normal scores", "", 100 * float(np.mean(np.array(best) <= p)), simulations, note)


def trimming(simulations: int) -> Iterator[dict]:
    """Bias of the interquartile mean, which cuts off floor(N / 4) scores at each end, in its own standard errors."""
    _, seeds = real_populations()
    rng, means, stds = np.random.default_rng(4), seeds[0].mean(axis=1), seeds[0].std(axis=1, ddof=1)
    truth = iqm(means + stds * rng.normal(size=(20_000, len(means))))
    for runs in (2, 3, 5, 10):
        found = [iqm(means + stds * rng.normal(size=(runs, len(means)))) for _ in range(simulations)]
        bias = 100 * (float(np.mean(found)) - truth) / float(np.std(found))
        yield row("bias of the IQM, % of its standard error", f"26 games, {runs} seeds", "", bias, simulations)


def rows(smoke: bool) -> list[dict]:
    """All rows; a smoke run takes seconds."""
    few, many = (10, 10) if smoke else (1_000, 4_000)
    parts = (
        bootstrap_false_positives(many),
        plans(few),
        sequential(few),
        five_against_five(few),
        trimming(many),
        curves(),
    )
    return [r for part in parts for r in part]
