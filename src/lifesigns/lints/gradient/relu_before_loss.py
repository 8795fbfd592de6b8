"""Rule L355: logits pass through a ReLU right before the loss."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import MODULE
from lifesigns.lints.source.values import Value, values
from lifesigns.rules import Likelihood

LOSSES = ("cross_entropy", "binary_cross_entropy_with_logits", "log_softmax", "softmax")


class ReluBeforeLoss(LintRule):
    """The last layer of a classifier is a ReLU: no logit can be negative.

    What it detects
    ---------------
    `cross_entropy`, `binary_cross_entropy_with_logits` or a softmax on the output of a ReLU.

    Why it matters
    --------------
    Classes whose logit is at 0 get no gradient any more. A binary output cannot say less than one half. Some seeds
    learn, others have whole classes dead from the start.

    How it decides
    --------------
    The input is followed to the operation or to the last layer that made it.

    When it is wrong
    ----------------
    Attention over scores that are meant to be positive.

    What to do
    ----------
    End the network with the linear layer.

    References
    ----------
    Goodfellow, Bengio and Courville, Deep Learning (2016), section 6.2.2.
    """

    code = "L355"
    since = "0.2"
    severity = "warning"
    looks_at = ("relu", "ReLU")
    causes = {"loss-does-not-fit": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.004, source="judgement; see benchmarks/lint")
    wrong = {
        "function": "logits = F.relu(head(x))\nloss = F.cross_entropy(logits, y)",
        "last layer": """
            net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2), nn.ReLU())
            loss = nn.CrossEntropyLoss()(net(x), y)
            """,
        "forward": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 1)
                def forward(self, x):
                    return torch.relu(self.b(torch.relu(self.a(x))))
            net = Net()
            loss = F.binary_cross_entropy_with_logits(net(x), y)
            """,
    }
    right = {
        "hidden only": """
            net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
            loss = F.cross_entropy(net(x), y)
            """,
        "regression": "rate = F.relu(net(x))\nloss = F.mse_loss(rate, y)",
        "target": "loss = F.cross_entropy(net(x), F.relu(soft))",
        "features": "h = F.relu(body(x))\nloss = F.cross_entropy(head(h), y)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the input."""
        for op in source.ops(*LOSSES):
            if op.input is not None and _is_relu(source, op.input):
                yield self.at(op.node, f"`{source.unparse(op.input)}` comes out of a ReLU: no logit can be negative")


def _is_relu(source: Source, node: ast.AST, depth: int = 0) -> bool:
    found = values(source, node)
    return depth < 5 and len(found) == 1 and _relu(found[0], depth)


def _relu(value: Value, depth: int) -> bool:
    node, source = value.node, value.source
    if not isinstance(node, ast.Call) or value.path:
        return False
    op = source.op(node)
    if op is not None and op.name in ("relu", "relu_"):
        return source.name(op.node.func) is not None or op.node.func is not op.input
    if not source.is_a(node.func, MODULE):
        return False
    info = source.class_of(node.func)
    if info is not None:
        forward = info.method("forward")
        return (
            forward is not None
            and len(forward[1].returns) == 1
            and _is_relu(forward[0], forward[1].returns[0], depth + 1)
        )
    made = values(source, node.func)
    return len(made) == 1 and _last_is_relu(made[0])


def _last_is_relu(made: Value) -> bool:
    node = made.node
    if not isinstance(node, ast.Call) or made.source.name(node.func) != "torch.nn.Sequential" or not node.args:
        return False
    last = made.source.value(node.args[-1])
    return isinstance(last, ast.Call) and made.source.name(last.func) == "torch.nn.ReLU"
