"""False alarms of every test at nominal 5 %: simulated under no difference, enumerated for counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from lifesigns.stats import (
    adjusted,
    brunner_munzel_test,
    distribution_test,
    equivalence_test,
    improvement_interval,
    log_rank_test,
    paired_t_test,
    paired_test,
    permutation_test,
    rank_test,
    same_seed_test,
    sequential_plan,
    sequential_test,
    sign_evalues,
    student_test,
    success_evalues,
    two_groups,
    welch_test,
)
from lifesigns.stats.distributions import binomial_pmf
from lifesigns.stats.success import fisher_table
from lifesigns.stats.survival import Reached

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
DRAWS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape),
    "1 run in 5 fails": lambda rng, shape: np.where(rng.random(shape) < 0.2, -8.0, 0.0) + rng.normal(size=shape),
}


def row(test: str, setting: str, runs: int | str, size: float, simulations: int, note: str = "") -> dict:
    """One line; `simulations` 0 means enumerated."""
    error = (size * (1 - size) / simulations) ** 0.5 if simulations else 0.0
    return {
        "test": test,
        "setting": setting,
        "runs": runs,
        "size": round(size, 4),
        "simulations": simulations,
        "error": round(error, 4),
        "note": note,
    }


def two_samples(simulations: int) -> Iterator[dict]:
    """Unpaired tests; the same distribution in both arms, and unequal spreads with equal means."""
    rng = np.random.default_rng(0)
    tests = {
        "Welch": welch_test,
        "Student": student_test,
        "Mann-Whitney": rank_test,
        "Brunner-Munzel": brunner_munzel_test,
        "Kolmogorov-Smirnov exact": distribution_test,
        "Kolmogorov-Smirnov asymptotic": lambda a, b: distribution_test(a, b, "asymptotic"),
        "permutation": lambda a, b: permutation_test(a, b, rng=rng),
        "P(improvement) interval excludes ½": lambda a, b: not improvement_interval(a, b, rng=rng).contains(0.5),
    }
    for (setting, draw), runs in product(DRAWS.items(), (4, 5, 8)):
        yield from sizes(tests, setting, runs, lambda n, d=draw: (d(rng, (n,)), d(rng, (n,))), simulations)
    setting = "normal, standard deviations 1 and 4, 5 against 10"
    yield from sizes(tests, setting, 5, lambda n: (4 * rng.normal(size=n), rng.normal(size=2 * n)), simulations)


def sizes(
    tests: dict[str, Callable], setting: str, runs: int, draw: Callable[[int], tuple], simulations: int
) -> Iterator[dict]:
    """How often each test finds a difference between two draws."""
    hits = dict.fromkeys(tests, 0)
    for _ in range(simulations):
        a, b = draw(runs)
        for name, test in tests.items():
            found = test(a, b)
            hits[name] += found if isinstance(found, bool) else found.p <= 0.05
    yield from (row(name, setting, runs, h / simulations, simulations) for name, h in hits.items())


def pairs(simulations: int) -> Iterator[dict]:
    """Paired tests, runs of a seed alike (correlation 0.7) or not at all."""
    rng = np.random.default_rng(1)
    tests = {
        "paired t": paired_t_test,
        "sign flip": lambda a, b: paired_test(a, b, rng=rng),
        "signed rank": lambda a, b: paired_test(a, b, rng=rng, method="signed-rank"),
        "same seed (pairs where it helps)": lambda a, b: same_seed_test(a, b, rng=rng)[0],
    }
    for (setting, draw), shared, runs in product(DRAWS.items(), (0.0, 0.7), (6, 8)):

        def both(n: int, draw: Draw = draw, shared: float = shared) -> tuple[np.ndarray, np.ndarray]:
            parts = [draw(rng, (n,)) for _ in range(3)]
            return tuple((1 - shared) ** 0.5 * x + shared**0.5 * parts[2] for x in parts[:2])  # type: ignore[return-value]

        yield from sizes(tests, f"{setting}, correlation {shared}", runs, both, simulations)


def many_tasks_and_survival(simulations: int) -> Iterator[dict]:
    """Stratified permutation over 26 tasks; log-rank with censoring, permuted and by chi-square."""
    rng = np.random.default_rng(2)
    spreads = np.geomspace(0.1, 10, 26)
    for runs in (2, 3, 5):
        hits = 0
        for _ in range(simulations):
            a, b = (spreads * rng.normal(size=(runs, 26)) for _ in range(2))
            hits += permutation_test(a, b, rng=rng, permutations=399).p <= 0.05
        yield row("permutation within tasks", "26 tasks of unequal spread", runs, hits / simulations, simulations)
    for runs in (5, 10, 40):
        hits = 0
        for _ in range(simulations):
            steps, end = rng.exponential(size=(2, runs)), rng.uniform(0.5, 3, size=(2, runs))
            a, b = (Reached(np.minimum(s, e), s <= e) for s, e in zip(steps, end, strict=True))
            hits += log_rank_test(a, b, rng=rng, permutations=399).p <= 0.05
        yield row("log-rank", "about a quarter censored", runs, hits / simulations, simulations)


def counts() -> Iterator[dict]:
    """Fisher's exact test, the worst success rate for it."""
    for runs in (5, 10, 20, 40):
        rejected = fisher_table(runs, runs) <= 0.05
        worst = max(
            float(binomial_pmf(runs, p) @ rejected @ binomial_pmf(runs, p)) for p in np.linspace(0.01, 0.99, 99)
        )
        yield row("Fisher exact", "worst of 99 rates", runs, worst, 0)


def sequential(simulations: int) -> Iterator[dict]:
    """Group-sequential permutation: size over all looks, power and seeds spent beside a test of all seeds at once."""
    rng = np.random.default_rng(3)
    for shape, (setting, draw), effect in product(("even", "late"), DRAWS.items(), (0.0, 1.0)):
        if effect and setting != "normal":
            continue
        plan, hits, spent, fixed = sequential_plan(5, 5, shape=shape), 0, 0, 0
        for i in range(simulations):
            a, b = draw(rng, (25,)) + effect, draw(rng, (25,))
            found = sequential_test(a, b, plan, rng=np.random.default_rng(i), permutations=1_999)
            hits, spent = hits + (found.decision == "different"), spent + found.runs
            fixed += student_test(a, b).p <= 0.05
        note = f"{spent / simulations:.1f} seeds an arm on average, t test of all 25: {fixed / simulations:.3f}"
        name = f"sequential, {shape} spending" + (" (power)" if effect else "")
        where = f"{setting}, effect {effect:g}" if effect else setting
        yield row(name, where, "5 to 25", hits / simulations, simulations, note)
    for looks in (1, 3, 5):
        plan, hits = sequential_plan(4, looks), 0
        for i in range(simulations):
            a, b = rng.normal(size=(2, 4 * looks))
            found = sequential_test(a, b, plan, rng=np.random.default_rng(i), permutations=1_999)
            hits += found.decision == "different"
        yield row(
            "sequential, even spending",
            f"normal, {looks} groups of 4",
            4 * looks,
            hits / simulations,
            simulations,
        )


def anytime(simulations: int) -> Iterator[dict]:
    """E-values looked at after every pair: share of streams that ever cross 20 (the bound is 5 %), and power."""
    rng = np.random.default_rng(4)
    for effect in (0.0, 1.0):
        stops = [sign_evalues(rng.normal(effect, 1, 100), rng.normal(size=100)).stops_at() for _ in range(simulations)]
        yield streams("sign e-values", f"normal, effect {effect:g}", stops, simulations)
    for p, q in ((0.5, 0.5), (0.9, 0.9), (0.6, 0.95)):
        outcomes = rng.random((simulations, 2, 100)) < np.array([p, q])[:, None]
        stops = [success_evalues(a, b).stops_at() for a, b in outcomes.astype(float)]
        yield streams("success e-values", f"rates {p} and {q}", stops, simulations)


def streams(test: str, setting: str, stops: list[int | None], simulations: int) -> dict:
    """Row of streams of 100 pairs."""
    done = [s for s in stops if s is not None]
    note = f"median stop after {np.median(done):.0f} pairs" if done else ""
    return row(test, setting, "1 to 100", len(done) / simulations, simulations, note)


def others(simulations: int) -> Iterator[dict]:
    """Equivalence at its margin, corrections of ten p-values, two groups in one population."""
    rng = np.random.default_rng(5)
    for runs, spread in product((5, 10, 20), (1.0, 0.3)):
        hits = sum(
            equivalence_test(spread * rng.normal(size=runs) + 1, spread * rng.normal(size=runs), 1.0).equivalent
            for _ in range(simulations)
        )
        yield row(
            "equivalence",
            f"difference at the margin, {1 / spread:.1f} standard deviations",
            runs,
            hits / simulations,
            simulations,
        )
    p = rng.random((simulations, 10))
    for method in ("bonferroni", "sidak", "holm", "hochberg", "benjamini-hochberg", "benjamini-yekutieli"):
        alarms = sum(bool((adjusted(one, method) <= 0.05).any()) for one in p)
        yield row(f"{method}: any of 10", "10 true nulls, independent", 10, alarms / simulations, simulations)
    real = rng.beta(0.1, 8, size=(simulations, 5))
    for method in ("benjamini-hochberg", "benjamini-yekutieli"):
        shares = [false_share(adjusted(np.concatenate([n[:5], r]), method)) for n, r in zip(p, real, strict=True)]
        yield row(f"{method}: false discoveries", "5 true nulls, 5 effects", 10, float(np.mean(shares)), simulations)
    draws = {**DRAWS, "uniform": lambda g, s: g.random(s), "Student t, 3 df": lambda g, s: g.standard_t(3, s)}
    for (setting, draw), runs in product(draws.items(), (5, 10, 20)):
        null = np.random.default_rng(9)
        hits = sum(two_groups(draw(rng, (runs,)), rng=null, simulations=199).bimodal for _ in range(simulations // 4))
        note = "two groups indeed: this is power" if "fails" in setting else ""
        yield row("two groups", setting, runs, hits / (simulations // 4), simulations // 4, note)


def false_share(p: np.ndarray) -> float:
    """Share of false discoveries when the first five are true nulls."""
    found = p <= 0.05
    return float(found[:5].sum() / max(1, found.sum()))


def rows(smoke: bool) -> list[dict]:
    """All rows; a smoke run takes seconds."""
    few, many = (4, 20) if smoke else (1_000, 4_000)
    parts = (
        two_samples(few),
        pairs(few),
        many_tasks_and_survival(few),
        counts(),
        sequential(few),
        anytime(many),
        others(many),
    )
    return [r for part in parts for r in part]
