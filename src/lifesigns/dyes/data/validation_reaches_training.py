"""Rule Y605: what the validation data hold changes what is learned."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, dye_case, known
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, View

SHARED = 0.1
"""share of the validation rows seen; natural data repeat a few rows; assumed."""


class ValidationReachesTraining(DyeRule):
    """Validation data were changed, and a later gradient changed.

    What it detects
    ---------------
    Inputs and labels of the loaders that no update follows were replaced by others. A gradient after the first
    validation differs from the undyed run's.

    Why it matters
    --------------
    Data that training depends on no longer say how well it generalises: the validated score is too good, by an amount
    that nobody knows.

    How it decides
    --------------
    Loaders between whose batches no optimiser steps are for validation. Two runs, bit for bit the same but for what
    those yield; no gradient after the first of their batches may differ.

    When it is wrong
    ----------------
    Where validation steers on purpose: a learning rate that is lowered on a plateau, early stopping, a network that
    goes on from its best state. Each is a true dependence, and the score on those data is no longer of unseen ones.

    What to do
    ----------
    Look for `model.eval()` missing (batch normalisation takes the validation batches into its statistics), gradients
    that accumulate in validation, one loader under two names, statistics computed over all data.

    References
    ----------
    Hastie, Tibshirani and Friedman, The elements of statistical learning (2009), section 7.10.2.
    """

    code = "Y605"
    since = "0.2"
    dye = "validation"
    causes = {"validation-leak": Likelihood(0.95, source="the definition of the cause")}
    false_alarm = Likelihood(0.02, source="schedules that are steered by validation, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """A finding on rows that both have, and one on gradients that answer."""
        facts = self.facts(view)
        both, held_out = known(facts, "rows_in_both"), known(facts, "held_out_rows")
        if both and held_out and both > SHARED * held_out:
            message = f"{both:.0f} of {held_out:.0f} different rows of validation are, byte for byte, rows of training"
            yield self.found(view, message, "error", both / held_out, SHARED, series="dye.rows_in_both")
        if both is None or "gradients_after" in facts:
            yield from self.must_not_change(
                view, "other validation data", touched="touched_after", of="gradients_after"
            )

    def fires_on(self) -> Iterable[Case]:
        """A large effect, and one that is rounding only."""
        seen = {"gradients_after": 40, "touched_after": 39, "largest_effect": 0.1, "loaders": [1]}
        yield dye_case("statistics", self.dye, seen, effects=(0.0, 0.1))
        apart = {"gradients_after": 40, "touched_after": 0, "largest_effect": 0.0}
        yield dye_case("the same rows", self.dye, {**apart, "rows_in_both": 300, "held_out_rows": 300})
        yield dye_case("rounding", self.dye, {**seen, "largest_effect": 1e-8}, effects=(0.0, 1e-8))

    def quiet_on(self) -> Iterable[Case]:
        """Apart: many updates, one, and a stain in what validation itself computes."""
        seen = {"gradients_after": 40, "touched_after": 0, "largest_effect": 0.0, "loaders": [1]}
        yield dye_case("apart", self.dye, seen)
        yield dye_case("two rows alike", self.dye, {**seen, "rows_in_both": 2, "held_out_rows": 300})
        yield dye_case("one update", self.dye, {**seen, "gradients_after": 1})
        yield dye_case("own records", self.dye, {**seen, "records_touched": 300})
