"""Forecasts that can be scored later: what was said of RL, beside what then happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lifesigns.planner.cost import Cost
from lifesigns.planner.verdict import Verdict


@dataclass(frozen=True)
class Forecast:
    """What was said of an environment, in numbers."""

    env: str
    verdict: str
    target: float | None
    solves: float | None
    """Probability that RL reaches the target within `p90_steps`."""
    p50_steps: float | None
    p90_steps: float | None
    algorithm: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def forecast(env: str, target: float | None, verdict: Verdict, cost: Cost | None) -> Forecast:
    """The forecast of a verdict with its cost."""
    if cost is None:
        return Forecast(env, verdict.kind, target, None, None, None)
    return Forecast(
        env, verdict.kind, target, round(cost.solves, 4), cost.run_steps.p50, cost.run_steps.p90, cost.algorithm
    )


@dataclass(frozen=True)
class Outcome:
    """What RL then did: the steps to the target, None where it was not reached within `tried_steps`."""

    steps: float | None
    tried_steps: float


@dataclass(frozen=True)
class Scores:
    """Brier score of `solves` (0 is best, 0.25 is a coin), and how often the true steps were within p50 and p90."""

    n: int
    brier: float
    brier_of_base_rate: float
    within_p50: float
    within_p90: float


def score(forecasts: Sequence[Forecast], outcomes: Mapping[str, Outcome], cut_counts: bool = False) -> Scores:
    """Scores the forecasts whose outcome is known and could be told: tried for p90 steps or solved before.

    With `cut_counts` a run that ended below the target before p90 steps counts as one that does not reach it: then none
    is left out, and failures are among them.

    Raises ValueError where there is none.
    """
    pairs: list[tuple[Forecast, Outcome, bool]] = []
    for one in forecasts:
        then = outcomes.get(one.env)
        if then is None or one.solves is None or one.p90_steps is None or one.p50_steps is None:
            continue
        solved = then.steps is not None and then.steps <= one.p90_steps
        if solved or then.steps is not None or cut_counts or then.tried_steps >= one.p90_steps:
            pairs.append((one, then, solved))
    if not pairs:
        raise ValueError("expected at least one forecast with a known outcome, got none")
    n = len(pairs)
    base = sum(s for *_, s in pairs) / n
    brier = sum((float(f.solves or 0) - s) ** 2 for f, _, s in pairs) / n
    solved = [(f, o) for f, o, s in pairs if s and o.steps is not None]
    inside = sum(o.steps is not None and f.p50_steps is not None and o.steps <= f.p50_steps for f, o in solved)
    return Scores(n, brier, base * (1 - base), inside / max(len(solved), 1), base)
