"""Rule Y302: a policy is trained through a critic, and the graph is cut between the two."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, dye_case, named, spot
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View


class PolicyCutFromCritic(DyeRule):
    """The critic in a policy's loss is given the policy's actions as plain numbers.

    What it detects
    ---------------
    In the loss of a policy a critic is called on observations with that policy's own actions beside them, and no
    gradient leads from the critic's input back to the policy.

    Why it matters
    --------------
    The policy is not told which actions the critic prefers. Its loss still falls by its other terms (the entropy), so
    curves look alive.

    How it decides
    --------------
    No dye: the operations of an undyed run. The critic's output gets a gradient in one backward call with the policy's,
    its input was computed from the policy's output, and none of the tensors that it was made of needs a gradient.

    When it is wrong
    ----------------
    A policy that is improved by weighting log-probabilities with the critic's value of sampled actions (a score
    function estimator), where the critic's value gets a gradient from a term of its own in the same loss.

    What to do
    ----------
    Sample with `rsample()` in place of `sample()`; look for `.detach()`, `torch.no_grad()`, `.item()` or a NumPy array
    between the policy and the critic.

    References
    ----------
    Haarnoja et al., Soft actor-critic (2018), section 4.2; Silver et al., Deterministic policy gradient (2014).
    """

    code = "Y302"
    since = "0.2"
    dye = "reward-sign"
    causes = {"gradient-path-broken": Likelihood(0.3, source="one of the ways to break it, judgement")}
    false_alarm = Likelihood(0.002, source="score function estimators in one loss with a critic's, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        actor = named(self.facts(view), "actor")
        if not actor:
            raise CannotTell("no policy is trained through a critic")
        if actor.get("cut"):
            message = (
                f"`{actor.get('critic', 'the critic')}` is given the policy's actions in the policy's loss, and no "
                "gradient leads from there to the policy"
            )
            yield self.found(view, message, "error", 1.0, series="dye.cut", unit="", location=spot(actor.get("line")))

    def fires_on(self) -> Iterable[Case]:
        """With a line, and without."""
        actor = {"critic": "Q#1", "cut": True, "line": {"file": "train.py", "line": 30}}
        yield dye_case("sampled", self.dye, {"actor": actor, "pulls": {}})
        yield dye_case("no line", self.dye, {"actor": {**actor, "line": {}}, "pulls": {"Policy#0": 1.0}})

    def quiet_on(self) -> Iterable[Case]:
        """A path; a path with the wrong sign (Y402); of one row."""
        yield dye_case("one row", self.dye, {"actor": {"critic": "Q#1", "sign": -1.0, "rows": 1}, "pulls": {}})
        yield dye_case("wrong sign", self.dye, {"actor": {"critic": "Q#1", "sign": 1.0, "rows": 64}, "pulls": {}})
        yield dye_case("path", self.dye, {"actor": {"critic": "Q#1", "sign": -1.0, "rows": 64}, "pulls": {}})
