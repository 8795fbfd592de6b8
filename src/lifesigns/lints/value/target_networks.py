"""Target networks of a file and what is done with each."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.library import MODULE
from lifesigns.lints.source.role_names import role_of_object_name
from lifesigns.lints.source.tree import dotted

NEUTRAL = frozenset({"eval", "train", "to", "cuda", "cpu", "requires_grad_", "state_dict", "float", "apply"})


@dataclass(slots=True)
class TargetNetwork:
    """`copies`: `load_state_dict` calls; `called`: forward calls; `other`: uses that may change or use it unseen."""

    name: str
    made: ast.Assign
    is_copy: bool
    copies: list[ast.Call] = field(default_factory=list[ast.Call])
    called: list[ast.AST] = field(default_factory=list[ast.AST])
    parameters: list[ast.AST] = field(default_factory=list[ast.AST])
    other: list[ast.AST] = field(default_factory=list[ast.AST])


def target_networks(source: Source) -> list[TargetNetwork]:
    """Modules under a name that says target, made once in this file; with all reads of that name in it."""
    found: dict[str, TargetNetwork] = {}
    twice: set[str] = set()
    for node in source.nodes(ast.Assign):
        assert isinstance(node, ast.Assign)
        pairs = [(node.targets[0], node.value)]
        if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(node.targets[0].elts, node.value.elts, strict=False))
        for target, value in pairs:
            name = dotted(target)
            if name is None or role_of_object_name(name) is not Role.TARGET_NETWORK or not isinstance(value, ast.Call):
                continue
            if name in found:
                twice.add(name)
            if source.is_a(value, MODULE):
                found[name] = TargetNetwork(name, node, source.name(value.func) in ("copy.deepcopy", "copy.copy"))
    for one in found.values():
        _sort_uses(source, one)
    return [one for name, one in found.items() if name not in twice]


def _sort_uses(source: Source, one: TargetNetwork) -> None:
    last = one.name.rpartition(".")[2]
    reads: list[ast.AST] = list(source.index.names.get(last, ())) if last == one.name else []
    reads += [n for n in source.index.attributes.get(last, ()) if isinstance(n.ctx, ast.Load)]
    for read in reads:
        at = source.parent(read)
        if isinstance(at, ast.Call) and at.func is read:
            one.called.append(at)
        elif isinstance(at, ast.Attribute):
            call = source.parent(at)
            if at.attr == "load_state_dict" and isinstance(call, ast.Call):
                one.copies.append(call)
            elif at.attr in ("parameters", "named_parameters", "buffers"):
                one.parameters.append(at)
            elif at.attr not in NEUTRAL:
                one.other.append(read)
        else:
            one.other.append(read)


def starts_as_copy(source: Source, one: TargetNetwork) -> bool:
    """Whether it is made as a copy of another network, or loaded from one."""
    return one.is_copy or any(
        isinstance(n, ast.Attribute) and n.attr == "state_dict" for c in one.copies for a in c.args for n in ast.walk(a)
    )


def only_frozen(source: Source, read: ast.AST) -> bool:
    """Whether `target.parameters()` is walked through only to set `requires_grad`."""
    loop = source.parent(source.parent(read) or read)
    return isinstance(loop, ast.For) and all(
        "requires_grad" in source.unparse(s) and isinstance(s, ast.Assign | ast.Expr) for s in loop.body
    )
