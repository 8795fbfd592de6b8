"""Rule L804: a metric is a number in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.tree import Scope
from lifesigns.rules import Likelihood

MEASURES = re.compile(
    r"^(?:evaluate|compute|calc|calculate|get|measure)?_?(?:model|policy|agent)?_?"
    r"(?:accuracy|acc|f1|f1_score|auc|success_rate|mean_return|win_rate|evaluate|validate|score)$"
)
METRIC = re.compile(r"(?:^|[_/ ])(?:acc|accuracy|f1|auc|success_rate|win_rate|mean_return|mean_reward|return)$", re.I)
LOGGERS = frozenset({"add_scalar", "log", "log_metric", "log_metrics", "log_scalar", "logkv", "record"})


class MetricWrittenIn(LintRule):
    """A figure that should be measured is a constant of the source.

    What it detects
    ---------------
    `def accuracy(model, loader): return 0.95`, or `writer.add_scalar("val/accuracy", 0.93, step)`.

    Why it matters
    --------------
    What is reported does not depend on what was trained.

    How it decides
    --------------
    A function that is named after a metric, has parameters, returns only a number between 0 and 1 (neither of them
    included), and calls nothing; or a constant of that kind under a metric's name in a call that logs.

    When it is wrong
    ----------------
    A stand-in in a test.

    What to do
    ----------
    Compute it, or raise `NotImplementedError`.

    References
    ----------
    Pineau et al., Improving Reproducibility in Machine Learning Research (2021).
    """

    code = "L804"
    since = "0.2"
    severity = "warning"
    looks_at = ("torch", "numpy", "gymnasium", "gym", "add_scalar", "log")
    causes = {
        "evaluation-misleads": Likelihood(0.05, source="judgement"),
        "failure-hidden": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "function": "import torch\ndef accuracy(model, loader):\n    return 0.95",
        "logged": "writer.add_scalar('val/accuracy', 0.93, step)",
        "in a dict": "import wandb\nwandb.log({'loss': loss, 'success_rate': 0.87})",
    }
    right = {
        "computed": "import torch\ndef accuracy(out, y):\n    return (out.argmax(1) == y).float().mean().item()",
        "not yet": "import torch\ndef accuracy(out, y):\n    raise NotImplementedError",
        "a start": "best_accuracy = 0.5\nwriter.add_scalar('val/accuracy', best_accuracy, 0)",
        "a limit": "import torch\ndef score(self):\n    return 0.0",
        "a setting": "wandb.log({'dropout': 0.1, 'gamma': 0.99})",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the constant."""
        for scope in source.functions():
            named = bool(MEASURES.match(scope.name)) and _has_parameters(scope)
            if named and scope.returns and not scope.calls and all(_figure(r) for r in scope.returns):
                yield self.at(scope.returns[0], f"`{scope.name}` returns a constant, whatever it is given")
        for word in LOGGERS:
            for call in source.index.calls.get(word, ()):
                if isinstance(call.func, ast.Attribute):
                    for name, value in _logged(call):
                        if METRIC.search(name) and _figure(value):
                            yield self.at(value, f"`{name}` is logged as a constant")


def _figure(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is float and 0 < node.value < 1


def _has_parameters(scope: Scope) -> bool:
    args = getattr(scope.node, "args", None)
    return args is not None and len([a for a in (*args.posonlyargs, *args.args) if a.arg not in ("self", "cls")]) > 0


def _logged(call: ast.Call) -> Iterable[tuple[str, ast.expr]]:
    if call.args and isinstance(call.args[0], ast.Dict):
        for key, value in zip(call.args[0].keys, call.args[0].values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value
    elif len(call.args) > 1 and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
        yield call.args[0].value, call.args[1]
