"""Rule D211: the value of first states is far from what the episodes then earn."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding, Series
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import median

FAR = 0.75
"""|value − return| over the larger of the two sizes; assumed (catalogue D17 has 0.5 of the return)."""


class StartValueFarFromReturn(Rule):
    """The value of first states is far from what the episodes then earn.

    What it detects
    ---------------
    What the value function says of the states that episodes begin with, against the discounted rewards of the
    same episodes: the two differ by more than three quarters of the larger one.

    Why it matters
    --------------
    The first state's value is the forecast of everything. A forecast that stays wrong means that the targets are
    wrong (bootstrapped from the wrong states, other rewards, another discount) or that the value is not learned.

    How it decides
    --------------
    Mean value of the first states and mean discounted return of the episodes that lie inside a rollout, in at
    least 8 rollouts: the median over the second half of |value − return| / max(|value|, |return|) is above 0.75. A
    note; the sign says whether the value is too high or too low.

    When it is wrong
    ----------------
    Policies that improve faster than their value function follows. Returns that end near 0, where the ratio says
    little.

    What to do
    ----------
    Check the discount and the rewards that the targets are made of, the terminal mask, and the value loss' weight.

    References
    ----------
    van Hasselt et al., Deep reinforcement learning with double Q-learning (2016), on measuring overestimation
    against realised returns.
    """

    code = "D211"
    since = "0.2"
    status = "preview"
    families = "PPO, A2C, TRPO of Stable-Baselines3 with whole episodes inside a rollout"
    reads = {"rollout.start_value": 8, "rollout.start_return": 8}
    causes = {
        "value-learns-nothing": Likelihood(0.60, source="judgement"),
        "value-estimates-diverge": Likelihood(0.60, source="judgement"),
        "any fault": Likelihood(0.10, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        value, earned = _second_half(view["rollout.start_value"]), _second_half(view["rollout.start_return"])
        points = min(len(value), len(earned))
        value, earned = value[-points:], earned[-points:]
        size = np.maximum(np.abs(value), np.abs(earned))
        level = median((value - earned) / np.where(size > 0, size, np.nan))
        if level != level:
            raise CannotTell("neither value nor return differs from 0")
        if abs(level) <= FAR:
            return
        which = "above" if level > 0 else "below"
        yield self.finding(
            view,
            f"first states are valued at {median(value):.4g}, their episodes earn {median(earned):.4g} (medians of the "
            f"second half of the rollouts, discounted): the value is far {which} what is earned",
            "note",
            own_evidence(view, view["rollout.start_value"], abs(level), FAR),
        )

    def fires_on(self) -> Iterable[Case]:
        """Too high, and never learned."""
        yield _told("too high", np.linspace(10, 4000, 20), np.full(20, 80.0))
        yield _told("never learned", np.full(20, 0.1), np.full(20, 90.0))

    def quiet_on(self) -> Iterable[Case]:
        """Right, behind, negative and right."""
        yield _told("right", np.full(20, 85.0), np.full(20, 90.0))
        yield _told("behind", np.linspace(0, 60, 20), np.linspace(20, 95, 20))
        yield _told("negative", np.full(20, -150.0), np.full(20, -170.0))


def _second_half(one: Series) -> np.ndarray:
    return one.y[len(one) // 2 :]


def _told(name: str, value: np.ndarray, earned: np.ndarray) -> Case:
    return case(name, {"rollout.start_value": value, "rollout.start_return": earned})
