"""Where the data of two loaders should part: the assignments behind each, read backwards from the call that made it.

Flows in: constructors of loaders, with the frames that call them. Flows out: for each pair of loaders the line at which
what was meant to be two sets is one, or overlaps; and the line that took statistics of the data of both.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from .. import callsite

SHARED = 0.1
"""share of the smaller set from which two sets overlap (natural data repeat a few rows); as in Y605"""
DEPTH, MOST_LOADERS = 4, 4
STATISTICS = frozenset(
    ("mean", "std", "var", "min", "max", "amin", "amax", "fit", "fit_transform", "quantile", "percentile", "median")
)
"""Calls that take statistics of data, to scale them."""


@dataclass
class Made:
    """One loader: the user's frames at its making, innermost first: code, place of the call, variables."""

    frames: list[tuple[Any, int, dict[str, Any]]] = field(default_factory=list[Any])


@dataclass
class Assigned:
    """One statement of a function that gives names values: its lines, those names, the names it reads, calls in it."""

    line: int
    end: int
    gives: set[str]
    reads: set[str]
    calls: set[str]
    node: Any = None


def made(frame: Any) -> Made:
    """Looks outwards from the constructor of a loader."""
    found = Made()
    user = callsite.user_frame(frame)
    while user is not None and len(found.frames) < DEPTH:
        found.frames.append((user.f_code, user.f_lasti, dict(user.f_locals)))
        user = callsite.user_frame(user.f_back)
    return found


def describe(loaders: dict[int, Made]) -> dict[str, Any]:
    """`{"0,1": {"parted": place, "statistics": place}}` for ordered pairs (for training, held out) of loaders."""
    found: dict[str, Any] = {}
    chosen = sorted(loaders)[:MOST_LOADERS]
    for a in chosen:
        for b in chosen:
            if a != b:
                try:
                    found[f"{a},{b}"] = _pair(loaders[a], loaders[b])
                except (OSError, SyntaxError, ValueError, RecursionError):
                    continue
    return found


def _pair(train: Made, held_out: Made) -> dict[str, Any]:
    for (code, at, names), (code2, at2, names2) in zip(train.frames, held_out.frames, strict=False):
        if code is not code2 or at == at2:
            continue
        path = code.co_filename
        function = _function(path, code)
        calls = [_call(function, code, x) for x in (at, at2)]
        if None in calls:
            return {}
        statements = _statements(function)
        mine, other = (_slice(statements, c) for c in calls)
        values = {**names, **names2}
        line = _overlap(mine, other, values) or calls[0].lineno
        statistics = [s for s in mine.values() if s.calls & STATISTICS]
        found: dict[str, Any] = {"parted": callsite.at(path, line)}
        twice = _indexed_twice((mine, calls[0]), (other, calls[1]), values)
        found.update({"indexed_twice": twice} if twice else {})
        if statistics:
            found["statistics"] = callsite.at(path, max(s.line for s in statistics))
        return found
    return {}


def _function(path: str, code: Any) -> Any:
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    if code.co_name == "<module>":
        return tree
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                return node
    raise ValueError(code.co_name)


def _call(function: Any, code: Any, at: int) -> Any:
    """The call that a frame was in."""
    place = list(code.co_positions())[at // 2]
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset) == (
            place[0],
            place[1],
            place[2],
            place[3],
        ):
            return node
    return None


def _statements(function: Any) -> list[Assigned]:
    """The statements of a function, or module, that give names values; a function defined in it gives its name."""
    found: list[Assigned] = []
    waiting = list(function.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(
                Assigned(node.lineno, node.end_lineno or node.lineno, {node.name}, _reads(node), _calls(node), node)
            )
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            gives = {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
            reads = _reads(node.value) if node.value is not None else set[str]()
            found.append(Assigned(node.lineno, node.end_lineno or node.lineno, gives, reads, _calls(node), node))
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.stmt):
                    waiting.append(child)
    return found


def _reads(node: Any) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _calls(node: Any) -> set[str]:
    named = {n.func.attr for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)}
    return named | {n.func.id for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}


def _slice(statements: list[Assigned], call: Any) -> dict[str, Assigned]:
    """Name → the last statement before its use that gives it a value, for all names behind a call."""
    found: dict[str, Assigned] = {}
    waiting = [(name, call.lineno) for name in sorted(_reads(call))]
    while waiting:
        name, before = waiting.pop()
        known = [s for s in statements if name in s.gives and s.end < before]
        if name in found or not known:
            continue
        found[name] = max(known, key=lambda s: s.line)
        waiting += [(n, found[name].line) for n in sorted(found[name].reads)]
    return found


def _overlap(mine: dict[str, Assigned], other: dict[str, Assigned], values: dict[str, Any]) -> int | None:
    """The earliest line after which a name that only the one loader goes back to shares with one of the other's."""
    pairs = [
        (max(mine[x].line, other[y].line), mine[x].line, x, y)
        for x in sorted(mine.keys() - other.keys())
        for y in sorted(other.keys() - mine.keys())
        if x in values and y in values
    ]
    for _, line, x, y in sorted(pairs):
        share = overlap(values[x], values[y])
        if share is not None and share > SHARED:
            return line
    return None


def _indexed_twice(mine: Any, other: Any, values: dict[str, Any]) -> list[int] | None:
    """[indices in both, indices of the smaller] where both loaders' data are taken from one array or data set by names
    that hold indices or masks of it."""
    uses = [_indices(statements, call) for statements, call in (mine, other)]
    for x, bases in uses[0].items():
        for y, others in uses[1].items():
            same = {b for b in bases & others if mine[0].get(b) is other[0].get(b)}
            a, b = members(values.get(x)), members(values.get(y))
            if same and x != y and a and b and a[0] == b[0] and a[0] in ("whole", "places"):
                return [len(a[1] & b[1]), min(len(a[1]), len(b[1]))]
    return None


def _indices(statements: dict[str, Assigned], call: Any) -> dict[str, set[str]]:
    """Name → names of what it picks from: `images[rows]`, `Subset(data, rows)`."""
    found: dict[str, set[str]] = {}
    for tree in [call, *(s.node for s in statements.values())]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript):
                data, rows = node.value, node.slice
            elif isinstance(node, ast.Call) and len(node.args) == 2 and _named(node.func).endswith("Subset"):
                data, rows = node.args
            else:
                continue
            if isinstance(data, ast.Name) and isinstance(rows, ast.Name):
                found.setdefault(rows.id, set()).add(data.id)
    return found


def _named(function: Any) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def overlap(a: Any, b: Any) -> float | None:
    """Share of the smaller of two sets of examples that the other has; None where that cannot be told."""
    if a is b:
        return None
    one, two = members(a), members(b)
    if one is None or two is None or one[0] != two[0] or not one[1] or not two[1]:
        return None
    return len(one[1] & two[1]) / min(len(one[1]), len(two[1]))


def members(value: Any) -> tuple[Any, set[Any]] | None:
    """(kind, members) of what can name examples: indices, masks, texts, rows of arrays, subsets of a data set."""
    import numpy as np

    if hasattr(value, "indices") and hasattr(value, "dataset"):
        return ("indices", id(value.dataset)), {int(i) for i in value.indices}
    if hasattr(value, "detach") and hasattr(value, "numpy"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        if value.ndim == 1 and value.dtype == bool:
            return "places", set(np.flatnonzero(value).tolist())
        if value.ndim == 1 and value.dtype.kind in "iu":
            return _unique("whole", value.tolist())
        if value.ndim >= 2 and value.dtype.kind == "f":
            return "rows", {row.tobytes() for row in value[:20_000]}
        return None
    if isinstance(value, range) or (isinstance(value, list | tuple) and value):
        first = value[0] if len(value) else None
        if isinstance(first, str) and all(isinstance(v, str) for v in value):
            return "texts", set(value)
        if isinstance(first, int) and not isinstance(first, bool) and all(isinstance(v, int) for v in value):
            return _unique("whole", value)
    return None


def _unique(kind: str, values: Any) -> tuple[str, set[Any]] | None:
    """Indices name each example once; labels repeat."""
    found = set(values)
    return (kind, found) if len(found) == len(values) and len(found) >= 4 else None
