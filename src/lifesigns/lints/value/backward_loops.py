"""Loops from the last step to the first, and the sums that run through them: x = now + factor * x."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lifesigns.lints.source import Binding, Role, Source, Term

ENDS = frozenset({Role.TERMINATED, Role.TRUNCATED, Role.DONE, Role.MASK})


@dataclass(frozen=True, slots=True)
class BackwardSum:
    """`last = delta + gamma * lam * last` in a backward loop: what is carried on, and the terms of this step."""

    loop: ast.For | ast.While
    binding: Binding
    carried: Term
    now: tuple[Term, ...]


def backward_sums(source: Source) -> Iterator[BackwardSum]:
    """Each such sum whose carried term has a discount among its factors."""
    for loop in source.nodes(ast.For):
        assert isinstance(loop, ast.For)
        if not runs_backward(source, loop.iter) or _of_one_episode(loop.iter):
            continue
        for node in (*source.nodes(ast.Assign), *source.nodes(ast.AugAssign)):
            if not any(p is loop for p in source.parents(node)):
                continue
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # pyright: ignore
            target = next((t for t in targets if isinstance(t, ast.Name)), None)
            binding = source.index.bound.get(target) if target is not None else None
            if binding is None or target is None or binding.value is None:
                continue
            parts = source.terms(binding.value, follow=False)
            own = [t for t in parts if _reads(source, t, target.id)]
            if len(parts) > 1 and len(own) == 1 and _discounted(source, own[0]):
                yield BackwardSum(loop, binding, own[0], tuple(t for t in parts if t is not own[0]))


def runs_backward(source: Source, node: ast.expr) -> bool:
    """`reversed(...)`, `range(n - 1, -1, -1)`, `x[::-1]`."""
    if isinstance(node, ast.Call):
        name = source.name(node.func)
        if name == "reversed":
            return True
        if name == "range" and len(node.args) == 3:
            return source.number(node.args[2]) == -1
        return name in ("enumerate", "zip", "list", "tqdm.tqdm") and any(runs_backward(source, a) for a in node.args)
    return isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and (
        isinstance(node.slice.step, ast.UnaryOp) and source.number(node.slice.step) == -1
    )  # fmt: skip


def _of_one_episode(over: ast.expr) -> bool:
    """Whether what is looped over is called one episode: `reversed(episode)`."""
    inner = over.args[0] if isinstance(over, ast.Call) and over.args else over
    return isinstance(inner, ast.Name) and bool(re.search(r"(?:^|_)(?:episode|trajectory|traj)$", inner.id))


def is_end(source: Source, node: ast.AST) -> bool:
    """Whether a node is a flag of an episode's end, or its mask, by value or by name."""
    return isinstance(node, ast.expr) and source.role(node) in ENDS


def knows_ends(source: Source, node: ast.AST, most: int = 200) -> bool:
    """Whether a flag of an end is among what goes into an expression."""
    return any(is_end(source, n) for n in source.upstream(node, most))


def _reads(source: Source, term: Term, name: str) -> bool:
    """Whether a factor is that name, or another that was just made from it."""
    for factor in term.factors:
        made = source.value(factor.node) if isinstance(factor.node, ast.Name) else None
        inside = [n for of in (factor.node, made) if of is not None for n in ast.walk(of)]
        if any(isinstance(n, ast.Name) and n.id == name for n in inside):
            return True
    return False


def _discounted(source: Source, term: Term) -> bool:
    return any(source.role(f.node) is Role.DISCOUNT for f in term.factors)
