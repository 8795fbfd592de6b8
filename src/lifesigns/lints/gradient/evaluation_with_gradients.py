"""Rule L317: an evaluation builds graphs that nothing uses."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.gradient.evaluation_in_train_mode import NAMED
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import MODULE
from lifesigns.lints.source.tree import Scope
from lifesigns.rules import Likelihood

NEEDED = frozenset({"backward", "grad", "enable_grad", "requires_grad_", "jacobian", "vjp", "hessian"})


class EvaluationWithGradients(LintRule):
    """An evaluation runs the network without `torch.no_grad()`.

    What it detects
    ---------------
    A function named `evaluate`, `validate` or `test` that switches the network to evaluation mode and calls it, with
    gradients on.

    Why it matters
    --------------
    It changes no result by itself. Each batch builds a graph: evaluation needs twice the memory and time, and a sum of
    losses over it keeps all of them alive.

    How it decides
    --------------
    The function calls `eval()` and, in a loop, a network; neither it nor any of its calls in this file is under
    `no_grad` or `inference_mode`, and it takes no gradient itself. A note.

    When it is wrong
    ----------------
    Gradients are off for the whole program.

    What to do
    ----------
    `@torch.no_grad()` above the function.

    References
    ----------
    PyTorch documentation, torch.no_grad.
    """

    code = "L317"
    since = "0.2"
    severity = "note"
    looks_at = ("eval",)
    causes = {"graph-kept-alive": Likelihood(0.05, source="judgement")}
    false_alarm = Likelihood(0.02, source="judgement; see benchmarks/lint")
    wrong = {
        "loop": """
            net = nn.Linear(4, 2)
            def evaluate(loader):
                net.eval()
                right = 0
                for x, y in loader:
                    right += (net(x).argmax(1) == y).sum().item()
                return right
            """,
        "model given": """
            def validate(model, loader):
                model.eval()
                return sum(F.cross_entropy(model(x), y).item() for x, y in loader)
            validate(nn.Linear(4, 2), val_loader)
            """,
    }
    right = {
        "decorated": """
            net = nn.Linear(4, 2)
            @torch.no_grad()
            def evaluate(loader):
                net.eval()
                for x, y in loader:
                    right = (net(x).argmax(1) == y).sum().item()
            """,
        "at the call": """
            net = nn.Linear(4, 2)
            def evaluate(loader):
                net.eval()
                for x, y in loader:
                    right = (net(x).argmax(1) == y).sum().item()
            with torch.no_grad():
                evaluate(val_loader)
            """,
        "gradients wanted": """
            net = nn.Linear(4, 2)
            def test(loader):
                net.eval()
                for x, y in loader:
                    g = torch.autograd.grad(net(x).sum(), x)
            """,
        "off everywhere": """
            torch.set_grad_enabled(False)
            net = nn.Linear(4, 2)
            def evaluate(loader):
                net.eval()
                for x, y in loader:
                    right = (net(x).argmax(1) == y).sum().item()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the first call of the network."""
        if source.calls("torch.set_grad_enabled"):
            return
        for scope in source.functions():
            tails = {getattr(c.func, "attr", None) or getattr(c.func, "id", "") for c in scope.calls}
            if not NAMED.match(scope.name) or "eval" not in tails or tails & NEEDED:
                continue
            runs = [c for c in scope.calls if source.is_a(c.func, MODULE) and _repeated(source, c)]
            if not runs or any(source.without_gradient(c) for c in scope.calls) or _called_without(source, scope):
                continue
            yield self.at(runs[0], f"`{scope.name}` builds a graph for each batch: no `no_grad` around it")


def _repeated(source: Source, call: ast.Call) -> bool:
    return bool(source.loops(call)) or any(
        isinstance(p, ast.GeneratorExp | ast.ListComp) for p in source.parents(call)
    )  # fmt: skip


def _called_without(source: Source, scope: Scope) -> bool:
    return any(source.without_gradient(c) for c in source.callers(scope))
