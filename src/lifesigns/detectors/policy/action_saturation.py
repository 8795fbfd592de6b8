"""Rule D103: most continuous actions lie at a bound of the action space."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.returns import GOING, going_well
from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import columns, finite, median

SATURATED = 0.5
"""share of actions, mean over components; assumed (catalogue D09). Fresh healthy networks: 0 % (measured,
H13)."""
NEARLY_ALL = 0.9
"""share from which it is a warning; measured (H13): a last layer 300 times too large gives 0.87 to 0.98."""
LATER = 0.5
"""share of the run that is looked at: its second half; assumed."""


class ActionSaturation(Rule):
    """Most actions lie at the bounds of the action space.

    What it detects
    ---------------
    More than half of the continuous actions of the second half of the run lie within 1 % of a bound, or
    beyond it.

    Why it matters
    --------------
    A squashed policy at its bound has next to no gradient, and a clipped one gets credit for actions that
    were never executed. A policy that starts there (a last layer that is too large) often never leaves.

    How it decides
    --------------
    Median over the second half of the saturated share, mean over components: above 0.5 a note, above 0.9 a
    warning unless returns rise or are far above those of random actions.

    When it is wrong
    ----------------
    Bang-bang control is optimal in some tasks (MountainCarContinuous, swing-ups), and trained TD3 policies
    saturate often. A Gaussian of standard deviation 1 on bounds of ±0.4 is clipped 69 % of the time without
    any fault.

    What to do
    ----------
    Look at the saturation before the first update: if it is high, shrink the initial last layer. Otherwise
    check the action scale, the observation scale and the learning rate of the policy.

    References
    ----------
    Irpan, Deep reinforcement learning doesn't work yet (2018), on Reacher; Huang et al., The 37
    implementation details of proximal policy optimization (2022).
    """

    code = "D103"
    since = "0.1"
    families = "any with continuous actions"
    per = "env"
    reads = {"env.action_saturated_share": 8}
    across = GOING
    causes = {
        "policy-output-saturated": Likelihood(0.95, source="the definition of the cause"),
        "observation-scale": Likelihood(0.40, source="large inputs give large outputs"),
        "learning-rate-too-high": Likelihood(0.40, source="judgement"),
        "objective-sign-flipped": Likelihood(0.35, source="an actor that climbs the wrong way runs to a bound"),
        "any fault": Likelihood(0.08, source="judgement"),
    }
    false_alarm = Likelihood(0.08, source="judgement: bang-bang optima and narrow bounds are common")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["env.action_saturated_share"]
        half = int(len(one) * LATER)
        levels = finite([median(y[half:]) for _, y in columns(one)])
        if not len(levels):
            raise CannotTell("no finite share of saturated actions in the second half of the run")
        level = float(levels.mean())
        if level <= SATURATED:
            return
        yield self.finding(
            view,
            f"{level:.0%} of the actions in `{view.subject.name}` lie within 1 % of a bound or beyond it in "
            f"the second half of the run; the line is {SATURATED:.0%}",
            "warning" if level > NEARLY_ALL and going_well(view) is False else "note",
            [Evidence(one.name, view.subject.id, level, SATURATED, "share", one.clock, float(one.x[-1]))],
        )

    def fires_on(self) -> Iterable[Case]:
        """At the bounds from the start, and drifting there."""
        yield case(
            "saturated from the start",
            {
                "env.action_saturated_share": np.full((20, 2), 0.97),
                "env.episode_return": [-1200.0, -1250.0] * 30,
            },
        )
        yield case("drifts to the bound", {"env.action_saturated_share": np.linspace(0, 1, 20)[:, None]})

    def quiet_on(self) -> Iterable[Case]:
        """Little saturation, one saturated component of three, and saturation that passes."""
        yield case("inside the bounds", {"env.action_saturated_share": np.full((20, 2), 0.05)})
        yield case("a wide Gaussian", {"env.action_saturated_share": np.full((20, 1), 0.32)})
        yield case("one joint of three", {"env.action_saturated_share": [[1.0, 0.1, 0.1]] * 20})
        yield case("only at first", {"env.action_saturated_share": np.r_[np.ones(8), np.zeros(12)][:, None]})
