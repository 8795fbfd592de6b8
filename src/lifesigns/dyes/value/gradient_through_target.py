"""Rule Y203: the gradient flows through the value of the next state."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case, listed
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, View


class GradientThroughTarget(DyeRule):
    """Part of the gradient flows through the value of the next state, that is through the target.

    What it detects
    ---------------
    Values of next observations were cut from the graph (`detach`), which changes no number going forward. A gradient
    that an optimiser was given changed.

    Why it matters
    --------------
    A target is a number to move towards. With a gradient through it the target moves towards the estimate as well: the
    two errors trade off and values learn several times slower, or something else.

    How it decides
    --------------
    Network calls on observations that follow those of another call in the same update; two runs, bit for bit the same
    but for the cut. Any gradient that differs flowed through the value of a next state. The line is that call.

    When it is wrong
    ----------------
    Residual-gradient methods, models that predict the next latent state, and successor losses do this on purpose; so do
    policies whose objective holds the next state's value (SVG, Dreamer).

    What to do
    ----------
    Compute the target under `torch.no_grad()`, or `.detach()` it.

    References
    ----------
    Baird, Residual algorithms (1995); Sutton and Barto, Reinforcement Learning (2018), section 11.5.
    """

    code = "Y203"
    since = "0.2"
    dye = "detached-target"
    causes = {"gradient-through-target": Likelihood(0.95, source="the definition of the cause")}
    false_alarm = Likelihood(0.004, source="residual gradients on purpose, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        if not count(facts, "gradients_touched") and listed(facts, "graph_of"):
            names = ", ".join(f"`{n}`" for n in listed(facts, "graph_of"))
            message = f"a graph is built through {names} on next observations; no optimiser holds them (harmless here)"
            return [self.found(view, message, "note", 0.0)]
        return self.must_not_change(view, "cutting the values of next observations from the graph")

    def fires_on(self) -> Iterable[Case]:
        """A large effect, and one that is rounding only."""
        seen = {"planted": 16, "gradients": 16, "gradients_touched": 16, "largest_effect": 0.6}
        yield dye_case("through", self.dye, seen, effects=(0.6, 0.5))
        unused = {**seen, "gradients_touched": 0, "largest_effect": 0.0, "graph_of": ["QNetwork#1"]}
        yield dye_case("of a network that is not trained", self.dye, unused)
        yield dye_case("rounding", self.dye, {**seen, "largest_effect": 1e-8}, effects=(1e-8, 0.0))

    def quiet_on(self) -> Iterable[Case]:
        """Detached already: many, one, and other records touched only."""
        seen = {"planted": 16, "gradients": 16, "gradients_touched": 0, "largest_effect": 0.0}
        yield dye_case("detached", self.dye, seen)
        yield dye_case("one", self.dye, {**seen, "planted": 1, "gradients": 1})
        yield dye_case("graph only", self.dye, {**seen, "records_touched": 32})
