"""A module as rules see it: every question a rule may ask, in one place. Nothing is run, nothing imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from lifesigns.lints.source import algebra, calling, gradient, kinds, loops, numbers, roles, steps, values
from lifesigns.lints.source.calling import Op
from lifesigns.lints.source.classes import ClassInfo, class_at
from lifesigns.lints.source.files import Text
from lifesigns.lints.source.flow import Flow, flow_of
from lifesigns.lints.source.names import canonical, import_table
from lifesigns.lints.source.project import Project
from lifesigns.lints.source.role_names import Role, role_of_name
from lifesigns.lints.source.tree import FUNCTIONS, Binding, Index, Scope, build, dotted
from lifesigns.lints.source.values import Value

BUILTINS = frozenset(dir(__builtins__) if not isinstance(__builtins__, dict) else __builtins__)


class Source:
    """One module. Lookups are lazy and kept; unknown is None, an empty tuple or `Role.UNKNOWN`."""

    def __init__(
        self, project: Project, text: Text, tree: ast.Module, path: Path, root: Path, module: str, is_package: bool
    ) -> None:
        self.project, self.text, self.tree, self.path = project, text, tree, path
        self.root, self.module = root, module
        self.index: Index = build(tree)
        self.imports: dict[str, str] = import_table(self.index, module, is_package)
        self.memo: dict[tuple[object, ...], object] = {}
        self._flows: dict[Scope, Flow] = {}
        self._names: dict[ast.AST, str | None] = {}

    # ---- words and places

    @cached_property
    def words(self) -> frozenset[str]:
        """Every identifier, keyword, short string and last part of an imported name: `looks_at` is held against it."""
        at = self.index
        tails = (name.rpartition(".")[2] for name in self.imports.values())
        return frozenset((*at.names, *at.attributes, *at.calls, *at.keywords, *at.strings, *self.local_names, *tails))

    @cached_property
    def local_names(self) -> frozenset[str]:
        """Names that something other than an import binds, anywhere in the module."""
        return frozenset(
            name
            for scope in self.index.scopes.values()
            for name, bindings in scope.bindings.items()
            if any(b.how != "import" for b in bindings)
        )

    def nodes(self, *types: type[ast.AST]) -> Iterator[ast.AST]:
        """Nodes of types in `tree.KEPT`, in source order within a type."""
        for one in types:
            yield from self.index.kinds[one]

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node around; None at the top."""
        return self.index.parents.get(node)

    def parents(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around, innermost first."""
        at = self.index.parents.get(node)
        while at is not None:
            yield at
            at = self.index.parents.get(at)

    def scope(self, node: ast.AST) -> Scope:
        """The innermost module, class or function whose body holds the node (for a `def`, the one around)."""
        inner = node
        for at in self.parents(node):
            found = self.index.scopes.get(at)
            if found is not None and self._in_body(inner, at):
                return found
            inner = at
        return self.index.module

    def _in_body(self, inner: ast.AST, at: ast.AST) -> bool:
        if isinstance(at, ast.Module):
            return True
        body = at.body  # pyright: ignore
        if isinstance(inner, ast.arg):
            return True
        return any(inner is s for s in body) if isinstance(body, list) else inner is body

    def statement(self, node: ast.AST) -> ast.AST:
        """The statement that the node is part of (itself, if it is one)."""
        return next((n for n in (node, *self.parents(node)) if isinstance(n, ast.stmt)), node)

    def functions(self) -> Iterator[Scope]:
        """Every function and method, outer before inner; no lambdas."""
        return (s for s in self.index.scopes.values() if s.kind == "function" and not isinstance(s.node, ast.Lambda))

    def unparse(self, node: ast.AST, most: int = 60) -> str:
        """Source text of a node on one line, for messages."""
        try:
            text = " ".join(ast.unparse(node).split())
        except (RecursionError, ValueError, AttributeError):
            return "…"
        return text if len(text) <= most else f"{text[: most - 1]}…"

    # ---- names

    def name(self, node: ast.AST | None) -> str | None:
        """Canonical dotted name: `F.cross_entropy` → `torch.nn.functional.cross_entropy`; None for variables.

        Classes and functions of the module itself are `<module>.<qualname>`.
        """
        if node is None:
            return None
        if node in self._names:
            return self._names[node]
        found: str | None = None
        if isinstance(node, ast.Name):
            found = self._plain_name(node)
        elif isinstance(node, ast.Attribute):
            base = self.name(node.value)
            found = canonical(f"{base}.{node.attr}") if base else None
        elif isinstance(node, ast.Subscript):
            found = self.name(node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            found = self._global_name(node.value)
        self._names[node] = found
        return found

    def _plain_name(self, node: ast.Name) -> str | None:
        if node.id in self.local_names:
            scope: Scope | None = self.scope(node)
            first = True
            while scope is not None:
                bindings = scope.bindings.get(node.id)
                if bindings and (first or scope.kind != "class"):
                    last = bindings[-1]
                    if last.how in ("def", "class"):
                        above = scope.qualname
                        return f"{self.module}.{above}.{node.id}" if above else f"{self.module}.{node.id}"
                    if all(b.how != "import" for b in bindings):
                        return None
                    break
                first = False
                scope = scope.parent
        return self._global_name(node.id)

    def _global_name(self, name: str) -> str | None:
        found = self.imports.get(name)
        if found is not None:
            return found
        if any(c.name == name for c in self.index.module.children):
            return f"{self.module}.{name}"
        return name if name in BUILTINS else self._starred(name)

    def _starred(self, name: str) -> str | None:
        stars = [base for local, base in self.imports.items() if local[0] == "*"]
        for base in stars:
            if base.split(".")[0] in ("torch", "numpy", "gymnasium") and name not in self.local_names:
                return canonical(f"{base}.{name}")
            if self.project.locate(self, f"{base}.{name}") is not None:
                return f"{base}.{name}"
        return None

    # ---- definitions and uses

    def flow(self, scope: Scope) -> Flow:
        """Reaching definitions of a scope, computed when first asked for."""
        found = self._flows.get(scope)
        if found is None:
            found = self._flows[scope] = flow_of(scope, self.index)
        return found

    def bindings(self, node: ast.AST) -> tuple[Binding, ...]:
        """What may have set the name, attribute or subscript that is read here. Empty where nothing in sight did."""
        return values.bindings(self, node)

    def uses(self, binding: Binding) -> list[ast.AST]:
        """Where the binding is read: the reads it reaches in its scope, and any read of that name in inner ones."""
        return values.uses(self, binding)

    def value(self, node: ast.AST | None) -> ast.expr | None:
        """The one expression that the node stands for, through names; itself if it is no name; None if several."""
        return values.single(self, node)

    def values(self, node: ast.AST | None) -> tuple[Value, ...]:
        """All expressions that the node may stand for; a `Value` with node None is what could not be followed."""
        return values.values(self, node)

    def upstream(self, node: ast.AST, most: int = 400) -> Iterator[ast.AST]:
        """Every node whose value goes into this one, through names, arguments and local functions' returns."""
        return values.upstream(self, node, most)

    def comes_from(self, node: ast.AST, *names: str) -> bool:
        """Whether a call of one of the names (canonical, or the last part alone) is upstream."""
        return values.comes_from(self, node, names)

    # ---- calls

    def calls(self, *names: str) -> list[ast.Call]:
        """Calls by canonical name, in source order; `torch.optim.Optimizer.step` is that method of any optimiser."""
        return calling.calls(self, names)

    def ops(self, *names: str) -> list[Op]:
        """Uses of a torch operation in all its forms: `F.softmax(x)`, `x.softmax()`, `nn.Softmax()(x)`."""
        return calling.ops(self, names)

    def op(self, node: ast.AST | None) -> Op | None:
        """The operation that a call is, if it is one of torch."""
        return calling.op(self, node)

    def method_calls(self, *names: str) -> list[ast.Call]:
        """Calls of methods of these names on anything, in source order."""
        found = [c for n in names for c in self.index.calls.get(n, ()) if isinstance(c.func, ast.Attribute)]
        return sorted(found, key=position)

    def receiver(self, call: ast.Call) -> ast.expr | None:
        """`opt` of `opt.step()`."""
        return call.func.value if isinstance(call.func, ast.Attribute) else None

    def argument(self, call: ast.Call, at: int, *names: str) -> ast.expr | None:
        """The argument at a position or by keyword; None if absent or hidden by `*args`."""
        return calling.argument(call, at, names)

    def function(self, call: ast.Call) -> tuple[Source, Scope] | None:
        """The project's function or method (or class's `__init__`) that the call runs."""
        return calling.function(self, call)

    def callers(self, scope: Scope) -> list[ast.Call]:
        """Calls of a function of this module, in this module."""
        return calling.callers(self, scope)

    # ---- objects

    def kind(self, node: ast.AST | None) -> str | None:
        """Canonical class of what an expression is: `torch.optim.Adam`, `gymnasium.Env`, a class of the project."""
        return kinds.kind(self, node)

    def is_a(self, node: ast.AST | None, wanted: str) -> bool:
        """Whether an expression is known to be of a kind (`library.OPTIMIZER`, `library.MODULE`, …), or a subclass."""
        found = kinds.kind(self, node)
        return found is not None and kinds.is_subclass(self, found, wanted)

    def class_of(self, node: ast.AST) -> ClassInfo | None:
        """The project's class that an expression is an instance of."""
        found = kinds.kind(self, node)
        return class_at(self, found) if found else None

    def classes(self, base: str = "") -> Iterator[ClassInfo]:
        """The module's own classes, those derived from `base` if given."""
        for scope in self.index.scopes.values():
            if scope.kind == "class":
                info = class_at(self, f"{self.module}.{scope.qualname}")
                if info is not None and (not base or kinds.is_subclass(self, info.name, base)):
                    yield info

    # ---- meaning

    def role(self, node: ast.AST | None) -> Role:
        """What an expression is; `Role.UNKNOWN` where neither its value nor its name tells."""
        return roles.role(self, node)

    def mentions(self, *wanted: Role) -> bool:
        """Whether any name, attribute, parameter or short string in the module has one of the roles, by its name."""
        return any(role_of_name(w) in wanted for w in self.words)

    def proven_role(self, node: ast.AST | None) -> Role:
        """The same from values alone: names tell nothing."""
        return roles.role(self, node, by_name=False)

    def terms(self, node: ast.AST | None, *, follow: bool = True) -> list[algebra.Term]:
        """A sum's terms with their signs and factors, through names and means; one term if it is no sum."""
        return algebra.terms(self, node, follow=follow)

    def number(self, node: ast.AST | None) -> float | None:
        """The value of a constant, also through names, argparse and dataclass defaults, and parameters' defaults."""
        return numbers.number(self, node)

    def written(self, node: ast.AST | None) -> ast.Constant | None:
        """Where such a number is written; None for one that is computed, or that several places give."""
        return numbers.written(self, node)

    def env_steps(self) -> list[steps.EnvStep]:
        """Each `env.step(a)` whose result is unpacked, with the bindings of its parts."""
        return steps.env_steps(self)

    def env_resets(self) -> list[ast.Call]:
        """Each call of `reset` on an environment."""
        return steps.env_resets(self)

    # ---- gradients, loops, order

    def without_gradient(self, node: ast.AST) -> bool:
        """Whether the node runs under `torch.no_grad()` or `inference_mode()`, as a block or a decorator."""
        return gradient.without_gradient(self, node)

    def has_gradient(self, node: ast.AST | None) -> bool | None:
        """Whether a gradient can flow through an expression into a network; None where that cannot be told."""
        return gradient.has_gradient(self, node)

    def loops(self, node: ast.AST) -> list[ast.AST]:
        """Loops around a node within its function, innermost first."""
        return loops.loops(self, node)

    def runs_in(self, loop: ast.AST, node: ast.AST) -> bool:
        """Whether the node is in the loop's body, directly or by a call of a local function (two levels)."""
        return loops.runs_in(self, loop, node)

    def before(self, first: ast.AST, second: ast.AST) -> bool:
        """Whether both are in one function and the first stands above the second."""
        return self.scope(first) is self.scope(second) and position(first) < position(second)

    def same(self, first: ast.AST, second: ast.AST) -> bool:
        """Whether both are the same name, set by the same bindings (`self.opt` and `self.opt`)."""
        name = dotted(first)
        return name is not None and name == dotted(second) and set(self.bindings(first)) == set(self.bindings(second))

    def enclosing_function(self, node: ast.AST) -> Scope | None:
        """The function around a node, lambdas left out."""
        scope: Scope | None = self.scope(node)
        while scope is not None and (scope.kind != "function" or isinstance(scope.node, ast.Lambda)):
            scope = scope.parent
        return scope

    def is_function(self, node: ast.AST) -> bool:
        """Whether the node is a `def` or a lambda."""
        return isinstance(node, FUNCTIONS)


def position(node: ast.AST) -> tuple[int, int]:
    """(line, column), for sorting."""
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def in_order(nodes: Iterable[ast.AST]) -> list[ast.AST]:
    """By place in the file."""
    return sorted(nodes, key=position)
