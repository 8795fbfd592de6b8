"""Rule Y605: what the validation data hold changes what is learned."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.dyes.base import DyeRule, dye_case, known, listed, named, some, spot
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
    those yield; no gradient after the first of their batches may differ. Apart from that, rows of both are compared
    byte for byte, and the means and deviations of the columns of their inputs: over both sets together, and over
    those for training. A network in training mode whose layers hold running statistics takes in what it is given.

    When it is wrong
    ----------------
    Where validation steers on purpose: a learning rate that is lowered on a plateau, early stopping, a network that
    goes on from its best state. Each is a true dependence, and the score on those data is no longer of unseen ones.
    Data that were published already centred over all their rows.

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
            where = spot(facts.get("parted_line"))
            yield self.found(view, message, "error", both / held_out, SHARED, series="dye.rows_in_both", location=where)
        twice = [n for n in listed(facts, "indexed_twice") if isinstance(n, int)]
        if len(twice) == 2 and 0 < SHARED * twice[1] < twice[0] and not (both or 0) > SHARED * (held_out or 0):
            message = f"{twice[0]} of {twice[1]} indices of validation data are indices of training data as well"
            where = spot(facts.get("parted_line"))
            share = twice[0] / twice[1]
            yield self.found(view, message, "error", share, SHARED, series="dye.indexed_twice", location=where)
        taken = named(facts, "taken_in")
        for network, layers in [(name, known(taken, name)) for name in taken]:
            if not layers:
                continue
            message = (
                f"validation data are put through `{network}` in training mode: {some(int(layers), 'layer')} with "
                "running statistics take them in"
            )
            yield self.found(view, message, "warning", layers, 0.0, series="dye.taken_in", unit="layers")
        columns = known(facts, "scaled_together")
        if columns:
            message = (
                f"{some(int(columns), 'column')} of the inputs have mean 0 and deviation 1 over the rows of training "
                "and validation together, and not over those of training: the scaling was fitted to both"
            )
            where = spot(facts.get("statistics_line"))
            yield self.found(
                view, message, "warning", columns, 0.0, series="dye.scaled_together", unit="columns", location=where
            )
        if both is None or "gradients_after" in facts:
            yield from self.must_not_change(
                view, "other validation data", touched="touched_after", of="gradients_after"
            )

    def fires_on(self) -> Iterable[Case]:
        """A large effect, and one that is rounding only."""
        seen = {"gradients_after": 40, "touched_after": 39, "largest_effect": 0.1, "loaders": [1]}
        yield dye_case("statistics", self.dye, seen, effects=(0.0, 0.1))
        apart = {"gradients_after": 40, "touched_after": 0, "largest_effect": 0.0}
        at = {"file": "data.py", "line": 12}
        yield dye_case("scaled together", self.dye, {**apart, "scaled_together": 12, "statistics_line": at})
        yield dye_case("the same rows", self.dye, {**apart, "rows_in_both": 300, "held_out_rows": 300})
        yield dye_case("running statistics", self.dye, {**apart, "taken_in": {"Net#0": 3}})
        yield dye_case("the same indices", self.dye, {**apart, "indexed_twice": [300, 300], "rows_in_both": 0})
        yield dye_case("rounding", self.dye, {**seen, "largest_effect": 1e-8}, effects=(0.0, 1e-8))

    def quiet_on(self) -> Iterable[Case]:
        """Apart: many updates, one, and a stain in what validation itself computes."""
        seen = {"gradients_after": 40, "touched_after": 0, "largest_effect": 0.0, "loaders": [1]}
        yield dye_case("apart", self.dye, seen)
        yield dye_case("two rows alike", self.dye, {**seen, "rows_in_both": 2, "held_out_rows": 300})
        yield dye_case("evaluation mode", self.dye, {**seen, "taken_in": {}})
        yield dye_case("indices apart", self.dye, {**seen, "indexed_twice": [0, 300]})
        yield dye_case("scaled apart", self.dye, {**seen, "scaled_together": 0})
        yield dye_case("one update", self.dye, {**seen, "gradients_after": 1})
        yield dye_case("own records", self.dye, {**seen, "records_touched": 300})
