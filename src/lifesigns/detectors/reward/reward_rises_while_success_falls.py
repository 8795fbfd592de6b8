"""Rule D404: returns rise while the success that is logged falls."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import thirds, training_returns
from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
    trend,
)

CLEAR_Z = 3.0
"""z of the last third against the first; assumed (catalogue D28 has a sign test over six evaluations)."""


class RewardRisesWhileSuccessFalls(Rule):
    """The returns rise while the success rate, or the environment's own return, falls.

    What it detects
    ---------------
    What the agent is paid for goes up, and what it is paid for it to reach goes down.

    Why it matters
    --------------
    The reward has a loophole: points for circling, for surviving, for touching. A rising curve is then no
    sign of learning the task.

    How it decides
    --------------
    Mann-Whitney tests of the last third against the first third: z above 3 for the returns, below −3 for the
    logged success rate or for the returns before reward wrappers. A warning.

    When it is wrong
    ----------------
    A curriculum that gets harder lowers success while the agent learns.

    What to do
    ----------
    Watch an episode. Pay for the goal alone for a few episodes and compare; then add shaping that cannot be
    collected twice.

    References
    ----------
    Amodei and Clark, Faulty reward functions in the wild (2016); Ng et al., Policy invariance under reward
    transformations (1999).
    """

    code = "D404"
    since = "0.2"
    families = "any RL with a second measure of success"
    reads = {}
    across = {"env.episode_return": 60, "env.success_rate": 30, "env.episode_raw_return": 60}
    causes = {
        "reward-misspecified": Likelihood(0.80, source="the definition of the cause"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.0085, "measured", "0 of 58 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        returns = training_returns(view)
        measures = [*view.across("env.success_rate"), *view.across("env.episode_raw_return")]
        measures = [(s, m) for s, m in measures if s.info.get("role") != "eval"]
        if returns is None or not measures:
            raise CannotTell("no second measure of success (a success rate, returns before wrappers) was seen")
        up = trend(returns.y)
        for subject, one in measures:
            if up > CLEAR_Z and trend(one.y) < -CLEAR_Z:
                (first, last), (before, after) = thirds(returns), thirds(one)
                yield self.finding(
                    view,
                    f"returns rise from {median(first):.4g} to {median(last):.4g} (medians of the first and the "
                    f"last third) while `{one.name}` falls from {median(before):.4g} to {median(after):.4g}",
                    "warning",
                    [
                        Evidence(
                            one.name, subject.id, median(after), median(before), one.unit, one.clock, float(one.x[-1])
                        )
                    ],
                )
                return

    def fires_on(self) -> Iterable[Case]:
        """Success falls, and the raw return falls."""
        up = np.linspace(0, 100, 120)
        yield case("success", {"env.episode_return": up, "env.success_rate": np.linspace(0.8, 0.1, 60)})
        yield case("raw return", {"env.episode_return": up, "env.episode_raw_return": up[::-1]})

    def quiet_on(self) -> Iterable[Case]:
        """Both rise, success stays, both fall."""
        up = np.linspace(0, 100, 120)
        yield case("both rise", {"env.episode_return": up, "env.success_rate": np.linspace(0.1, 0.9, 60)})
        yield case("stays", {"env.episode_return": up, "env.success_rate": [0.4, 0.5, 0.6] * 20})
        yield case("both fall", {"env.episode_return": up[::-1], "env.success_rate": np.linspace(0.8, 0.1, 60)})
