"""Reaching definitions inside one function or module body: which bindings may have set the name read here.

Structured, in statement order: both sides of a branch are merged, a loop body is passed twice (so that what the end of
the body sets reaches its start), `try` bodies reach their handlers from any point. Names of enclosing scopes are left
to `Source`, which takes every binding of that name there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lifesigns.lints.source.tree import COMPREHENSIONS, Binding, Index, Scope, dotted

Env = dict[str, tuple[Binding, ...]]
_LOAD = ast.Load


@dataclass(slots=True)
class Flow:
    """`reach`: a name, attribute or subscript that is read → its bindings. `uses`: the other way round."""

    reach: dict[ast.AST, tuple[Binding, ...]] = field(default_factory=dict[ast.AST, tuple[Binding, ...]])
    uses: dict[Binding, set[ast.AST]] = field(default_factory=dict[Binding, set[ast.AST]])
    at_end: Env = field(default_factory=Env)


def flow_of(scope: Scope, index: Index) -> Flow:
    """The flow of one scope; of a class, that of its body."""
    walker = _Walker(index)
    env: Env = {}
    node = scope.node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        env = {name: (bs[0],) for name, bs in scope.bindings.items() if bs[0].how == "param"}
    body = getattr(node, "body", [])
    if isinstance(body, list):
        walker.block(body, env)
    else:
        walker.read(body, env)
    flow = walker.flow
    flow.at_end = env
    for name, bindings in flow.reach.items():
        for one in bindings:
            flow.uses.setdefault(one, set()).add(name)
    return flow


def _merge(into: Env, other: Env) -> bool:
    """Adds what reaches by the other way; whether that was news."""
    news = False
    for name, theirs in other.items():
        ours = into.get(name)
        if ours is None:
            into[name] = theirs
            news = True
        elif ours is not theirs:
            more = tuple(b for b in theirs if b not in ours)
            if more:
                into[name] = ours + more
                news = True
    return news


@dataclass(slots=True)
class _Loop:
    breaks: list[Env] = field(default_factory=list[Env])
    continues: list[Env] = field(default_factory=list[Env])


class _Walker:
    """`block` and its kin change `env` in place and say whether control can leave at the end."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.flow = Flow()
        self.loops: list[_Loop] = []

    def block(self, body: Sequence[ast.stmt], env: Env) -> bool:
        return all(self.statement(statement, env) for statement in body)

    def statement(self, node: ast.stmt, env: Env) -> bool:
        if isinstance(node, ast.If):
            return self._if(node, env)
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            return self._loop(node, env)
        if isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                self.read(item.context_expr, env)
                if item.optional_vars is not None:
                    self.store(item.optional_vars, env)
            return self.block(node.body, env)
        if isinstance(node, ast.Try | ast.TryStar):
            return self._try(node, env)
        if isinstance(node, ast.Match):
            return self._match(node, env)
        if isinstance(node, ast.Return | ast.Raise):
            self._read_all(ast.iter_child_nodes(node), env)
            return False
        if isinstance(node, ast.Break | ast.Continue):
            if self.loops:
                kept = self.loops[-1].breaks if isinstance(node, ast.Break) else self.loops[-1].continues
                kept.append(dict(env))
            return False
        self._simple(node, env)
        return True

    def _simple(self, node: ast.stmt, env: Env) -> None:
        if isinstance(node, ast.Assign):
            self.read(node.value, env)
            for target in node.targets:
                self.store(target, env)
        elif isinstance(node, ast.AugAssign):
            self.read(node.value, env)
            if (name := dotted(node.target)) is not None and name in env:
                self.flow.reach[node.target] = env[name]
            self.store(node.target, env)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.read(node.value, env)
                self.store(node.target, env)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._read_all((*node.decorator_list, *node.args.defaults, *node.args.kw_defaults), env)
            self._set(node.name, node, env)
        elif isinstance(node, ast.ClassDef):
            self._read_all((*node.decorator_list, *node.bases), env)
            self._set(node.name, node, env)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                if (binding := self.index.bound.get(alias)) is not None:
                    self._set(binding.name, alias, env)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                if (name := dotted(target)) is not None:
                    env.pop(name, None)
        else:
            self._read_all(ast.iter_child_nodes(node), env)

    def _if(self, node: ast.If, env: Env) -> bool:
        self.read(node.test, env)
        other = dict(env)
        first = self.block(node.body, env)
        second = self.block(node.orelse, other) if node.orelse else True
        if first and second:
            _merge(env, other)
        elif second:
            env.clear()
            env.update(other)
        return first or second

    def _loop(self, node: ast.For | ast.AsyncFor | ast.While, env: Env) -> bool:
        if not isinstance(node, ast.While):
            self.read(node.iter, env)
        endless = isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)
        start = dict(env)
        loop = _Loop()
        for _ in range(2):
            loop = _Loop()
            self.loops.append(loop)
            inner = dict(start)
            if isinstance(node, ast.While):
                self.read(node.test, inner)
            else:
                self.store(node.target, inner)
            if self.block(node.body, inner):
                loop.continues.append(inner)
            self.loops.pop()
            news = False
            for one in loop.continues:
                news |= _merge(start, one)
            if not news:
                break
        if endless:
            if not loop.breaks:
                return False
            env.clear()
        else:
            env.update(start)
            if node.orelse and not self.block(node.orelse, env):
                return bool(loop.breaks)
        for one in loop.breaks:
            _merge(env, one)
        return True

    def _try(self, node: ast.Try | ast.TryStar, env: Env) -> bool:
        before = dict(env)
        alive = self.block(node.body, env)
        midway = dict(before)
        _merge(midway, env)
        if alive and node.orelse:
            alive = self.block(node.orelse, env)
        ends = [env] if alive else []
        for handler in node.handlers:
            inner = dict(midway)
            if handler.name:
                self._set(handler.name, handler, inner)
            if self.block(handler.body, inner):
                ends.append(inner)
        result = dict(ends[0]) if ends else dict(midway)
        for one in ends[1:]:
            _merge(result, one)
        env.clear()
        env.update(result)
        finished = self.block(node.finalbody, env) if node.finalbody else True
        return finished and bool(ends)

    def _match(self, node: ast.Match, env: Env) -> bool:
        self.read(node.subject, env)
        result = dict(env)
        for case in node.cases:
            inner = dict(env)
            if case.guard is not None:
                self.read(case.guard, inner)
            if self.block(case.body, inner):
                _merge(result, inner)
        env.clear()
        env.update(result)
        return True

    def _read_all(self, nodes: Iterable[ast.AST | None], env: Env) -> None:
        for node in nodes:
            if node is not None:
                self.read(node, env)

    def read(self, node: ast.AST, env: Env) -> None:
        """Records what reaches each name in an expression; a comprehension's own names shadow."""
        todo: list[tuple[ast.AST, Env]] = [(node, env)]
        reach = self.flow.reach
        while todo:
            one, here = todo.pop()
            kind = type(one)
            if kind is ast.Constant:
                continue
            if kind is ast.Name:
                if one.id in here:  # pyright: ignore
                    reach[one] = here[one.id]  # pyright: ignore
                continue
            if kind is ast.Attribute or kind is ast.Subscript:
                if (name := dotted(one)) is not None and name in here:
                    reach[one] = here[name]
            elif kind is ast.NamedExpr:
                self.read(one.value, here)  # pyright: ignore
                self.store(one.target, here)  # pyright: ignore
                continue
            elif kind in COMPREHENSIONS:
                self._comprehension(one, here)
                continue
            elif kind is ast.Lambda:
                self._read_all((*one.args.defaults, *one.args.kw_defaults), here)  # pyright: ignore
                continue
            todo.extend((c, here) for c in reversed(list(ast.iter_child_nodes(one))) if type(c) is not _LOAD)

    def _comprehension(self, node: ast.AST, env: Env) -> None:
        inner = dict(env)
        for part in node.generators:  # pyright: ignore
            self.read(part.iter, inner)
            self.store(part.target, inner)
            self._read_all(part.ifs, inner)
        if isinstance(node, ast.DictComp):
            self._read_all((node.key, node.value), inner)
        else:
            self.read(node.elt, inner)  # pyright: ignore

    def store(self, target: ast.AST, env: Env) -> None:
        """A new binding for each name in the target; it replaces what the name and its parts had."""
        if isinstance(target, ast.Tuple | ast.List):
            for part in target.elts:
                self.store(part, env)
        elif isinstance(target, ast.Starred):
            self.store(target.value, env)
        else:
            if isinstance(target, ast.Attribute | ast.Subscript):
                self.read(target.value, env)
                if isinstance(target, ast.Subscript):
                    self.read(target.slice, env)
            if (name := dotted(target)) is not None:
                self._set(name, target, env)

    def _set(self, name: str, node: ast.AST, env: Env) -> None:
        binding = self.index.bound.get(node)
        if binding is None:
            return
        for other in [k for k in env if k.startswith((f"{name}.", f"{name}["))]:
            del env[other]
        env[name] = (binding,)
