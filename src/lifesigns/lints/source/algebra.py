"""Sums and products: an expression as signed terms, each a product of factors, through names, means and brackets."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lifesigns.lints.source.source import Source

LINEAR_OPS = frozenset(
    {
        "mean", "sum", "squeeze", "unsqueeze", "view", "reshape", "flatten", "to", "float", "clone", "contiguous",
        "detach", "item", "nanmean", "tensor", "as_tensor", "double", "cpu", "numpy",
    }
)  # fmt: skip
"""operations through which a sum's terms keep their signs."""
MOST_TERMS, DEEPEST = 40, 14


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor as it stands in the source; `divides` if it is in a denominator."""

    node: ast.expr
    divides: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """A product; `sign` is -1 where minus signs of the sum and of factors leave one. Constants are among factors."""

    sign: int
    factors: tuple[Factor, ...]
    node: ast.expr


def terms(source: Source, node: ast.AST | None, *, follow: bool = True) -> list[Term]:
    """A sum's terms; see `Source.terms`. A product with a sum in it stays one term."""
    if not isinstance(node, ast.expr):
        return []
    found: list[Term] = []
    todo: list[tuple[ast.expr, int, int, tuple[Factor, ...]]] = [(node, 1, 0, ())]
    while todo and len(found) < MOST_TERMS:
        one, sign, depth, outside = todo.pop()
        one = _plain(source, one, follow, depth)
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Add | ast.Sub) and depth < DEEPEST:
            second = -sign if isinstance(one.op, ast.Sub) else sign
            todo.append((one.right, second, depth + 1, outside))
            todo.append((one.left, sign, depth + 1, outside))
        elif isinstance(one, ast.UnaryOp) and isinstance(one.op, ast.USub | ast.UAdd):
            todo.append((one.operand, -sign if isinstance(one.op, ast.USub) else sign, depth + 1, outside))
        else:
            whole, factors = _product(source, one, sign, follow, depth)
            found.append(Term(whole, (*outside, *factors), one))
    return found


def _plain(source: Source, node: ast.expr, follow: bool, depth: int) -> ast.expr:
    """Through means and other linear operations, and through a name to its one value where that is arithmetic."""
    for _ in range(DEEPEST - depth if depth < DEEPEST else 0):
        if isinstance(node, ast.Call):
            op = source.op(node)
            if op is None or op.name not in LINEAR_OPS or op.input is None:
                return node
            node = op.input
        elif follow and isinstance(node, ast.Name | ast.Attribute):
            value = source.value(node)
            if value is None or value is node or not _arithmetic(source, value):
                return node
            node = value
        else:
            return node
    return node


def _arithmetic(source: Source, value: ast.expr) -> bool:
    if isinstance(value, ast.BinOp | ast.UnaryOp):
        return True
    op = source.op(value) if isinstance(value, ast.Call) else None
    return op is not None and op.name in LINEAR_OPS and op.input is not None


def _product(source: Source, node: ast.expr, sign: int, follow: bool, depth: int) -> tuple[int, list[Factor]]:
    factors: list[Factor] = []
    todo: list[tuple[ast.expr, bool, int]] = [(node, False, depth)]
    while todo:
        one, divides, at = todo.pop()
        inner = _plain(source, one, follow, at)
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult | ast.Div) and at < DEEPEST:
            flip = isinstance(inner.op, ast.Div)
            todo.append((inner.right, divides != flip, at + 1))
            todo.append((inner.left, divides, at + 1))
        elif isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.USub):
            sign = -sign
            todo.append((inner.operand, divides, at + 1))
        else:
            if isinstance(inner, ast.Constant) and isinstance(inner.value, int | float) and inner.value < 0:
                sign = -sign
            kept = one if isinstance(one, ast.Name | ast.Attribute) and not isinstance(inner, ast.Constant) else inner
            factors.append(Factor(kept, divides))
    return sign, factors
