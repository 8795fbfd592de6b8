"""Rule L606: data are normalised with the mean of all rows, then divided into training and test."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source, position
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

SPLITS = ("sklearn.model_selection.train_test_split", "torch.utils.data.random_split")
STATISTICS = frozenset({"mean", "std", "min", "max", "amin", "amax", "var", "median"})


class NormalisedBeforeTheSplit(LintRule):
    """Mean and scale are taken over all rows, test rows included, before they are divided.

    What it detects
    ---------------
    `x = (x - x.mean(0)) / x.std(0)`, then `x[train_idx]`, `x[:n_train]` or `train_test_split(x, ...)`.

    Why it matters
    --------------
    The training data know the level and the spread of the test data. For series with a trend that is knowledge of the
    future.

    How it decides
    --------------
    A difference to a `mean` or `min` of the same array along an axis, whose result is split by a function, or indexed
    by something that is named after training.

    When it is wrong
    ----------------
    Rows are normalised one by one (the axis is not that of the examples), or the constants are known beforehand.

    What to do
    ----------
    Compute the statistics from the training rows, apply them to all.

    References
    ----------
    scikit-learn documentation, Common pitfalls: Data leakage during pre-processing.
    """

    code = "L606"
    since = "0.2"
    severity = "warning"
    looks_at = ("mean", "min")
    causes = {"validation-leak": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.004, source="judgement; see benchmarks/lint")
    wrong = {
        "split by a function": """
            from sklearn.model_selection import train_test_split
            X = (X - X.mean(axis=0)) / X.std(axis=0)
            a, b, c, d = train_test_split(X, y)
            """,
        "split by a mask": """
            mean, std = readings.mean(axis=0), readings.std(axis=0)
            readings = (readings - mean) / std
            train = make(readings[is_train])
            test = make(readings[~is_train])
            """,
        "split by a number": """
            z = (z - np.mean(z, axis=0)) / np.std(z, axis=0)
            train_x, test_x = z[:n_train], z[n_train:]
            """,
    }
    right = {
        "of the training rows": """
            mean, std = readings[is_train].mean(axis=0), readings[is_train].std(axis=0)
            readings = (readings - mean) / std
            train = make(readings[is_train])
            """,
        "each row for itself": """
            x = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
            train, test = x[:n_train], x[n_train:]
            """,
        "advantages": "adv = (adv - adv.mean()) / (adv.std() + 1e-8)\nloss = -(logp * adv[mb]).mean()",
        "split first": """
            from sklearn.model_selection import train_test_split
            a, b, c, d = train_test_split(X, y)
            a = (a - a.mean(axis=0)) / a.std(axis=0)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the normalisation."""
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            name = dotted(node.targets[0]) if len(node.targets) == 1 else None
            bound = source.index.bound.get(node.targets[0])
            if name is None or bound is None or not _normalised(source, node.value):
                continue
            for use in source.uses(bound):
                if _divides(source, use):
                    line = position(use)[0]
                    yield self.at(node, f"statistics are of all rows; they are divided afterwards, in line {line}")
                    break


def _normalised(source: Source, value: ast.expr) -> bool:
    inner = value.left if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div) else value
    if not isinstance(inner, ast.BinOp) or not isinstance(inner.op, ast.Sub) or not isinstance(inner.left, ast.Name):
        return False
    return _statistic_of(source, inner.right, inner.left)


def _statistic_of(source: Source, node: ast.expr, data: ast.Name) -> bool:
    """Whether a value is `data.mean(axis=0)` of the same value of `data`."""
    made = source.value(node)
    if not isinstance(made, ast.Call) or not isinstance(made.func, ast.Attribute) or made.func.attr not in STATISTICS:
        return False
    function = source.name(made.func) or ""
    of = made.args[0] if function.startswith(("numpy.", "torch.")) and made.args else made.func.value
    at = 1 if of is not made.func.value else 0
    axis = source.argument(made, at, "axis", "dim")
    return source.same(of, data) and axis is not None and source.number(axis) == 0


def _divides(source: Source, use: ast.AST) -> bool:
    at = source.parent(use)
    if isinstance(at, ast.Call) and source.name(at.func) in SPLITS:
        return use in at.args
    if not isinstance(at, ast.Subscript) or at.value is not use:
        return False
    names = [n.id.lower() for n in ast.walk(at.slice) if isinstance(n, ast.Name)]
    return any("train" in n for n in names)
