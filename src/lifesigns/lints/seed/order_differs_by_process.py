"""Rule L707: numbers are given out in the order of a set, or by the hash of a text."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood


class OrderDiffersByProcess(LintRule):
    """Classes, tokens or splits are numbered in an order that Python draws anew in each process.

    What it detects
    ---------------
    `{c: i for i, c in enumerate(set(text))}`; `hash(name) % 10` to choose a split.

    Why it matters
    --------------
    The order of a set of texts, and `hash` of a text, depend on a random number of the process. No seed repeats the
    run, and a checkpoint loaded in another process has its classes exchanged.

    How it decides
    --------------
    `enumerate`, or `list` below an `enumerate`, of a `set` of something that is not a literal, as the source of a
    mapping; the remainder of a `hash(...)` whose argument is no number. A `sorted` in between is right.

    When it is wrong
    ----------------
    Sets of integers, whose order is the same in all processes; PYTHONHASHSEED is set.

    What to do
    ----------
    `enumerate(sorted(set(text)))`; a hash of `hashlib`.

    References
    ----------
    Python documentation, object.__hash__.
    """

    code = "L707"
    since = "0.2"
    severity = "warning"
    looks_at = ("set", "hash")
    causes = {"not-reproducible": Likelihood(0.05, source="judgement")}
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "vocabulary": """
            text = open("a.txt").read()
            vocabulary = {c: i for i, c in enumerate(set(text))}
            loss = F.cross_entropy(net(x), y)
            """,
        "through a name": """
            chars = list(set(text))
            stoi = {c: i for i, c in enumerate(chars)}
            loss = F.cross_entropy(net(x), y)
            """,
        "split": """
            train = [n for n in names if hash(n) % 10 != 0]
            loss = F.cross_entropy(net(x), y)
            """,
    }
    right = {
        "sorted": """
            vocabulary = {c: i for i, c in enumerate(sorted(set(text)))}
            loss = F.cross_entropy(net(x), y)
            """,
        "sorted in place": """
            chars = list(set(text))
            chars.sort()
            stoi = {c: i for i, c in enumerate(chars)}
            loss = F.cross_entropy(net(x), y)
            """,
        "counted": "n = len(set(labels))\nloss = F.cross_entropy(net(x), y)",
        "printed": "for i, c in enumerate(set(text)):\n    print(i, c)\nloss = F.cross_entropy(net(x), y)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the set or the hash."""
        for call in source.index.calls.get("enumerate", ()):
            if call.args and _numbers(source, call) and (made := _unordered(source, call.args[0])) is not None:
                yield self.at(made, "numbers in the order of a set: of texts, it differs from process to process")
        for node in source.nodes(ast.BinOp):
            assert isinstance(node, ast.BinOp)
            inner = node.left
            if not isinstance(node.op, ast.Mod) or not isinstance(inner, ast.Call) or source.name(inner.func) != "hash":
                continue
            if inner.args and not isinstance(inner.args[0], ast.Tuple) and source.number(inner.args[0]) is None:
                yield self.at(node, "`hash` of a text differs from process to process")


def _numbers(source: Source, call: ast.Call) -> bool:
    """Whether the numbers go into a mapping."""
    at = source.parent(call)
    around = source.parent(at) if isinstance(at, ast.comprehension) else at
    return isinstance(around, ast.DictComp) or (isinstance(at, ast.Call) and source.name(at.func) == "dict")


def _unordered(source: Source, node: ast.expr) -> ast.AST | None:
    """The `set(...)` behind an iterable that nothing sorts."""
    for _ in range(4):
        if isinstance(node, ast.Name):
            sorts = [c for c in source.method_calls("sort") if getattr(source.receiver(c), "id", "") == node.id]
            value = source.value(node)
            if sorts or value is None or value is node:
                return None
            node = value
        elif isinstance(node, ast.Call) and node.args and source.name(node.func) in ("list", "tuple"):
            node = node.args[0]
        elif isinstance(node, ast.Call) and source.name(node.func) == "set":
            inner = node.args[0] if len(node.args) == 1 else None
            return None if inner is None or _numeric(source, inner) else node
        else:
            return None
    return None


def _numeric(source: Source, node: ast.expr) -> bool:
    """A literal, or something that is known to give numbers."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return True
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("tolist", "numpy")
