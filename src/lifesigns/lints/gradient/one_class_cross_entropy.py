"""Rule L354: cross-entropy over a single output is zero always."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import MODULE
from lifesigns.lints.source.values import Value, values
from lifesigns.rules import Likelihood


class OneClassCrossEntropy(LintRule):
    """A softmax or cross-entropy over one single output: the probability is 1 whatever the network says.

    What it detects
    ---------------
    `cross_entropy`, `softmax` or `log_softmax` over the last axis on a network whose last layer is `nn.Linear(n, 1)`.

    Why it matters
    --------------
    The loss is 0 from the start and so is its gradient: nothing is learned, and it looks like a perfect fit.

    How it decides
    --------------
    The network that is called is followed to its last layer; its second argument must be the number 1.

    When it is wrong
    ----------------
    The output is reshaped on the way by a hook.

    What to do
    ----------
    Two outputs with `cross_entropy`, or one output with `binary_cross_entropy_with_logits`.

    References
    ----------
    PyTorch documentation, torch.nn.CrossEntropyLoss.
    """

    code = "L354"
    since = "0.2"
    severity = "error"
    looks_at = ("cross_entropy", "CrossEntropyLoss", "softmax", "log_softmax")
    causes = {"loss-does-not-fit": Likelihood(0.05, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "loss": """
            net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
            loss = F.cross_entropy(net(x), y)
            """,
        "softmax": "head = nn.Linear(16, 1)\nprobs = torch.softmax(head(features), dim=-1)",
        "class": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.out = nn.Linear(8, 1)
                def forward(self, x):
                    return self.out(x)
            net, criterion = Net(), nn.CrossEntropyLoss()
            loss = criterion(net(x), y)
            """,
    }
    right = {
        "two": "net = nn.Linear(8, 2)\nloss = F.cross_entropy(net(x), y)",
        "over positions": "score = nn.Linear(8, 1)\nweights = torch.softmax(score(x), dim=1)",
        "squeezed": "score = nn.Linear(8, 1)\nweights = torch.softmax(score(x).squeeze(-1), dim=-1)",
        "unknown width": "net = nn.Linear(8, n)\nloss = F.cross_entropy(net(x), y)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the input."""
        for op in source.ops("cross_entropy", "softmax", "log_softmax"):
            last = op.name == "cross_entropy" or source.number(op.arg(1, "dim")) == -1
            given = source.value(op.input)
            if last and isinstance(given, ast.Call) and _outputs(source, given) == 1:
                yield self.at(op.node, f"`{source.unparse(given)}` has one output: its softmax is 1 always")


def _outputs(source: Source, call: ast.Call, depth: int = 0) -> float | None:
    """Number of outputs of the layer or module that is called."""
    if depth > 4 or not source.is_a(call.func, MODULE):
        return None
    info = source.class_of(call.func)
    if info is not None:
        forward = info.method("forward")
        if forward is None or len(forward[1].returns) != 1:
            return None
        result = forward[0].value(forward[1].returns[0])
        return _outputs(forward[0], result, depth + 1) if isinstance(result, ast.Call) else None
    found = values(source, call.func)
    return _width(found[0], depth) if len(found) == 1 else None


def _width(made: Value, depth: int) -> float | None:
    node, source = made.node, made.source
    if not isinstance(node, ast.Call) or made.path or depth > 6:
        return None
    name = source.name(node.func)
    if name == "torch.nn.Sequential" and node.args:
        found = values(source, node.args[-1])
        return _width(found[0], depth + 1) if len(found) == 1 else None
    if name == "torch.nn.Linear":
        return source.number(source.argument(node, 1, "out_features"))
    return None
