"""Rule Y602: rows of a batch change one another's output, or are paired with all others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lifesigns.dyes.base import HARMLESS, DyeRule, count, dye_case, effect_text, number, rows, some
from lifesigns.dyes.data.recalls import place_of, recalled, shape_text
from lifesigns.model import Finding, Subject
from lifesigns.rules import CannotTell, Case, Likelihood, View


class BatchRowsMix(DyeRule):
    """One row of a batch changes the outputs of other rows, or every row is paired with every other.

    What it detects
    ---------------
    A network was called again with one row of its batch changed, and outputs of other rows moved. Or an operation on
    the way to the loss took one operand of shape [N, 1] and one of shape [N] and made a square of them.

    Why it matters
    --------------
    Rows are examples, and independent. A `view` in place of a transpose, a softmax over the batch or a sum over it
    mixes them: the network then learns from neighbours that will be others at the next batch. A column minus a row
    compares every output with every label, so all outputs are drawn to the mean.

    How it decides
    --------------
    The network is called in evaluation mode, so batch normalisation in training does not count, and twice with the
    same input first. For squares, the run is repeated with the operation done row by row: an error where a gradient
    changes, with the size of the change; a note where none does (a sum that comes out the same). A `collate_fn` of the
    script's own is called again with the input, then the label, of one sample changed: both must answer in one row.

    When it is wrong
    ----------------
    Networks that are meant to compare rows: contrastive losses, in-batch attention, graphs, sets, centralised critics.
    Squares on purpose: pairwise distances, kernels.

    What to do
    ----------
    Print the shapes at the line; `squeeze` or `unsqueeze` one of the two. For rows that mix in a network, look for
    `view` or `reshape` after the axes were meant to be swapped, and for `dim=0` in softmax, mean or norm.

    References
    ----------
    PyTorch, broadcasting semantics; Karpathy, A recipe for training neural networks (2019), on dependencies between
    examples.
    """

    code = "Y602"
    since = "0.2"
    dye = "network-rows"
    causes = {
        "rows-mixed": Likelihood(0.9, source="the definition of the cause"),
        "labels-not-learned": Likelihood(0.05, source="labels averaged over the batch, judgement"),
    }
    false_alarm = Likelihood(0.005, source="networks and losses that compare rows on purpose, judgement")

    def applies_to(self, subject: Subject) -> bool:
        """Four dyes: networks called again, operations that pair every row with every other, rows of an output, and
        batches put together again."""
        return subject.kind == "dye" and subject.name in (self.dye, "broadcast", "output-row", "collating")

    def check(self, view: View) -> Iterable[Finding]:
        """One finding for each network whose rows mix; one for all squares."""
        facts = self.facts(view)
        if view.subject.name == "output-row":
            return self._outputs(view, facts)
        if view.subject.name == "collating":
            return self._batches(view, facts)
        return self._networks(view, facts) if view.subject.name == self.dye else self._squares(view, facts)

    def _outputs(self, view: View, facts: Mapping[str, Any]) -> Iterable[Finding]:
        others = count(facts, "other_rows")
        if not others and not count(facts, "own_operations", 0):
            raise CannotTell("nothing was computed row by row from the changed output")
        if others:
            message = (
                f"one row of the output of `{facts.get('network', '')}` changed moved {others} other rows in "
                f"`{facts.get('operation', '')}`, before the loss takes a mean"
            )
            # other losses may compare rows on purpose; targets of values are made row by row
            slip = "softmax" in str(facts.get("operation", "")) or bool(facts.get("of_target"))
            yield self.found(
                view, message, "warning" if slip else "note", others, 0.0, series="dye.other_rows", unit="rows"
            )

    def _batches(self, view: View, facts: Mapping[str, Any]) -> Iterable[Finding]:
        apart, tried = count(facts, "apart"), count(facts, "tried")
        if apart:
            message = (
                f"{apart} of {some(tried, 'sample')} get another row's label when a batch is put together: the label "
                "changed answers in another row than the input changed"
            )
            yield self.found(view, message, "error", apart / max(tried, apart), 0.0, series="dye.labels_apart")

    def _networks(self, view: View, facts: Mapping[str, Any]) -> Iterable[Finding]:
        for one in recalled(facts, "other_rows"):
            others = count(one, "other_rows")
            if others > 0:
                total = count(one, "rows", others + 1)
                message = (
                    f"one row of a batch of {total} changed moved the output of {others} other rows of "
                    f"`{one.get('network', '')}` (input {shape_text(one, 'shape')}, in evaluation mode)"
                )
                share = others / max(total - 1, 1)
                yield self.found(view, message, "error", share, 0.0, series="dye.other_rows", location=place_of(one))

    def _squares(self, view: View, facts: Mapping[str, Any]) -> Iterable[Finding]:
        if "places" not in facts:
            raise CannotTell("the answer holds no operations")
        places = rows(facts, "places")
        if not places:
            return
        touched, gradients = count(facts, "gradients_touched"), count(facts, "gradients", 0)
        effect = number(facts, "largest_effect", 0.0)
        found = "; ".join(dict.fromkeys(_square(p) for p in places[:3]))
        if not gradients:
            raise CannotTell(f"{found}: no gradient could be compared with that of the computation row by row")
        if touched and not effect < HARMLESS:
            shown = f"row by row, {touched} of {gradients} gradients change, {effect_text(effect)}"
            yield self.found(view, f"{found}: computed {shown}", "error", effect)
        else:
            message = f"{found}: computed row by row, gradients are the same up to rounding (harmless here)"
            yield self.found(view, message, "note", effect)

    def fires_on(self) -> Iterable[Case]:
        """Rows mixed in a network, a square that matters, and one that does not."""
        network = {"network": "CNN#0", "rows": 64, "shape": [64, 1, 8, 8], "output": [64, 10], "own_row": True}
        yield dye_case("view", self.dye, {"recalls": [{**network, "other_rows": 3}]})
        mixed = {"other_rows": 63, "rows": 64, "own_operations": 1, "operation": "softmax", "network": "Linear#0"}
        yield dye_case("softmax over the batch", "output-row", mixed)
        yield dye_case("labels sorted in the batch", "collating", {"tried": 4, "apart": 3})

        yield dye_case("one minimum for all targets", "output-row", {**mixed, "operation": "mul", "of_target": True})
        square = {"places": [{"operation": "sub", "rows": 64, "line": 40}], "gradients": 8}
        yield dye_case("square", "broadcast", {**square, "gradients_touched": 8, "largest_effect": 0.7})
        yield dye_case("harmless", "broadcast", {**square, "gradients_touched": 0, "largest_effect": 0.0})

    def quiet_on(self) -> Iterable[Case]:
        """Rows apart, no square, and a network that could not be called again beside one that could."""
        network = {"network": "CNN#0", "rows": 64, "shape": [64, 1, 8, 8], "output": [64, 10], "own_row": True}
        apart = {**network, "other_rows": 0}
        yield dye_case("apart", self.dye, {"recalls": [apart]})
        yield dye_case("rows of the output apart", "output-row", {"other_rows": 0, "rows": 64, "own_operations": 5})
        yield dye_case("no square", "broadcast", {"places": []})
        yield dye_case("labels beside their inputs", "collating", {"tried": 4, "apart": 0})
        yield dye_case("one failed", self.dye, {"recalls": [{"network": "RNN#1", "error": "TypeError: x"}, apart]})


def _square(place: Mapping[str, Any]) -> str:
    n = count(place, "rows", 0)
    return f"`{place.get('operation', '')}` makes [{n}, {n}] of [{n}, 1] and [{n}]"
