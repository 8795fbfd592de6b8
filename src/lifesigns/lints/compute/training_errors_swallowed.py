"""Rule L801: errors in a training step are caught and training goes on."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import OPTIMIZER
from lifesigns.rules import Likelihood

BROAD = {None, "Exception", "BaseException", "RuntimeError", "ValueError", "TypeError"}


class TrainingErrorsSwallowed(LintRule):
    """A failing training step is skipped in silence and the loop goes on.

    What it detects
    ---------------
    `try:` around `backward()` or an optimiser's step, with a handler for `Exception`, `RuntimeError`, … that neither
    raises nor leaves the loop.

    Why it matters
    --------------
    A step that fails each time leaves parameters untouched while the log goes on. A step that fails for some batches
    drops them without a trace.

    How it decides
    --------------
    The handler's type is one of those, or none is named; its body has no `raise`, `return`, `break` or exit, and does
    not look at the message (out-of-memory handlers do).

    When it is wrong
    ----------------
    Known, counted and rare failures are skipped on purpose.

    What to do
    ----------
    Let it raise. If some batches may fail, catch the one exception meant, count it and stop after a few.

    References
    ----------
    Sculley et al., Hidden Technical Debt in Machine Learning Systems (2015).
    """

    code = "L801"
    since = "0.2"
    severity = "warning"
    looks_at = ("backward",)
    causes = {"failure-hidden": Likelihood(0.4, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "pass": """
            for x, y in data:
                try:
                    loss = F.mse_loss(net(x), y)
                    loss.backward()
                    opt.step()
                except Exception:
                    pass
            """,
        "printed": """
            def step(batch):
                try:
                    F.cross_entropy(net(batch.x), batch.y).backward()
                except RuntimeError as error:
                    print(error)
            """,
    }
    right = {
        "raised again": "try:\n    loss.backward()\nexcept RuntimeError:\n    print(x)\n    raise",
        "out of memory": """
            try:
                loss.backward()
            except RuntimeError as e:
                if "out of memory" in str(e):
                    torch.cuda.empty_cache()
            """,
        "interrupted": "try:\n    loss.backward()\nexcept KeyboardInterrupt:\n    pass",
        "elsewhere": "loss.backward()\ntry:\n    log(loss)\nexcept Exception:\n    pass",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the handler."""
        trained = [*source.calls("torch.Tensor.backward"), *source.calls(f"{OPTIMIZER}.step")]
        seen: set[ast.AST] = set()
        for call in trained:
            inner: ast.AST = call
            for at in source.parents(call):
                if at in source.index.scopes:
                    break
                if isinstance(at, ast.Try) and inner in at.body and at not in seen:
                    seen.add(at)
                    for handler in at.handlers:
                        if _broad(source, handler) and _goes_on(handler):
                            yield self.at(handler, "an error in the training step is caught here and training goes on")
                inner = at


def _broad(source: Source, handler: ast.ExceptHandler) -> bool:
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any((source.name(t) if t is not None else None) in BROAD for t in types)


def _goes_on(handler: ast.ExceptHandler) -> bool:
    for node in ast.walk(handler):
        if isinstance(node, ast.Raise | ast.Return | ast.Break | ast.Compare | ast.If):
            return False
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in (
            "exit",
            "_exit",
            "abort",
            "fail",
        ):
            return False
    return True
