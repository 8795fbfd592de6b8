"""Rule L304: the scheduler steps before the optimiser does."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source, position
from lifesigns.lints.source.library import OPTIMIZER, SCHEDULER
from lifesigns.rules import Likelihood


class SchedulerBeforeOptimizer(LintRule):
    """Each round, the learning rate is changed before it has been used.

    What it detects
    ---------------
    `scheduler.step()` above the `optimizer.step()` of the same optimiser in one loop, or above the inner loop that
    holds it.

    Why it matters
    --------------
    The first value of the schedule is skipped: a warm-up starts one step late, a one-cycle schedule runs past its end.
    PyTorch says so once, in a warning that is easily lost.

    How it decides
    --------------
    Both are known objects, the scheduler was built on that optimiser, and in the loop's body no step of the optimiser
    stands above.

    When it is wrong
    ----------------
    The schedule was written for that order, as before PyTorch 1.1.

    What to do
    ----------
    Call `scheduler.step()` after `optimizer.step()`.

    References
    ----------
    PyTorch documentation, torch.optim: How to adjust learning rate.
    """

    code = "L304"
    since = "0.2"
    severity = "warning"
    looks_at = ("step",)
    causes = {"optimizer-loop-wrong": Likelihood(0.2, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "one loop": """
            opt = optim.SGD(net.parameters(), lr=0.1)
            sched = optim.lr_scheduler.StepLR(opt, 30)
            for x, y in data:
                loss(x, y).backward()
                sched.step()
                opt.step()
            """,
        "epochs": """
            opt = optim.SGD(net.parameters(), lr=0.1)
            sched = optim.lr_scheduler.StepLR(opt, 30)
            for epoch in range(90):
                sched.step()
                for x, y in data:
                    opt.zero_grad()
                    loss(x, y).backward()
                    opt.step()
            """,
    }
    right = {
        "after": """
            opt = optim.SGD(net.parameters(), lr=0.1)
            sched = optim.lr_scheduler.StepLR(opt, 30)
            for epoch in range(90):
                for x, y in data:
                    opt.step()
                sched.step()
            """,
        "of another optimiser": """
            a, b = optim.SGD(p, lr=0.1), optim.SGD(q, lr=0.1)
            sched = optim.lr_scheduler.StepLR(a, 30)
            for x in data:
                a.step()
                sched.step()
                b.step()
            """,
        "twice": """
            opt = optim.SGD(net.parameters(), lr=0.1)
            sched = optim.lr_scheduler.StepLR(opt, 30)
            for x in data:
                opt.step()
                sched.step()
                opt.step()
            """,
        "resumed": """
            opt = optim.SGD(net.parameters(), lr=0.1)
            sched = optim.lr_scheduler.StepLR(opt, 30)
            for _ in range(start):
                sched.step()
            for x in data:
                opt.step()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the scheduler's step."""
        steps = source.calls(f"{OPTIMIZER}.step")
        for turn in source.calls(f"{SCHEDULER}.step"):
            of = source.receiver(turn)
            made = source.value(of)
            around = source.loops(turn)
            if not around or not isinstance(made, ast.Call) or not _plain(source, turn, around[0]):
                continue
            own = source.argument(made, 0, "optimizer")
            held = [s for s in steps if around[0] in source.loops(s) and own is not None and _one(source, s, own)]
            if held and all(source.before(turn, s) for s in held):
                line = position(held[0])[0]
                yield self.at(turn, f"the scheduler steps before its optimiser does (line {line})")


def _plain(source: Source, turn: ast.Call, loop: ast.AST) -> bool:
    """Whether it stands in the loop's own body, under no condition."""
    return source.parent(source.statement(turn)) is loop


def _one(source: Source, step: ast.Call, own: ast.expr) -> bool:
    """Whether the optimiser that steps and the scheduler's are made by the same expression."""
    made = source.value(source.receiver(step))
    return made is not None and made is source.value(own)
