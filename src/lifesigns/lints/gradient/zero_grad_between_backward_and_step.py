"""Rule L302: gradients are set to zero after `backward` and before the step."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source, position
from lifesigns.lints.source.library import OPTIMIZER
from lifesigns.rules import Likelihood


class ZeroGradBetweenBackwardAndStep(LintRule):
    """Gradients are thrown away between `backward` and the optimiser's step.

    What it detects
    ---------------
    `loss.backward()`, then `optimizer.zero_grad()`, then `optimizer.step()`, in one block.

    Why it matters
    --------------
    The step has nothing to go by: parameters stay as they are (or coast on momentum), whatever the loss does.

    How it decides
    --------------
    Three statements of one block in that order, on one known optimiser, with no other `backward` before the step.

    When it is wrong
    ----------------
    Gradients are kept elsewhere and put back by a call in between.

    What to do
    ----------
    Move `zero_grad` above `backward`, or below the step.

    References
    ----------
    PyTorch documentation, torch.optim.Optimizer.zero_grad.
    """

    code = "L302"
    since = "0.2"
    severity = "error"
    looks_at = ("zero_grad",)
    causes = {"gradient-path-broken": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.001, source="judgement; see benchmarks/lint")
    wrong = {
        "between": """
            opt = optim.Adam(net.parameters())
            for x, y in data:
                loss = F.mse_loss(net(x), y)
                loss.backward()
                opt.zero_grad()
                opt.step()
            """,
        "attribute, clip between": """
            class A:
                def __init__(self):
                    self.opt = optim.Adam(self.net.parameters())
                def update(self, loss):
                    loss.backward()
                    nn.utils.clip_grad_norm_(self.net.parameters(), 0.5)
                    self.opt.zero_grad()
                    self.opt.step()
            """,
    }
    right = {
        "before": "opt = optim.Adam(p)\nopt.zero_grad()\nloss.backward()\nopt.step()",
        "after": "opt = optim.Adam(p)\nfor x in data:\n    loss(x).backward()\n    opt.step()\n    opt.zero_grad()",
        "two optimisers": """
            a, b = optim.Adam(p), optim.Adam(q)
            a.zero_grad()
            loss_a.backward()
            b.zero_grad()
            a.step()
            loss_b.backward()
            b.step()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the `zero_grad`."""
        backwards = source.calls("torch.Tensor.backward")
        steps = source.calls(f"{OPTIMIZER}.step")
        for zero in source.calls(f"{OPTIMIZER}.zero_grad"):
            of = source.receiver(zero)
            after = [s for s in steps if _together(source, zero, s) and source.before(zero, s)]
            step = next((s for s in after if of is not None and source.same(of, s.func.value)), None)  # pyright: ignore
            if step is None:
                continue
            between = [b for b in backwards if source.before(zero, b) and source.before(b, step)]
            before = [b for b in backwards if _together(source, zero, b) and source.before(b, zero)]
            stepped = [
                s for s in steps
                if before and source.before(before[-1], s) and source.before(s, zero) and of is not None
                and source.same(of, s.func.value)  # pyright: ignore
            ]  # fmt: skip
            if before and not between and not stepped:
                line = position(before[-1])[0]
                yield self.at(zero, f"gradients of the `backward` in line {line} are zeroed before the step uses them")


def _together(source: Source, one: ast.AST, other: ast.AST) -> bool:
    return source.parent(source.statement(one)) is source.parent(source.statement(other))
