"""Rule D209: value estimates grow while returns fall."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, thirds, training_returns
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
    trend,
)

CLEAR_Z = 3.0
"""z of the last third against the first; assumed."""


class ValuesGrowWhileReturnsFall(Rule):
    """The value estimates grow while the returns fall.

    What it detects
    ---------------
    The mean Q-value that the script logs rises through the run, and the returns of its episodes fall.

    Why it matters
    --------------
    The critic believes that things get better and the episodes say the opposite: the policy exploits errors
    of the critic. It is how overestimation looks from outside.

    How it decides
    --------------
    Mann-Whitney tests of the last third against the first third: z above 3 for the logged values, below −3
    for the returns. A warning.

    When it is wrong
    ----------------
    Values start at 0 and returns that are negative make them fall, not rise; a task whose rewards grow while
    episodes get rarer.

    What to do
    ----------
    Use the smaller of two critics, a slower policy, more target smoothing; check the discount and the
    terminal mask.

    References
    ----------
    Fujimoto et al., Addressing function approximation error in actor-critic methods (2018); van Hasselt et
    al., Deep reinforcement learning with double Q-learning (2016).
    """

    code = "D209"
    since = "0.2"
    status = "preview"
    families = "value-based and off-policy actor-critic"
    reads = {"learner.q_value": 30}
    across = {"env.episode_return": 30}
    causes = {
        "value-estimates-diverge": Likelihood(0.60, source="the definition of the cause"),
        "objective-sign-flipped": Likelihood(0.25, source="judgement"),
        "any fault": Likelihood(0.04, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, returns = view["learner.q_value"], training_returns(view)
        if returns is None:
            raise CannotTell("no training episode was seen")
        up, down = trend(one.y), trend(returns.y)
        if not (up > CLEAR_Z and down < -CLEAR_Z):
            return
        (first, last), (before, after) = thirds(one), thirds(returns)
        yield self.finding(
            view,
            f"the logged value rises from {median(first):.4g} to {median(last):.4g} (medians of the first and the "
            f"last third) while the returns fall from {median(before):.4g} to {median(after):.4g}",
            "warning",
            own_evidence(view, one, median(last), median(first)),
        )

    def fires_on(self) -> Iterable[Case]:
        """Steady growth, and a late divergence."""
        yield case(
            "steady", {"learner.q_value": np.linspace(1, 50, 60), "env.episode_return": np.linspace(100, 10, 90)}
        )
        yield case(
            "late",
            {
                "learner.q_value": np.geomspace(1, 1e6, 60),
                "env.episode_return": [*[80.0, 90.0, 70.0] * 20, *[9.0, 10.0] * 20],
            },
        )

    def quiet_on(self) -> Iterable[Case]:
        """Both rise, both fall, returns that stay."""
        up, x = np.linspace(1, 50, 60), np.linspace(10, 100, 90)
        yield case("both rise", {"learner.q_value": up, "env.episode_return": x})
        yield case("both fall", {"learner.q_value": up[::-1], "env.episode_return": x[::-1]})
        yield case("stay", {"learner.q_value": up, "env.episode_return": [20.0, 22.0, 18.0] * 30})
