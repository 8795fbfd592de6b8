"""Rule L805: an assertion about shapes, finite numbers or gradients is commented out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood

COMMENT = re.compile(r"^(\s*)#+\s?(assert\b.+)$")
SUBJECT = re.compile(
    r"\.shape\b|isfinite|isnan|isinf|\.grad\b|requires_grad|grad_fn|terminated|truncated|allclose|\.size\(|\blen\("
)


class AssertionCommentedOut(LintRule):
    """A check that once failed was switched off instead of the fault.

    What it detects
    ---------------
    A comment line that is an `assert` statement about shapes, sizes, finite numbers, gradients or ends of episodes.

    Why it matters
    --------------
    Somebody expected this to hold. If it was commented out because it failed, the fault is still there.

    How it decides
    --------------
    The comment parses as an `assert` with one of those words in it. It stands alone on its line.

    When it is wrong
    ----------------
    The check was slow and always held, or the comment explains something.

    What to do
    ----------
    Put it back and run; repair what it finds, or remove the line.

    References
    ----------
    Beizer, Software Testing Techniques (1990), on assertions kept in place.
    """

    code = "L805"
    since = "0.2"
    status = "preview"
    severity = "note"
    looks_at = ("backward", "step", "forward", "cross_entropy", "shape")
    causes = {"failure-hidden": Likelihood(0.05, source="judgement")}
    false_alarm = Likelihood(0.02, source="judgement; see benchmarks/lint")
    wrong = {
        "shape": "loss = F.mse_loss(pred, y)\n# assert pred.shape == y.shape\nloss.backward()",
        "finite": "def f(loss):\n    # assert torch.isfinite(loss), 'loss'\n    loss.backward()",
    }
    right = {
        "active": "assert pred.shape == y.shape\nloss.backward()",
        "prose": "# assert that shapes agree here\nloss.backward()",
        "of something else": "# assert name in known\nloss.backward()",
        "in a string": "text = '''\n# assert a.shape == b.shape\n'''\nloss.backward()",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the comment."""
        lines = enumerate(source.text.lines, start=1) if "assert" in "\n".join(source.text.lines) else ()
        found = [(n, line, m) for n, line in lines if "assert" in line and (m := COMMENT.match(line))]
        found = [f for f in found if SUBJECT.search(f[2][2]) and _parses(f[2][2])]
        strings = _lines_of_strings(source) if found else set[int]()
        for number, line, match in found:
            if number not in strings:
                said = "this assertion is commented out: does it hold?"
                yield Spot(said, self.severity, number, len(match[1]), number, len(line.rstrip()))


def _parses(text: str) -> bool:
    try:
        tree = ast.parse(text.strip())
    except (SyntaxError, ValueError, RecursionError):
        return False
    return len(tree.body) == 1 and isinstance(tree.body[0], ast.Assert)


def _lines_of_strings(source: Source) -> set[int]:
    """Lines inside of strings over several lines."""
    found: set[int] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno and node.end_lineno > node.lineno:
            found.update(range(node.lineno, node.end_lineno + 1))
    return found
