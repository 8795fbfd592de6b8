"""Rule L803: all warnings are switched off."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood


class WarningsSilenced(LintRule):
    """Every warning of every library is filtered out for the whole run.

    What it detects
    ---------------
    `warnings.filterwarnings("ignore")` or `warnings.simplefilter("ignore")` without a category, a message or a module,
    outside `warnings.catch_warnings()`; `numpy.seterr(all="ignore")`.

    Why it matters
    --------------
    PyTorch warns of losses whose shapes broadcast, of schedulers that step too early, of gradients that are not there;
    Gymnasium warns of observations outside their space; NumPy of divisions by zero. These are bugs in the script, and
    the only sign of them.

    How it decides
    --------------
    The call has no argument that narrows it, and is no part of a `with warnings.catch_warnings()`.

    When it is wrong
    ----------------
    A script for readers, whose output must be short, that was clean before.

    What to do
    ----------
    Remove it and read what comes; then filter that one message by its text.

    References
    ----------
    Python documentation, warnings: The Warnings Filter.
    """

    code = "L803"
    since = "0.2"
    severity = "note"
    looks_at = ("filterwarnings", "simplefilter", "seterr")
    causes = {"failure-hidden": Likelihood(0.2, source="judgement")}
    false_alarm = Likelihood(0.02, source="judgement; see benchmarks/lint")
    wrong = {
        "filter": "import warnings\nwarnings.filterwarnings('ignore')",
        "simple": "from warnings import simplefilter\nsimplefilter('ignore')",
        "numpy": "np.seterr(all='ignore')",
    }
    right = {
        "one category": "import warnings\nwarnings.filterwarnings('ignore', category=DeprecationWarning)",
        "one message": "import warnings\nwarnings.filterwarnings('ignore', message='.*lr_scheduler.*')",
        "for a block": """
            import warnings
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                old()
            """,
        "where a caller asks for it": """
            import warnings
            def worker(env, filter_warnings=False):
                if filter_warnings:
                    warnings.filterwarnings("ignore")
                return env.reset()
            """,
        "errors": "import warnings\nwarnings.simplefilter('error')\nnp.seterr(all='raise')",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call."""
        for call in source.calls("warnings.filterwarnings", "warnings.simplefilter"):
            alone = len(call.args) + len(call.keywords) == 1 and _ignore(source.argument(call, 0, "action"))
            if alone and not _within(source, call) and not _on_request(source, call):
                yield self.at(call, "all warnings of all libraries are hidden for the whole run")
        for call in source.calls("numpy.seterr"):
            if _ignore(source.argument(call, 0, "all")) and isinstance(source.parent(call), ast.Expr):
                yield self.at(call, "NaN and infinity arise without a warning from here on")


def _ignore(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value == "ignore"


def _within(source: Source, call: ast.Call) -> bool:
    for at in source.parents(call):
        if isinstance(at, ast.With):
            for item in at.items:
                made = item.context_expr
                if isinstance(made, ast.Call) and (source.name(made.func) or "").endswith("catch_warnings"):
                    return True
    return False


def _on_request(source: Source, call: ast.Call) -> bool:
    """Whether it stands under a condition on a parameter of its function."""
    tests = [at.test for at in source.parents(call) if isinstance(at, ast.If)]
    return any(b.how == "param" for t in tests for b in source.bindings(t))
