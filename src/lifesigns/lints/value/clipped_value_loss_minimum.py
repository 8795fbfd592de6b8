"""Rule L221: of the two value losses, the clipped and the plain one, the smaller is taken."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood


class ClippedValueLossMinimum(LintRule):
    """The clipped value loss is combined with the plain one by `min` where the larger of the two bounds the step.

    What it detects
    ---------------
    `0.5 * torch.min(v_loss, v_loss_clipped).mean()`.

    Why it matters
    --------------
    The clip is there to hold back a value that has moved too far. With the smaller of the two errors, the far ones get
    no gradient to come back, and the near ones are not held.

    How it decides
    --------------
    Both arguments of `min` are squared differences, through names; one of them is made with `clamp` or `clip`.

    When it is wrong
    ----------------
    A loss that is meant to be robust to outliers.

    What to do
    ----------
    `torch.max` of the two, as in the policy's own clip.

    References
    ----------
    Engstrom et al., Implementation Matters in Deep Policy Gradients (2020), section 3.
    """

    code = "L221"
    since = "0.2"
    severity = "warning"
    looks_at = ("min", "minimum", "clamp", "clip")
    causes = {"value-learns-nothing": Likelihood(0.03, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "names": """
            v_loss_unclipped = (newvalue - b_returns) ** 2
            v_clipped = b_values + torch.clamp(newvalue - b_values, -0.2, 0.2)
            v_loss_clipped = (v_clipped - b_returns) ** 2
            v_loss = 0.5 * torch.min(v_loss_unclipped, v_loss_clipped).mean()
            """,
        "rewards are clipped too": """
            returns = np.clip(rewards, -1, 1) + gamma * next_values
            plain = (value - returns) ** 2
            near = old + torch.clamp(value - old, -0.2, 0.2)
            clipped = (near - returns) ** 2
            loss = torch.min(plain, clipped).mean()
            """,
        "in place": """
            clipped = old + (value - old).clamp(-0.2, 0.2)
            loss = torch.minimum((value - ret).pow(2), (clipped - ret).pow(2)).mean()
            """,
    }
    right = {
        "maximum": """
            clipped = old + (value - old).clamp(-0.2, 0.2)
            loss = torch.max((value - ret).pow(2), (clipped - ret).pow(2)).mean()
            """,
        "policy": """
            surrogate = ratio * advantages
            clipped = ratio.clamp(0.8, 1.2) * advantages
            loss = -torch.min(surrogate, clipped).mean()
            """,
        "two critics": "loss = torch.min((q1 - y).pow(2), (q2 - y).pow(2)).mean()",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the `min`."""
        for op in source.ops("min", "minimum"):
            if len(op.args) != 2 or not all(_squared(source, a) for a in op.args):
                continue
            names = [{n.id for n in ast.walk(source.value(a) or a) if isinstance(n, ast.Name)} for a in op.args]
            clipped = [_clips(source, a, names[0] & names[1]) for a in op.args]
            if clipped.count(True) == 1:
                yield self.at(op.node, "the smaller of the two value losses: a value that went too far is let go")


def _clips(source: Source, node: ast.expr, common: set[str]) -> bool:
    """Whether a squared difference, or a name in it that the other has not, is made with `clamp`."""
    made = source.value(node)
    inside = [n for n in ast.walk(made) if isinstance(n, ast.Name) and n.id not in common] if made is not None else []
    values = [v for n in inside if isinstance(v := source.value(n), ast.BinOp | ast.Call)]
    return any(
        isinstance(n, ast.Call) and (getattr(n.func, "attr", "") or getattr(n.func, "id", "")) in ("clamp", "clip")
        for of in (made, *values)
        if of is not None
        for n in ast.walk(of)
    )


def _squared(source: Source, node: ast.expr) -> bool:
    made = source.value(node)
    if isinstance(made, ast.BinOp) and isinstance(made.op, ast.Pow):
        return source.number(made.right) == 2
    op = source.op(made) if isinstance(made, ast.Call) else None
    return op is not None and (op.name == "square" or (op.name == "pow" and source.number(op.arg(1, "exponent")) == 2))
