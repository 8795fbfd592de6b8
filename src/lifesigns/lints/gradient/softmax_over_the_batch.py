"""Rule L356: class probabilities are normalised over the batch, or attention over the queries."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.calling import Op
from lifesigns.rules import Likelihood

THROUGH = frozenset({"masked_fill", "masked_fill_", "to", "float", "clamp", "tanh", "dropout"})


class SoftmaxOverTheBatch(LintRule):
    """A softmax runs over the wrong axis: examples or queries compete with each other instead of classes or keys.

    What it detects
    ---------------
    `F.nll_loss(F.log_softmax(x, dim=0), y)`; `softmax(dim=-2)` or `softmax(dim=0)` of attention scores
    `q @ k.transpose(-2, -1)`.

    Why it matters
    --------------
    The numbers still lie between 0 and 1 and the loss falls. But a row's result depends on the other rows of its
    batch: other batch sizes give other answers, and examples leak into each other.

    How it decides
    --------------
    The axis is a constant: 0 where the result goes into `nll_loss`; 0 or -2 where the input is a matrix product with a
    transposed right side.

    When it is wrong
    ----------------
    A single example without a batch axis; slot attention, which normalises over queries.

    What to do
    ----------
    Name the last axis: `dim=-1`, for classes as for keys.

    References
    ----------
    PyTorch documentation, torch.nn.functional.log_softmax and torch.nn.NLLLoss.
    """

    code = "L356"
    since = "0.2"
    severity = "warning"
    looks_at = ("softmax", "log_softmax", "Softmax", "LogSoftmax")
    causes = {
        "rows-mixed": Likelihood(0.1, source="judgement"),
        "shapes-broadcast": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "loss": "out = F.log_softmax(net(x), dim=0)\nloss = F.nll_loss(out, y)",
        "attention": """
            scores = q @ k.transpose(-2, -1) / d ** 0.5
            weights = F.softmax(scores, dim=-2)
            out = weights @ v
            """,
        "module": """
            net = nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(dim=0))
            for x, y in loader:
                loss = F.nll_loss(net(x), y)
            """,
    }
    right = {
        "classes": "out = F.log_softmax(net(x), dim=1)\nloss = F.nll_loss(out, y)",
        "keys": "scores = q @ k.transpose(-2, -1)\nweights = F.softmax(scores.masked_fill(m, -1e9), dim=-1)",
        "over the members of a set": "weights = F.softmax(score(h), dim=0)\npooled = (weights * h).sum(0)",
        "one state": "probs = F.softmax(policy(state), dim=0)\naction = Categorical(probs).sample()",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the softmax."""
        for loss in source.ops("nll_loss"):
            made = _log_softmax(source, loss.input)
            if made is not None and loss.input is not None and _axis(source, made) == 0:
                yield self.at(loss.input, "log-probabilities are normalised over axis 0, the batch; classes are axis 1")
        for op in source.ops("softmax"):
            if _axis(source, op) in (0, -2) and op.input is not None and _is_scores(source, op.input):
                yield self.at(op.node, "attention is normalised over the queries; keys are the last axis")


def _axis(source: Source, made: Op) -> float | None:
    return source.number(made.arg(1, "dim", "axis"))


def _log_softmax(source: Source, node: ast.AST | None) -> Op | None:
    made = source.value(node)
    op = source.op(made) if isinstance(made, ast.Call) else None
    if op is not None and op.name == "log_softmax":
        return op
    if isinstance(made, ast.Call):
        built = source.value(made.func)
        if isinstance(built, ast.Call) and source.name(built.func) == "torch.nn.Sequential" and built.args:
            last = source.value(built.args[-1])
            if isinstance(last, ast.Call) and source.name(last.func) == "torch.nn.LogSoftmax":
                words = {k.arg: k.value for k in last.keywords if k.arg}
                if last.args:
                    words["dim"] = last.args[0]
                return Op("log_softmax", last, (), words)
    return None


def _is_scores(source: Source, node: ast.expr, depth: int = 0) -> bool:
    """Whether it is a matrix product with a transposed right side, scaled and masked perhaps."""
    made = source.value(node)
    if made is None or depth > 6:
        return False
    if isinstance(made, ast.BinOp):
        if isinstance(made.op, ast.MatMult):
            return _transposed(source, made.right)
        return isinstance(made.op, ast.Mult | ast.Div) and _is_scores(source, made.left, depth + 1)
    op = source.op(made) if isinstance(made, ast.Call) else None
    if op is None or op.input is None:
        return False
    if op.name in ("matmul", "bmm"):
        other = op.arg(1, "other", "mat2")
        return other is not None and _transposed(source, other)
    return op.name in THROUGH and _is_scores(source, op.input, depth + 1)


def _transposed(source: Source, node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        return True
    op = source.op(node) if isinstance(node, ast.Call) else None
    numbers = {source.number(a) for a in op.args[1:]} if op is not None else set()
    return op is not None and op.name == "transpose" and numbers in ({-1, -2}, {1, 2}, {2, 3})
