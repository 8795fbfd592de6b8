"""Rule D207: targets are negative although no reward is."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import everywhere, own_evidence, thirds
from lifesigns.detectors.returns import GOING, going_well
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    median,
)

MANY = 0.05
"""share of targets; assumed (catalogue D36)."""
MOST = 0.5
"""share from which it is a warning; assumed."""


class ValueOfTheWrongSign(Rule):
    """Many targets of the value function are negative, although no reward ever is.

    What it detects
    ---------------
    All rewards are at or above 0, and yet in many rows of the batches the value target lies below 0 late in
    the run.

    Why it matters
    --------------
    The value of a state is a sum of rewards: without a negative reward it cannot be negative. Something
    between reward and target changes the sign or takes a mean away.

    How it decides
    --------------
    The smallest reward of the run is at least 0 and the largest above 0; the median share of negative targets
    over the last third of the sampled batches is above 5 %. A note; a warning above half where returns do not
    rise.

    When it is wrong
    ----------------
    Entropy terms in the target (SAC subtracts α·log π, which may be positive or negative); rewards that are
    centred on purpose, which changes the task where episodes end.

    What to do
    ----------
    Print one target with the reward and the bootstrap value it is made of. Do not subtract the mean of
    rewards where episodes can end; dividing by the standard deviation is enough.

    References
    ----------
    Schulman, The nuts and bolts of deep RL research (2016), on centred rewards; Jones, Debugging RL (2021).
    """

    code = "D207"
    since = "0.2"
    per = "loss"
    families = "value-based and actor-critic without entropy in the target"
    reads = {"loss.target_negative_share": 9}
    across = {"env.reward_min": 2, "env.reward_max": 2, **GOING}
    causes = {
        "objective-sign-flipped": Likelihood(0.30, source="a reward whose sign is flipped on its way"),
        "reward-carries-no-signal": Likelihood(0.15, source="rewards that are centred or clipped on their way"),
        "value-estimates-diverge": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.0122, "measured", "0 of 40 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["loss.target_negative_share"]
        low = everywhere(view, "env.reward_min")
        high = everywhere(view, "env.reward_max")
        if not len(low) or not len(high):
            raise CannotTell("no rewards of an environment were seen")
        if low.min() < 0 or high.max() <= 0:
            return
        level = median(thirds(one)[1])
        if not level > MANY:
            return
        yield self.finding(
            view,
            f"{level:.0%} of the targets of the loss `{view.subject.name}` are below 0 in the last third of the "
            f"run (median of the batches), and no reward is (they lie between {low.min():.3g} and "
            f"{high.max():.3g})",
            "warning" if level > MOST and going_well(view) is False else "note",
            own_evidence(view, one, level, MANY),
        )

    def fires_on(self) -> Iterable[Case]:
        """All below 0, and a third."""
        given = {"env.reward_min": [1.0] * 5, "env.reward_max": [1.0] * 5, "env.episode_return": [20.0, 22.0] * 30}
        yield case("all below", {"loss.target_negative_share": np.ones(20), **given})
        yield case("a third", {"loss.target_negative_share": np.full(30, 0.33), **given})

    def quiet_on(self) -> Iterable[Case]:
        """Negative rewards, positive targets, negative ones only at first."""
        given = {"env.reward_min": [1.0] * 5, "env.reward_max": [1.0] * 5, "env.episode_return": [20.0, 22.0] * 30}
        yield case(
            "negative rewards", {"loss.target_negative_share": np.ones(20), **given, "env.reward_min": [-1.0] * 5}
        )
        yield case("positive", {"loss.target_negative_share": np.full(20, 0.01), **given})
        yield case("at first", {"loss.target_negative_share": np.linspace(0.5, -0.3, 40).clip(0), **given})
