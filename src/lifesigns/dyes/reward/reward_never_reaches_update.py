"""Rule Y401: no gradient depends on the rewards."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case, unanswered
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View

FEWEST_PLANTED = 4
"""rewards changed; assumed (a replay buffer may not hand out one or two of them before the run is stopped)."""


class RewardNeverReachesUpdate(DyeRule):
    """Rewards were changed and every gradient stayed the same, bit for bit.

    What it detects
    ---------------
    One reward in sixteen was made 1 higher as the environment handed it out. No gradient that an optimiser was given
    differs from the undyed run's.

    Why it matters
    --------------
    What does not depend on the reward cannot learn from it. The loss may fall and the entropy may move all the same.

    How it decides
    --------------
    Two runs, bit for bit the same but for those rewards; at least 4 were changed and at least 2 gradients compared. The
    line is the last one that the change was seen at, if there is any. A note where, after the step, a reward is chosen
    or computed from other things than the one that the step gave.

    When it is wrong
    ----------------
    Rewards that are binarised, ranked or clipped so that 1 more makes no difference; training from a fixed data set
    or from demonstrations beside an environment that only evaluates; pure curiosity. A run that was stopped before the
    first of the changed rewards was sampled is not judged.

    What to do
    ----------
    Follow the reward from `env.step` to the loss: a variable overwritten, a buffer column never written or never read,
    an advantage replaced by a constant, a return computed from another list.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 3.2.
    """

    code = "Y401"
    since = "0.2"
    dye = "reward"
    causes = {
        "reward-not-learned-from": Likelihood(0.95, source="the definition of the cause"),
        "gradient-path-broken": Likelihood(0.2, source="where the cut lies behind the reward, judgement"),
        "reward-transformed": Likelihood(0.1, source="clipping that leaves nothing over, judgement"),
    }
    false_alarm = Likelihood(0.003, source="learning from data or curiosity alone, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        if not unanswered(facts, FEWEST_PLANTED):
            return
        if facts.get("parted"):
            raise CannotTell("the runs took different ways before a gradient could answer")
        planted, gradients = count(facts, "planted"), count(facts, "gradients")
        message = f"{planted} rewards were made 1 higher and none of {gradients} gradients changed"
        if facts.get("own_reward"):
            yield self.found(view, f"{message}: the script makes a reward of its own", "note", 0.0, None)
        else:
            yield self.found(view, message, "error", 0.0, None)

    def fires_on(self) -> Iterable[Case]:
        """Many rewards, and as few as are judged."""
        seen = {"planted": 40, "gradients": 32, "gradients_touched": 0, "parted": False}
        yield dye_case("overwritten", self.dye, seen)
        yield dye_case("few", self.dye, {**seen, "planted": 4, "gradients": 2})
        yield dye_case("its own", self.dye, {**seen, "own_reward": {"file": "train.py", "line": 9}})

    def quiet_on(self) -> Iterable[Case]:
        """All gradients answer, one answers, and runs that part once one has."""
        seen = {"planted": 40, "gradients": 32, "gradients_touched": 32, "largest_effect": 0.5}
        yield dye_case("all", self.dye, seen, effects=(0.5, 0.2))
        yield dye_case("one", self.dye, {**seen, "gradients_touched": 1})
        yield dye_case("parted", self.dye, {**seen, "gradients_touched": 1, "parted": True})
