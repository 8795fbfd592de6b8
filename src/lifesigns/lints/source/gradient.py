"""Where gradients flow: what runs under `no_grad`, what is detached, what reaches a network."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from lifesigns.lints.source.library import DISTRIBUTION, MODULE
from lifesigns.lints.source.tree import FUNCTIONS

if TYPE_CHECKING:
    from lifesigns.lints.source.source import Source

NO_GRAD = frozenset({"torch.no_grad", "torch.inference_mode"})
CUTS = frozenset(
    {"detach", "item", "numpy", "tolist", "detach_", "argmax", "multinomial", "sample", "argsort", "round"}
)
"""methods and operations whose result carries no gradient."""
MADE_ANEW = frozenset(
    {"tensor", "as_tensor", "from_numpy", "FloatTensor", "LongTensor", "zeros", "ones", "rand", "randn"}
)
DEEPEST = 10


def without_gradient(source: Source, node: ast.AST) -> bool:
    """Whether a node runs under no_grad; see `Source.without_gradient`."""
    inner = node
    for at in source.parents(node):
        if isinstance(at, ast.With | ast.AsyncWith) and any(inner is s for s in at.body):
            if any(_is_no_grad(source, item.context_expr) for item in at.items):
                return True
        elif isinstance(at, FUNCTIONS) and not isinstance(at, ast.Lambda):
            return any(_is_no_grad(source, d) for d in at.decorator_list)
        inner = at
    return False


def _is_no_grad(source: Source, node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        if source.name(node.func) == "torch.set_grad_enabled":
            return bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value is False
        return source.name(node.func) in NO_GRAD
    return source.name(node) in NO_GRAD


def has_gradient(source: Source, node: ast.AST | None, depth: int = 0) -> bool | None:
    """Whether a gradient flows through an expression into a network; see `Source.has_gradient`."""
    if not isinstance(node, ast.expr) or depth > DEEPEST:
        return None
    key = ("gradient", node)
    if key not in source.memo:
        source.memo[key] = None
        source.memo[key] = _has_gradient(source, node, depth)
    return source.memo[key]  # pyright: ignore


def _any(found: list[bool | None]) -> bool | None:
    return True if True in found else None if None in found else False


def _has_gradient(source: Source, node: ast.expr, depth: int) -> bool | None:
    if isinstance(node, ast.Constant) or without_gradient(source, node):
        return False
    if isinstance(node, ast.Name | ast.Attribute):
        return _of_name(source, node, depth)
    if isinstance(node, ast.Subscript):
        return has_gradient(source, node.value, depth + 1)
    if isinstance(node, ast.Call):
        return _of_call(source, node, depth)
    if isinstance(node, ast.Compare):
        return False
    parts = [c for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr)]
    return _any([has_gradient(source, p, depth + 1) for p in parts])


def _of_name(source: Source, node: ast.Name | ast.Attribute, depth: int) -> bool | None:
    if isinstance(node, ast.Attribute) and node.attr == "data":
        return False
    found = source.bindings(node)
    if not found:
        return (
            has_gradient(source, node.value, depth + 1)
            if isinstance(node, ast.Attribute) and node.attr in ("T", "mT")
            else None
        )
    given: list[bool | None] = []
    for one in found:
        if one.how == "param" or one.value is None:
            given.append(None)
        elif without_gradient(source, one.statement):
            given.append(False)
        else:
            given.append(has_gradient(source, one.value, depth + 1))
    return _any(given)


def _of_call(source: Source, node: ast.Call, depth: int) -> bool | None:
    func = node.func
    tail = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    name = source.name(func) or ""
    if tail in CUTS and (name.startswith("torch") or not name):
        return False
    if name.startswith("numpy.") or name in ("float", "int", "len", "bool"):
        return False
    if name.startswith("torch.") and tail in MADE_ANEW:
        return False
    if source.is_a(func, MODULE):
        return True
    if isinstance(func, ast.Attribute) and source.is_a(func.value, DISTRIBUTION) and tail in ("log_prob", "entropy"):
        return None
    if isinstance(func, ast.Attribute) and source.is_a(func.value, MODULE) and not name:
        return None
    target = source.function(node)
    if target is not None:
        there, scope = target
        if any(_is_no_grad(there, d) for d in getattr(scope.node, "decorator_list", ())):
            return False
        return _any([has_gradient(there, r, depth + 2) for r in scope.returns]) if scope.returns else None
    op = source.op(node)
    if op is None:
        return None
    inputs = [a for a in (*op.args, *op.keywords.values()) if not isinstance(a, ast.Constant)]
    return _any([has_gradient(source, a, depth + 1) for a in inputs]) if inputs else None
