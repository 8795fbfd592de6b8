"""Rule L105: The lower bound of a clip is above the upper one."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood


class ClipBoundsSwapped(LintRule):
    """A clip whose bounds are swapped returns the upper bound for every input: a constant.

    What it detects
    ---------------
    `ratio.clamp(1 + eps, 1 - eps)` or `np.clip(action, 1.0, -1.0)`.

    Why it matters
    --------------
    What is clipped no longer depends on anything: no gradient, or one action for all observations.

    How it decides
    --------------
    Both bounds are numbers, or `1 + x` and `1 - x` of one positive or unknown `x`, and the lower is above the
    upper.

    When it is wrong
    ----------------
    An `x` that is negative.

    What to do
    ----------
    Swap them: the lower bound comes first.

    References
    ----------
    PyTorch documentation, torch.clamp: if min is greater than max, all elements are set to the value of max.

    """

    code = "L105"
    since = "0.2"
    severity = "error"
    looks_at = (
        "clamp",
        "clip",
        "clamp_",
        "clip_",
    )
    causes = {
        "gradient-path-broken": Likelihood(0.03, source="judgement"),
        "observation-ignored": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.001, source="judgement; see benchmarks/lint")
    wrong = {
        "ratio": "clipped = ratio.clamp(1 + args.clip_coef, 1 - args.clip_coef) * advantages",
        "numbers": "action = np.clip(action, 1.0, -1.0)",
        "keywords": "log_std = torch.clamp(log_std, min=2, max=-20)",
    }
    right = {
        "ratio": "clipped = torch.clamp(ratio, 1 - eps, 1 + eps)",
        "numbers": "action = np.clip(action, -1.0, 1.0)",
        "one side": "x = x.clamp(min=3.0)",
        "unknown": "action = np.clip(action, high, low)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call."""
        for name in self.looks_at:
            for call in source.index.calls.get(name, ()):
                plain = source.name(call.func) is not None
                if not plain and not isinstance(call.func, ast.Attribute):
                    continue
                if plain and not (source.name(call.func) or "").startswith(("torch.", "numpy.")):
                    continue
                first = 1 if plain else 0
                low = source.argument(call, first, "min", "a_min")
                high = source.argument(call, first + 1, "max", "a_max")
                if low is not None and high is not None and _is_above(source, low, high):
                    low_text, high_text = source.unparse(low), source.unparse(high)
                    yield self.at(call, f"the lower bound, `{low_text}`, is above the upper, `{high_text}`: a constant")


def _is_above(source: Source, low: ast.expr, high: ast.expr) -> bool:
    first, second = source.number(low), source.number(high)
    if first is not None and second is not None:
        return first > second
    if not isinstance(low, ast.BinOp) or not isinstance(high, ast.BinOp):
        return False
    if not isinstance(low.op, ast.Add) or not isinstance(high.op, ast.Sub):
        return False
    if source.number(low.left) != 1 or source.number(high.left) != 1:
        return False
    return source.unparse(low.right) == source.unparse(high.right) and (source.number(low.right) or 1) > 0
