"""The layers around environments in two runs, or in one: which takes in what differs and hands on nothing of it, which
changes a reward, which hands on another action than it was given, and the line to name for it.

Flows in: the note `layers` of logs. Flows out: layers and places.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from lifesigns.paired.runlog import RunLog
from lifesigns.paired.source import shared_by_objects, tree_of

Layer = Mapping[str, Any]
FEWEST = 8
"""outputs of a layer that must have been compared before `none differs` means something; assumed."""
AROUND_VECTORS = 1000
"""depth from which on a layer lies around a vector of environments, as it is noted."""
EARLY = 64
"""actions that are compared: before other environments, for evaluation, go through layers that the same line made."""
BESIDE = 0.1
"""part of the largest change of a reward from which on that of another environment counts: less is a running scale's;
assumed."""


def swallowed(base: RunLog, dyed: RunLog, what: str) -> Layer | None:
    """The first layer of which no output (`obs`, `reward`) differs, if those inside it do."""
    for a, b in _pairs(base, dyed):
        n = min(len(a[what]), len(b[what]))
        if n < FEWEST:
            return None
        if not any(x != y for x, y in zip(a[what], b[what], strict=False)):
            return a
    return None


def reward_changed(base: RunLog, dyed: RunLog, delta: float) -> Layer | None:
    """The first layer that hands on a reward planted `delta` higher by another amount."""
    for a, b in _pairs(base, dyed):
        moved = _first_change(a["reward"], b["reward"])
        if moved and abs(max(moved, key=abs) - delta) > 1e-3 * abs(delta):
            return a
    return None


def reward_spread(base: RunLog, dyed: RunLog) -> tuple[Layer, int] | None:
    """The first layer in which a reward planted in one environment changes those of others in the same step, and of how
    many."""
    for a, b in _pairs(base, dyed):
        moved = _first_change(a["reward"], b["reward"])
        most = max((abs(x) for x in moved), default=0.0)
        others = sum(abs(x) > BESIDE * most for x in moved) - 1
        if most and others > 0:
            return a, others
    return None


def reward_kept(base: RunLog, dyed: RunLog) -> Layer | None:
    """The first layer that hands on a reward planted in one step in other steps as well (a sum that runs on), before
    actions differ; a running scale moves the others by less."""
    for a, b in _pairs(base, dyed):
        steps = next((n for n, (x, y) in enumerate(zip(a["action"], b["action"], strict=False)) if x != y), None)
        moved = [
            max(abs(v - u) for u, v in zip(x, y, strict=True))
            for x, y in list(zip(_paid(a), _paid(b), strict=False))[:steps]
            if len(x) == len(y)
        ]
        if sum(one > BESIDE * max(moved) for one in moved if one) > 1:
            return a
    return None


def reward_bent(base: RunLog, small: RunLog, large: RunLog, by: float) -> Layer | None:
    """The first layer that hands on a reward planted `by` times as much higher by another multiple (a bound)."""
    for (a, b), (_, c) in zip(_pairs(base, small), _pairs(base, large), strict=False):
        one, more = (max(_first_change(a["reward"], x["reward"]), key=abs, default=0.0) for x in (b, c))
        if abs(more - by * one) > 1e-3 * abs(by * one) + 1e-6:
            return a
    return None


def observation_spread(base: RunLog, dyed: RunLog, envs: int) -> Layer | None:
    """The first layer around single environments that hands out other observations for several of them where that of
    one was changed: less than a round of `envs` calls apart."""
    for a, b in _pairs(base, dyed):
        moved = [n for n, (x, y) in enumerate(zip(a["obs"], b["obs"], strict=False)) if x != y][:2]
        if a["depth"] < AROUND_VECTORS and len(moved) == 2 and moved[1] - moved[0] < envs:
            return a
    return None


def shared_line(layer: Layer) -> dict[str, Any] | None:
    """The line of a layer of the user's that makes a container which all layers of the class have in common."""
    line = shared_by_objects(layer["file"], layer["class"]) if layer["file"] else 0
    return {"file": layer["file"], "line": line} if line else None


def _paid(layer: Layer) -> list[Any]:
    """Rewards of steps; a reset has none."""
    return [rewards for rewards in layer["reward"] if rewards]


def _pairs(base: RunLog, dyed: RunLog) -> list[tuple[Layer, Layer]]:
    return list(zip(_layers(base), _layers(dyed), strict=False))


def _layers(log: RunLog) -> list[Layer]:
    """The innermost first."""
    return sorted(log.notes.get("layers", []), key=lambda one: one["depth"])


def _first_change(base: Sequence[Any], dyed: Sequence[Any]) -> list[float]:
    """By how much the rewards of the first step that differs do, one number for each environment."""
    pair = next(((x, y) for x, y in zip(base, dyed, strict=False) if x != y and len(x) == len(y)), None)
    return [float(y - x) for x, y in zip(*pair, strict=True)] if pair else []


def acts_otherwise(log: RunLog, executed: Sequence[Any]) -> Layer | None:
    """The outermost layer that hands on other actions than it is given; `executed`: those of the environment, in order.
    None where none does, or the layers cannot be laid side by side (of a vector, some may act and others not)."""
    found = [one for one in _layers(log) if one["action"]]
    inner = [[float(x) for x in a] for a in executed]
    last: Layer | None = None
    for one in found:
        n = min(len(one["action"]), len(inner), EARLY)
        given = one["action"][:n]
        if n < FEWEST or any(len(a) != len(b) for a, b in zip(given, inner, strict=False)):
            return last
        if any(x != y for x, y in zip(given, inner[:n], strict=True)):
            last = one
        inner = one["action"]
    return last


def made(layer: Layer) -> dict[str, Any] | None:
    """The line that made a layer of a library's; None of one of the user's own, whose own lines are to be named."""
    place = layer.get("made") or {}
    return {"file": place["file"], "line": place["line"]} if place and not layer["file"] else None


def option(layer: Layer | None) -> dict[str, Any]:
    """The same as a fact: `option`, where a library was told to do what it did."""
    place = made(layer) if layer is not None else None
    return {"option": place} if place else {}


def action_line(layer: Layer) -> dict[str, Any] | None:
    """The line of a layer that hands on its action: what `action` returns, else the call of the layer inside; of a
    library's layer, where it was made."""
    if not layer["file"]:
        return made(layer)
    methods = _methods(layer)
    if "action" in methods:
        return _line(layer, [n.lineno for n in ast.walk(methods["action"]) if isinstance(n, ast.Return)])
    every = [n for m in ("step", "step_async") if m in methods for n in ast.walk(methods[m])]
    calls = [n for n in every if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    return _line(
        layer, [n.lineno for n in calls if isinstance(n.func, ast.Attribute) and n.func.attr.startswith("step")]
    )


def reward_line(layer: Layer) -> dict[str, Any] | None:
    """The line of a layer that hands out its reward: what `reward`, else a step, returns; of a library's, where it was
    made."""
    if not layer["file"]:
        return made(layer)
    methods = _methods(layer)
    name = next((m for m in ("reward", "rewards", "step_wait", "step") if m in methods), "")
    return _line(layer, [n.lineno for n in ast.walk(methods[name]) if isinstance(n, ast.Return)] if name else [])


def _methods(layer: Layer) -> dict[str, ast.FunctionDef]:
    tree = tree_of(layer["file"])
    cls = next((n for n in ast.walk(tree) if _is_class(n, layer["class"])), None) if tree is not None else None
    return {n.name: n for n in ast.walk(cls) if isinstance(n, ast.FunctionDef)} if cls is not None else {}


def _line(layer: Layer, lines: list[int]) -> dict[str, Any] | None:
    return {"file": layer["file"], "line": lines[-1]} if lines else None


def _is_class(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.ClassDef) and node.name == name
