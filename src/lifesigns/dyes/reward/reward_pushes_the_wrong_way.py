"""Rule Y402: a higher reward makes the action that earned it less likely, or its value lower."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case, known, named, spot
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View


class RewardPushesTheWrongWay(DyeRule):
    """A higher reward moves the update away from the action that earned it, or lowers its value.

    What it detects
    ---------------
    A reward was made 1 higher. At the output of a network, the change of the gradient points away from the action that
    was followed by that reward, or towards a lower value. Of a policy that is trained through a critic: the loss falls
    when the critic's value falls.

    Why it matters
    --------------
    The agent is trained towards what earns less. Often only one of several terms has the wrong sign, and the others
    keep the curves looking alive.

    How it decides
    --------------
    The median sign, over up to 16 gradients, of minus the change of the gradient at the network's output along the
    direction "more of the action taken" (one logit, one action value, the side of the mean the action lay on) or
    "higher value". Both runs are bit for bit the same but for the reward, so the change is caused by it. For a policy
    trained through a critic, the sign of the loss' gradient at the critic's output, which must be negative. The line is
    the one that reduces the loss to a number.

    When it is wrong
    ----------------
    A network whose output means a cost, and is used as one; advantages normalised over a handful of rows, where one
    reward more lowers the others'. A critic's output that is negated before use.

    What to do
    ----------
    Check the sign of the policy's loss (minus log-probability times advantage), the order of the subtraction in the
    advantage (return minus baseline), and for a policy trained through a critic that its loss is minus the value.

    References
    ----------
    Sutton et al., Policy gradient methods (2000); Silver et al., Deterministic policy gradient algorithms (2014).
    """

    code = "Y402"
    since = "0.2"
    dye = "reward-sign"
    causes = {
        "objective-sign-flipped": Likelihood(0.85, source="all but its entropy terms, judgement"),
        "batch-misaligned": Likelihood(0.05, source="a chance sign beside another action, judgement"),
    }
    false_alarm = Likelihood(0.004, source="outputs that mean a cost, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """One finding for each network that is pulled the wrong way, and one for a policy trained through a critic."""
        facts = self.facts(view)
        pulls = {str(n): p for n in named(facts, "pulls") if (p := known(named(facts, "pulls"), n)) is not None}
        actor = named(facts, "actor")
        sign = known(actor, "sign")
        if not any(pulls.values()) and not sign:
            raise CannotTell("no network's output answered to a reward with a sign")
        for network, pull in pulls.items():
            if pull < 0:
                message = (
                    f"with a reward 1 higher, the gradient at the output of `{network}` pulls away from the action "
                    f"that earned it or from a higher value (median sign {pull:+.0f}; it must be +1)"
                )
                where = spot(named(facts, "lines").get(network))
                yield self.found(view, message, "error", pull, series="dye.pull", unit="sign", location=where)
        if sign and sign > 0:
            among = f" in {count(actor, 'rows')} rows" if "rows" in actor else ""
            message = (
                f"the policy's loss rises with the value that `{actor.get('critic', 'the critic')}` gives its actions"
                f"{among} (sign {sign:+.0f}; it must be -1): the policy is trained towards lower values"
            )
            where = spot(actor.get("line"))
            yield self.found(view, message, "error", sign, series="dye.actor_sign", unit="sign", location=where)

    def fires_on(self) -> Iterable[Case]:
        """A policy, one of two networks, and a policy trained through a critic."""
        at = {"file": "train.py", "line": 30}
        yield dye_case("policy", self.dye, {"pulls": {"Policy#0": -1.0}, "lines": {"Policy#0": at}, "actor": {}})
        yield dye_case("of two", self.dye, {"pulls": {"Policy#0": -1.0, "Value#1": 1.0}, "lines": {"Policy#0": {}}})
        actor = {"critic": "Q#1", "sign": 1.0, "rows": 64, "line": at}
        yield dye_case("through a critic", self.dye, {"pulls": {"Q#1": 1.0}, "actor": actor})

    def quiet_on(self) -> Iterable[Case]:
        """Toward the action, through a critic, and one network without an answer beside one that has."""
        yield dye_case("toward", self.dye, {"pulls": {"Policy#0": 1.0, "Value#1": 1.0}, "actor": {}})
        actor = {"critic": "Q#1", "sign": -1.0, "rows": 64, "line": {}}
        yield dye_case("through a critic", self.dye, {"pulls": {}, "actor": actor})
        yield dye_case("no answer of one", self.dye, {"pulls": {"Policy#0": 1.0, "Value#1": 0.0}})
