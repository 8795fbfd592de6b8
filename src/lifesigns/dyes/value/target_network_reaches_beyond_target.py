"""Rule Y202: the target network acts, or does nothing for what is learned."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import FEWEST_GRADIENTS, DyeRule, count, dye_case, known, listed
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, View


class TargetNetworkReachesBeyondTarget(DyeRule):
    """The target network is used for acting, or has no effect on what is learned.

    What it detects
    ---------------
    The outputs of the target networks were made 1 higher. What the agent does before anything is learned from them
    changed, or no gradient changed.

    Why it matters
    --------------
    A target network is there to hold the target still, and for nothing else. An agent that acts by it explores with an
    old policy; a learner that does not use it bootstraps from the network that it is changing.

    How it decides
    --------------
    Target networks are those called in updates without a gradient and never recognised as acting. Two runs, bit for bit
    the same but for their outputs: network calls for acting and actions before the first gradient that answers must be
    the same, and some gradient must answer.

    When it is wrong
    ----------------
    Methods that act by a slow copy on purpose (evaluation with averaged weights). A frozen network of another use, a
    random target for curiosity say, may be taken for a target network: its effect is then what it should be.

    What to do
    ----------
    Look for two names of one module, for a target that is overwritten or unused, for the network that `act` is given.

    References
    ----------
    Mnih et al., Human-level control (2015), target networks; van Hasselt et al., Double Q-learning (2016).
    """

    code = "Y202"
    since = "0.2"
    dye = "target-network"
    causes = {"target-network-misused": Likelihood(0.9, source="the definition of the cause")}
    false_alarm = Likelihood(0.004, source="frozen networks of other use, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding for each of the two."""
        facts = self.facts(view)
        if facts.get("acts_untrained"):
            names = ", ".join(f"`{n}`" for n in listed(facts, "acts_untrained"))
            message = (
                f"{names} is in no optimiser and chooses the actions; the network of its class that is trained does not"
            )
            yield self.found(view, message, "error", 1.0, 0.0, series="dye.acts_untrained", unit="0/1")
            return
        if facts.get("uncalled"):
            message = (
                f"targets are made from `{facts.get('bootstraps_from')}`, which is trained, while a network of the "
                "same class and shapes was never called"
            )
            yield self.found(view, message, "error", 0.0, None, series="dye.uncalled", unit="networks")
            return
        networks = ", ".join(f"`{name}`" for name in listed(facts, "networks")) or "target networks"
        calls, actions = count(facts, "acting_touched", 0), count(facts, "actions_touched", 0)
        if calls or actions:
            message = (
                f"with the output of {networks} 1 higher, {calls} network calls for acting and {actions} actions "
                "changed before a gradient did: it is used for acting"
            )
            yield self.found(view, message, "error", calls + actions, series="dye.acting_touched", unit="calls")
        touched, gradients = count(facts, "gradients_touched"), count(facts, "gradients")
        if not touched and gradients >= FEWEST_GRADIENTS:
            weight = known(facts, "weight")
            beside = f", although a target takes {weight:.3g} of it over" if weight is not None else ""
            message = f"with the output of {networks} 1 higher, none of {gradients} gradients changed{beside}"
            yield self.found(view, message, "error", 0.0, None)

    def fires_on(self) -> Iterable[Case]:
        """Acting by it, and learning without it."""
        seen = {"networks": ["QNet#1"], "gradients": 16, "gradients_touched": 16, "weight": 0.99}
        yield dye_case("acting", self.dye, {**seen, "acting_touched": 40, "actions_touched": 12})
        yield dye_case(
            "never called", self.dye, {"uncalled": [{"class": "Q"}], "bootstraps_from": "Q#0", "networks": []}
        )
        unused = {"gradients_touched": 0, "acting_touched": 0, "actions_touched": 0}
        yield dye_case("unused", self.dye, {**seen, **unused})

    def quiet_on(self) -> Iterable[Case]:
        """The target only; one gradient of many; a run that had hardly begun to learn."""
        seen = {"networks": ["QNet#1"], "gradients": 16, "gradients_touched": 16, "largest_effect": 0.8}
        apart = {"acting_touched": 0, "actions_touched": 0}
        yield dye_case("target only", self.dye, {**seen, **apart}, effects=(0.8, 0.8))
        yield dye_case("one gradient", self.dye, {**seen, **apart, "gradients_touched": 1})
        yield dye_case("one compared", self.dye, {**seen, **apart, "gradients": 1, "gradients_touched": 0})
