"""Rule D201: the state at which a time limit cuts an episode off is never valued."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.parameter_names import is_of_value_function
from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import columns, finite

FEWEST_CUT_OFF = 3
"""truncated episodes; assumed."""
CONTROL_SHARE = 0.5
"""share of ordinary observations that must have been found for the search to mean anything; assumed."""


class TimeLimitStoredAsTerminal(Rule):
    """The last state of episodes that a time limit cut off is never valued, as if the task had ended there.

    What it detects
    ---------------
    The last observation of a truncated episode never reaches a network before the next update, although
    ordinary observations do. The return is then cut off at the limit, as if nothing came after it.

    Why it matters
    --------------
    The agent is told that the world ends at an instant that it cannot see. On Pendulum with a learned
    Q-function this slip alone took successful runs from 37 of 40 to 25 of 40.

    How it decides
    --------------
    At least 3 truncated episodes, none of whose last observations was valued by the time that the step
    before it was trained on, while at least half of a control sample of ordinary observations was. It needs
    a value function (a regression loss, or parameters and networks named like one); otherwise it cannot
    tell.

    When it is wrong
    ----------------
    Where the limit is part of the task and the remaining time is observed, nothing has to be valued; nor
    does a Monte Carlo method that uses its value function as a baseline only. Where the value of the last
    state is computed from a transformed observation that matches no byte, it is missed.

    What to do
    ----------
    Bootstrap from the value of the true last observation where `truncated` is set, and cut only where
    `terminated` is. In vector environments that observation is in `infos["final_obs"]` (same-step
    autoreset).

    References
    ----------
    Pardo et al., Time limits in reinforcement learning (arXiv:1712.00378); Gymnasium's documentation of
    `terminated` and `truncated`.
    """

    code = "D201"
    since = "0.1"
    families = "on-policy actor-critic"
    per = "env"
    reads = {"bootstrap.final_observation_valued": FEWEST_CUT_OFF, "bootstrap.next_observation_valued": 3}
    across = {"optimizer.parameter_norm": 1, "layer.output_rms": 1, "bootstrap.rows": 1}
    causes = {
        "time-limit-treated-as-terminal": Likelihood(0.75, source="on-policy share of the cause, judgement"),
        "any fault": Likelihood(0.03, source="many on-policy scripts have this defect beside another"),
    }
    false_alarm = Likelihood(0.01, source="judgement; the defect itself is common and often harmless")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        valued = finite(view["bootstrap.final_observation_valued"].y)
        control = finite(view["bootstrap.next_observation_valued"].y)
        if len(valued) < FEWEST_CUT_OFF or not len(control):
            raise CannotTell("too few finite samples")
        if control.mean() < CONTROL_SHARE:
            raise CannotTell(f"only {control.mean():.0%} of ordinary observations were found in a network's input")
        if valued.any():
            return
        if not _has_value_function(view):
            raise CannotTell("no value function was recognised, so there may be nothing to bootstrap from")
        one = view["bootstrap.final_observation_valued"]
        yield self.finding(
            view,
            f"none of the last observations of {len(valued)} truncated episodes of `{view.subject.name}` "
            f"reached a network before the next update; {control.mean():.0%} of ordinary observations did",
            "warning",
            [
                Evidence(one.name, view.subject.id, 0.0, 1.0, "share", one.clock, float(one.x[-1])),
                Evidence(
                    "bootstrap.next_observation_valued",
                    view.subject.id,
                    float(control.mean()),
                    CONTROL_SHARE,
                    "share",
                    one.clock,
                ),
            ],
        )

    def fires_on(self) -> Iterable[Case]:
        """No last observation is valued, in few and in many episodes."""
        for count in (3, 50):
            yield case(
                f"{count} episodes",
                {
                    "bootstrap.final_observation_valued": [0.0] * count,
                    "bootstrap.next_observation_valued": [1.0] * 10,
                    **_CRITIC,
                },
                columns=_NAMES,
            )

    def quiet_on(self) -> Iterable[Case]:
        """Bootstrapped always, mostly, and at least once."""
        control = {"bootstrap.next_observation_valued": [1.0] * 10}
        yield case("always", {"bootstrap.final_observation_valued": [1.0] * 5, **control, **_CRITIC}, columns=_NAMES)
        yield case("mostly", {"bootstrap.final_observation_valued": [1, 1, 0, 1], **control}, columns=_NAMES)
        yield case(
            "one in ten",
            {"bootstrap.final_observation_valued": [*[0] * 9, 1], **control, **_CRITIC},
            columns=_NAMES,
        )


def _has_value_function(view: View) -> bool:
    if view.across("bootstrap.rows"):
        return True
    parameters = (name for _, one in view.across("optimizer.parameter_norm") for name, _ in columns(one))
    networks = (subject.name for subject, _ in view.across("layer.output_rms"))
    return any(is_of_value_function(name) for name in (*parameters, *networks))


_NAMES = ("actor.0.weight", "critic.0.weight")
_CRITIC = {"optimizer.parameter_norm": np.ones((5, 2))}
