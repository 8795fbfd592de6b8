"""Whose the parameters are that no gradient reaches: their names, and where the module that holds each is called.

Flows in: the optimisers' parameters and the networks of a run at its end. Flows out: two lists in each note.
"""

from __future__ import annotations

import ast
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
