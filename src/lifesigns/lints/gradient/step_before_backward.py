"""Rule L303: the optimiser steps before `backward` has filled the gradients."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source, position
from lifesigns.lints.source.library import OPTIMIZER
from lifesigns.lints.source.loops import same_block
from lifesigns.rules import Likelihood


class StepBeforeBackward(LintRule):
    """The optimiser's step stands between `zero_grad` and `backward`: it steps along nothing.

    What it detects
    ---------------
    `optimizer.zero_grad()`, then `optimizer.step()`, then `loss.backward()`, in one block.

    Why it matters
    --------------
    At the step all gradients are zero or None; those that `backward` writes afterwards are cleared before the next
    one. Parameters never move.

    How it decides
    --------------
    Three statements of one block in that order on one known optimiser, with no call in between that could run a
    `backward`.

    When it is wrong
    ----------------
    Gradients are set by hand or by a hook in between.

    What to do
    ----------
    `zero_grad`, `backward`, `step`, in this order.

    References
    ----------
    PyTorch tutorials, Optimizing Model Parameters.
    """

    code = "L303"
    since = "0.2"
    severity = "error"
    looks_at = ("backward",)
    causes = {
        "optimizer-loop-wrong": Likelihood(0.1, source="judgement"),
        "parameters-not-trained": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.001, source="judgement; see benchmarks/lint")
    wrong = {
        "loop": """
            opt = optim.Adam(net.parameters())
            for x, y in data:
                opt.zero_grad()
                loss = F.mse_loss(net(x), y)
                opt.step()
                loss.backward()
            """,
        "attribute": """
            class Agent:
                def __init__(self, net):
                    self.opt = torch.optim.SGD(net.parameters(), lr=0.1)
                def update(self, loss):
                    self.opt.zero_grad()
                    self.opt.step()
                    loss.backward()
            """,
    }
    right = {
        "as it should be": """
            opt = optim.Adam(net.parameters())
            for x, y in data:
                opt.zero_grad()
                loss = F.mse_loss(net(x), y)
                loss.backward()
                opt.step()
            """,
        "delayed step": """
            opt = optim.Adam(net.parameters())
            for x, y in data:
                opt.step()
                opt.zero_grad()
                F.mse_loss(net(x), y).backward()
            """,
        "two losses": """
            opt = optim.Adam(net.parameters())
            opt.zero_grad()
            first(x).backward()
            opt.step()
            second(x).backward()
            opt.step()
            """,
        "backward in a function": """
            opt = optim.Adam(net.parameters())
            opt.zero_grad()
            learn(net, batch)
            opt.step()
            penalty(net).backward()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the step."""
        backwards = source.calls("torch.Tensor.backward")
        zeros = source.calls(f"{OPTIMIZER}.zero_grad")
        for step in source.calls(f"{OPTIMIZER}.step"):
            of = source.receiver(step)
            if of is None or step.args or step.keywords:
                continue
            zero = [
                z for z in zeros
                if same_block(source, z, step) and source.before(z, step) and source.same(z.func.value, of)  # pyright: ignore
            ]  # fmt: skip
            after = [b for b in backwards if same_block(source, b, step) and source.before(step, b)]
            if zero and after and not _may_differentiate(source, zero[-1], step):
                line = position(after[0])[0]
                yield self.at(step, f"gradients are zero at this step; `backward` comes after it, in line {line}")


def _may_differentiate(source: Source, zero: ast.Call, step: ast.Call) -> bool:
    """Whether a statement in between is anything but an assignment, so that it may run a `backward`."""
    block = source.parent(source.statement(step))
    for name in ("body", "orelse", "finalbody"):
        held = getattr(block, name, None)
        if isinstance(held, list) and source.statement(step) in held:
            first, last = held.index(source.statement(zero)), held.index(source.statement(step))
            return any(not isinstance(s, ast.Assign | ast.AnnAssign) for s in held[first + 1 : last])
    return True
