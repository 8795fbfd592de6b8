"""Losses that train an actor through a critic: which optimiser follows a `backward`, and what it trains."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.gradient import CUTS, MADE_ANEW
from lifesigns.lints.source.library import LOSS_OPS, MODULE, OPTIMIZER
from lifesigns.lints.source.tree import dotted
from lifesigns.lints.source.values import values


@dataclass(frozen=True, slots=True)
class Update:
    """`loss.backward(); optimizer.step()` where the optimiser holds the parameters of one module alone."""

    backward: ast.Call
    loss: ast.expr
    trained: str


def updates(source: Source) -> Iterator[Update]:
    """Each `backward` with the step that follows it in the same block, of an optimiser whose module is known."""
    for call in source.calls("torch.Tensor.backward"):
        loss, block = source.receiver(call), source.parent(source.statement(call))
        if loss is None or not isinstance(source.statement(call), ast.Expr):
            continue
        body = next((b for f in ("body", "orelse") if source.statement(call) in (b := getattr(block, f, []) or [])), [])
        after = body[body.index(source.statement(call)) + 1 :] if body else []
        for statement in after:
            inner = statement.value if isinstance(statement, ast.Expr) else None
            if not isinstance(inner, ast.Call) or not isinstance(inner.func, ast.Attribute):
                continue
            if inner.func.attr == "backward":
                break
            if inner.func.attr == "step" and source.is_a(inner.func.value, OPTIMIZER):
                trained = module_of(source, inner.func.value)
                if trained is not None:
                    yield Update(call, loss, trained)
                break


def module_of(source: Source, optimizer: ast.expr) -> str | None:
    """The dotted name of the one module whose `parameters()` an optimiser was given."""
    made = source.value(optimizer)
    first = source.argument(made, 0, "params") if isinstance(made, ast.Call) else None
    if isinstance(first, ast.Call) and source.name(first.func) == "list" and first.args:
        first = first.args[0]
    if not isinstance(first, ast.Call) or not isinstance(first.func, ast.Attribute) or first.func.attr != "parameters":
        return None
    return dotted(first.func.value)


def critic_calls(source: Source, node: ast.AST, trained: str) -> list[ast.Call]:
    """Calls of another network in an expression, through names, `[0]` and the smaller of two."""
    found: list[ast.Call] = []
    todo: list[ast.AST] = [node]
    for _ in range(40):
        if not todo:
            break
        one = todo.pop()
        if isinstance(one, ast.Subscript):
            todo.append(one.value)
        elif isinstance(one, ast.Name | ast.Attribute):
            held = [v.node for v in values(source, one) if v.source is source]
            todo.extend(n for n in held if n is not None and n is not one)
        elif isinstance(one, ast.Call):
            op = source.op(one)
            if op is not None and op.name in LOSS_OPS:
                continue
            if source.is_a(one.func, MODULE) and len(one.args) > 1 and dotted(one.func) != trained:
                found.append(one)
            elif op is not None and op.name in ("min", "minimum", "mean", "squeeze", "view", "flatten", "cat", "stack"):
                todo.extend(op.args)
        elif isinstance(one, ast.Tuple | ast.List):
            todo.extend(one.elts)
    return found


def reaches(source: Source, node: ast.AST, trained: str) -> tuple[bool, bool]:
    """Whether the trained module goes into an expression (with a gradient, at all): behind a cut it does not learn."""
    open_, cut = _walk(source, node, trained, False, set(), 0)
    return open_, open_ or cut


def _walk(
    source: Source, node: ast.AST, trained: str, behind: bool, seen: set[tuple[ast.AST, bool]], depth: int
) -> tuple[bool, bool]:
    if (node, behind) in seen or depth > 40 or len(seen) > 600:
        return False, False
    seen.add((node, behind))
    if isinstance(node, ast.Name | ast.Attribute) and dotted(node) == trained:
        return not behind, behind
    behind = behind or _cuts(source, node)
    found = [False, False]
    if isinstance(node, ast.Name) and (inside := _own_method(source, node, trained)) is not None:
        return (False, True) if behind or not _learns_inside(*inside) else (True, False)
    for one in _parts(source, node):
        now, cut = _walk(source, one, trained, behind, seen, depth + 1)
        found[0] |= now
        found[1] |= cut
    return found[0], found[1]


def _own_method(source: Source, node: ast.Name, trained: str) -> tuple[Source, ast.expr] | None:
    """The expression that a method of the trained module returns for a name: `action, _ = actor.get_action(obs)`."""
    held = source.bindings(node)
    call = held[0].value if len(held) == 1 else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or dotted(call.func.value) != trained:
        return None
    target = source.function(call)
    if target is None or len(target[1].returns) != 1 or target[1].parent is None:
        return None
    result, path = target[1].returns[0], held[0].path
    if not path:
        return target[0], result
    if isinstance(result, ast.Tuple) and len(path) == 1 and 0 <= path[0] < len(result.elts):
        return target[0], result.elts[path[0]]
    return None


def _learns_inside(source: Source, node: ast.expr) -> bool:
    """Whether a layer, a parameter or another method of `self` goes into an expression with a gradient."""
    todo: list[ast.AST] = [node]
    seen: set[ast.AST] = set()
    while todo and len(seen) < 300:
        one = todo.pop()
        if one in seen or _cuts(source, one):
            continue
        seen.add(one)
        own = isinstance(one, ast.Call) and (dotted(one.func) or "").startswith("self.")
        if own or (isinstance(one, ast.Call) and source.is_a(one.func, MODULE)):
            return True
        if isinstance(one, ast.Attribute) and source.kind(one) == "torch.nn.Parameter":
            return True
        todo.extend(_parts(source, one))
    return False


def _cuts(source: Source, node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    if source.without_gradient(node):
        return True
    func = node.func
    tail = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
    name = source.name(func) or ""
    if tail in CUTS and (name.startswith("torch") or not name):
        return True
    if name.startswith("torch.") and tail in MADE_ANEW:
        return True
    target = source.function(node)
    decorators = getattr(target[1].node, "decorator_list", ()) if target is not None else ()
    return any((target[0].name(d.func if isinstance(d, ast.Call) else d) or "").endswith("no_grad") for d in decorators)  # pyright: ignore


def _parts(source: Source, node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        for one in source.bindings(node):
            if one.value is not None and one.how != "param":
                yield one.value
    if isinstance(node, ast.Call):
        target = source.function(node)
        if target is not None and target[0] is source:
            yield from target[1].returns
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.keyword):
            yield child.value


def is_value_like(source: Source, call: ast.Call) -> bool:
    """Whether a network's name says that it rates: critic, q, value."""
    last = (dotted(call.func) or "").rpartition(".")[2].lower()
    return source.role(call.func) is Role.VALUE or any(w in last for w in ("critic", "q", "value", "vf"))
