"""Rule L621: a reshape stands where axes should be permuted."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.tree import Binding
from lifesigns.rules import Likelihood


class AxesMixedByReshape(LintRule):
    """A tensor's sizes are given to `view` or `reshape` in another order: rows are cut up and mixed.

    What it detects
    ---------------
    `b, t, d = x.shape`, then `x.view(t, b, d)` or, of four, `x.reshape(b, h * w, c)` for a tensor of shape
    `(b, c, h, w)`.

    Why it matters
    --------------
    `view` keeps the order of numbers in memory. The result has the right shape, but its entries are from other times,
    examples or channels. Nothing fails; the network learns from a shuffle, or one example from another's future.

    How it decides
    --------------
    The sizes were unpacked from the very tensor that is reshaped, all of them are used once, and reading them in order
    gives another order than that of the axes (neighbours may be multiplied).

    When it is wrong
    ----------------
    All sizes but one are 1, or a random mixing is meant.

    What to do
    ----------
    `x.permute(...)` or `x.transpose(...)` first; `flatten(2).transpose(1, 2)` for images.

    References
    ----------
    PyTorch documentation, torch.Tensor.view and torch.permute.
    """

    code = "L621"
    since = "0.2"
    severity = "error"
    looks_at = ("view", "reshape")
    causes = {
        "rows-mixed": Likelihood(0.15, source="judgement"),
        "environment-rows-mixed": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "time and batch": "b, t, d = x.shape\nx = x.view(t, b, d)\nout, h = rnn(x)",
        "image to sequence": """
            def forward(self, x):
                b, c, h, w = x.size()
                return self.attend(x.reshape(b, h * w, c))
            """,
    }
    right = {
        "merged": "b, t, d = x.shape\nflat = x.view(b * t, d)",
        "permuted first": "b, t, d = x.shape\nx = x.transpose(0, 1)\nx = x.reshape(t, b, d)",
        "image flattened": "b, c, h, w = x.shape\nx = x.view(b, c, h * w)",
        "heads": "b, t, d = x.shape\nq = x.view(b, t, heads, d // heads)",
        "back again": "b, c, h, w = x.shape\ny = f(x)\ny = y.view(b, h, w, c)",
        "reversed product": "b, c, h, w = x.shape\nx = x.view(b, c, w * h)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call."""
        for op in source.ops("view", "reshape"):
            sizes = _sizes(source, op.input)
            if not sizes:
                continue
            given = op.args[1:]
            if len(given) == 1 and isinstance(given[0], ast.Tuple | ast.List):
                given = tuple(given[0].elts)
            order = [_factors(source, g, sizes) for g in given]
            flat = [at for part in order for at in part]
            if sorted(flat) == list(range(len(sizes))) and all(order) and not _keeps(order):
                names = ", ".join(b.name for b in sizes)
                yield self.at(op.node, f"the axes are ({names}); a reshape into this order mixes their entries")


def _sizes(source: Source, node: ast.AST | None) -> list[Binding]:
    """Bindings of the sizes of `node`, unpacked from its shape while it held the same value."""
    if not isinstance(node, ast.Name):
        return []
    mine = set(source.bindings(node))
    for other in source.index.names.get(node.id, ()):
        shape = source.parent(other)
        if (
            not isinstance(shape, ast.Attribute)
            or shape.attr not in ("shape", "size")
            or set(source.bindings(other)) != mine
            or source.scope(other) is not source.scope(node)
        ):
            continue
        at = source.parent(shape)
        at = source.parent(at) if isinstance(at, ast.Call) and not at.args else at
        if isinstance(at, ast.Assign) and isinstance(at.targets[0], ast.Tuple):
            found = [source.index.bound.get(e) for e in at.targets[0].elts]
            if len({b.name for b in found if b}) == len(found) and len(found) > 1:
                return [b for b in found if b is not None and b.name != "_"]
    return []


def _factors(source: Source, node: ast.expr, sizes: list[Binding]) -> list[int]:
    """Axes whose sizes are multiplied here; empty where anything else is in it."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = _factors(source, node.left, sizes), _factors(source, node.right, sizes)
        return left + right if left and right else []
    if isinstance(node, ast.Name):
        found = source.bindings(node)
        return [sizes.index(found[0])] if len(found) == 1 and found[0] in sizes else []
    return []


def _keeps(order: list[list[int]]) -> bool:
    """Whether each part holds neighbours and parts follow each other."""
    flat = [at for part in order for at in sorted(part)]
    return flat == sorted(flat)
