"""Where a script writes what a cause may speak of: numbers that it gives its learner, and what its own environments and
wrappers make of observations, rewards and ends.

Flows in: a read module. Flows out: lines with what stands there, which `check` keeps as events of the trace, so that
the diagnosis can show the line of a cause that was measured and not read (diagnose/lines). Imported by lints/script.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lifesigns.lints.source import Source
from lifesigns.lints.source.classes import ClassInfo
from lifesigns.lints.source.library import ENV, OPTIMIZER
from lifesigns.lints.source.tree import Scope

What = Literal["learning_rate", "entropy_coefficient", "observation", "reward", "end"]
ENTROPY = re.compile(r"(?:^|_)ent(?:ropy)?_?(?:coeff?|coefficient|weight|bonus|beta|scale|reg)(?:_|$)")
"""Names of settings, in lower case with `_`, that weigh an entropy bonus."""
MOST_NAMES = 4
"""Names for names that are followed."""
PARTS: dict[int, tuple[tuple[What, int], ...]] = {
    5: (("observation", 0), ("reward", 1), ("end", 2), ("end", 3)),
    4: (("observation", 0), ("reward", 1), ("end", 2)),
}
"""Number of values that a `step` returns → what they are."""
TRANSFORMS: dict[str, What] = {
    "gymnasium.wrappers.TransformObservation": "observation",
    "gymnasium.wrappers.TransformReward": "reward",
}


@dataclass(frozen=True, slots=True)
class Written:
    """What is written at a line: a number for the learner, or what the class `of` makes of a part of each step."""

    what: What
    line: int
    value: float | None = None
    of: str = ""


def written(source: Source) -> tuple[Written, ...]:
    """All of a module, each once."""
    found = [*learning_rates(source), *_entropy_coefficients(source), *_transforms(source)]
    for info in source.classes(ENV):
        found += _of_class(source, info)
    return tuple(dict.fromkeys(found))


def learning_rates(source: Source) -> Iterator[Written]:
    """Learning rates that optimisers are given, where each number is written: through names, and defaults of parsers
    and dataclasses."""
    for call in (c for calls in source.index.calls.values() for c in calls):
        if source.is_a(call, OPTIMIZER):
            named = [k.value for k in call.keywords if k.arg == "lr"]
            given = next(iter([*named, *call.args[1:2]]), None)
            rate, place = source.number(given), source.written(given)
            if rate is not None and place is not None:
                yield Written("learning_rate", place.lineno, rate)


def _entropy_coefficients(source: Source) -> Iterator[Written]:
    """Numbers under a name that says so: keywords, entries of dictionaries, values of names, defaults of parsers."""
    for name, value in _named(source):
        number = source.number(value) if value is not None and source.written(value) is value else None
        if value is not None and number is not None and ENTROPY.search(name.lower().lstrip("-").replace("-", "_")):
            yield Written("entropy_coefficient", value.lineno, number)


def _named(source: Source) -> Iterator[tuple[str, ast.expr | None]]:
    index = source.index
    for name, calls in index.keywords.items():
        yield from ((name, k.value) for c in calls for k in c.keywords if k.arg == name)
    for call in index.calls.get("add_argument", ()):
        flags = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        yield from ((flag, k.value) for flag in flags for k in call.keywords if k.arg == "default")
    for text, nodes in index.strings.items():
        for node in nodes:
            held = source.parent(node)
            if isinstance(held, ast.Dict) and node in held.keys:
                yield text, held.values[held.keys.index(node)]
    for scope in index.module.inside():
        for name, bound in scope.bindings.items():
            yield from ((name.rpartition(".")[2], b.value) for b in bound if not b.path)


def _transforms(source: Source) -> Iterator[Written]:
    """Functions given to gymnasium's own transforms."""
    for name, what in TRANSFORMS.items():
        for call in source.calls(name):
            given = source.argument(call, 1, "func")
            if given is not None:
                value = source.value(given)
                line = (value if isinstance(value, ast.Lambda) else given).lineno
                yield Written(what, line, None, name.rpartition(".")[2])


def _of_class(source: Source, info: ClassInfo) -> Iterator[Written]:
    """What an environment or wrapper makes of the parts of a step; nothing of those that it hands on."""
    of = info.node.name
    for what in ("observation", "reward"):
        method = info.methods.get(what)
        for result in method.returns if method is not None else ():
            if not isinstance(result, ast.Name) or source.value(result) is not None:
                yield Written(what, _origin(source, result), None, of)
                break
    method = info.methods.get("step")
    if method is None:
        return
    handed = [s.parts for s in source.env_steps() if source.enclosing_function(s.call) is method]
    for result in _returned(source, method):
        for what, at in PARTS.get(len(result.elts), ()):
            one = result.elts[at]
            if isinstance(one, ast.Constant) or any(_hands_on(source, one, parts) for parts in handed):
                continue
            yield Written(what, _origin(source, one), None, of)


def _returned(source: Source, method: Scope) -> list[ast.Tuple]:
    """Tuples that a `step` returns, itself or by way of a name."""
    found = [source.value(r) if isinstance(r, ast.Name) else r for r in method.returns]
    return [r for r in found if isinstance(r, ast.Tuple)]


def _hands_on(source: Source, one: ast.expr | None, parts: tuple[object, ...], depth: int = 0) -> bool:
    """Whether an expression is one of the parts of the inner step, or a name for it."""
    bound = source.bindings(one) if one is not None and depth < MOST_NAMES else ()
    return bool(bound) and all(
        b in parts or (not b.path and _hands_on(source, b.value, parts, depth + 1)) for b in bound
    )


def _origin(source: Source, one: ast.expr) -> int:
    """The line of the expression that a returned value is: of the last name's value, and of what a method of the same
    module returns."""
    value = source.value(one) if isinstance(one, ast.Name | ast.Attribute) else one
    if value is None:
        bound = source.bindings(one)
        return getattr(bound[-1].statement, "lineno", one.lineno) if bound else one.lineno
    if isinstance(value, ast.Call):
        called = source.function(value)
        if called is not None and called[0] is source and len(called[1].returns) == 1:
            return called[1].returns[0].lineno
    return value.lineno
