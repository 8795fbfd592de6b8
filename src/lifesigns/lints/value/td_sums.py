"""Sums of a reward and a discounted future, and flags in which a time limit and a termination are merged."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lifesigns.lints.source import Role, Source, Term

ENDS = (Role.TERMINATED, Role.TRUNCATED, Role.DONE)


@dataclass(frozen=True, slots=True)
class TdSum:
    """`rewards + gamma * mask * next_values`: its node, the terms with a reward, the discounted others."""

    node: ast.BinOp
    rewards: tuple[Term, ...]
    futures: tuple[Term, ...]


def td_sums(source: Source, *, follow: bool = False) -> Iterator[TdSum]:
    """Each sum that has a term with a reward and another with a discount; outermost sums only."""
    for node in source.nodes(ast.BinOp):
        assert isinstance(node, ast.BinOp)
        if not isinstance(node.op, ast.Add | ast.Sub) or isinstance(source.parent(node), ast.BinOp):
            continue
        parts = source.terms(node, follow=follow)
        rewards = tuple(t for t in parts if has_role(source, t, Role.REWARD))
        futures = tuple(t for t in parts if t not in rewards and has_role(source, t, Role.DISCOUNT))
        if rewards and futures:
            yield TdSum(node, rewards, futures)


def has_role(source: Source, term: Term, *wanted: Role) -> bool:
    """Whether a factor above the fraction line has one of the roles."""
    return any(not f.divides and source.role(f.node) in wanted for f in term.factors)


def is_merged(source: Source, node: ast.AST) -> bool:
    """Whether the value is made by `or` of a termination and a truncation."""
    return any(_is_either(source, n) for n in source.upstream(node, 40))


def _is_either(source: Source, node: ast.AST) -> bool:
    sides: list[ast.expr] = []
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        sides = node.values
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = [node.left, node.right]
    elif isinstance(node, ast.Call) and (source.name(node.func) or "").endswith("logical_or"):
        sides = list(node.args)
    roles = {source.role(s) for s in sides}
    return Role.TERMINATED in roles and Role.TRUNCATED in roles


def made_of(source: Source, node: ast.AST, most: int = 200) -> Iterator[ast.AST]:
    """What an expression is computed from; of a batch that is unpacked, not the other parts."""
    todo: list[ast.AST] = [node]
    seen: set[ast.AST] = set()
    while todo and len(seen) < most:
        one = todo.pop(0)
        if one in seen:
            continue
        seen.add(one)
        yield one
        if isinstance(one, ast.Name | ast.Attribute | ast.Subscript) and not isinstance(one.ctx, ast.Store):
            todo += [b.value for b in source.bindings(one) if b.value is not None and not b.path]
        if isinstance(one, ast.Call):
            target = source.function(one)
            if target is not None and target[0] is source:
                todo += target[1].returns
        if not isinstance(one, ast.Lambda):
            todo += [c for c in ast.iter_child_nodes(one) if isinstance(c, ast.expr | ast.keyword | ast.comprehension)]
