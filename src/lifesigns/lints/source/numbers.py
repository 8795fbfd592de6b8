"""Numbers known without running: constants, through names, parsers' and dataclasses' defaults, and arithmetic."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING

from lifesigns.lints.source.calling import default_of

if TYPE_CHECKING:
    from lifesigns.lints.source.source import Source

_OPERATIONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def number(source: Source, node: ast.AST | None, depth: int = 0) -> float | None:
    """The number that an expression is; see `Source.number`. A default counts, though the user may override it."""
    if not isinstance(node, ast.expr) or depth > 8:
        return None
    if isinstance(node, ast.Constant):
        return float(node.value) if isinstance(node.value, int | float) and abs(node.value) < 1e300 else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = number(source, node.operand, depth + 1)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp):
        return _arithmetic(source, node, depth)
    if isinstance(node, ast.Call) and source.name(node.func) in ("float", "int") and len(node.args) == 1:
        return number(source, node.args[0], depth + 1)
    if isinstance(node, ast.Name | ast.Attribute):
        return _of_name(source, node, depth)
    return None


def _arithmetic(source: Source, node: ast.BinOp, depth: int) -> float | None:
    left, right = number(source, node.left, depth + 1), number(source, node.right, depth + 1)
    apply = _OPERATIONS.get(type(node.op))
    if left is None or right is None or apply is None or (apply is operator.truediv and right == 0):
        return None
    return apply(left, right)


def _of_name(source: Source, node: ast.Name | ast.Attribute, depth: int) -> float | None:
    found = source.bindings(node)
    numbers: set[float | None] = set()
    for one in found:
        if one.how == "param":
            given = source.callers(one.scope)
            default = default_of(one.scope, one.name)
            numbers.add(number(source, default, depth + 1) if not given else _of_calls(source, one, default, depth))
        else:
            numbers.add(number(source, one.value, depth + 1) if not one.path and one.how != "augment" else None)
    if found:
        return numbers.pop() if len(numbers) == 1 else None
    if isinstance(node, ast.Attribute):
        return number(source, setting(source, node.attr), depth + 1)
    return None


def _of_calls(source: Source, binding: object, default: ast.expr | None, depth: int) -> float | None:
    from lifesigns.lints.source.calling import bound_argument
    from lifesigns.lints.source.tree import Binding

    assert isinstance(binding, Binding)
    given = {
        number(source, bound_argument(c, binding.scope, binding.name) or default, depth + 1)
        for c in source.callers(binding.scope)
    }
    return given.pop() if len(given) == 1 else None


def setting(source: Source, name: str) -> ast.expr | None:
    """The default that argparse or a dataclass gives a setting; None if none or more than one does."""
    found: list[ast.expr] = []
    for call in source.index.calls.get("add_argument", ()):
        flags = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if any(f.lstrip("-").replace("-", "_") == name for f in flags):
            found.extend(k.value for k in call.keywords if k.arg == "default")
    for scope in source.index.module.children:
        if scope.kind == "class":
            found.extend(
                b.value
                for b in scope.bindings.get(name, ())
                if b.value is not None and isinstance(b.statement, ast.AnnAssign)
            )
    return found[0] if len(found) == 1 else None


def written(source: Source, node: ast.AST | None, depth: int = 0) -> ast.Constant | None:
    """The constant that gives an expression its number; see `Source.written`."""
    if isinstance(node, ast.Constant) or not isinstance(node, ast.Name | ast.Attribute) or depth > 8:
        return node if isinstance(node, ast.Constant) else None
    found = source.bindings(node)
    if not found:
        return written(source, setting(source, node.attr), depth + 1) if isinstance(node, ast.Attribute) else None
    places = {written(source, b.value, depth + 1) if b.how != "param" and not b.path else None for b in found}
    return places.pop() if len(places) == 1 else None
