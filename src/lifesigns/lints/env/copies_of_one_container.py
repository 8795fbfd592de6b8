"""Rule L507: All environments share one list, dictionary or queue."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood

CHANGES = ("append", "add", "extend", "update", "insert", "clear", "popleft", "pop", "appendleft")


class CopiesOfOneContainer(LintRule):
    """A list of containers is made by multiplication, so that all its places hold the same one.

    What it detects
    ---------------
    `windows = [deque(maxlen=n)] * num_envs`, and later `windows[i].append(...)`.

    Why it matters
    --------------
    What one environment's step adds is seen by all: transitions of different episodes are mixed in one window.

    How it decides
    --------------
    A list with one `[]`, `{}`, `list()`, `dict()`, `set()` or `deque()` in it is multiplied by something other
    than 1, and an element of it is changed by index or in a loop.

    When it is wrong
    ----------------
    Sharing one container is meant.

    What to do
    ----------
    `[deque(maxlen=n) for _ in range(num_envs)]`.

    References
    ----------
    Python FAQ, How do I create a multidimensional list?

    """

    code = "L507"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "deque",
        "append",
        "add",
        "extend",
        "update",
    )
    causes = {
        "environment-rows-mixed": Likelihood(0.05, source="judgement"),
        "rows-mixed": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.001, source="judgement; see benchmarks/lint")
    wrong = {
        "queues": """
            from collections import deque
            windows = [deque(maxlen=3)] * args.num_envs
            for i in range(args.num_envs):
                windows[i].append(reward[i])
            """,
        "lists": """
            class Buffer:
                def __init__(self, n):
                    self.paths = [[]] * n
                def add(self, i, x):
                    self.paths[i].append(x)
            """,
    }
    right = {
        "one each": "paths = [[] for _ in range(n)]\npaths[0].append(1)",
        "replaced, not changed": "paths = [[]] * n\npaths[0] = [1]\nother.append(paths)",
        "numbers": "totals = [0.0] * n\ntotals[0] += 1\ndone.append(totals)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the multiplication."""
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            made = node.value
            if not isinstance(made, ast.BinOp) or not isinstance(made.op, ast.Mult):
                continue
            if not isinstance(made.left, ast.List) or len(made.left.elts) != 1 or source.number(made.right) == 1:
                continue
            bindings = [source.index.bound[t] for t in node.targets if t in source.index.bound]
            if not _is_container(source, made.left.elts[0]):
                continue
            if any(_changes(source, read) for b in bindings for read in source.uses(b)):
                yield self.at(made, "all places hold the same container: a change of one changes all")


def _is_container(source: Source, node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return source.name(node.func) in ("list", "dict", "set", "collections.deque", "collections.defaultdict")
    return isinstance(node, ast.List | ast.Dict | ast.Set)


def _changes(source: Source, read: ast.AST) -> bool:
    """`x[i].append(...)` or `x[i][k] = ...`."""
    item = source.parent(read)
    if not isinstance(item, ast.Subscript) or item.value is not read:
        return False
    at = source.parent(item)
    if isinstance(at, ast.Attribute):
        return at.attr in CHANGES and isinstance(source.parent(at), ast.Call)
    return isinstance(at, ast.Subscript) and isinstance(at.ctx, ast.Store)
