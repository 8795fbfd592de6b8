"""Rule L320: losses are summed up over steps with their graphs, for a figure that is only logged."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.rules import Likelihood


class LossSummedWithGraph(LintRule):
    """A running sum of losses keeps the graph of every step alive.

    What it detects
    ---------------
    `total += loss` in a loop where `loss` is the tensor that `backward` is called on in the same loop.

    Why it matters
    --------------
    The sum holds every step's graph: memory grows with each step until the run dies, and slows down before that.

    How it decides
    --------------
    The name added is the receiver of a `backward` in the same loop body; the sum itself is never differentiated.

    When it is wrong
    ----------------
    A loop of a few steps only.

    What to do
    ----------
    Add `loss.item()` or `loss.detach()`.

    References
    ----------
    PyTorch documentation, Frequently Asked Questions: "Don't accumulate history across your training loop".
    """

    code = "L320"
    since = "0.2"
    severity = "warning"
    looks_at = ("backward",)
    causes = {"graph-kept-alive": Likelihood(0.5, source="judgement")}
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "running": """
            total = 0
            for x, y in data:
                loss = F.mse_loss(net(x), y)
                loss.backward()
                total += loss
            """,
        "attribute": """
            class T:
                def train(self, data):
                    for x, y in data:
                        loss = F.cross_entropy(self.net(x), y)
                        loss.backward()
                        self.running_loss += loss
            """,
    }
    right = {
        "item": "total = 0\nfor x in d:\n    loss = f(x)\n    loss.backward()\n    total += loss.item()",
        "sum is differentiated": """
            for x in d:
                loss = f(x)
                loss.backward(retain_graph=True)
                total += loss
            total.backward()
            """,
        "detached first": """
            for x in d:
                loss = f(x)
                loss.backward()
                loss = loss.detach()
                total += loss
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the sum."""
        backwards = source.calls("torch.Tensor.backward")
        of = [b.func.value for b in backwards if isinstance(b.func, ast.Attribute)]
        names = {source.unparse(o) for o in of}
        for node in source.nodes(ast.AugAssign):
            assert isinstance(node, ast.AugAssign)
            around = source.loops(node)
            if not around or not isinstance(node.op, ast.Add) or source.unparse(node.target) in names:
                continue
            same = any(source.same(node.value, o) and source.loops(o)[:1] == around[:1] for o in of)
            if same and source.role(node.value) in (Role.LOSS, Role.UNKNOWN) and not source.without_gradient(node):
                text = source.unparse(node.value)
                yield self.at(node, f"`{text}` is added with its graph; add `{text}.item()`")
