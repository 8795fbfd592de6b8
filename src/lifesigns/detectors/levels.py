"""Levels of a series over parts of a run, and who trains and who evaluates."""

from __future__ import annotations

import numpy as np

from lifesigns.model import Evidence, Series
from lifesigns.rules import CannotTell, View
from lifesigns.stats.samples import Array, finite

WINDOWS = 20
"""smoothing windows of a run; assumed."""


def later(one: Series, share: float = 0.5) -> Array:
    """The finite values after the first `share` of the points."""
    return finite(one.y[int(len(one) * share) :])


def thirds(one: Series) -> tuple[Array, Array]:
    """The finite values of the first and of the last third."""
    kept = finite(one.y)
    third = max(len(kept) // 3, 1)
    return kept[:third], kept[-third:]


def smoothed(values: Array, least: int = 10) -> Array:
    """Means over windows of a twentieth of the values, at least `least`, moved by half a window."""
    width = max(len(values) // WINDOWS, least)
    if len(values) < width:
        return np.empty(0)
    sums = np.concatenate([[0.0], np.cumsum(values - values[0])])
    return (values[0] + (sums[width:] - sums[:-width]) / width)[:: max(width // 2, 1)]


def everywhere(view: View, *names: str) -> Array:
    """The finite values of series of all subjects, one after the other; for names in the rule's `across`."""
    return finite(np.concatenate([s.y for name in names for _, s in view.across(name)] or [[]]))


def no_environment(view: View, losses: str) -> None:
    """Raises CannotTell in a run with an environment, whose losses need not behave as a supervised one's."""
    if everywhere(view, "run.env_steps").any() or view.across("env.episode_return"):
        raise CannotTell(f"the run has an environment, whose losses {losses}")


def own_evidence(view: View, one: Series, value: float, limit: float | None, column: str = "") -> list[Evidence]:
    """The value of a series against its line, at its last point."""
    at = float(one.x[-1]) if len(one) else None
    return [Evidence(one.name, view.subject.id, value, limit, one.unit, one.clock, at, column)]


def training_returns(view: View) -> Series | None:
    """The longest series of returns of a training environment, for rules that declare it in `across`."""
    found = [s for subject, s in view.across("env.episode_return") if subject.info.get("role") != "eval"]
    return max(found, key=len, default=None)


def recent_and_random(view: View) -> tuple[Array, Array]:
    """The last quarter of the returns, at least 20, and those of random actions (none where not measured)."""
    kept, random = finite(view["env.episode_return"].y), view.get("baseline.random_return")
    return kept[-max(20, len(kept) // 4) :], finite(random.y) if random is not None else np.empty(0)
