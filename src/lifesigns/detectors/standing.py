"""Where recent returns stand against those of a random policy and of constant actions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lifesigns.detectors.returns import CLOCKS, recent, trained_env_steps
from lifesigns.model import Evidence, Severity
from lifesigns.rules import CannotTell, View
from lifesigns.stats.samples import columns, finite, mann_whitney, median, trend

ABOVE_Z = 2.33
"""z from which returns are above the random policy's; one-sided p = 0.01."""
BELOW_Z = -3.29
"""z from which returns are below it; one-sided p = 0.0005."""
BELOW_SHARE = 0.35
"""P(return > random return), which must be smaller too: ε-greedy with a large ε is a little below random;
assumed."""
RISING_Z = 3.0
"""z of the recent third against the first third that makes it a note; assumed."""
LONG_ENV_STEPS, LONG_ENV_STEPS_BOX = 20_000, 100_000
"""environment steps since the first update, with discrete and with other actions, from which it is a warning;
assumed: a correct PPO on Pendulum is not told apart from random actions after 22,000."""
FAR_BELOW_SHARE, FAR_BELOW_ENV_STEPS, FAR_BELOW_ENV_STEPS_BOX = 0.05, 10_000, 100_000
"""P(return > random return) and environment steps since the first update, with discrete and with other actions,
from which returns below random are a warning. Policies over continuous actions often pass through a saturated
phase: a correct A2C on Pendulum stands below 0.05 after 40,000 steps (benchmarks/detection)."""
LONG_EPISODES = 100
"""finished episodes from which it is a warning; assumed."""

READS = {"env.episode_return": 20, "baseline.random_return": 20}
"""Both need 20 (catalogue D04)."""
MAY_READ = {"baseline.constant_return": 1}
ACROSS = CLOCKS


@dataclass(frozen=True)
class Standing:
    """Recent returns against random ones: z, P(recent > random), medians, and the best constant action."""

    z: float
    share: float
    own: float
    random: float
    count: int
    constant: str
    severity: Severity

    @property
    def is_below(self) -> bool:
        """Clearly below the random policy."""
        return self.z < BELOW_Z and self.share < BELOW_SHARE

    @property
    def is_above(self) -> bool:
        """Above the random policy."""
        return self.z > ABOVE_Z

    def sentence(self, name: str, relation: str) -> str:
        """The measurement in words."""
        return (
            f"returns in `{name}` are {relation}: the median of the last {self.count} episodes is "
            f"{self.own:.4g}, "
            f"of random actions {self.random:.4g} (P(higher than random) = {self.share:.2f}, Mann-Whitney "
            f"z = {self.z:.1f}){self.constant}"
        )

    def evidence(self, view: View) -> list[Evidence]:
        """Own median against the random one."""
        one = view["env.episode_return"]
        return [Evidence(one.name, view.subject.id, self.own, self.random, "reward", one.clock, float(one.x[-1]))]


def standing(view: View) -> Standing:
    """Compares the last quarter of the returns. Raises `CannotTell` where fewer than 20 are finite."""
    one, random = view["env.episode_return"], view["baseline.random_return"]
    own, others = recent(one.y), finite(random.y)
    if len(own) < 20 or len(others) < 20:
        raise CannotTell("fewer than 20 finite returns of the agent or of random actions")
    z, share = mann_whitney(own, others)
    severity = _severity(view, share, z < BELOW_Z)
    return Standing(z, share, median(own), median(others), len(own), _constant(view), severity)


def _severity(view: View, share: float, below: bool) -> Severity:
    one = view["env.episode_return"]
    trained = trained_env_steps(view) or 0.0
    long = len(one) >= LONG_EPISODES and trend(one.y) < RISING_Z
    discrete = (view.subject.info.get("action_space") or {}).get("type", "Discrete") == "Discrete"
    if below:
        enough = trained >= (FAR_BELOW_ENV_STEPS if discrete else FAR_BELOW_ENV_STEPS_BOX)
        return "warning" if long and share < FAR_BELOW_SHARE and enough else "note"
    enough = trained >= (LONG_ENV_STEPS if discrete else LONG_ENV_STEPS_BOX)
    return "warning" if long and enough else "note"


def _constant(view: View) -> str:
    one = view.get("baseline.constant_return")
    if one is None:
        return ""
    means = {name: float(np.mean(kept)) for name, y in columns(one) if len(kept := finite(y))}
    if not means:
        return ""
    best = max(means, key=lambda name: means[name])
    return f"; the best constant action{f' ({best})' if best else ''} gets {means[best]:.4g}"
