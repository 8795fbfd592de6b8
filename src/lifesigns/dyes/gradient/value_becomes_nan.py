"""Rule Y303: an operation early in the run gives a value that is not a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lifesigns.dyes.base import DyeRule, count, dye_case, named, number, some, spot
from lifesigns.model import Finding
from lifesigns.rules import Case, Likelihood, View


class ValueBecomesNan(DyeRule):
    """An operation gives NaN from numbers: the first one, in the forward or in the backward pass.

    What it detects
    ---------------
    A log or a square root of a negative number, a softmax over places that are all masked, 0/0, inf - inf; in the
    backward pass a square root, a norm or a power at 0, whose slope is infinite; NaN in the data itself.

    Why it matters
    --------------
    Every value computed from a NaN is one: after the next step so are all weights. Where it is noticed, in the loss, is
    far from where it was made.

    How it decides
    --------------
    No dye. If the undyed run has a NaN in a loss, a gradient, an output or an action, or ends with an exception that
    speaks of one, it is run once more with every operation watched, inside networks too: the first that gives a NaN
    and is given none. Gradients are watched by PyTorch's anomaly mode, which tells the line of the forward pass.

    When it is wrong
    ----------------
    A NaN that is meant, and masked out before the loss. Only the first updates are looked at: a run that breaks later
    is not covered.

    What to do
    ----------
    Keep the argument away from the edge: `sqrt(x + eps)`, `clamp(min=eps)` before `log`, a mask that leaves one place,
    a spread of 0 replaced by 1. `torch.where` does not protect the gradient: the argument itself must be kept away.

    References
    ----------
    PyTorch documentation, torch.autograd.set_detect_anomaly; Goodfellow, Deep Learning (2016), section 4.1.
    """

    code = "Y303"
    since = "0.2"
    dye = "not-a-number"
    causes = {
        "numerical-overflow": Likelihood(0.4, source="those that come within the first updates, judgement"),
        "learning-rate-too-high": Likelihood(0.05, source="judgement: a loss mostly grows for a while first"),
    }
    false_alarm = Likelihood(0.001, source="a NaN that is meant, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        facts = self.facts(view)
        if not named(facts, "found"):
            return
        where = spot(facts.get("line"))
        yield self.found(view, _message(facts), "error", 1.0, 0.0, series="dye.not_a_number", unit="", location=where)

    def fires_on(self) -> Iterable[Case]:
        """Forward, backward, from an infinity, in the data, without a line."""
        line = {"file": "train.py", "line": 12, "text": "weights = scores.softmax(-1)"}
        made = {"kind": "operation", "operation": "softmax", "infinite": False, "update": 0}
        whole = {"updates": 40, "seen": True, "line": line}
        yield dye_case("forward", self.dye, {**whole, "found": made})
        yield dye_case("backward", self.dye, {**whole, "found": {**made, "kind": "gradient", "operation": "Sqrt"}})
        yield dye_case("by zero", self.dye, {**whole, "found": {**made, "operation": "div", "zeros": 6}})
        yield dye_case("log", self.dye, {**whole, "found": {**made, "operation": "log", "least": -0.31}})
        first = {"operation": "exp", "file": "train.py", "line": 9}
        yield dye_case("infinity", self.dye, {**whole, "found": {**made, "infinite": True, "first_infinity": first}})
        yield dye_case("data", self.dye, {**whole, "found": {**made, "kind": "data", "operation": "from_numpy"}})
        yield dye_case("no line", self.dye, {"updates": 1, "seen": True, "found": made})

    def quiet_on(self) -> Iterable[Case]:
        """None seen, in many updates, in one, and in a run that ended with another exception."""
        yield dye_case("finite", self.dye, {"updates": 40, "seen": False})
        yield dye_case("one update", self.dye, {"updates": 1, "seen": False})
        yield dye_case("before any update", self.dye, {"updates": 0, "seen": False})


def _message(facts: Mapping[str, Any]) -> str:
    found = named(facts, "found")
    operation = f"`{found.get('operation') or 'an operation'}`"
    when = f"before update {count(found, 'update', 0) + 1}"
    if found.get("kind") == "gradient":
        return f"the first NaN is in the backward pass of {operation}, {when}: its slope is infinite there, or 0 × inf"
    if found.get("kind") == "data":
        return f"the first NaN is in the data that {operation} is given, {when}"
    if not found.get("infinite"):
        why = "what it is given is finite"
        if count(found, "zeros", 0):
            why = f"it divides by 0 in {some(count(found, 'zeros'), 'place')}"
        elif number(found, "least", 0.0) < 0:
            why = f"what it is given goes down to {number(found, 'least'):.3g}"
        return f"the first NaN comes from {operation}, {when}: {why}"
    first = named(found, "first_infinity")
    made = f", the first made by `{first['operation']}`" if first.get("operation") else ""
    at = f" in line {first['line']}" if made and first.get("line") else ""
    return f"the first NaN comes from {operation}, {when}, which is given infinities{made}{at}"
