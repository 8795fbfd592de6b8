"""Rule L604: overlapping windows of a series are split at random."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source, position
from lifesigns.rules import Likelihood

SPLITS = ("sklearn.model_selection.train_test_split", "torch.utils.data.random_split")
MAKERS = ("numpy.lib.stride_tricks.sliding_window_view",)


class WindowsSplitAtRandom(LintRule):
    """Windows that overlap are dealt out at random to training and test.

    What it detects
    ---------------
    `[x[i : i + n] for i in range(...)]` or `sliding_window_view`, then `train_test_split` (which shuffles) or
    `random_split`.

    Why it matters
    --------------
    Nearly every test window has neighbours in the training set that share all but one of its values, and some that lie
    after it. The test score is far too good.

    How it decides
    --------------
    The data that are split are followed back to windows with a moving start; `shuffle=False` is respected.

    When it is wrong
    ----------------
    The start moves by a whole window, so that nothing overlaps, in a way that is not visible in the text.

    What to do
    ----------
    Split the series in time first (leave a gap of one window), then cut windows; or `TimeSeriesSplit`.

    References
    ----------
    Kapoor and Narayanan, Leakage and the reproducibility crisis in machine-learning-based science (2023), L3.1.
    """

    code = "L604"
    since = "0.2"
    severity = "warning"
    looks_at = ("train_test_split", "random_split")
    causes = {
        "validation-leak": Likelihood(0.1, source="judgement"),
        "future-leak": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "comprehension": """
            from sklearn.model_selection import train_test_split
            X = np.array([x[i : i + n] for i in range(len(x) - n)])
            a, b, c, d = train_test_split(X, y)
            """,
        "loop": """
            from torch.utils.data import TensorDataset, random_split
            windows = []
            for i in range(len(x) - 24):
                windows.append(x[i : i + 24])
            train, test = random_split(TensorDataset(torch.stack(windows)), [0.8, 0.2])
            """,
        "view": """
            from sklearn.model_selection import train_test_split
            from numpy.lib.stride_tricks import sliding_window_view
            X = sliding_window_view(x, 24)
            a, b = train_test_split(X, test_size=0.2)
            """,
    }
    right = {
        "in order": """
            from sklearn.model_selection import train_test_split
            X = np.array([x[i : i + n] for i in range(len(x) - n)])
            a, b, c, d = train_test_split(X, y, shuffle=False)
            """,
        "no overlap": """
            from sklearn.model_selection import train_test_split
            X = np.array([x[i : i + n] for i in range(0, len(x), n)])
            a, b, c, d = train_test_split(X, y)
            """,
        "split first": """
            from sklearn.model_selection import train_test_split
            a, b = train_test_split(series, test_size=0.2)
            X = np.array([a[i : i + n] for i in range(len(a) - n)])
            """,
        "batches": """
            from sklearn.model_selection import train_test_split
            a, b = train_test_split(x)
            for i in range(0, len(a), 32):
                step(a[i : i + 32])
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the split."""
        for split in source.calls(*SPLITS):
            flag = source.argument(split, -1, "shuffle")
            if isinstance(flag, ast.Constant) and flag.value is False:
                continue
            for given in split.args[:1]:
                window = next((w for w in _made_of(source, given) if _moves(source, w)), None)
                if window is not None:
                    line = position(window)[0]
                    yield self.at(split, f"the windows of line {line} overlap and are dealt out at random here")


def _made_of(source: Source, given: ast.expr) -> list[ast.AST]:
    """What goes into the data, with what is appended to lists among it."""
    found: list[ast.AST] = []
    for node in source.upstream(given, 150):
        found.append(node)
        if isinstance(node, ast.Name):
            mine = set(source.bindings(node))
            for call in source.index.calls.get("append", ()):
                of = source.receiver(call)
                if isinstance(of, ast.Name) and of.id == node.id and mine & set(source.bindings(of)):
                    found.extend(n for a in call.args for n in ast.walk(a))
    return found


def _moves(source: Source, node: ast.AST) -> bool:
    """Whether it is `x[i : i + n]` with `i` from a range of step 1, or a sliding view."""
    if isinstance(node, ast.Call):
        return source.name(node.func) in MAKERS
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Slice):
        return False
    low, high = node.slice.lower, node.slice.upper
    if not isinstance(low, ast.Name) or not isinstance(high, ast.BinOp) or not isinstance(high.op, ast.Add):
        return False
    if not isinstance(high.left, ast.Name) or high.left.id != low.id or source.number(high.right) == 1:
        return False
    found = source.bindings(low)
    made = found[0].value if len(found) == 1 and found[0].how == "for" else None
    return isinstance(made, ast.Call) and source.name(made.func) == "range" and len(made.args) < 3
