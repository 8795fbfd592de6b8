"""Rule D111: many actions lie outside the bounds of the action space."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.detectors.returns import GOING, going_well
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import (
    columns,
    finite,
    median,
)

MANY = 0.2
"""share of actions; assumed (catalogue D10)."""
MOST = 0.6
"""share from which it is a warning; assumed."""


class ActionsOutsideBounds(Rule):
    """Many continuous actions lie outside the bounds of the action space and are clipped by the environment.

    What it detects
    ---------------
    In the second half of the run more than a fifth of the actions that the agent gives to the environment lie
    strictly outside its bounds.

    Why it matters
    --------------
    The environment executes the bound, the update scores the action that was asked for: the policy gets
    credit for what did not happen, and its gradient there is wrong.

    How it decides
    --------------
    Mean over components of the median share over the second half of at least 8 samples. Above 0.2 a note;
    above 0.6 a warning where returns do not rise.

    When it is wrong
    ----------------
    Wide Gaussians at the start, and policies whose optimum is at a bound. Wrappers that rescale actions below
    the place where they were seen.

    What to do
    ----------
    Squash actions (tanh) or rescale them to the bounds; start with a smaller standard deviation; check the
    units that the environment expects.

    References
    ----------
    Huang et al., The 37 implementation details of proximal policy optimization (2022), on clipped actions;
    Fujita and Maeda, Clipped action policy gradient (2018).
    """

    code = "D111"
    since = "0.2"
    status = "preview"
    per = "env"
    families = "any with continuous actions"
    reads = {"env.action_outside_share": 8}
    across = GOING
    causes = {
        "policy-output-saturated": Likelihood(0.60, source="large outputs lie outside the bounds"),
        "learning-rate-too-high": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement: wide Gaussians")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["env.action_outside_share"]
        levels = finite([median(y[len(one) // 2 :]) for _, y in columns(one)])
        if not len(levels):
            raise CannotTell("no finite share in the second half of the run")
        level = float(levels.mean())
        if level <= MANY:
            return
        yield self.finding(
            view,
            f"{level:.0%} of the actions given to `{view.subject.name}` in the second half of the run lie outside "
            f"its bounds; the line is {MANY:.0%}",
            "warning" if level > MOST and going_well(view) is False else "note",
            own_evidence(view, one, level, MANY),
        )

    def fires_on(self) -> Iterable[Case]:
        """Far outside, and drifting out."""
        yield case(
            "far outside",
            {"env.action_outside_share": np.full((20, 2), 0.9), "env.episode_return": [-1200.0, -1250.0] * 30},
        )
        yield case("drifting out", {"env.action_outside_share": np.linspace(0, 0.8, 20)[:, None]})

    def quiet_on(self) -> Iterable[Case]:
        """Inside, a few outside, and outside only at first."""
        yield case("inside", {"env.action_outside_share": np.zeros((20, 1))})
        yield case("a few", {"env.action_outside_share": np.full((20, 1), 0.1)})
        yield case("at first", {"env.action_outside_share": np.linspace(0.6, 0.0, 20)[:, None]})
