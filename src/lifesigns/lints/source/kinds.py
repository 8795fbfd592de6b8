"""What kind of object an expression is: a library's class, a class of the project, or unknown."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from lifesigns.lints.source import library
from lifesigns.lints.source.calling import default_of
from lifesigns.lints.source.classes import class_at, own_name
from lifesigns.lints.source.tree import EACH, ENTERED, Binding
from lifesigns.lints.source.values import Value, bindings, values

if TYPE_CHECKING:
    from lifesigns.lints.source.source import Source

DEEPEST = 8


def kind(source: Source, node: ast.AST | None, depth: int = 0) -> str | None:
    """Canonical class name; None where values disagree or one cannot be followed. See `Source.kind`."""
    if not isinstance(node, ast.expr) or depth > DEEPEST:
        return None
    key = ("kind", node)
    if key not in source.memo:
        source.memo[key] = None
        found = _kind(source, node, depth)
        if found is None and depth > DEEPEST - 2:
            del source.memo[key]
            return None
        source.memo[key] = found
    return source.memo[key]  # pyright: ignore


def _kind(source: Source, node: ast.expr, depth: int) -> str | None:
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Name):
            own = _self_or_annotated(source, node)
            if own is not None:
                return own
        found = {_of_value(source, v, depth + 1) for v in values(source, node) if v.node is not node}
        found.discard("None")
        if len(found) == 1:
            return found.pop()
        if isinstance(node, ast.Attribute) and node.attr in ("data", "grad", "T", "mT"):
            return library.TENSOR if kind(source, node.value, depth + 1) == library.TENSOR else None
        if isinstance(node, ast.Subscript) and kind(source, node.value, depth + 1) == library.TENSOR:
            return library.TENSOR
        return None
    return _of_value(source, Value(node, source), depth + 1)


def _self_or_annotated(source: Source, node: ast.Name) -> str | None:
    for one in bindings(source, node):
        if one.how != "param" or not isinstance(one.node, ast.arg):
            return None
        scope = one.scope
        if own_name(scope) == one.name and scope.parent is not None:
            return f"{source.module}.{scope.parent.qualname}"
        return _annotation(source, one)
    return None


def _annotation(source: Source, binding: Binding) -> str | None:
    assert isinstance(binding.node, ast.arg)
    said = binding.node.annotation
    if isinstance(said, ast.BinOp):
        said = said.left
    if isinstance(said, ast.Subscript) and source.name(said.value) in ("typing.Optional", "Optional"):
        said = said.slice
    name = source.name(said)
    return name if name is not None and name.rpartition(".")[2][:1].isupper() and "typing." not in name else None


def _of_value(source: Source, value: Value, depth: int) -> str | None:
    node, there = value.node, value.source
    if node is None or depth > DEEPEST:
        return None
    if value.path:
        if value.path == (ENTERED,):
            return kind(there, node, depth)
        if value.path[0] == EACH and kind(there, node, depth) == library.LOADER:
            return library.TENSOR
        return None
    if isinstance(node, ast.Constant):
        return "None" if node.value is None else type(node.value).__name__
    if isinstance(node, ast.Call):
        return _of_call(there, node, depth)
    if isinstance(node, ast.BinOp):
        sides = {kind(there, node.left, depth), kind(there, node.right, depth)}
        return next((s for s in (library.TENSOR, library.ARRAY) if s in sides), None)
    if isinstance(node, ast.UnaryOp):
        return kind(there, node.operand, depth)
    if isinstance(node, ast.List | ast.ListComp):
        return "list"
    if isinstance(node, ast.Dict | ast.DictComp):
        return "dict"
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return kind(there, node, depth)
    return None


def _of_call(source: Source, node: ast.Call, depth: int) -> str | None:
    name = source.name(node.func)
    if name is not None:
        made = library.kind_of_call(name)
        if made == "=0":
            return kind(source, node.args[0], depth) if node.args else None
        if made is not None:
            info = class_at(source, made)
            return info.name if info is not None else made
        return _returned(source, node, depth)
    if isinstance(node.func, ast.Attribute):
        return _of_method(source, node, node.func, depth)
    called = kind(source, node.func, depth)
    return library.TENSOR if called is not None and _is_simple_module(source, called) else None


def _of_method(source: Source, node: ast.Call, func: ast.Attribute, depth: int) -> str | None:
    whole = kind(source, func, depth)
    if whole is not None:
        return library.TENSOR if _is_simple_module(source, whole) else None
    of = kind(source, func.value, depth)
    if of is None:
        return None
    if of == library.TENSOR:
        return library.ARRAY if func.attr == "numpy" else None if func.attr in library.TENSOR_ENDS else library.TENSOR
    if of == library.ARRAY:
        return library.ARRAY if func.attr not in ("item", "tolist") else None
    if func.attr in library.SAME_OBJECT and is_subclass(source, of, library.MODULE):
        return of
    if is_subclass(source, of, library.DISTRIBUTION):
        return library.TENSOR if func.attr in ("sample", "rsample", "log_prob", "entropy") else None
    return _returned(source, node, depth)


def _returned(source: Source, node: ast.Call, depth: int) -> str | None:
    """Kind of what a local function returns, if all its returns agree."""
    target = source.function(node)
    if target is None or not target[1].returns or depth > DEEPEST - 2:
        return None
    found = {kind(target[0], r, depth + 2) for r in target[1].returns}
    return found.pop() if len(found) == 1 else None


def _is_simple_module(source: Source, name: str) -> bool:
    """A library's module that gives one tensor."""
    return name.startswith("torch.nn.") and library.is_kind(name, library.MODULE) and "LSTM" not in name


def is_subclass(source: Source, name: str, wanted: str) -> bool:
    """Whether a class is of a kind, by the library's tables or through its bases in the project."""
    info = class_at(source, name)
    if info is None:
        return library.is_kind(name, wanted)
    return info.name == wanted or any(
        c.name == wanted or any(library.is_kind(b, wanted) for b in c.bases if b != "?") for c in info.lineage()
    )


def parameter_default(binding: Binding) -> ast.expr | None:
    """The default of the parameter that a binding is."""
    return default_of(binding.scope, binding.name)
