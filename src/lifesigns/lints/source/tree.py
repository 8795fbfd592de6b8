"""One walk over a syntax tree: scopes, bindings, calls, words, and the parent of every node."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

How = Literal["assign", "augment", "for", "with", "param", "import", "def", "class", "except", "walrus", "annotation"]
EACH, STARRED, ENTERED = -1001, -1002, -1003
"""Steps of a path that are no index: an item of an iterable, the starred rest, what a `with` gives."""

Path = tuple[int, ...]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(slots=True, eq=False)
class Scope:
    """A module, class, function or lambda. Comprehensions belong to the scope around them."""

    node: ast.AST
    kind: Literal["module", "class", "function"]
    name: str
    parent: Scope | None
    loads: dict[str, list[ast.Name]] = field(default_factory=dict[str, list[ast.Name]])
    bindings: dict[str, list[Binding]] = field(default_factory=dict[str, "list[Binding]"])
    calls: list[ast.Call] = field(default_factory=list[ast.Call])
    returns: list[ast.expr] = field(default_factory=list[ast.expr])
    outer: set[str] = field(default_factory=set[str])
    children: list[Scope] = field(default_factory=list["Scope"])

    def __repr__(self) -> str:
        return f"Scope({self.kind} {self.qualname or 'top'})"

    @property
    def qualname(self) -> str:
        """`Agent.update` for a method; empty for the module."""
        above = self.parent.qualname if self.parent else ""
        return f"{above}.{self.name}" if above else self.name

    @property
    def class_scope(self) -> Scope | None:
        """The class whose method this is, or in whose method it is defined."""
        scope: Scope | None = self
        while scope is not None and scope.kind != "class":
            scope = scope.parent
        return scope

    @property
    def is_method(self) -> bool:
        """Whether it is a function in a class body, other than a static or class method."""
        node = self.node
        if self.parent is None or self.parent.kind != "class" or isinstance(node, ast.Lambda):
            return False
        decorators = [d.id for d in getattr(node, "decorator_list", ()) if isinstance(d, ast.Name)]
        return not {"staticmethod", "classmethod"} & set(decorators)

    def inside(self) -> Iterator[Scope]:
        """This scope and all within it."""
        todo: list[Scope] = [self]
        while todo:
            scope = todo.pop()
            yield scope
            todo.extend(scope.children)


@dataclass(slots=True, eq=False)
class Binding:
    """A name (or `self.x`, `batch['done']`) given a value: `path` leads from `value` to the part bound.

    `obs, reward, terminated, truncated, info = env.step(a)` makes five, all with that call as `value` and paths
    (0,) to (4,), `width` 5. Of `x += y` the value is `x + y`.
    """

    name: str
    node: ast.AST
    how: How
    value: ast.expr | None
    statement: ast.AST
    scope: Scope
    path: Path = ()
    width: int = 0

    def __repr__(self) -> str:
        return f"Binding({self.name} by {self.how}, line {getattr(self.node, 'lineno', 0)}, path {self.path})"


@dataclass(slots=True)
class Index:
    """What one walk leaves behind. Dicts by name keep source order."""

    module: Scope
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict[ast.AST, ast.AST])
    scopes: dict[ast.AST, Scope] = field(default_factory=dict[ast.AST, Scope])
    calls: dict[str, list[ast.Call]] = field(default_factory=dict[str, list[ast.Call]])
    keywords: dict[str, list[ast.Call]] = field(default_factory=dict[str, list[ast.Call]])
    attributes: dict[str, list[ast.Attribute]] = field(default_factory=dict[str, list[ast.Attribute]])
    names: dict[str, list[ast.Name]] = field(default_factory=dict[str, list[ast.Name]])
    strings: dict[str, list[ast.Constant]] = field(default_factory=dict[str, list[ast.Constant]])
    bound: dict[ast.AST, Binding] = field(default_factory=dict[ast.AST, Binding])
    kinds: dict[type[ast.AST], list[ast.AST]] = field(default_factory=dict[type[ast.AST], list[ast.AST]])
    imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list[ast.Import | ast.ImportFrom])


KEPT = (
    *LOOPS,
    ast.If,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.Assert,
    ast.BinOp,
    ast.AugAssign,
    ast.Assign,
    ast.ClassDef,
    ast.Compare,
    ast.Subscript,
    ast.ListComp,
    ast.IfExp,
    ast.BoolOp,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
)
"""node types of which `Index.kinds` keeps every one."""
_SKIPPED = {"ctx", "op", "ops", "type_comment", "kind", "type_ignores", "type_params", "conversion", "annotation"}


def _child_fields() -> dict[type[ast.AST], tuple[str, ...]]:
    kinds = [c for c in vars(ast).values() if isinstance(c, type) and issubclass(c, ast.AST)]
    return {c: tuple(f for f in reversed(c._fields) if f not in _SKIPPED) for c in kinds}


_FIELDS = _child_fields()
_TERMINAL = frozenset({ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom})


def dotted(node: ast.AST) -> str | None:
    """`x`, `self.actor.net`, `batch['done']`; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    tail = ""
    while True:
        if isinstance(node, ast.Attribute):
            tail = f".{node.attr}{tail}"
            node = node.value
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and type(node.slice.value) is str:
            tail = f"[{node.slice.value!r}]{tail}"
            node = node.value
        elif isinstance(node, ast.Name):
            return node.id + tail
        else:
            return None


def build(tree: ast.Module) -> Index:
    """The index of a module. One pass, no recursion: depth is bounded by the parser alone."""
    module = Scope(tree, "module", "", None)
    index = Index(module)
    index.scopes[tree] = module
    for kind in KEPT:
        index.kinds[kind] = []
    parents, kinds = index.parents, index.kinds
    stack: list[tuple[ast.AST, ast.AST, Scope]] = [(s, tree, module) for s in reversed(tree.body)]
    while stack:
        node, parent, scope = stack.pop()
        parents[node] = parent
        kind = type(node)
        if kind is ast.Name:
            if type(node.ctx) is ast.Load:  # pyright: ignore
                scope.loads.setdefault(node.id, []).append(node)  # pyright: ignore
                index.names.setdefault(node.id, []).append(node)  # pyright: ignore
            continue
        if kind is ast.Constant:
            value = node.value  # pyright: ignore
            if type(value) is str and len(value) < 60:
                index.strings.setdefault(value, []).append(node)  # pyright: ignore
            continue
        kept = kinds.get(kind)
        if kept is not None:
            kept.append(node)
        handler = _HANDLERS.get(kind)
        if handler is not None:
            inner = handler(index, node, scope)
            if inner is not None:
                _push_scope(stack, node, scope, inner)
                continue
            if kind in _TERMINAL:
                continue
        for name in _FIELDS[kind]:
            value = getattr(node, name, None)
            if type(value) is list:
                for i in range(len(value) - 1, -1, -1):
                    if isinstance(value[i], ast.AST):
                        stack.append((value[i], node, scope))
            elif isinstance(value, ast.AST):
                stack.append((value, node, scope))
    return index


def _push_scope(stack: list[tuple[ast.AST, ast.AST, Scope]], node: ast.AST, scope: Scope, inner: Scope) -> None:
    """Body in the new scope; decorators, defaults and bases in the one around."""
    body = node.body  # pyright: ignore
    stack.extend((s, node, inner) for s in (reversed(body) if isinstance(body, list) else (body,)))
    outside: list[ast.AST] = [*getattr(node, "bases", ()), *getattr(node, "keywords", ())]
    outside += getattr(node, "decorator_list", ())
    if (args := getattr(node, "args", None)) is not None:
        outside += [*args.defaults, *(d for d in args.kw_defaults if d is not None)]
    stack.extend((s, node, scope) for s in reversed(outside))


def _bind(index: Index, binding: Binding) -> None:
    binding.scope.bindings.setdefault(binding.name, []).append(binding)
    index.bound[binding.node] = binding


def _targets(
    index: Index, target: ast.AST, value: ast.expr | None, how: How, statement: ast.AST, scope: Scope, start: Path = ()
) -> None:
    """A binding for each name in a target; literal tuples on both sides are paired off."""
    todo: list[tuple[ast.AST, ast.expr | None, Path, int]] = [(target, value, start, 0)]
    while todo:
        node, whole, path, width = todo.pop()
        if isinstance(node, ast.Tuple | ast.List):
            parts = node.elts
            star = next((i for i, p in enumerate(parts) if isinstance(p, ast.Starred)), None)
            same = (
                isinstance(whole, ast.Tuple | ast.List)
                and not path
                and star is None
                and len(whole.elts) == len(parts)
                and not any(isinstance(e, ast.Starred) for e in whole.elts)
            )
            for i, part in enumerate(parts):
                if same:
                    todo.append((part, whole.elts[i], (), 0))  # pyright: ignore
                elif star is None or i < star:
                    todo.append((part, whole, (*path, i), len(parts) if star is None else 0))
                else:
                    todo.append((part, whole, (*path, STARRED if i == star else i - len(parts)), 0))
        elif isinstance(node, ast.Starred):
            todo.append((node.value, whole, path, 0))
        elif (name := dotted(node)) is not None:
            _bind(index, Binding(name, node, how, whole, statement, scope, path, width))


def _assign(index: Index, node: ast.Assign, scope: Scope) -> None:
    for target in node.targets:
        _targets(index, target, node.value, "assign", node, scope)


def _annotated(index: Index, node: ast.AnnAssign, scope: Scope) -> None:
    _targets(index, node.target, node.value, "assign" if node.value is not None else "annotation", node, scope)


def _augmented(index: Index, node: ast.AugAssign, scope: Scope) -> None:
    value = ast.copy_location(ast.BinOp(left=node.target, op=node.op, right=node.value), node)
    index.parents[value] = node
    _targets(index, node.target, value, "augment", node, scope)


def _for(index: Index, node: ast.For | ast.comprehension, scope: Scope) -> None:
    _targets(index, node.target, node.iter, "for", node, scope, (EACH,))


def _with(index: Index, node: ast.With, scope: Scope) -> None:
    for item in node.items:
        if item.optional_vars is not None:
            _targets(index, item.optional_vars, item.context_expr, "with", node, scope, (ENTERED,))


def _walrus(index: Index, node: ast.NamedExpr, scope: Scope) -> None:
    _targets(index, node.target, node.value, "walrus", node, scope)


def _except(index: Index, node: ast.ExceptHandler, scope: Scope) -> None:
    if node.name:
        _bind(index, Binding(node.name, node, "except", None, node, scope))


def _import(index: Index, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
    index.imports.append(node)
    for alias in node.names:
        name = alias.asname or (alias.name.split(".")[0] if isinstance(node, ast.Import) else alias.name)
        _bind(index, Binding(name, alias, "import", None, node, scope))


def _outer(index: Index, node: ast.Global | ast.Nonlocal, scope: Scope) -> None:
    scope.outer.update(node.names)


def _return(index: Index, node: ast.Return, scope: Scope) -> None:
    if node.value is not None:
        scope.returns.append(node.value)


def _call(index: Index, node: ast.Call, scope: Scope) -> None:
    scope.calls.append(node)
    func = node.func
    if isinstance(func, ast.Attribute):
        index.calls.setdefault(func.attr, []).append(node)
    elif isinstance(func, ast.Name):
        index.calls.setdefault(func.id, []).append(node)
    else:
        index.calls.setdefault("()", []).append(node)
    for word in node.keywords:
        if word.arg:
            index.keywords.setdefault(word.arg, []).append(node)


def _attribute(index: Index, node: ast.Attribute, scope: Scope) -> None:
    index.attributes.setdefault(node.attr, []).append(node)


def _class(index: Index, node: ast.ClassDef, scope: Scope) -> Scope:
    _bind(index, Binding(node.name, node, "class", None, node, scope))
    return _enter(index, node, "class", node.name, scope)


def _function(index: Index, node: ast.FunctionDef, scope: Scope) -> Scope:
    _bind(index, Binding(node.name, node, "def", None, node, scope))
    return _lambda(index, node, scope)


def _lambda(index: Index, node: ast.FunctionDef | ast.Lambda, scope: Scope) -> Scope:
    inner = _enter(index, node, "function", getattr(node, "name", "<lambda>"), scope)
    args = node.args
    for one in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
        if one is not None:
            _bind(index, Binding(one.arg, one, "param", None, node, inner))
            index.parents[one] = node
    if isinstance(node, ast.Lambda):
        inner.returns.append(node.body)
    return inner


def _enter(index: Index, node: ast.AST, kind: Literal["class", "function"], name: str, scope: Scope) -> Scope:
    inner = Scope(node, kind, name, scope)
    scope.children.append(inner)
    index.scopes[node] = inner
    return inner


_HANDLERS = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.comprehension: _for,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.NamedExpr: _walrus,
    ast.ExceptHandler: _except,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.Global: _outer,
    ast.Nonlocal: _outer,
    ast.Return: _return,
    ast.Call: _call,
    ast.Attribute: _attribute,
    ast.ClassDef: _class,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.Lambda: _lambda,
}
