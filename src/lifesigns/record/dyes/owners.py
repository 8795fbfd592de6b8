"""Whose the parameters are: names of those that no gradient reaches, which networks are trained, which never called.

Flows in: the optimisers' parameters and the networks of a run at its end. Flows out: the run's notes of them.
"""

from __future__ import annotations

import ast
import gc
import inspect
import textwrap
from typing import Any

from .. import callsite


def describe(notes: dict[str, Any], steps: Any, networks: Any) -> None:
    """Adds to each note `names` of all parameters and `called_at` of those in `never`: the user's line that calls the
    module that owns it; for a module that is never called, the line where the forward method of its owner returns."""
    named: dict[int, tuple[str, Any, Any]] = {}
    above: dict[int, Any] = {}
    for root in networks.held:
        parents = {id(child): m for m in root.modules() for child in m.children()}
        above.update(parents)
        for prefix, module in root.named_modules():
            for name, parameter in module.named_parameters(recurse=False):
                parent = parents.get(id(module))
                named.setdefault(id(parameter), (f"{prefix}.{name}".lstrip("."), module, parent))
    for optimizer in steps.held:
        note = notes.get(f"{type(optimizer).__name__}#{steps.numbers[id(optimizer)]}")
        if note is None:
            continue
        parameters = steps.parameters(optimizer)
        note["names"] = [named[id(p)][0] if id(p) in named else "" for p in parameters]
        places = []
        silent = {id(parameters[i]) for i in note["never"] if i < len(parameters)}
        for i in note["never"]:
            found = named.get(id(parameters[i])) if i < len(parameters) else None
            places.append(_place(_whole(found[1], above, silent, networks), found[2], networks) if found else None)
        note["called_at"] = places


def known_as(module: Any, frame: Any) -> list[str]:
    """Names that a module has in a frame of the user's: of a variable, or of an attribute of an object held by one."""
    if frame is None:
        return []
    scope = {**frame.f_globals, **frame.f_locals}
    found = [name for name, value in scope.items() if value is module]
    for holder in frame.f_locals.values():
        held = vars(holder) if hasattr(holder, "__dict__") and not isinstance(holder, type) else {}
        for part in (held, held.get("_modules") or {}):
            found += [name for name, value in part.items() if value is module]
    return sorted(set(found))[:8]


def _whole(module: Any, above: dict[int, Any], silent: set[int], networks: Any) -> Any:
    """The largest part of a network around a module that was called and of which every parameter is silent."""
    found = module
    while id(module) in above:
        module = above[id(module)]
        if id(module) in networks.called_at and all(id(p) in silent for p in module.parameters()):
            found = module
    return found


def networks_of(notes: dict[str, Any], steps: Any, networks: Any) -> None:
    """Notes of each network that was called whether an optimiser that has stepped holds a parameter of it, how many
    parameters it has, and where its forward method returns; and of networks like them that never were."""
    owned = {id(p) for o in steps.held for p in steps.parameters(o)}
    notes["networks"] = {
        networks.labels[id(m)]: {
            "trained": any(id(p) in owned for p in m.parameters()),
            "parameters": sum(1 for _ in m.parameters()),
            "returns": returns(m),
            "known_as": networks.called_at[id(m)][2] if id(m) in networks.called_at else [],
        }
        for m in networks.held
    }
    notes["uncalled"] = _uncalled(networks)


def _uncalled(networks: Any) -> list[dict[str, Any]]:
    """Networks that were never called, with the labels of called ones that have their class and shapes."""
    called = {id(p) for m in networks.held for p in m.parameters()}
    kinds = [(networks.labels[id(m)], type(m), _shapes(m)) for m in networks.held if any(True for _ in m.parameters())]
    every = [m for m in gc.get_objects() if issubclass(type(m), networks.torch.nn.Module)]
    inner = {id(c) for m in every for c in m._modules.values() if c is not None}
    found: list[dict[str, Any]] = []
    for one in every:
        if id(one) in inner or any(id(p) in called for p in one.parameters()):
            continue
        shapes = _shapes(one)
        like = [label for label, kind, held in kinds if kind is type(one) and held == shapes]
        if like:
            found.append({"class": type(one).__name__, "parameters": len(shapes), "like": like})
    return found


def _shapes(module: Any) -> list[Any]:
    return [tuple(p.shape) for p in module.parameters()]


def _place(module: Any, parent: Any, networks: Any) -> Any:
    called = networks.called_at.get(id(module))
    if called is not None:
        return called[1]
    return returns(parent) if parent is not None else None


def returns(module: Any) -> Any:
    """The line of the last `return` of a module's forward method, if that is the user's."""
    forward = type(module).forward
    try:
        file, first = inspect.getsourcefile(forward), forward.__code__.co_firstlineno
        tree = ast.parse(textwrap.dedent(inspect.getsource(forward)))
    except (OSError, TypeError, SyntaxError, AttributeError):
        return None
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Return)]
    if not file or not lines or callsite.kind_of(file) != callsite.USER:
        return None
    return callsite.at(file, first + max(lines) - 1)
