"""Rule Y501: the observation of a terminal state changes what is learned."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, dye_case
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View


class TerminalObservationLearnedFrom(DyeRule):
    """What is learned depends on the observation of a state in which the task has ended.

    What it detects
    ---------------
    Observations returned with `terminated=True` were replaced by others, and a gradient changed. After a termination
    nothing follows, so that observation's value must be masked out of every target and advantage.

    Why it matters
    --------------
    A target that adds γ·V of a terminal state teaches that the task goes on after it failed. In tasks where failing is
    what ends an episode, failing then looks worth as much as surviving.

    How it decides
    --------------
    Two runs, bit for bit the same but for those observations (episodes are made to end early, in both). Any gradient
    that differs is caused by them. The line is the first that holds both their stain and that of the rewards: where
    the target is made. A change below float32 rounding is a note.

    When it is wrong
    ----------------
    Running statistics that count the terminal observation (an observation normaliser) carry it into later inputs on
    purpose: the rule then cannot tell and says so. An auxiliary loss that predicts observations uses it rightly.

    What to do
    ----------
    Multiply the next value by `1 - terminated` of the same step. Check for a mask that is off by one, a mask on one
    half of a λ-return, and for rows that an autoreset inserts (see Y504).

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 3.4; Gymnasium's documentation of `terminated`.
    """

    code = "Y501"
    since = "0.2"
    dye = "terminal-observation"
    causes = {
        "terminal-state-bootstrapped": Likelihood(0.95, source="exact: the change is caused by the observation"),
        "autoreset-rows-trained": Likelihood(0.6, source="the inserted row begins with that observation, judgement"),
    }
    false_alarm = Likelihood(0.005, source="auxiliary losses on observations, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        if self.facts(view).get("through_statistics"):
            raise CannotTell("terminal observations enter running statistics of the observations")
        return self.must_not_change(view, "other observations in terminal states")

    def fires_on(self) -> Iterable[Case]:
        """A large effect, and one that is rounding only."""
        seen = {"planted": 30, "gradients": 32, "gradients_touched": 32, "largest_effect": 0.4}
        yield dye_case("leak", self.dye, seen, effects=(0.4, 0.2))
        yield dye_case("rounding", self.dye, {**seen, "largest_effect": 1e-8}, effects=(1e-8, 0.0))

    def quiet_on(self) -> Iterable[Case]:
        """No gradient touched: many plantings, one, and a stain that reached other records only."""
        seen = {"planted": 30, "gradients": 32, "gradients_touched": 0, "largest_effect": 0.0}
        yield dye_case("masked", self.dye, seen)
        yield dye_case("one planting", self.dye, {**seen, "planted": 1})
        yield dye_case("stored only", self.dye, {**seen, "records_touched": 500})
