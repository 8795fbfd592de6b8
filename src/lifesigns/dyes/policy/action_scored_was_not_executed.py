"""Rule Y101: the update scores actions that were not the ones executed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lifesigns.dyes.base import DyeRule, count, dye_case, known, named, spot
from lifesigns.model import Finding, Location
from lifesigns.rules import CannotTell, Case, Likelihood, View

RECURRING_SHARE = 0.02
"""share of wrong rows that observations which recur with another action explain; assumed."""
ERROR_SHARE = 0.2
"""share of wrong rows from which it is an error; assumed."""


SAME_SCALE = 1e-2
"""relative difference of two scales that may be rounding; assumed (one move of 0.05 in float32 is known to 1e-4)."""


class ActionScoredWasNotExecuted(DyeRule):
    """Updates score, beside an observation, another action than the one that was executed on it.

    What it detects
    ---------------
    An update picks one output for each row of its batch: the log-probability or the value of an action. In rows whose
    observation is recognised, that action is not the one the environment was stepped with on that observation.

    Why it matters
    --------------
    The reward was earned by the executed action. Crediting another one teaches at random, or teaches the policy that
    its own choice earned what an exploring one did.

    How it decides
    --------------
    Rows are recognised by the bytes of the observations that the agent acted on, in an undyed run. It fires where more
    than 2 % of the recognised rows hold another action (an error above 20 %). Continuous actions may be stored in other
    units, a straight line for all rows; then one output of the policy is moved while acting, and what it amounts to
    when executed, stored and shown to the critic must be in the same proportion.

    When it is wrong
    ----------------
    Where an observation occurs more than once, any action executed on it counts as right; where the same bytes stand
    for different states (few discrete observations), little is decided. Expected SARSA and all-action methods pick no
    single action and are not judged. A policy's output that is squashed after the network has no scale.

    What to do
    ----------
    Store the action that was passed to `env.step`: after exploration, after any clipping or mapping, and before the
    next one is chosen. Check that one permutation is used for observations and actions.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), sections 6.4 and 13.3.
    """

    code = "Y101"
    since = "0.2"
    dye = "action"
    causes = {
        "scored-action-differs": Likelihood(0.9, source="the definition of the cause"),
        "batch-misaligned": Likelihood(0.3, source="the share of it that concerns actions, judgement"),
        "stored-data-overwritten": Likelihood(0.2, source="actions kept in an array that is used again, judgement"),
    }
    false_alarm = Likelihood(0.005, source="observations that recur, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        right, wrong = count(facts, "right", 0), count(facts, "wrong", 0)
        if right + wrong <= 0:
            raise CannotTell("no row of an update could be matched to an executed action")
        share = wrong / (right + wrong)
        yield from self._scales(view, named(facts, "scales"), spot(facts.get("rated_line")))
        if wrong < 1 or share <= RECURRING_SHARE:
            return
        message = (
            f"{wrong} of {right + wrong} actions that updates score are not the ones executed on the observations "
            f"they stand beside ({share:.0%})"
        )
        severity = "error" if share > ERROR_SHARE else "warning"
        yield self.found(view, message, severity, share, RECURRING_SHARE, series="dye.wrong_share")

    def _scales(self, view: View, scales: Mapping[str, Any], rated_at: Location | None) -> Iterable[Finding]:
        """A critic that learns from actions of one scale and is shown the policy's in another one."""
        executed, stored, rated = (known(scales, key) for key in ("executed", "stored", "rated"))
        if not executed or not stored or rated is None:
            return
        if abs(stored - rated) <= SAME_SCALE * max(abs(stored), abs(rated)):
            return
        message = (
            f"one unit of the policy's output is {executed:.4g} when executed, {stored:.4g} in the actions that the "
            f"critic learns from, and {rated:.4g} in the action that it rates for the policy"
        )
        where = None if abs(rated - executed) <= SAME_SCALE * abs(executed) else rated_at
        yield self.found(view, message, "error", rated / stored, 1.0, series="dye.scale", location=where)

    def fires_on(self) -> Iterable[Case]:
        """Most rows, and a twentieth."""
        yield dye_case("shifted", self.dye, {"right": 40, "wrong": 60})
        scales = {"executed": 2.0, "stored": 2.0, "rated": 1.0}
        yield dye_case("rated at half", self.dye, {"right": 640, "wrong": 0, "scales": scales})
        yield dye_case("exploring steps only", self.dye, {"right": 95, "wrong": 5})

    def quiet_on(self) -> Iterable[Case]:
        """None, one of many, and a single row."""
        yield dye_case("none", self.dye, {"right": 640, "wrong": 0})
        scales = {"executed": 2.0, "stored": 1.0, "rated": 1.0}
        yield dye_case("stored and rated in units of the policy", self.dye, {"right": 9, "wrong": 0, "scales": scales})
        yield dye_case("one of many", self.dye, {"right": 639, "wrong": 1})
        yield dye_case("one row", self.dye, {"right": 1, "wrong": 0})
