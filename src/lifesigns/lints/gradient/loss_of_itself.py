"""Rule L357: a loss compares a thing with itself, or a sum holds one loss twice."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import LOSS_OPS, LOSSES
from lifesigns.rules import Likelihood

CLASSES = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")


class LossOfItself(LintRule):
    """Prediction and target of a loss are one and the same, or two networks' losses are twice that of the first.

    What it detects
    ---------------
    `F.mse_loss(y, y)`; `F.cross_entropy(logits, logits.argmax(1))`;
    `F.mse_loss(q1, target) + F.mse_loss(q1, target)` where the second should be `q2`.

    Why it matters
    --------------
    The loss falls, or is 0 from the start, whatever the data say. A second critic that is in no loss keeps its random
    start, and the smaller of the two is noise.

    How it decides
    --------------
    Both arguments are the same name with the same value, or the target is the `argmax` of the prediction. Of a sum,
    both terms are the same text with the same names.

    When it is wrong
    ----------------
    Self-training on the network's own labels; a check that a loss is 0.

    What to do
    ----------
    Give the loss the labels; name the second prediction.

    References
    ----------
    Fujimoto et al., Addressing Function Approximation Error in Actor-Critic Methods (2018), for the two critics.
    """

    code = "L357"
    since = "0.2"
    severity = "warning"
    looks_at = tuple(sorted(LOSS_OPS | LOSSES))
    causes = {
        "labels-not-learned": Likelihood(0.1, source="judgement"),
        "parameters-not-trained": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "same": "loss = F.mse_loss(life, life)\nloss.backward()",
        "own labels": """
            criterion = nn.CrossEntropyLoss()
            for x, y in loader:
                logits = net(x)
                loss = criterion(logits, logits.argmax(dim=1))
            """,
        "twice": "loss = F.mse_loss(q1, target) + F.mse_loss(q1, target)",
    }
    right = {
        "labels": "loss = F.cross_entropy(logits, y)",
        "two critics": "loss = F.mse_loss(q1, target) + F.mse_loss(q2, target)",
        "another time": """
            before = net(x)
            loss = F.mse_loss(before, net(x))
            """,
        "a teacher": "loss = F.cross_entropy(logits, teacher(x).argmax(dim=1))",
        "reconstruction": "loss = F.mse_loss(decode(x), x)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the loss."""
        for op in source.ops(*LOSS_OPS):
            target = op.arg(1, "target")
            if op.input is None or target is None:
                continue
            if _same(source, op.input, target):
                yield self.at(op.node, "the loss of a thing with itself")
            elif op.name in CLASSES and _own_labels(source, op.input, target):
                yield self.at(op.node, "the target is the network's own prediction")
        for node in source.nodes(ast.BinOp):
            assert isinstance(node, ast.BinOp)
            if isinstance(node.op, ast.Add) and isinstance(node.left, ast.Call) and isinstance(node.right, ast.Call):
                first, second = source.op(node.left), source.op(node.right)
                if first is None or second is None or first.name not in LOSS_OPS or first.name != second.name:
                    continue
                if ast.dump(node.left) == ast.dump(node.right) and all(isinstance(a, ast.Name) for a in first.args):
                    yield self.at(node.right, "the same loss is added twice")


def _same(source: Source, first: ast.expr, second: ast.expr) -> bool:
    return isinstance(first, ast.Name | ast.Attribute) and source.same(first, second)


def _own_labels(source: Source, logits: ast.expr, target: ast.expr) -> bool:
    made = source.value(target)
    op = source.op(made) if isinstance(made, ast.Call) else None
    return op is not None and op.name == "argmax" and op.input is not None and source.same(op.input, logits)
