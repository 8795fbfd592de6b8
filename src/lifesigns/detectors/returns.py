"""How the training is going, from the returns: whether they rise, and for how long updates have been made."""

from __future__ import annotations

import numpy as np

from lifesigns.model import Series
from lifesigns.rules import View
from lifesigns.stats.samples import Array, finite, mann_whitney, trend

RISING_Z = 3.0
"""z of the last third of the returns against the first third; assumed (one-sided p = 0.001)."""
FAR_ABOVE_RANDOM = 0.9
"""P(a recent return > a random policy's return); assumed."""
FEWEST_EPISODES = 30
"""episodes before a trend is looked for; assumed (three thirds of 10)."""

GOING = {"env.episode_return": FEWEST_EPISODES, "baseline.random_return": 20}
"""What `going_well` reads, for a rule's `across`."""
CLOCKS = {"run.env_steps": 2, "run.updates": 2}
"""What `trained_env_steps` and `updates` read, for a rule's `across`."""


def recent(returns: Array) -> Array:
    """The last quarter of the finite returns, at least 20 of them where there are."""
    kept = finite(returns)
    return kept[-max(20, len(kept) // 4) :]


def going_well(view: View) -> bool | None:
    """Whether returns rise or are far above random ones in any training environment; None if unknown."""
    randoms = {s.id: one for s, one in view.across("baseline.random_return")}
    known = [(one, randoms.get(s.id)) for s, one in view.across("env.episode_return") if s.info.get("role") != "eval"]
    return any(_good(one, random) for one, random in known) if known else None


def rises_after(view: View, env_step: float) -> bool:
    """Whether the returns of a training environment rise over the episodes after an environment step."""
    return any(
        trend(one.y[one.x >= env_step]) > RISING_Z
        for s, one in view.across("env.episode_return")
        if s.info.get("role") != "eval"
    )


def _good(one: Series, random: Series | None) -> bool:
    if trend(one.y) > RISING_Z:
        return True
    return random is not None and mann_whitney(recent(one.y), random.y)[1] >= FAR_ABOVE_RANDOM


def updates(view: View) -> float | None:
    """Optimiser steps of the run; None if they were not counted."""
    counts = [finite(one.y) for _, one in view.across("run.updates")]
    return max((float(c.max()) for c in counts if len(c)), default=None)


def trained_env_steps(view: View) -> float | None:
    """Environment steps since about the first optimiser step; None if either was not counted."""
    clocks, counts = view.across("run.env_steps"), view.across("run.updates")
    if not clocks or not counts:
        return None
    steps, done = clocks[0][1], counts[0][1]
    begun = np.flatnonzero(done.y > 0)
    total = finite(steps.y)
    if not len(begun) or not len(total):
        return 0.0
    first, before = done.x[begun[0]], done.x[max(begun[0] - 1, 0)]
    start = finite(steps.y[(steps.x >= before) & (steps.x <= first)])
    return float(total.max()) - (float(start.mean()) if len(start) else 0.0)
