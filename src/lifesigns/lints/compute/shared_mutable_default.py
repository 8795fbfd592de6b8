"""Rule L806: a list or dict that is filled is the default of a parameter, or an attribute of the class."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.tree import Binding, Scope
from lifesigns.rules import Likelihood

FILLS = frozenset({"append", "extend", "insert", "update", "add", "setdefault", "appendleft", "push"})


class SharedMutableDefault(LintRule):
    """One list serves all objects: what one agent or environment stores, all others see.

    What it detects
    ---------------
    `def __init__(self, memory=[])` whose list is kept or filled.

    Why it matters
    --------------
    The default is made once, when the function is defined. Replay memories of two agents, logs of two runs and
    episodes of two environments end up in one list, also across seeds in one process.

    How it decides
    --------------
    The default is `[]`, `{}`, `list()`, `dict()` or `set()`; the parameter itself is filled in the function, or is kept
    as an attribute that a method of the class fills.

    When it is wrong
    ----------------
    A cache that is meant to be shared.

    What to do
    ----------
    `memory=None`, and a new list inside.

    References
    ----------
    Python tutorial, 4.9.1 Default Argument Values.
    """

    code = "L806"
    since = "0.2"
    severity = "warning"
    looks_at = tuple(sorted(FILLS))
    causes = {
        "memory-crosses-episodes": Likelihood(0.02, source="judgement"),
        "stored-data-overwritten": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.004, source="judgement; see benchmarks/lint")
    wrong = {
        "of the class": """
            class FrameStack(gym.Wrapper):
                frames = []
                def step(self, action):
                    obs, reward, terminated, truncated, info = self.env.step(action)
                    self.frames.append(obs)
                    return self.frames, reward, terminated, truncated, info
            """,
        "kept": """
            class Buffer:
                def __init__(self, memory=[]):
                    self.memory = memory
                def add(self, transition):
                    self.memory.append(transition)
            """,
        "filled": "def collect(env, episodes=[]):\n    episodes.append(run(env))\n    return episodes",
    }
    right = {
        "made anew": """
            class FrameStack(gym.Wrapper):
                frames = []
                def __init__(self, env):
                    super().__init__(env)
                    self.frames = []
                def step(self, action):
                    self.frames.append(action)
            """,
        "a registry": """
            class Registry:
                known = {}
                def add(self, name, cls):
                    self.known[name] = cls
            """,
        "none": """
            class Buffer:
                def __init__(self, memory=None):
                    self.memory = [] if memory is None else memory
                def add(self, transition):
                    self.memory.append(transition)
            """,
        "only read": "def net(sizes=[]):\n    made = []\n    for s in sizes:\n        made.append(s)\n    return made",
        "copied": """
            class Buffer:
                def __init__(self, memory=[]):
                    self.memory = list(memory)
                def add(self, transition):
                    self.memory.append(transition)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the default."""
        for scope in source.functions():
            for name, default in _defaults(scope):
                bound = next((b for b in scope.bindings.get(name, ()) if b.how == "param"), None)
                if bound is not None and _is_empty(source, default) and _is_filled(source, scope, bound):
                    yield self.at(default, f"all calls share this one object, and `{name}` is filled")
        for node in source.nodes(ast.ClassDef):
            assert isinstance(node, ast.ClassDef)
            if HOLDERS.search(" ".join((node.name, *map(source.unparse, node.bases)))):
                yield from self._of_class(source, node)

    def _of_class(self, source: Source, node: ast.ClassDef) -> Iterable[Spot]:
        for statement in node.body:
            target = statement.targets[0] if isinstance(statement, ast.Assign) else None
            if not isinstance(statement, ast.Assign) or not isinstance(target, ast.Name):
                continue
            made = statement.value
            queue = isinstance(made, ast.Call) and source.name(made.func) == "collections.deque" and (
                not made.args or (isinstance(made.args[0], ast.List) and not made.args[0].elts)
            )  # fmt: skip
            if not (queue or _is_empty(source, made)):
                continue
            own = [
                n
                for n in source.index.attributes.get(target.id, ())
                if isinstance(n.value, ast.Name) and n.value.id == "self" and node in source.parents(n)
            ]
            rebound = any(
                isinstance(n, ast.Attribute) and n.attr == target.id and isinstance(n.ctx, ast.Store)
                for n in ast.walk(node)
            )
            if not rebound and any(_fills(source, n) for n in own):
                yield self.at(statement, f"all of `{node.name}` share this one, and `self.{target.id}` is filled")


HOLDERS = re.compile(r"Wrapper|Env\b|Buffer|Memory|Replay|Agent|Rollout|Storage|Policy|Learner")
"""classes of which there are several objects, each with its own memory"""


def _defaults(scope: Scope) -> Iterable[tuple[str, ast.expr]]:
    args = scope.node.args  # pyright: ignore
    names = [a.arg for a in (*args.posonlyargs, *args.args)]
    yield from zip(reversed(names), reversed(args.defaults), strict=False)
    yield from ((a.arg, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d is not None)


def _is_empty(source: Source, node: ast.expr) -> bool:
    if isinstance(node, ast.List):
        return not node.elts
    if isinstance(node, ast.Dict):
        return not node.keys
    return isinstance(node, ast.Call) and source.name(node.func) in ("list", "dict", "set") and not node.args


def _is_filled(source: Source, scope: Scope, bound: Binding) -> bool:
    for use in source.uses(bound):
        if isinstance(use, ast.Name) and source.bindings(use) == (bound,):
            if _fills(source, use):
                return True
            at = source.parent(use)
            if isinstance(at, ast.Assign) and at.value is use and isinstance(at.targets[0], ast.Attribute):
                owner = scope.class_scope
                name = at.targets[0].attr
                reads = source.index.attributes.get(name, ())
                if owner and any(owner.node in source.parents(r) and _fills(source, r) for r in reads):
                    return True
    return False


def _fills(source: Source, use: ast.AST) -> bool:
    at = source.parent(use)
    if isinstance(at, ast.Attribute) and at.attr in FILLS:
        call = source.parent(at)
        return isinstance(call, ast.Call) and call.func is at
    return isinstance(at, ast.Subscript) and at.value is use and isinstance(at.ctx, ast.Store)
