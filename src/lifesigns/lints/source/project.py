"""The files that are read together: local modules are parsed when a name leads to them, each once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from lifesigns.lints.source.files import Text, Unread, parse, read
from lifesigns.lints.source.tree import Scope

if TYPE_CHECKING:
    import ast

    from lifesigns.lints.source.source import Source

MOST_HOPS = 8
"""re-exports followed from one module to the next."""


class Project:
    """Modules by path. Files of other distributions than the one being read are never opened."""

    def __init__(self, shown: dict[Path, str] | None = None) -> None:
        self._sources: dict[Path, Source | Unread | None] = {}
        self._shown = shown or {}
        self._files: dict[tuple[Path, str], Path | None] = {}

    def open(self, path: Path, *, always: bool = False) -> Source | Unread | None:
        """The module at a path; None where rules have nothing to look for in it."""
        path = path.absolute()
        held = self._sources.get(path)
        if held is None and (path not in self._sources or always):
            held = self._load(read(path, self._shown.get(path, str(path)), always=always), path)
            self._sources[path] = held
        return held

    def add(self, name: str, text: str) -> Source | Unread:
        """A module from text, at a path that need not exist (cases of rules, notebooks' cells)."""
        path = Path(name).absolute()
        held = self._load(parse(Text(name, text, (), tuple(text.split("\n")))), path)
        assert held is not None
        self._sources[path] = held
        return held

    def _load(self, found: tuple[Text, ast.Module] | Unread | None, path: Path) -> Source | Unread | None:
        if found is None or isinstance(found, Unread):
            return found
        from lifesigns.lints.source.source import Source

        root, module, is_package = module_name(path)
        return Source(self, found[0], found[1], path, root, module, is_package)

    def module(self, near: Source, dotted: str) -> Source | None:
        """The module of that absolute name in the tree of `near`; None for other distributions' modules."""
        first = dotted.partition(".")[0]
        own = near.module.partition(".")[0]
        if "." in near.module and first != own:
            return None
        key = (near.root, dotted)
        if key not in self._files:
            self._files[key] = self._find(near.root, dotted)
        path = self._files[key]
        if path is None:
            return None
        held = self.open(path, always=True)
        return None if isinstance(held, Unread) else held

    def _find(self, root: Path, dotted: str) -> Path | None:
        base = root.joinpath(*dotted.split("."))
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path in self._sources or path.is_file():
                return path
        return None

    def locate(self, near: Source, name: str, hops: int = MOST_HOPS) -> tuple[Source, Scope] | None:
        """The project's class or function of an absolute dotted name, through re-exports."""
        parts = name.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:cut])
            source = near if module == near.module else self.module(near, module)
            if source is not None:
                return self._inside(source, parts[cut:], hops)
        return None

    def _inside(self, source: Source, parts: list[str], hops: int) -> tuple[Source, Scope] | None:
        scope = source.index.module
        for at, part in enumerate(parts):
            inner = next((c for c in reversed(scope.children) if c.name == part), None)
            if inner is None:
                if at or hops <= 0:
                    return None
                return self._imported(source, part, parts[1:], hops)
            scope = inner
        return source, scope

    def _imported(self, source: Source, part: str, rest: list[str], hops: int) -> tuple[Source, Scope] | None:
        target = source.imports.get(part)
        names: Iterable[str] = [target] if target else [f"{b}.{part}" for n, b in source.imports.items() if n[0] == "*"]
        for name in names:
            full = ".".join([name, *rest])
            if full != f"{source.module}.{part}":
                found = self.locate(source, full, hops - 1)
                if found is not None:
                    return found
        return None


def module_name(path: Path) -> tuple[Path, str, bool]:
    """(folder that its absolute names start from, dotted name, whether it is a package's `__init__`)."""
    is_package = path.name == "__init__.py"
    parts = [] if is_package else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(parts) or path.stem, is_package
