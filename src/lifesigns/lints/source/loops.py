"""Loops around a node, and whether something runs in a loop through local functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from lifesigns.lints.source.tree import LOOPS

if TYPE_CHECKING:
    from lifesigns.lints.source.source import Source
    from lifesigns.lints.source.tree import Scope


def loops(source: Source, node: ast.AST) -> list[ast.AST]:
    """Loops whose body holds the node, within its function, innermost first."""
    found: list[ast.AST] = []
    inner = node
    for at in source.parents(node):
        if at in source.index.scopes:
            break
        if isinstance(at, LOOPS) and inner in at.body:
            found.append(at)
        inner = at
    return found


def runs_in(source: Source, loop: ast.AST, node: ast.AST, depth: int = 2) -> bool:
    """Whether the node is in the loop, or in a local function that is called in it."""
    if any(at is loop for at in source.parents(node)):
        return True
    scope = source.enclosing_function(node)
    return depth > 0 and scope is not None and any(runs_in(source, loop, c, depth - 1) for c in source.callers(scope))


def same_block(source: Source, first: ast.AST, second: ast.AST) -> bool:
    """Whether two nodes' statements stand in one list of statements."""
    a, b = source.statement(first), source.statement(second)
    return source.parent(a) is source.parent(b)


def home(source: Source, scope: Scope) -> ast.AST | None:
    """The innermost loop in which a function is called, if there is exactly one."""
    around = {found[0] for call in source.callers(scope) if (found := loops(source, call))}
    return around.pop() if len(around) == 1 else None
