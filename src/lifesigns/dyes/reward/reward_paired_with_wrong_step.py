"""Rule Y405: rewards stand beside the observations of other steps."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View


class RewardPairedWithWrongStep(DyeRule):
    """In the batches that are learned from, a reward stands beside an observation of another step.

    What it detects
    ---------------
    A reward was changed. In the batch that the update learns from, the row that moved holds the observation of another
    step of the same environment than the one the reward was earned at.

    Why it matters
    --------------
    The agent learns what follows from what it did a step earlier or later. A task with smooth rewards hides this; a
    task where one action decides does not.

    How it decides
    --------------
    Rows of the batch are recognised by the bytes of the observations that the agent was given. It fires where more of
    the changed rewards stand beside a wrong step than beside the right one.

    When it is wrong
    ----------------
    Where observations repeat, a row may belong to several steps: it counts as right if one of them is. Where a
    sequence is learned from whole, or observations are transformed before they are stored, nothing is recognised and
    the rule cannot tell.

    What to do
    ----------
    Print one stored transition beside the step it came from. Look for an index that is off by one, a buffer written
    before `step` and read after it, arrays reshaped in the wrong order, a shuffled permutation used for one array only.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 3.1 (the reward that follows an action is R at t+1).
    """

    code = "Y405"
    since = "0.2"
    dye = "reward-pairing"
    causes = {
        "batch-misaligned": Likelihood(0.85, source="the share of it that concerns rewards, judgement"),
        "environment-rows-mixed": Likelihood(0.1, source="arrays reshaped in the wrong order, judgement"),
        "autoreset-rows-trained": Likelihood(0.1, source="the inserted row shifts what follows, judgement"),
    }
    false_alarm = Likelihood(0.003, source="observations that repeat, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        right, shifted = count(facts, "right", 0), count(facts, "shifted", 0)
        other = count(facts, "other_environment", 0)
        if not right + shifted + other:
            raise CannotTell("no row of a batch could be told by its observation")
        if shifted + other <= right or shifted < other:
            return
        example = f" ({facts['example']})" if facts.get("example") else ""
        message = (
            f"{shifted} of {right + shifted + other} changed rewards stand beside an observation of another step, "
            f"{right} beside their own{example}"
        )
        share = shifted / (right + shifted + other)
        yield self.found(view, message, "error", share, 0.5, series="dye.shifted_share")

    def fires_on(self) -> Iterable[Case]:
        """All shifted, and most of them."""
        seen = {"right": 0, "shifted": 40, "other_environment": 0, "example": "step 4 beside a reward of step 5"}
        yield dye_case("all", self.dye, seen)
        yield dye_case("most", self.dye, {"right": 3, "shifted": 10})

    def quiet_on(self) -> Iterable[Case]:
        """All right, a few observations that recur, and rows of other environments (Y506)."""
        seen = {"right": 40, "shifted": 0, "other_environment": 0, "example": ""}
        yield dye_case("right", self.dye, seen)
        yield dye_case("recurring", self.dye, {**seen, "shifted": 2})
        yield dye_case("other environments", self.dye, {**seen, "right": 2, "other_environment": 40})
