"""Rule L362: `allow_unused=True` without a look at what was unused."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood


class UnusedGradientsAllowed(LintRule):
    """Parameters that the loss does not depend on are accepted in silence.

    What it detects
    ---------------
    `torch.autograd.grad(..., allow_unused=True)` in a function that compares nothing with None.

    Why it matters
    --------------
    Without the flag, PyTorch says which parameters the loss does not reach. With it, a broken path gives None (or
    zeros), and these parameters are not trained.

    How it decides
    --------------
    The flag is the constant True, and in the same function there is no `is None`, no filter by truth, and no
    `materialize_grads`.

    When it is wrong
    ----------------
    Some inputs are unused by design, as in meta-learning with frozen parts.

    What to do
    ----------
    Leave the flag out and repair the path; or check which gradients are None and say so.

    References
    ----------
    PyTorch documentation, torch.autograd.grad.
    """

    code = "L362"
    since = "0.2"
    severity = "note"
    looks_at = ("allow_unused",)
    causes = {
        "failure-hidden": Likelihood(0.05, source="judgement"),
        "gradient-path-broken": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.004, source="judgement; see benchmarks/lint")
    wrong = {
        "grad": "grads = torch.autograd.grad(loss, net.parameters(), allow_unused=True)",
        "imported": """
            from torch.autograd import grad
            def inner(net, loss, lr):
                gs = grad(loss, list(net.parameters()), create_graph=True, allow_unused=True)
                return [p - lr * g for p, g in zip(net.parameters(), gs)]
            """,
    }
    right = {
        "checked": """
            grads = torch.autograd.grad(loss, params, allow_unused=True)
            assert all(g is not None for g in grads)
            """,
        "not allowed": "grads = torch.autograd.grad(loss, params, allow_unused=False)",
        "handed on": "grads = torch.autograd.grad(loss, params, allow_unused=flag)",
        "replaced knowingly": """
            def gradient(loss, params):
                grads = torch.autograd.grad(loss, params, allow_unused=True)
                return [torch.zeros_like(p) if g is None else g for p, g in zip(params, grads)]
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call."""
        for call in source.index.keywords.get("allow_unused", ()):
            if source.name(call.func) != "torch.autograd.grad":
                continue
            flag = source.argument(call, -1, "allow_unused")
            if isinstance(flag, ast.Constant) and flag.value is True and not _checked(source, call):
                yield self.at(call, "gradients that do not exist are accepted; nothing here looks which ones")


def _checked(source: Source, call: ast.Call) -> bool:
    if source.argument(call, -1, "materialize_grads") is not None:
        return True
    scope = source.scope(call)
    for node in source.nodes(ast.Compare):
        assert isinstance(node, ast.Compare)
        if isinstance(node.ops[0], ast.Is | ast.IsNot) and source.scope(node) is scope:
            return True
    return False
