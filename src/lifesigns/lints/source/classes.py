"""Classes of the project: bases, methods, attributes set in any method; inheritance within the project."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lifesigns.lints.source.tree import Binding, Scope

if TYPE_CHECKING:
    from lifesigns.lints.source.source import Source

MOST_BASES = 20


@dataclass(eq=False)
class ClassInfo:
    """A class and where it is written."""

    name: str
    scope: Scope
    source: Source

    def __repr__(self) -> str:
        return f"ClassInfo({self.name})"

    @property
    def node(self) -> ast.ClassDef:
        """The `class` statement."""
        assert isinstance(self.scope.node, ast.ClassDef)
        return self.scope.node

    @cached_property
    def bases(self) -> tuple[str, ...]:
        """Canonical names of its bases; `?` for one that cannot be resolved."""
        return tuple(self.source.name(b) or "?" for b in self.node.bases)

    @cached_property
    def methods(self) -> dict[str, Scope]:
        """Its own methods by name."""
        return {s.name: s for s in self.scope.children if s.kind == "function"}

    @cached_property
    def attributes(self) -> dict[str, list[Binding]]:
        """`x` → bindings of `self.x` in its own methods, and of `x` in its body."""
        found: dict[str, list[Binding]] = {}
        for name, own in self.scope.bindings.items():
            if kept := [b for b in own if b.how in ("assign", "annotation")]:
                found[name] = kept
        for method in self.methods.values():
            me = own_name(method)
            for inner in method.inside():
                for name, own in inner.bindings.items():
                    head, _, rest = name.partition(".")
                    if rest and head == me and "." not in rest and "[" not in rest:
                        found.setdefault(rest, []).extend(own)
        return found

    def lineage(self) -> Iterator[ClassInfo]:
        """This class and its bases within the project, nearest first; cycles end."""
        todo: list[ClassInfo] = [self]
        seen = {self.name}
        while todo and len(seen) < MOST_BASES:
            one = todo.pop(0)
            yield one
            for base in one.bases:
                if base not in seen:
                    seen.add(base)
                    info = class_at(one.source, base)
                    if info is not None:
                        todo.append(info)

    def attribute(self, name: str) -> list[Binding]:
        """Bindings of an attribute in this class, or in the nearest base that has it."""
        return next((found for c in self.lineage() if (found := c.attributes.get(name))), [])

    def method(self, name: str) -> tuple[Source, Scope] | None:
        """A method and the module it is in, through bases."""
        return next(((c.source, c.methods[name]) for c in self.lineage() if name in c.methods), None)

    def library_bases(self) -> list[str]:
        """Names of bases outside the project, of this class and of its bases; `?` for an unknown one."""
        return [b for c in self.lineage() for b in c.bases if class_at(c.source, b) is None]


def own_name(method: Scope) -> str:
    """The name of a method's first parameter: `self`."""
    args = getattr(method.node, "args", None)
    first = [*args.posonlyargs, *args.args] if args is not None else []
    return first[0].arg if first and method.is_method else ""


def class_at(source: Source, name: str) -> ClassInfo | None:
    """The project's class of a canonical name as seen from a module; None for a library's or a function."""
    key = ("class", name)
    if key not in source.memo:
        source.memo[key] = None
        found = source.project.locate(source, name)
        if found is not None and found[1].kind == "class":
            there, scope = found
            full = f"{there.module}.{scope.qualname}"
            if there is source and full == name:
                source.memo[key] = ClassInfo(full, scope, source)
            else:
                source.memo[key] = class_at(there, full)
    return source.memo[key]  # pyright: ignore
