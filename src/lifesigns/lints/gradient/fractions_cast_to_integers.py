"""Rule L364: fractions are cast to integers on their way into a loss."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.rules import Likelihood

CASTS = ("long", "int", "short")
INTEGERS = frozenset({"torch.long", "torch.int", "torch.int64", "torch.int32", "torch.uint8"})
FRACTIONS = frozenset({Role.PROBABILITY, Role.SIGMOID, Role.LOG_PROBABILITY, Role.RATIO})


class FractionsCastToIntegers(LintRule):
    """Probabilities become integers: nearly all of them 0.

    What it detects
    ---------------
    `.long()`, `.int()` or `.to(torch.long)` on the result of a softmax, a sigmoid or a log-probability, without
    rounding or a comparison.

    Why it matters
    --------------
    A cast cuts off the fraction: 0.99 becomes 0. It satisfies the dtype that an error message asked for and removes
    the information, and the gradient with it.

    How it decides
    --------------
    The value is followed to the operation that made it.

    When it is wrong
    ----------------
    Hardly: a softmax has no integers in it.

    What to do
    ----------
    Pass class indices (`argmax`), threshold (`p > 0.5`), or leave the numbers as they are.

    References
    ----------
    PyTorch documentation, torch.nn.CrossEntropyLoss: targets as class indices or as probabilities.
    """

    code = "L364"
    since = "0.2"
    severity = "error"
    looks_at = (*CASTS, "to", "type")
    causes = {
        "loss-does-not-fit": Likelihood(0.05, source="judgement"),
        "failure-hidden": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "prediction": "pred = torch.sigmoid(net(x)).long()\naccuracy = (pred == y).float().mean()",
        "soft targets": "soft = F.softmax(teacher(x), dim=1)\nloss = F.cross_entropy(net(x), soft.to(torch.long))",
        "keyword": "p = net(x).softmax(-1)\nloss = F.nll_loss(out, p.to(dtype=torch.int64))",
    }
    right = {
        "argmax": "pred = F.softmax(net(x), dim=1).argmax(1).long()",
        "threshold": "pred = (torch.sigmoid(net(x)) > 0.5).long()",
        "rounded": "pred = torch.sigmoid(net(x)).round().int()",
        "scaled to pixels": "image = (torch.sigmoid(net(z)) * 255).to(torch.uint8)",
        "labels": "loss = F.cross_entropy(net(x), y.long())",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the cast."""
        for op in source.ops(*CASTS, "to", "type"):
            if op.name in ("to", "type") and source.name(op.arg(1, "dtype")) not in INTEGERS:
                continue
            given = source.value(op.input)
            made = source.op(given) if isinstance(given, ast.Call) else None
            if made is None or made.name not in ("softmax", "sigmoid", "log_softmax", "log_prob", "exp"):
                continue
            if source.proven_role(given) in FRACTIONS:
                text = source.unparse(op.node)
                yield self.at(op.node, f"`{text}` cuts off the fractions: nearly all of it becomes 0")
