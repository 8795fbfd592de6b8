"""Rule L363: updates whose loss is not finite are skipped without a word."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.rules import Likelihood

TESTS = ("isnan", "isinf", "isfinite")


class BadLossesSkipped(LintRule):
    """An update with a loss of NaN or infinity is left out in silence, or its loss set to a number.

    What it detects
    ---------------
    `if torch.isnan(loss): continue`, or `loss = 0` in such a branch, where nothing is printed, counted or raised.

    Why it matters
    --------------
    The first NaN is the symptom of an overflow or of a division by zero. Skipped, it returns, more often each time;
    the run seems to train on while ever more batches are dropped.

    How it decides
    --------------
    The test is of a loss; the branch holds only `continue`, `pass`, a `return` of nothing or an assignment of a number
    to the loss.

    When it is wrong
    ----------------
    Mixed precision by hand, where steps are skipped by design.

    What to do
    ----------
    Raise, and look for the first operation that is not finite: `torch.autograd.set_detect_anomaly(True)`.

    References
    ----------
    PyTorch documentation, Automatic differentiation package: Anomaly detection.
    """

    code = "L363"
    since = "0.2"
    severity = "warning"
    looks_at = TESTS
    causes = {
        "numerical-overflow": Likelihood(0.1, source="judgement"),
        "failure-hidden": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "continue": """
            for x, y in data:
                loss = F.mse_loss(net(x), y)
                if torch.isnan(loss):
                    continue
                loss.backward()
            """,
        "set to zero": "if not torch.isfinite(loss).all():\n    loss = torch.tensor(0.0)\nloss.backward()",
        "numpy": "for b in data:\n    loss = f(b)\n    if np.isnan(loss.item()) or np.isinf(loss):\n        continue",
    }
    right = {
        "raised": "if torch.isnan(loss):\n    raise FloatingPointError(step)",
        "said": "for b in data:\n    if torch.isnan(loss):\n        print('nan at', b)\n        continue",
        "counted": "for b in data:\n    if torch.isnan(loss):\n        skipped += 1\n        continue",
        "of the data": "for x in data:\n    if torch.isnan(x).any():\n        continue\n    loss = f(x)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the test."""
        tested = {c for word in TESTS for c in source.index.calls.get(word, ())}
        for node in source.nodes(ast.If):
            assert isinstance(node, ast.If)
            inside = [c for c in ast.walk(node.test) if c in tested]
            quiet = bool(inside) and not node.orelse and all(_silent(source, s) for s in node.body)
            if quiet and any(_of_loss(source, c) for c in inside):
                yield self.at(node.test, "a loss that is not finite is passed over in silence")


def _of_loss(source: Source, call: ast.AST) -> bool:
    assert isinstance(call, ast.Call)
    name = source.name(call.func) or ""
    given = call.args[0] if call.args else source.receiver(call) if not name else None
    return source.role(given) is Role.LOSS


def _silent(source: Source, statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Continue | ast.Pass):
        return True
    if isinstance(statement, ast.Assign):
        value = statement.value
        zero = isinstance(value, ast.Call) and bool(value.args) and source.number(value.args[0]) is not None
        return source.role(statement.targets[0]) is Role.LOSS and (source.number(value) is not None or zero)
    return isinstance(statement, ast.Return) and statement.value is None
