"""Calls: by canonical name, as torch operations in all their forms, and the local functions that they run."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifesigns.lints.source.library import MODULE_OPS, OP_MODULES, TENSOR
from lifesigns.lints.source.tree import Scope, dotted

if TYPE_CHECKING:
    from lifesigns.lints.source.source import Source

_TORCH = ("torch.", "torch.nn.functional.", "torch.Tensor.")


@dataclass(frozen=True, slots=True)
class Op:
    """A torch operation, however it is written; `args[0]` is its input (the receiver of a method)."""

    name: str
    node: ast.Call
    args: tuple[ast.expr, ...]
    keywords: dict[str, ast.expr]

    @property
    def input(self) -> ast.expr | None:
        """The first argument."""
        return self.args[0] if self.args else self.keywords.get("input")

    def arg(self, at: int, *names: str) -> ast.expr | None:
        """The argument at a position (0 is the input), or by keyword; options of `nn.X(...)` count as keywords."""
        for name in names:
            if name in self.keywords:
                return self.keywords[name]
        return self.args[at] if 0 <= at < len(self.args) else None


def calls(source: Source, names: Iterable[str]) -> list[ast.Call]:
    """Calls of canonical names; see `Source.calls`."""
    found: list[ast.Call] = []
    for wanted in names:
        key = ("calls", wanted)
        held = source.memo.get(key)
        if held is None:
            held = source.memo[key] = _calls(source, wanted)
        found.extend(held)  # pyright: ignore
    return sorted(dict.fromkeys(found), key=lambda c: (c.lineno, c.col_offset))


def _calls(source: Source, wanted: str) -> list[ast.Call]:
    head, _, tail = wanted.rpartition(".")
    of_class = head.rpartition(".")[2][:1].isupper()
    candidates = list(source.index.calls.get(tail, ()))
    for local, full in source.imports.items():
        if full == wanted and local != tail:
            candidates.extend(source.index.calls.get(local, ()))
    if not of_class:
        return [c for c in candidates if source.name(c.func) == wanted]
    found: list[ast.Call] = []
    for call in candidates:
        if not isinstance(call.func, ast.Attribute):
            continue
        of = call.func.value
        if source.kind(of) is None:
            if head == TENSOR and source.name(of) is None:
                found.append(call)
        elif source.is_a(of, head):
            found.append(call)
    return found


def op(source: Source, node: ast.AST | None) -> Op | None:
    """The torch operation that a call is; see `Source.op`. A method of an unknown object counts as a tensor's."""
    if not isinstance(node, ast.Call):
        return None
    key = ("op", node)
    if key not in source.memo:
        source.memo[key] = None
        source.memo[key] = _op(source, node)
    return source.memo[key]  # pyright: ignore


def _op(source: Source, node: ast.Call) -> Op | None:
    if any(isinstance(a, ast.Starred) for a in node.args):
        return None
    keywords = {k.arg: k.value for k in node.keywords if k.arg}
    name = source.name(node.func)
    if name is not None:
        for start in _TORCH:
            if name.startswith(start) and "." not in name[len(start) :]:
                tail = name[len(start) :]
                return Op(tail, node, tuple(node.args), keywords) if tail[:1].islower() else None
        return None
    kind = source.kind(node.func)
    if kind is not None:
        tail = kind.rpartition(".")[2]
        if kind.startswith("torch.nn.") and tail in MODULE_OPS:
            return Op(MODULE_OPS[tail], node, tuple(node.args), {**_options(source, node.func), **keywords})
        return None
    if isinstance(node.func, ast.Attribute):
        base = node.func.value
        of = source.kind(base)
        if (of is None and source.name(base) is None) or of == TENSOR:
            return Op(node.func.attr, node, (base, *node.args), keywords)
    return None


def _options(source: Source, func: ast.AST) -> dict[str, ast.expr]:
    """Keywords of the constructor of a module that is called."""
    made = source.value(func)
    return {k.arg: k.value for k in made.keywords if k.arg} if isinstance(made, ast.Call) else {}


def ops(source: Source, names: Iterable[str]) -> list[Op]:
    """Uses of torch operations by name; see `Source.ops`."""
    found: list[Op] = []
    for wanted in names:
        key = ("ops", wanted)
        held = source.memo.get(key)
        if held is None:
            held = source.memo[key] = _ops(source, wanted)
        found.extend(held)  # pyright: ignore
    return sorted(found, key=lambda o: (o.node.lineno, o.node.col_offset))


def _ops(source: Source, wanted: str) -> list[Op]:
    tails = {wanted, *(local for local, full in source.imports.items() if full.rpartition(".")[2] == wanted)}
    module = OP_MODULES.get(wanted)
    if module is not None and module in source.words:
        tails |= _instance_names(source, module)
    candidates = dict.fromkeys(c for t in tails for c in source.index.calls.get(t, ()))
    return [o for c in candidates if (o := op(source, c)) is not None and o.name == wanted]


def _instance_names(source: Source, module: str) -> set[str]:
    """Last parts of the names that hold an instance of a module class; `()` for one called where it is made."""
    names = {"()"}
    for local, full in (*source.imports.items(), (module, module)):
        if full.rpartition(".")[2] == module:
            for call in source.index.calls.get(local, ()):
                for one in _bound_by(source, call):
                    names.add(one.rpartition(".")[2])
    return names


def _bound_by(source: Source, call: ast.Call) -> list[str]:
    """Names of the targets of the assignment that a call is in."""
    at = source.parent(call)
    while isinstance(at, ast.Call | ast.Attribute | ast.IfExp | ast.Tuple | ast.List | ast.keyword):
        at = source.parent(at)
    targets = at.targets if isinstance(at, ast.Assign) else [at.target] if isinstance(at, ast.AnnAssign) else []
    parts = [p for t in targets for p in (t.elts if isinstance(t, ast.Tuple | ast.List) else [t])]
    return [name for p in parts if (name := dotted(p)) is not None]


def argument(call: ast.Call, at: int, names: Iterable[str]) -> ast.expr | None:
    """An argument by keyword or position; see `Source.argument`."""
    wanted = set(names)
    for word in call.keywords:
        if word.arg in wanted:
            return word.value
    if at < 0 or any(isinstance(a, ast.Starred) for a in call.args[: at + 1]):
        return None
    return call.args[at] if at < len(call.args) else None


def function(source: Source, call: ast.Call) -> tuple[Source, Scope] | None:
    """The project's function that a call runs; see `Source.function`."""
    key = ("function", call)
    if key not in source.memo:
        source.memo[key] = None
        source.memo[key] = _function(source, call.func)
    return source.memo[key]  # pyright: ignore


def _function(source: Source, func: ast.expr) -> tuple[Source, Scope] | None:
    from lifesigns.lints.source.classes import class_at

    name = source.name(func)
    if name is not None:
        found = _located(source, name)
        if found is not None and found[1].kind == "class":
            info = class_at(found[0], f"{found[0].module}.{found[1].qualname}")
            return info.method("__init__") if info is not None else None
        return found
    if isinstance(func, ast.Attribute):
        info = source.class_of(func.value)
        return info.method(func.attr) if info is not None else None
    return None


def _located(source: Source, name: str) -> tuple[Source, Scope] | None:
    found = source.project.locate(source, name)
    if found is None and name.startswith(f"{source.module}."):
        inner = name[len(source.module) + 1 :]
        scope = next((s for s in source.index.scopes.values() if s.qualname == inner), None)
        return (source, scope) if scope is not None else None
    return found


def callers(source: Source, scope: Scope) -> list[ast.Call]:
    """Calls of a function in its own module; of `__init__`, those of the class (and of `super().__init__` none)."""
    key = ("callers", scope)
    if key not in source.memo:
        source.memo[key] = []
        name = scope.name
        if name == "__init__" and scope.parent is not None and scope.parent.kind == "class":
            name = scope.parent.name
        elif name == "forward":
            source.memo[key] = _forward_calls(source, scope)
            return source.memo[key]  # pyright: ignore
        source.memo[key] = [
            c for c in source.index.calls.get(name, ()) if (t := function(source, c)) is not None and t[1] is scope
        ]
    return source.memo[key]  # pyright: ignore


def _forward_calls(source: Source, scope: Scope) -> list[ast.Call]:
    if scope.parent is None or scope.parent.kind != "class":
        return []
    wanted = f"{source.module}.{scope.parent.qualname}"
    names = {scope.parent.name}
    held = {n.rpartition(".")[2] for c in source.index.calls.get(scope.parent.name, ()) for n in _bound_by(source, c)}
    return [c for n in held - names for c in source.index.calls.get(n, ()) if source.kind(c.func) == wanted]


def bound_argument(call: ast.Call, scope: Scope, name: str) -> ast.expr | None:
    """The argument that a call binds to a parameter; None where it gives none or hides it behind `*`."""
    for word in call.keywords:
        if word.arg == name:
            return word.value
    args = getattr(scope.node, "args", None)
    if args is None:
        return None
    names = [a.arg for a in (*args.posonlyargs, *args.args)]
    if scope.is_method and names:
        names = names[1:]
    if name not in names:
        return None
    at = names.index(name)
    if any(isinstance(a, ast.Starred) for a in call.args[: at + 1]):
        return None
    return call.args[at] if at < len(call.args) else None


def default_of(scope: Scope, name: str) -> ast.expr | None:
    """A parameter's default."""
    args = getattr(scope.node, "args", None)
    if args is None:
        return None
    names = [a.arg for a in (*args.posonlyargs, *args.args)]
    pairs = dict(zip(reversed(names), reversed(args.defaults), strict=False))
    pairs.update({a.arg: d for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d is not None})
    return pairs.get(name)
