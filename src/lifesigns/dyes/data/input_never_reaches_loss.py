"""Rule Y606: no gradient depends on the inputs."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case, some, unanswered
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, View


class InputNeverReachesLoss(DyeRule):
    """Inputs were changed and every gradient stayed the same, bit for bit.

    What it detects
    ---------------
    The inputs in the batches that a data loader yields for training were replaced by others. No gradient that an
    optimiser was given differs from the undyed run's.

    Why it matters
    --------------
    The network learns the frequencies of the labels and nothing else, which on unbalanced data looks like progress.

    How it decides
    --------------
    Two runs, bit for bit the same but for the inputs; at least 2 gradients were compared and none differs.

    When it is wrong
    ----------------
    A loader that yields indices, where the data come from elsewhere; inputs that a clip or a look-up flattens to the
    same numbers.

    What to do
    ----------
    Print two different batches as the network is given them. Look for a variable that keeps the first batch, a
    normalisation by the wrong axis, a slice that leaves a constant, an output that is overwritten.

    References
    ----------
    Karpathy, A recipe for training neural networks (2019), "input-independent baseline".
    """

    code = "Y606"
    since = "0.2"
    dye = "inputs"
    causes = {
        "observation-ignored": Likelihood(0.95, source="the definition of the cause, supervised"),
        "gradient-path-broken": Likelihood(0.1, source="only a last bias is left to train, judgement"),
    }
    false_alarm = Likelihood(0.003, source="loaders of indices, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        if unanswered(facts):
            planted, gradients = count(facts, "planted"), count(facts, "gradients")
            message = f"the inputs of {some(planted, 'batch')} were changed and none of {gradients} gradients changed"
            yield self.found(view, message, "error", 0.0, None)

    def fires_on(self) -> Iterable[Case]:
        """Many batches, and as few as are judged."""
        seen = {"planted": 16, "gradients": 16, "gradients_touched": 0, "largest_effect": 0.0}
        yield dye_case("many", self.dye, seen)
        yield dye_case("few", self.dye, {**seen, "planted": 1, "gradients": 2})

    def quiet_on(self) -> Iterable[Case]:
        """All gradients answer, one does, and a tiny effect is an answer as well."""
        seen = {"planted": 16, "gradients": 16, "gradients_touched": 16, "largest_effect": 0.9}
        yield dye_case("all", self.dye, seen, effects=(0.9, 0.8))
        yield dye_case("one", self.dye, {**seen, "gradients_touched": 1})
        yield dye_case("tiny", self.dye, {**seen, "largest_effect": 1e-9})
