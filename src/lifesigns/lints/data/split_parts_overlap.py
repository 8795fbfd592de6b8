"""Rule L607: training and test part share rows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.tree import Binding, dotted
from lifesigns.rules import Likelihood

TRAIN = re.compile(r"(?:^|_)(?:train|training)(?:_|$)")
TEST = re.compile(r"(?:^|_)(?:val|valid|validation|test|eval|holdout)(?:_|$)")
Range = tuple[str | None, str | None]
"""Lower and upper bound as text; None at an end."""


class SplitPartsOverlap(LintRule):
    """Slices of one array that are called training and test have rows in common.

    What it detects
    ---------------
    `train, test = x, x[:n]`; `train = x[:n]` with `test = x[:n]`; `x[n:]` for both.

    Why it matters
    --------------
    Every test row is a training row. The test score says how well the network remembers.

    How it decides
    --------------
    Names with `train` and with `test` or `val` in them, else equal, are bound in one block to slices of the same value;
    the slices start at the same bound, end at the same bound, or one is the whole.

    When it is wrong
    ----------------
    A first run on a few rows, to see whether the network can learn them by heart.

    What to do
    ----------
    `train, test = x[n:], x[:n]`, of a permutation.

    References
    ----------
    Kapoor and Narayanan, Leakage and the reproducibility crisis in machine-learning-based science (2023), L1.1.
    """

    code = "L607"
    since = "0.2"
    severity = "warning"
    looks_at = ("train", "train_rows", "train_idx", "train_names", "x_train", "X_train", "train_x", "train_data",
                "train_set", "train_indices", "train_ids", "train_dataset", "train_files", "train_indexes")  # fmt: skip
    causes = {"validation-leak": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "whole": "val_rows, train_rows = order[:num_val], order",
        "one bound for both": "train_x = x[:n]\ntest_x = x[:n]",
        "same end": "train_idx, test_idx = idx[k:], idx[n:]",
    }
    right = {
        "apart": "val_rows, train_rows = order[:num_val], order[num_val:]",
        "three parts": "train, val, test = x[:a], x[a:b], x[b:]",
        "of two arrays": "train_x, test_x = x[:n], y[:n]",
        "shuffled between": "x = load(0)\ntrain = x[:n]\nx = load(1)\ntest = x[:n]",
        "from the end": "train, test = x[:-n], x[-n:]",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the second of the two."""
        for scope in source.index.scopes.values():
            found = [b for name, own in scope.bindings.items() if len(own) == 1 for b in own if _word(name)]
            for one in found:
                for other in found:
                    fits = (
                        TRAIN.search(_last(one)) and TEST.search(_last(other)) and _word(one.name) == _word(other.name)
                    )
                    if fits and _overlap(source, one, other):
                        later = max((one, other), key=lambda b: (b.node.lineno, b.node.col_offset))  # pyright: ignore
                        yield self.at(later.node, f"`{one.name}` and `{other.name}` have rows in common")


def _last(binding: Binding) -> str:
    return binding.name.rpartition(".")[2].lower()


def _word(name: str) -> str:
    """The name without its word for the part; empty if it has none."""
    last = name.rpartition(".")[2].lower()
    for part in (TRAIN, TEST):
        if part.search(last):
            return part.sub("_", last)
    return ""


def _overlap(source: Source, one: Binding, other: Binding) -> bool:
    a, b = _slice(source, one), _slice(source, other)
    if a is None or b is None or not source.same(a[0], b[0]):
        return False
    (low_a, high_a), (low_b, high_b) = a[1], b[1]
    if (low_a, high_a) == (None, None) and (low_b, high_b) == (None, None):
        return False
    return (
        (low_a is None and low_b is None) or (high_a is None and high_b is None) or (low_a, high_a) == (low_b, high_b)
    )


def _slice(source: Source, binding: Binding) -> tuple[ast.expr, Range] | None:
    value = binding.value
    if (
        binding.path
        and isinstance(value, ast.Tuple)
        and len(binding.path) == 1
        and 0 <= binding.path[0] < len(value.elts)
    ):
        value = value.elts[binding.path[0]]
    elif binding.path:
        return None
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice) and value.slice.step is None:
        low, high = value.slice.lower, value.slice.upper
        if dotted(value.value) is not None:
            return value.value, (_text(source, low), _text(source, high))
    if isinstance(value, ast.Name):
        return value, (None, None)
    return None


def _text(source: Source, node: ast.expr | None) -> str | None:
    return None if node is None or source.number(node) == 0 else source.unparse(node)
