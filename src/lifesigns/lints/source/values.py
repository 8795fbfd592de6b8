"""Following values: from a name to what may have set it, through unpacking, arguments, returns and attributes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifesigns.lints.source.tree import EACH, Binding, Path, Scope, dotted

if TYPE_CHECKING:
    from lifesigns.lints.source.source import Source

DEEPEST = 12
"""names followed one after the other."""


@dataclass(frozen=True, slots=True)
class Value:
    """An expression that a name may stand for; `path` is the part of it (see `tree.Binding`); None: not followed."""

    node: ast.expr | None
    source: Source
    path: Path = ()


def bindings(source: Source, node: ast.AST) -> tuple[Binding, ...]:
    """Bindings that may have set what is read at `node` (see `Source.bindings`)."""
    key = ("bindings", node)
    held = source.memo.get(key)
    if held is None:
        held = source.memo[key] = _bindings(source, node)
    return held  # pyright: ignore


def _bindings(source: Source, node: ast.AST) -> tuple[Binding, ...]:
    scope: Scope | None = source.scope(node)
    found = source.flow(scope).reach.get(node)
    if found is not None:
        return found
    if isinstance(node, ast.Name):
        name = node.id
        first = True
        while scope is not None:
            held = scope.bindings.get(name)
            if held and (first or scope.kind != "class") and name not in scope.outer:
                return tuple(held) if not first else tuple(b for b in held if b.statement is not node)
            first = False
            scope = scope.parent
        return ()
    if isinstance(node, ast.Attribute):
        return _of_object(source, node)
    return ()


def _of_object(source: Source, node: ast.Attribute) -> tuple[Binding, ...]:
    """Bindings of `self.x` in all methods of the class and its bases here, or of an attribute of a local object."""
    info = source.class_of(node.value)
    return tuple(info.attribute(node.attr)) if info is not None and info.source is source else ()


def uses(source: Source, binding: Binding) -> list[ast.AST]:
    """Reads of a binding (see `Source.uses`)."""
    scope = binding.scope
    found: list[ast.AST] = list(source.flow(scope).uses.get(binding, ()))
    if binding.name.isidentifier():
        for child in (c for s in scope.children for c in s.inside()):
            if binding.name not in child.bindings or binding.name in child.outer:
                found.extend(child.loads.get(binding.name, ()))
        if scope.kind in ("module", "class") or binding.name in scope.outer:
            named = (n for n in source.index.names.get(binding.name, ()) if source.scope(n) is not scope)
            found.extend(n for n in named if not _shadowed(source, n, binding.name, scope))
    else:
        last = binding.name.rpartition(".")[2]
        found.extend(n for n in source.index.attributes.get(last, ()) if isinstance(n.ctx, ast.Load))
    return list(dict.fromkeys(found))


def _shadowed(source: Source, node: ast.AST, name: str, scope: Scope) -> bool:
    """Whether a function between a read and the scope has that name to itself: a parameter, say."""
    at: Scope | None = source.scope(node)
    while at is not None and at is not scope:
        if name in at.outer:
            return False
        if at.kind != "class" and name in at.bindings:
            return True
        at = at.parent
    return False


def single(source: Source, node: ast.AST | None) -> ast.expr | None:
    """The one expression behind a name; see `Source.value`."""
    if not isinstance(node, ast.expr):
        return None
    found = values(source, node)
    return found[0].node if len(found) == 1 and not found[0].path and found[0].source is source else None


def values(source: Source, node: ast.AST | None, depth: int = 0) -> tuple[Value, ...]:
    """What an expression may stand for; see `Source.values`."""
    if not isinstance(node, ast.expr):
        return (Value(None, source),)
    key = ("values", node)
    held = source.memo.get(key)
    if held is None:
        source.memo[key] = (Value(None, source),)
        held = source.memo[key] = tuple(dict.fromkeys(_values(source, node, depth)))
        if depth:
            del source.memo[key]
    return held  # pyright: ignore


def _values(source: Source, node: ast.expr, depth: int) -> Iterator[Value]:
    if depth > DEEPEST:
        yield Value(None, source)
    elif isinstance(node, ast.IfExp):
        yield from values(source, node.body, depth + 1)
        yield from values(source, node.orelse, depth + 1)
    elif isinstance(node, ast.NamedExpr | ast.Await):
        yield from values(source, node.value, depth + 1)
    elif isinstance(node, ast.Name) or (isinstance(node, ast.Attribute | ast.Subscript) and dotted(node) is not None):
        found = bindings(source, node)
        if not found:
            yield Value(node if not isinstance(node, ast.Name) else None, source)
        for one in found:
            yield from _of_binding(source, one, depth + 1)
    else:
        yield Value(node, source)


def _of_binding(source: Source, binding: Binding, depth: int) -> Iterator[Value]:
    if binding.how == "param":
        yield from _of_parameter(source, binding, depth)
    elif binding.value is None:
        yield Value(None, source)
    elif not binding.path:
        yield from values(source, binding.value, depth)
    else:
        for whole in values(source, binding.value, depth):
            yield from part(whole, binding.path, depth)


def part(whole: Value, path: Path, depth: int = 0) -> Iterator[Value]:
    """The part of a value at a path: an element of a literal, of a local function's return, or the path kept."""
    node, source = whole.node, whole.source
    path = whole.path + path
    if node is None or not path:
        yield Value(node, source, path)
        return
    if isinstance(node, ast.Tuple | ast.List) and -len(node.elts) <= path[0] < len(node.elts):
        element = node.elts[path[0]]
        if not any(isinstance(e, ast.Starred) for e in node.elts):
            for one in values(source, element, depth + 1):
                yield from part(one, path[1:], depth + 1) if path[1:] else (one,)
            return
    if isinstance(node, ast.Call) and depth <= DEEPEST and path[0] >= -100:
        target = source.function(node)
        if target is not None and target[1].returns and target[1].name != "__init__":
            there, scope = target
            for result in scope.returns:
                for one in values(there, result, depth + 2):
                    yield from part(one, path, depth + 2)
            return
    yield Value(node, source, path)


def _of_parameter(source: Source, binding: Binding, depth: int) -> Iterator[Value]:
    """Arguments of the calls in this module, and the default where a call gives none; unknown without any call."""
    from lifesigns.lints.source.calling import bound_argument, default_of

    scope = binding.scope
    calls = source.callers(scope)
    if not calls or depth > DEEPEST:
        yield Value(None, source)
        return
    for call in calls:
        given = bound_argument(call, scope, binding.name)
        if given is None:
            given = default_of(scope, binding.name)
        if given is None:
            yield Value(None, source)
        else:
            yield from values(source, given, depth + 1)


def upstream(source: Source, node: ast.AST, most: int) -> Iterator[ast.AST]:
    """Breadth first over an expression's parts and what set the names in them; at most `most` nodes."""
    todo: list[tuple[Source, ast.AST]] = [(source, node)]
    seen: set[ast.AST] = {node}
    at = 0
    while at < len(todo) and at < most:
        here, one = todo[at]
        at += 1
        yield one
        for there, more in _next(here, one):
            if more not in seen:
                seen.add(more)
                todo.append((there, more))


def _next(source: Source, node: ast.AST) -> Iterator[tuple[Source, ast.AST]]:
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Store):
        for one in bindings(source, node):
            if one.how == "param":
                for value in _of_parameter(source, one, 1):
                    if value.node is not None:
                        yield value.source, value.node
            elif one.value is not None:
                yield source, one.value
    if isinstance(node, ast.Call):
        target = source.function(node)
        if target is not None and target[0] is source:
            for result in target[1].returns:
                yield source, result
    if not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr | ast.keyword | ast.comprehension):
                yield source, child


def comes_from(source: Source, node: ast.AST, names: Iterable[str]) -> bool:
    """Whether a call of one of the names is upstream (see `Source.comes_from`)."""
    full = {n for n in names if "." in n}
    last = {n for n in names if "." not in n}
    for one in upstream(source, node, 400):
        if isinstance(one, ast.Call):
            func = one.func
            tail = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
            if tail in last or (full and source.name(func) in full):
                return True
    return False


def iterated(binding: Binding) -> bool:
    """Whether the binding takes items of an iterable (a `for`, a comprehension)."""
    return binding.how == "for" and binding.path[:1] == (EACH,)
