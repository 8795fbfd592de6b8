"""Where a run's return stands on a ladder: below random, no better than a constant action, below a linear policy, …"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lifesigns.planner.ladder import Ladder, Rung, mean_interval
from lifesigns.stats.samples import mann_whitney

CLEARLY = 2.58
"""z of the Mann-Whitney U test from which two samples of returns differ (two-sided 1 %)."""


@dataclass(frozen=True)
class Place:
    """`sentence` says it; `below` names the cheapest method that is clearly better, `above` the best clearly beaten."""

    sentence: str
    below: str = ""
    above: str = ""
    standing: str = "cannot tell"
    """`below random`, `as random`, `as a constant action`, `below a cheap method`, `below a planner`, `above all`,
    `cannot tell`"""


def place(returns: Sequence[float], ladder: Ladder) -> Place:
    """Compares the returns of a run's last episodes with every rung of whole episodes.

    `returns` are undiscounted returns of whole episodes, in the environment's own reward. Five or more are needed.
    """
    random = ladder.random
    if len(returns) < 5 or random is None or not random.whole:
        why = "the run has fewer than 5 whole episodes" if len(returns) < 5 else "random actions were not measured"
        return Place(f"Cannot be placed: {why}.")
    better = [r for r in ladder.measured() if _against(returns, r) < 0]
    beaten = [r for r in ladder.measured() if _against(returns, r) > 0]
    above = max(beaten, key=lambda r: r.mean).method if beaten else ""
    got = f"{sum(returns) / len(returns):.4g}"
    if random in better:
        return Place(
            f"Its return {got} is below that of random actions ({random.mean:.4g}).", "random", above, "below random"
        )
    cheap = sorted(
        (r for r in better if r.kind in ("constant", "open loop", "bandit", "linear")), key=lambda r: r.cpu_s
    )
    constant = ladder.best("constant")
    tail = f" {_does_better(cheap[0])}" if cheap else ""
    if random not in beaten:
        below = cheap[0].method if cheap else ""
        return Place(
            f"Its return {got} is no better than random actions ({random.mean:.4g}).{tail}", below, above, "as random"
        )
    if constant is not None and constant not in beaten:
        below = cheap[0].method if cheap else ""
        sentence = (
            f"Its return {got} is no better than always the same action ({constant.method}: {constant.mean:.4g}).{tail}"
        )
        return Place(sentence, below, above, "as a constant action")
    if cheap:
        return Place(f"Its return is {got}. {_does_better(cheap[0])}", cheap[0].method, above, "below a cheap method")
    model = sorted((r for r in better if r.kind in ("greedy", "planner", "exact")), key=lambda r: -r.mean)
    if model:
        return Place(f"Its return is {got}. {_does_better(model[0])}", model[0].method, above, "below a planner")
    return Place(f"Its return {got} is not clearly below any baseline.", "", above, "above all")


def _does_better(rung: Rung) -> str:
    name = {"linear": "A linear policy", "planner": "A planner", "constant": "A constant action"}.get(
        rung.kind, "A baseline"
    )
    unfair = f", and it {rung.unfair}" if rung.unfair else ""
    return f"{name} ({rung.method}) found in {rung.cpu_s:.2g} s does better: {rung.mean:.4g}{unfair}."


def _against(returns: Sequence[float], rung: Rung) -> int:
    """1 where the run is clearly better than the rung, -1 where clearly worse, 0 otherwise."""
    if len(rung.returns) < 5:
        low, high = mean_interval(returns)
        return int(low > max(rung.returns)) - int(high < min(rung.returns))
    z, _ = mann_whitney(returns, rung.returns)
    return int(z > CLEARLY) - int(z < -CLEARLY)
