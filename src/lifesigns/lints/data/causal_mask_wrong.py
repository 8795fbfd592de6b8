"""Rule L611: a causal mask hides the past, the position itself, or lets the next position through."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood

SHAPE = frozenset(
    {"to", "bool", "view", "unsqueeze", "float", "expand", "type", "cuda", "repeat", "contiguous", "clone", "reshape"}
)
"""operations that leave a mask what it is, for the use of its last two axes."""
Visible = tuple[bool, int]
"""(lower, k): with lower True, keys at or below diagonal k are in the set; else keys at or above diagonal k."""


class CausalMaskWrong(LintRule):
    """A triangular mask lets a position see its future, or takes away what it should see.

    What it detects
    ---------------
    `scores.masked_fill(mask, -inf)` or `scaled_dot_product_attention(..., attn_mask=mask)` where `mask` is made by
    `tril` or `triu` with the wrong one of the two, the wrong diagonal, or inverted.

    Why it matters
    --------------
    A position that sees the next one copies the answer: the loss is far too low and generation fails. One that does
    not see itself or the past has nothing to predict from; a row with all keys masked gives NaN.

    How it decides
    --------------
    The mask is followed through names, `~`, `== 0`, `1 -`, views and slices to the `tril` or `triu` of a constant
    diagonal. What is visible must be the keys at or below the diagonal 0.

    When it is wrong
    ----------------
    Models that read from right to left, or predict a position from those strictly before it.

    What to do
    ----------
    `is_causal=True`, or `torch.ones(n, n, dtype=torch.bool).tril()` as the mask of what is visible.

    References
    ----------
    Vaswani et al., Attention Is All You Need (2017), section 3.2.3; PyTorch documentation,
    torch.nn.functional.scaled_dot_product_attention.
    """

    code = "L611"
    since = "0.2"
    severity = "warning"
    looks_at = ("tril", "triu")
    causes = {"future-leak": Likelihood(0.2, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "upper triangle is visible": """
            mask = torch.triu(torch.ones(n, n, dtype=torch.bool))
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            """,
        "next one is visible": """
            visible = torch.ones(n, n).tril(1)
            scores = scores.masked_fill(visible == 0, float("-inf"))
            """,
        "itself is hidden": """
            visible = torch.ones(n, n, dtype=torch.bool).tril(diagonal=-1)
            w = scores.masked_fill(~visible, float("-inf")).softmax(-1)
            """,
        "past is hidden": """
            mask = torch.tril(torch.ones(n, n)).bool()
            w = scores.masked_fill(mask[None, None], -1e9).softmax(-1)
            """,
    }
    right = {
        "lower triangle is visible": """
            mask = torch.ones(n, n, dtype=torch.bool).tril()
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            """,
        "upper triangle is hidden": """
            mask = torch.triu(torch.ones(n, n), diagonal=1).bool()
            w = scores.masked_fill(mask, float("-inf")).softmax(-1)
            """,
        "with a cache": """
            mask = torch.triu(torch.ones(n, m), diagonal=1 + m - n).bool()
            w = scores.masked_fill(mask, float("-inf"))
            """,
        "no attention": "upper = torch.triu(torch.ones(n, n))\ntotal = (upper * pairs).sum()",
        "zeros, no scores": "kernel = kernel.masked_fill(torch.ones(n, n).tril(1) == 0, 0.0)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the mask."""
        for op in source.ops("masked_fill", "masked_fill_"):
            mask, filled = op.arg(1, "mask"), op.arg(2, "value")
            if mask is not None and filled is not None and _very_low(source, filled):
                said = _said(_opposite(_triangle(source, mask)))
                if said:
                    yield self.at(mask, f"this causal mask {said}")
        for call in source.calls("torch.nn.functional.scaled_dot_product_attention"):
            mask = source.argument(call, 3, "attn_mask")
            said = _said(_triangle(source, mask)) if mask is not None else ""
            if mask is not None and said and _boolean(source, mask):
                yield self.at(mask, f"this causal mask {said}")


def _said(visible: Visible | None) -> str:
    if visible is None or visible == (True, 0):
        return ""
    lower, k = visible
    if not lower:
        return "lets each position see the later ones and hides the earlier ones"
    if k > 0:
        return "lets each position see the next one"
    return "hides each position from itself, and the first one has nothing to see" if k == -1 else ""


def _opposite(found: Visible | None) -> Visible | None:
    if found is None:
        return None
    lower, k = found
    return (False, k + 1) if lower else (True, k - 1)


def _triangle(source: Source, node: ast.AST | None, depth: int = 0) -> Visible | None:
    """The triangle for which the mask is true."""
    if depth > 10 or not isinstance(node, ast.expr):
        return None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        return _opposite(_triangle(source, node.operand, depth + 1))
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return _compared(source, node, depth)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and source.number(node.left) == 1:
        return _opposite(_triangle(source, node.right, depth + 1))
    if isinstance(node, ast.Subscript):
        value = source.value(node)
        inner = node.value if value is None or value is node else value
        return _triangle(source, inner, depth + 1) if _keeps_corner(node) else None
    if isinstance(node, ast.Call):
        return _called(source, node, depth)
    value = source.value(node) if isinstance(node, ast.Name | ast.Attribute) else None
    return _triangle(source, value, depth + 1) if value is not None and value is not node else None


def _called(source: Source, node: ast.Call, depth: int) -> Visible | None:
    op = source.op(node)
    if op is None:
        return None
    if op.name in ("tril", "triu"):
        said = op.arg(1, "diagonal")
        k = 0 if said is None else source.number(said) if _constant(said) else None
        return None if k is None or not _ones(source, op.input) else (op.name == "tril", int(k))
    if op.name == "logical_not":
        return _opposite(_triangle(source, op.input, depth + 1))
    return _triangle(source, op.input, depth + 1) if op.name in SHAPE else None


def _compared(source: Source, node: ast.Compare, depth: int) -> Visible | None:
    number = source.number(node.comparators[0])
    inner = _triangle(source, node.left, depth + 1)
    if isinstance(node.ops[0], ast.Eq) and number in (0, 1):
        return inner if number == 1 else _opposite(inner)
    return inner if isinstance(node.ops[0], ast.NotEq | ast.Gt) and number == 0 else None


def _ones(source: Source, node: ast.AST | None) -> bool:
    value = source.value(node)
    op = source.op(value) if isinstance(value, ast.Call) else None
    return op is not None and (
        op.name in ("ones", "ones_like", "new_ones") or (op.name == "full" and source.number(op.arg(1)) == 1)
    )


def _constant(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant))


def _keeps_corner(node: ast.Subscript) -> bool:
    """Whether only new axes and slices from the start are taken, so that the diagonal stays where it was."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return all(
        (isinstance(p, ast.Slice) and p.lower is None and p.step is None)
        or (isinstance(p, ast.Constant) and (p.value is None or p.value is Ellipsis))
        for p in parts
    )


def _very_low(source: Source, node: ast.expr) -> bool:
    text = source.unparse(node)
    number = source.number(node)
    return "inf" in text or "finfo" in text or (number is not None and number <= -1e4)


def _boolean(source: Source, mask: ast.expr) -> bool:
    return any(isinstance(n, ast.Attribute) and n.attr == "bool" for n in source.upstream(mask, 60))
