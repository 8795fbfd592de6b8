"""Rule L112: Values are standardised with a bracket missing."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood


class StandardisedInTheWrongOrder(LintRule):
    """The mean is divided by the standard deviation, or subtracted after the division: the result is neither
    centred nor scaled.

    What it detects
    ---------------
    `adv - adv.mean() / (adv.std() + 1e-8)`, or `adv / (adv.std() + 1e-8) - adv.mean()`.

    Why it matters
    --------------
    Advantages keep a part of their mean and, in the first form, their scale: the step size depends on the size of
    the rewards.

    How it decides
    --------------
    A difference of which one side is `x` (or `x` over its standard deviation) and the other its mean over its
    standard deviation (or its mean), by the same text of `x`.

    When it is wrong
    ----------------
    No case of it is known.

    What to do
    ----------
    `(adv - adv.mean()) / (adv.std() + 1e-8)`.

    References
    ----------
    Huang et al., The 37 Implementation Details of PPO (2022), 7.

    """

    code = "L112"
    since = "0.2"
    severity = "warning"
    looks_at = ("std",)
    causes = {
        "advantage-wrong": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "mean over std": "advantages = advantages - advantages.mean() / (advantages.std() + 1e-8)",
        "std first": "adv = adv / (adv.std() + 1e-8) - adv.mean()",
        "functions": "returns = returns - np.mean(returns) / np.std(returns)",
    }
    right = {
        "standardised": "advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)",
        "both over std": "x = x / x.std() - x.mean() / x.std()",
        "others": "y = x - m.mean() / (m.std() + 1e-8)",
        "coefficient of variation": "score = 1 - x.mean() / x.std()",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the difference."""
        for node in source.nodes(ast.BinOp):
            assert isinstance(node, ast.BinOp)
            if not isinstance(node.op, ast.Sub):
                continue
            first, last = _over_spread(source, node.left), _over_spread(source, node.right)
            if last is not None and first is None:
                of = _of(source, last, "mean", "nanmean")
                if of is not None and of == source.unparse(node.left):
                    yield self.at(
                        node, f"only the mean is divided by the deviation: brackets around `{of} - …` are missing"
                    )
            elif first is not None and last is None and isinstance(node.left, ast.BinOp):
                of = _of(source, node.right, "mean", "nanmean")
                if of is not None and of == source.unparse(first):
                    yield self.at(node, "the mean is subtracted after the division: the result is not centred")


def _over_spread(source: Source, node: ast.expr) -> ast.expr | None:
    """What is divided by a standard deviation, if that is what the node is."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
        return None
    below = node.right
    if isinstance(below, ast.BinOp) and isinstance(below.op, ast.Add):
        below = below.left
    return node.left if _of(source, below, "std", "nanstd") is not None else None


def _of(source: Source, node: ast.expr, *names: str) -> str | None:
    """`x` of `x.mean()` or `np.mean(x)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in names:
        return None
    if source.name(node.func) is not None:
        return source.unparse(node.args[0]) if node.args else None
    return source.unparse(node.func.value)
