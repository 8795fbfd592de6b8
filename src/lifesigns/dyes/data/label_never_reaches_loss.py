"""Rule Y601: no gradient depends on the labels."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, count, dye_case, some, unanswered
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, View


class LabelNeverReachesLoss(DyeRule):
    """Labels were changed and every gradient stayed the same, bit for bit.

    What it detects
    ---------------
    The labels in the batches that a data loader yields for training were replaced by others. No gradient that an
    optimiser was given differs from the undyed run's.

    Why it matters
    --------------
    What does not depend on the labels cannot learn them. The loss may fall all the same: outputs that are compared with
    themselves, or with labels of another batch, can be fitted.

    How it decides
    --------------
    Two runs, bit for bit the same but for the labels (whole numbers, or the last part of a batch); at least 2 gradients
    were compared and none differs.

    When it is wrong
    ----------------
    Where the labels are not to be used: self-supervised pre-training, autoencoders, a loader whose last part is an
    index or a weight of 1. Labels that are made from the inputs (next tokens) are not the loader's.

    What to do
    ----------
    Follow the labels from the loader to the loss: a variable overwritten, a mask that leaves none over, an output
    passed twice, labels of an enclosing scope.

    References
    ----------
    Karpathy, A recipe for training neural networks (2019), "input-independent baseline".
    """

    code = "Y601"
    since = "0.2"
    dye = "labels"
    causes = {
        "labels-not-learned": Likelihood(0.95, source="the definition of the cause"),
        "gradient-path-broken": Likelihood(0.2, source="where the cut lies behind the label, judgement"),
    }
    false_alarm = Likelihood(0.005, source="self-supervised training, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        if unanswered(facts):
            planted, gradients = count(facts, "planted"), count(facts, "gradients")
            message = f"the labels of {some(planted, 'batch')} were changed and none of {gradients} gradients changed"
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
