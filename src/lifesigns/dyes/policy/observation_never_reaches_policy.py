"""Rule Y103: the networks that act put out the same whatever is observed."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View

FEWEST_CALLS = 4
"""calls for acting; assumed (a first call may be a warm-up with zeros)."""


class ObservationNeverReachesPolicy(DyeRule):
    """Every observation was changed, and no network that acts put out anything else.

    What it detects
    ---------------
    All observations of the training environments were replaced. The outputs of the networks that are called to choose
    actions are the undyed run's, bit for bit.

    Why it matters
    --------------
    A policy that does not see cannot react: it learns one action distribution for all states.

    How it decides
    --------------
    Two runs, bit for bit the same but for the observations; at least 4 calls for acting were compared and none
    differs. Nothing is estimated.

    When it is wrong
    ----------------
    Inputs that saturate or are clipped to the same numbers (a change of every observation that a clip undoes);
    policies without an input on purpose (bandits, open-loop plans).

    What to do
    ----------
    Print what the policy is given at two different steps. Look for a variable that keeps the first observation, a
    normaliser or a clip that flattens everything, a slice of the wrong axis, an encoder whose output is not used.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 3.1.
    """

    code = "Y103"
    since = "0.2"
    dye = "observation"
    causes = {"observation-ignored": Likelihood(0.95, source="the definition of the cause")}
    false_alarm = Likelihood(0.002, source="clipped or saturated inputs, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        calls, touched = count(facts, "acting_calls"), count(facts, "acting_touched")
        if calls < FEWEST_CALLS:
            raise CannotTell(f"{calls} network calls for acting were compared of {FEWEST_CALLS} needed")
        if touched:
            return
        message = f"with every observation changed, none of {calls} network calls for acting put out anything else"
        yield self.found(view, message, "error", 0.0, None, series="dye.acting_touched", unit="calls")

    def fires_on(self) -> Iterable[Case]:
        """Many calls, and as few as are judged."""
        yield dye_case("many", self.dye, {"acting_calls": 128, "acting_touched": 0, "by_network": {}})
        yield dye_case("few", self.dye, {"acting_calls": 4, "acting_touched": 0})

    def quiet_on(self) -> Iterable[Case]:
        """All answer, one does, half do."""
        yield dye_case("all", self.dye, {"acting_calls": 128, "acting_touched": 128})
        yield dye_case("one", self.dye, {"acting_calls": 128, "acting_touched": 1})
        yield dye_case("half", self.dye, {"acting_calls": 8, "acting_touched": 4})
