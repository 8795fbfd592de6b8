"""Where a run's return stands on a ladder: below random, no better than a constant action, below a linear policy, …"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lifesigns.planner.ladder import Ladder, Rung, mean_interval
from lifesigns.stats.samples import mann_whitney

CLEARLY = 2.58
"""z of the Mann-Whitney U test from which two samples of returns differ (two-sided 1 %)."""
EFFECT = 0.64
"""P(a return of the one > one of the other) from which they do; a medium effect (Vargha and Delaney 2000)."""
FEWEST = 5
STANDINGS = (
    "below random",
    "as random",
    "as a constant action",
    "below a cheap method",
    "below a planner",
    "above all",
    "cannot tell",
)
"""From worst to best."""
CHEAP = ("constant", "open loop", "bandit", "linear")
WITH_MODEL = ("greedy", "planner", "exact")
NAMES = {
    "linear": "a linear policy",
    "greedy": "acting greedily on random play",
    "planner": "a planner",
    "constant": "a constant action",
    "open loop": "a motion that never looks",
    "bandit": "a myopic bandit",
    "exact": "value iteration",
}


@dataclass(frozen=True)
class Place:
    """`sentence` says it; `below` names the cheapest method that is clearly better, `above` the best clearly beaten."""

    sentence: str
    below: str = ""
    above: str = ""
    standing: str = "cannot tell"
    """One of `STANDINGS`."""


def place(returns: Sequence[float], ladder: Ladder, whose: str = "Its return") -> Place:
    """Compares the returns of a run's last episodes with every rung of whole episodes.

    `returns` are undiscounted returns of whole episodes, in the environment's own reward. Five or more are needed. Two
    samples differ by Mann-Whitney at |z| > 2.58 with at least a medium effect; from a rung of fewer than 5 episodes, by
    the run's 95 % interval of the mean.
    """
    random = ladder.random
    if len(returns) < FEWEST or random is None or not random.whole:
        few = f"the run has {len(returns)} whole episodes, {FEWEST} are needed"
        why = few if len(returns) < FEWEST else "random actions were not measured"
        return Place(f"Cannot be placed on the ladder: {why}.")
    better = [r for r in ladder.measured() if _against(returns, r) < 0]
    beaten = [r for r in ladder.measured() if _against(returns, r) > 0]
    above = max(beaten, key=lambda r: r.mean).method if beaten else ""
    got = f"{whose} is {sum(returns) / len(returns):.4g}"
    if random in better:
        return Place(f"{got}: below random actions ({random.mean:.4g}).", "random", above, "below random")
    constant = ladder.best("constant")
    cheap = [r for r in better if r.kind in CHEAP and (r.kind != "constant" or r is constant)]
    cheap.sort(key=lambda r: r.cpu_s)
    model = sorted((r for r in better if r.kind in WITH_MODEL), key=lambda r: -r.mean)
    first = (cheap or model)[:1]
    below = first[0].method if first else ""
    tail = "".join(f" {_does_better(r)}" for r in first)
    if random not in beaten:
        return Place(f"{got}: no better than random actions ({random.mean:.4g}).{tail}", below, above, "as random")
    if constant is not None and constant not in beaten:
        sentence = f"{got}: no better than a constant action ({constant.method}: {constant.mean:.4g}).{tail}"
        return Place(sentence, below, above, "as a constant action")
    if cheap or model:
        return Place(f"{got}.{tail}", below, above, "below a cheap method" if cheap else "below a planner")
    return Place(f"{got}: {_top(ladder)}.", "", above, "above all")


def _top(ladder: Ladder) -> str:
    """What the run is not below; says less where nothing but random and constant actions was measured."""
    kinds = {r.kind for r in ladder.measured()}
    if kinds <= {"floor", "constant"}:
        return "above random" + (" and constant actions" if "constant" in kinds else " actions")
    best = ladder.best()
    assert best is not None
    return f"not clearly below any method on the ladder (best: {best.method}, {best.mean:.4g})"


def _does_better(rung: Rung) -> str:
    name = NAMES.get(rung.kind, "a baseline")
    unfair = f" ({rung.unfair})" if rung.unfair else ""
    found = f" found in {_seconds(rung.cpu_s)}" if rung.cpu_s else ""
    return f"{name[0].upper()}{name[1:]} ({rung.method}){found} does better: {rung.mean:.4g}{unfair}."


def _seconds(cpu_s: float) -> str:
    """`0.4 s`, `4 s`: CPU-seconds."""
    return f"{cpu_s:.1f} s" if cpu_s < 1 else f"{cpu_s:.0f} s"


def _against(returns: Sequence[float], rung: Rung) -> int:
    """1 where the run is clearly better than the rung, -1 where clearly worse, 0 otherwise."""
    if len(rung.returns) < FEWEST:
        low, high = mean_interval(returns)
        return int(low > max(rung.returns)) - int(high < min(rung.returns))
    z, larger = mann_whitney(returns, rung.returns)
    if abs(z) <= CLEARLY or max(larger, 1 - larger) < EFFECT:
        return 0
    return 1 if z > 0 else -1
