"""Rule L209: Returns are gathered backwards and never turned round."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.rules import Likelihood


class BackwardSumLeftReversed(LintRule):
    """A loop from the last step to the first appends its running sum to a list that is then used in that order.

    What it detects
    ---------------
    `for r in reversed(rewards): R = r + gamma * R; returns.append(R)`, with no `reverse` afterwards.

    Why it matters
    --------------
    The first step is given the last one's return: credit is assigned to the wrong steps throughout.

    How it decides
    --------------
    In a loop over something `reversed`, a name set from itself times a discount is appended to a list made in the
    same function; the function holds no `reverse`, `[::-1]`, `flip`, `reversed` of the list or negative step after
    it, and no caller in the file does.

    When it is wrong
    ----------------
    It is turned round in another file.

    What to do
    ----------
    `returns.insert(0, R)`, or `returns.reverse()` after the loop.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 13.3.

    """

    code = "L209"
    since = "0.2"
    severity = "warning"
    looks_at = ("reversed",)
    causes = {
        "batch-misaligned": Likelihood(0.1, source="judgement"),
        "advantage-wrong": Likelihood(0.1, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "returns": """
            def compute(rewards, gamma):
                returns, R = [], 0
                for r in reversed(rewards):
                    R = r + gamma * R
                    returns.append(R)
                return torch.tensor(returns)
            """,
        "advantages": """
            def gae(deltas, gamma, lam):
                out = []
                last = 0
                for t in reversed(range(len(deltas))):
                    last = deltas[t] + gamma * lam * last
                    out.append(last)
                return out
            """,
    }
    right = {
        "insert": """
            def compute(rewards, gamma):
                returns, R = [], 0
                for r in reversed(rewards):
                    R = r + gamma * R
                    returns.insert(0, R)
                return returns
            """,
        "reverse": """
            def compute(rewards, gamma):
                returns, R = [], 0
                for r in reversed(rewards):
                    R = r + gamma * R
                    returns.append(R)
                returns.reverse()
                return returns
            """,
        "slice": """
            def compute(rewards, gamma):
                returns, R = [], 0
                for r in reversed(rewards):
                    R = r + gamma * R
                    returns.append(R)
                return returns[::-1]
            """,
        "summed up": """
            totals = []
            for rewards in episodes:
                sums, R = [], 0
                for r in reversed(rewards):
                    R = r + gamma * R
                    sums.append(R)
                totals += sums
            print(np.mean(totals))
            """,
        "by the caller": """
            def compute(rewards, gamma):
                returns, R = [], 0
                for r in reversed(rewards):
                    R = r + gamma * R
                    returns.append(R)
                return returns
            x = compute(rewards, 0.9)[::-1]
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the append."""
        for call in source.method_calls("append"):
            list_, item = source.receiver(call), source.argument(call, 0)
            loop = next(iter(source.loops(call)), None)
            if not isinstance(list_, ast.Name) or not isinstance(item, ast.Name) or not isinstance(loop, ast.For):
                continue
            if not _is_reversed(source, loop.iter) or not _is_running(source, item):
                continue
            function = source.enclosing_function(call)
            around = function.node if function is not None else source.tree
            if _only_summed(source, list_):
                continue
            used = [source.statement(c) for c in source.callers(function)] if function is not None else []
            if sum(_turns(n) for n in ast.walk(around)) == 1 and not any(_turns(n) for s in used for n in ast.walk(s)):
                yield self.at(call, f"`{list_.id}` is filled from the last step to the first and used in that order")


def _only_summed(source: Source, list_: ast.Name) -> bool:
    """Whether all other reads of the list add it up or join it to a list of many, where its order is lost."""
    reads = [n for n in source.index.names.get(list_.id, ()) if not isinstance(source.parent(n), ast.Attribute)]
    same = [n for n in reads if source.scope(n) is source.scope(list_)]
    return bool(same) and all(
        isinstance(at := source.parent(n), ast.AugAssign)
        or (
            isinstance(at, ast.Call)
            and (source.name(at.func) or "").rpartition(".")[2] in ("sum", "mean", "max", "min")
        )
        for n in same
    )


def _is_reversed(source: Source, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and source.name(node.func) == "reversed"


def _is_running(source: Source, item: ast.Name) -> bool:
    """Whether it is a sum of something and of itself times a discount."""
    found = source.bindings(item)
    if len(found) != 1 or not isinstance(found[0].value, ast.BinOp):
        return False
    parts = source.terms(found[0].value, follow=False)
    return len(parts) > 1 and any(
        any(isinstance(f.node, ast.Name) and f.node.id == item.id for f in t.factors)
        and any(source.role(f.node) is Role.DISCOUNT for f in t.factors)
        for t in parts
    )


def _turns(node: ast.AST) -> bool:
    """A use of `reversed`, `reverse`, `flip`, `appendleft`, or a slice with a negative step."""
    if isinstance(node, ast.Slice):
        return isinstance(node.step, ast.UnaryOp)
    if not isinstance(node, ast.Call):
        return False
    func = node.func
    name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    return name in ("reversed", "reverse", "flip", "flipud", "appendleft", "insert")
