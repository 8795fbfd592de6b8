"""Rule D112: the exploration schedule reaches its floor before any episode differs from the first."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, training_returns
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    finite,
)

LEAST_FALL = 0.3
"""fall of the rate that makes it a schedule; assumed."""


class ExplorationEndsBeforeFirstReward(Rule):
    """The exploration schedule has reached its floor before any reward was found.

    What it detects
    ---------------
    The rate of random actions (ε) that the script logs has fallen to its lowest value, and up to that step
    every episode had one and the same return.

    Why it matters
    --------------
    Before the first reward only random actions find anything. Once they are gone the greedy policy repeats
    what it does, and what it does was never paid.

    How it decides
    --------------
    The first step at which ε has done 99 % of its fall is before the first episode whose return differs from
    those before it, with at least 10 episodes by then. Always a note; a warning if no episode differs until
    the end either.

    When it is wrong
    ----------------
    Tasks with the same return for all episodes until a policy is good (survival to a limit).

    What to do
    ----------
    Make the schedule longer (a share of the budget, not a number of steps), raise its floor, or explore on
    purpose.

    References
    ----------
    Mnih et al., Human-level control through deep reinforcement learning (2015); Schulman, The nuts and bolts
    of deep RL research (2016).
    """

    code = "D112"
    since = "0.2"
    status = "preview"
    families = "value-based with ε-greedy exploration"
    reads = {"learner.exploration_rate": 10}
    across = {"env.episode_return": 10}
    causes = {
        "premature-determinism": Likelihood(0.50, source="the definition of the cause, by schedule"),
        "reward-carries-no-signal": Likelihood(0.60, source="no episode ever differs"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        rate, returns = view["learner.exploration_rate"], training_returns(view)
        if returns is None:
            raise CannotTell("no training episode was seen")
        fall = finite(rate.y)
        if len(fall) < len(rate) or float(fall.max() - fall.min()) < LEAST_FALL:
            raise CannotTell("the exploration rate does not fall")
        floor = float(rate.x[np.flatnonzero(rate.y <= fall.min() + 0.01 * (fall.max() - fall.min()))[0]])
        same = np.flatnonzero(returns.y != returns.y[0])
        first = float(returns.x[same[0]]) if len(same) else float("inf")
        before = int((returns.x <= floor).sum())
        if first <= floor or before < 10:
            return
        yield self.finding(
            view,
            f"the exploration rate is at its floor of {fall.min():.3g} from {rate.clock} {floor:.0f} on, and the "
            f"{before} episodes up to there all return {returns.y[0]:g}"
            + ("; so do all that follow" if not len(same) else ""),
            "note" if len(same) else "warning",
            own_evidence(view, rate, float(fall.min()), None),
        )

    def fires_on(self) -> Iterable[Case]:
        """No reward ever, and a first reward long after."""
        steps = np.arange(60) * 200.0
        rate = (np.arange(40) * 100.0, np.maximum(1.0 - np.arange(40) / 20, 0.05))
        yield case("never", {"learner.exploration_rate": rate, "env.episode_return": (steps, np.full(60, -200.0))})
        yield case(
            "too late",
            {"learner.exploration_rate": rate, "env.episode_return": (steps, [*[-200.0] * 50, *[-150.0] * 10])},
        )

    def quiet_on(self) -> Iterable[Case]:
        """A reward in time, a floor at the end, returns that always differ."""
        steps = np.arange(60) * 100.0
        rate = (np.arange(60) * 100.0, np.maximum(1.0 - np.arange(60) / 30, 0.05))
        yield case(
            "in time",
            {"learner.exploration_rate": rate, "env.episode_return": (steps, [*[-200.0] * 20, *[-150.0] * 40])},
        )
        yield case(
            "floor at the end",
            {
                "learner.exploration_rate": (steps, np.linspace(1, 0.05, 60)),
                "env.episode_return": (steps, [*[-200.0] * 50, *[-150.0] * 10]),
            },
        )
        yield case("always differ", {"learner.exploration_rate": rate, "env.episode_return": (steps, np.arange(60.0))})
