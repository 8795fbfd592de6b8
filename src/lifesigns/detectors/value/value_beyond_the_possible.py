"""Rule D206: targets of the value function are larger than any return can be."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import everywhere, own_evidence, thirds, training_returns
from lifesigns.detectors.returns import GOING, going_well
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    largest,
    median,
)

HORIZON_STEPS = 1000.0
"""1 / (1 − γ) for γ = 0.999: by arithmetic, for the largest discount in common use."""
SLACK = 1.1
"""factor for rewards that were not sampled; assumed."""


class ValueBeyondThePossible(Rule):
    """The targets of the value function are larger than any return of this task can be.

    What it detects
    ---------------
    Targets in the batches of the value loss exceed the largest reward seen times the longest horizon that a
    discount of 0.999 allows.

    Why it matters
    --------------
    No policy can earn that: the estimates feed on themselves. Bootstrapping from an overestimated network
    that is not held still makes them grow without end (soft divergence).

    How it decides
    --------------
    Bound: the largest |reward| of the run × 1,000 steps × 1.1, or the largest |return| of an episode if that
    is larger. The median of the largest target over the last third of the sampled batches is above it. Proven
    to be impossible, so it is a warning; where returns rise a note.

    When it is wrong
    ----------------
    Rewards that are rescaled between the environment and the loss (by a wrapper that was not seen, or in the
    buffer). Discounts above 0.999. Intrinsic rewards that are added in the learner.

    What to do
    ----------
    Keep the target network still for longer, lower the learning rate, use the smaller of two estimates
    (double Q-learning), and check that terminal states are masked.

    References
    ----------
    van Hasselt et al., Deep reinforcement learning and the deadly triad (2018), on soft divergence.
    """

    code = "D206"
    since = "0.2"
    per = "loss"
    families = "any with a value function and a squared or Huber loss"
    reads = {"loss.target_max_abs": 9}
    across = {"env.reward_min": 2, "env.reward_max": 2, **GOING}
    causes = {
        "value-estimates-diverge": Likelihood(0.80, source="the definition of the cause"),
        "target-network-copied-every-step": Likelihood(0.30, source="judgement"),
        "learning-rate-too-high": Likelihood(0.20, source="judgement"),
        "time-limit-treated-as-terminal": Likelihood(0.01, source="makes values smaller, not larger"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.0139, "measured", "0 of 35 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["loss.target_max_abs"]
        rewards = everywhere(view, "env.reward_min", "env.reward_max")
        returns = training_returns(view)
        if not len(rewards) or returns is None:
            raise CannotTell("no rewards of a training environment were seen")
        level = median(thirds(one)[1])
        if level != level:
            raise CannotTell("no finite target in the last third of the run")
        bound = SLACK * max(float(np.abs(rewards).max()) * HORIZON_STEPS, largest(np.abs(returns.y)))
        if not level > bound > 0:
            return
        yield self.finding(
            view,
            f"the largest target in a batch of the loss `{view.subject.name}` has a size of {level:.3g} (median "
            f"of the last third of the run); no return can exceed {bound:.3g} ({np.abs(rewards).max():.3g} a "
            "step, discount 0.999)",
            "note" if going_well(view) else "warning",
            own_evidence(view, one, level, bound),
        )

    def fires_on(self) -> Iterable[Case]:
        """Growth without end, and a jump."""
        given = {"env.reward_min": [0.0] * 5, "env.reward_max": [1.0] * 5, "env.episode_return": [20.0, 22.0] * 30}
        yield case("without end", {"loss.target_max_abs": np.geomspace(1, 1e9, 40), **given})
        yield case("a jump", {"loss.target_max_abs": [*[10.0] * 10, *[1e5] * 20], **given})

    def quiet_on(self) -> Iterable[Case]:
        """Within the bound, rewards of any size, large only for a while."""
        given = {
            "env.reward_min": [-16.0] * 5,
            "env.reward_max": [0.0] * 5,
            "env.episode_return": [-1200.0, -900.0] * 30,
        }
        yield case("within", {"loss.target_max_abs": np.full(30, 400.0), **given})
        yield case("undiscounted", {"loss.target_max_abs": np.full(30, 1700.0), **given})
        yield case("for a while", {"loss.target_max_abs": [*[1e6] * 10, *[300.0] * 30], **given})
