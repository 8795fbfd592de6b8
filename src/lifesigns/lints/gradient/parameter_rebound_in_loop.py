"""Rule L313: parameters are assigned to a loop's variable, which changes none of them."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.tree import EACH
from lifesigns.rules import Likelihood

GIVERS = frozenset({"parameters", "named_parameters", "buffers"})


class ParameterReboundInLoop(LintRule):
    """An update of parameters binds a new tensor to the loop's variable and leaves the parameters as they are.

    What it detects
    ---------------
    `for target, param in zip(a.parameters(), b.parameters()): target = tau * param + (1 - tau) * target`.

    Why it matters
    --------------
    The name `target` now means another tensor; the network's parameter was never written to. A target network stays
    at its first values, an initialisation has no effect.

    How it decides
    --------------
    The variable takes items of a call of `parameters()`; in the loop's body it is assigned arithmetic on itself that
    is used for nothing else afterwards.

    When it is wrong
    ----------------
    Hardly: a value that nobody reads is of no use.

    What to do
    ----------
    `target.copy_(...)` or `target.lerp_(param, tau)`, under `torch.no_grad()`.

    References
    ----------
    Python language reference, 7.2 Assignment statements.
    """

    code = "L313"
    since = "0.2"
    severity = "error"
    looks_at = tuple(sorted(GIVERS))
    causes = {
        "target-network-not-updated": Likelihood(0.1, source="judgement"),
        "parameters-not-trained": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.001, source="judgement; see benchmarks/lint")
    wrong = {
        "soft update": """
            for target, param in zip(target_net.parameters(), net.parameters()):
                target = tau * param + (1 - tau) * target
            """,
        "pairs in a name": """
            pairs = zip(target_net.parameters(), net.parameters(), strict=True)
            for target, param in pairs:
                target = tau * param + (1 - tau) * target
            """,
        "initialisation": """
            for name, p in net.named_parameters():
                p = torch.randn_like(p) * 0.01
            """,
        "own step": """
            def step(net, lr):
                with torch.no_grad():
                    for p in net.parameters():
                        p = p - lr * p.grad
            """,
    }
    right = {
        "in place": """
            for target, param in zip(target_net.parameters(), net.parameters()):
                target.data.copy_(tau * param + (1 - tau) * target)
            """,
        "augmented": "for p in net.parameters():\n    p.data -= lr * p.grad",
        "read afterwards": """
            for p in net.parameters():
                p = p.detach().flatten()
                flat.append(p)
            """,
        "in place by an operator": "with torch.no_grad():\n    for p in net.parameters():\n        p -= lr * p.grad",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the assignment."""
        for loop in source.nodes(ast.For):
            assert isinstance(loop, ast.For)
            if not any(_gives(n) for n in source.upstream(loop.iter, 30)):
                continue
            names = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
            for node in _assignments(loop):
                target = node.targets[0]
                bound = source.index.bound.get(target)
                if not isinstance(target, ast.Name) or target.id not in names or bound is None:
                    continue
                if isinstance(node.value, ast.BinOp | ast.Call) and not source.uses(bound) and bound.path != (EACH,):
                    yield self.at(node, f"this binds the name `{target.id}` anew; the parameter itself is not changed")


def _gives(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in GIVERS


def _assignments(loop: ast.For) -> Iterable[ast.Assign]:
    for statement in loop.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                yield node
