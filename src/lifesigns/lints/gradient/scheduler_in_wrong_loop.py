"""Rule L305: the scheduler's length and the loop that it steps in do not fit."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import LOADER, OPTIMIZER, SCHEDULER
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

LENGTHS = {
    "CosineAnnealingLR": (1, "T_max"),
    "LinearLR": (3, "total_iters"),
    "PolynomialLR": (1, "total_iters"),
    "OneCycleLR": (2, "total_steps"),
    "LambdaLR": (1, "lr_lambda"),
}
"""class → position and name of the argument that holds the schedule's length."""
EPOCHS = re.compile(r"^(?:n_|num_|max_|total_)?epochs?$")


class SchedulerInWrongLoop(LintRule):
    """A schedule as long as the number of epochs is stepped once per batch, or one over all batches once per epoch.

    What it detects
    ---------------
    `CosineAnnealingLR(opt, T_max=epochs)` with `scheduler.step()` in the loop over batches; or a length with
    `len(loader)` in it with `scheduler.step()` outside that loop.

    Why it matters
    --------------
    In the first case the learning rate is down after a few dozen batches (and a cosine comes up again); in the second
    it hardly moves during the whole run.

    How it decides
    --------------
    Names in the length (through names, local functions and settings): only a number of epochs, or the length of a
    loader. The loops around the step: an outer one over `range(epochs)` and an inner one, or one alone.

    When it is wrong
    ----------------
    One epoch is one batch.

    What to do
    ----------
    Give the length in the unit of the steps: `T_max=epochs * len(loader)` per batch, `T_max=epochs` per epoch.

    References
    ----------
    PyTorch documentation, torch.optim.lr_scheduler.CosineAnnealingLR.
    """

    code = "L305"
    since = "0.2"
    severity = "warning"
    looks_at = tuple(LENGTHS)
    causes = {
        "optimizer-loop-wrong": Likelihood(0.2, source="judgement"),
        "learning-rate-too-low": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "epochs as length, per batch": """
            opt = optim.SGD(net.parameters(), lr=0.1)
            sched = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=args.epochs)
            for epoch in range(args.epochs):
                for x, y in loader:
                    opt.step()
                    sched.step()
            """,
        "length in batches, per epoch": """
            loader = DataLoader(data, shuffle=True)
            opt = optim.SGD(net.parameters(), lr=0.1)
            sched = optim.lr_scheduler.OneCycleLR(opt, max_lr=0.1, total_steps=epochs * len(loader))
            for epoch in range(epochs):
                for x, y in loader:
                    opt.step()
                sched.step()
            """,
        "local function of the epochs": """
            def decay(total):
                return lambda t: 1 - t / total
            opt = optim.SGD(net.parameters(), lr=0.1)
            sched = optim.lr_scheduler.LambdaLR(opt, decay(args.num_epochs))
            for epoch in range(args.num_epochs):
                for batch in loader:
                    opt.step()
                    sched.step()
            """,
    }
    right = {
        "per batch": """
            opt = optim.SGD(net.parameters(), lr=0.1)
            sched = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs * len(loader))
            for epoch in range(epochs):
                for x, y in loader:
                    opt.step()
                    sched.step()
            """,
        "per epoch": """
            opt = optim.SGD(net.parameters(), lr=0.1)
            sched = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs)
            for epoch in range(epochs):
                for x, y in loader:
                    opt.step()
                sched.step()
            """,
        "epochs over one batch": """
            opt = optim.SGD(net.parameters(), lr=0.1)
            sched = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs)
            for epoch in range(epochs):
                opt.step()
                sched.step()
            """,
        "in epochs, as a fraction": """
            opt = optim.SGD(net.parameters(), lr=0.1)
            sched = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=epochs)
            for epoch in range(epochs):
                for i, x in enumerate(loader):
                    opt.step()
                    sched.step(epoch + i / len(loader))
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the scheduler's step."""
        steps = source.calls(f"{OPTIMIZER}.step")
        for turn in source.calls(f"{SCHEDULER}.step"):
            made = source.value(source.receiver(turn))
            if turn.args or turn.keywords or not isinstance(made, ast.Call):
                continue
            length = _length(source, made)
            around = source.loops(turn)
            if length is None or not around or source.parent(source.statement(turn)) is not around[0]:
                continue
            unit = _unit(source, length)
            if unit == "epochs" and len(around) > 1 and _over_epochs(source, around[1]) and _batches(around[0]):
                yield self.at(turn, f"stepped once per batch; its length `{source.unparse(length)}` counts epochs")
            elif unit == "batches" and _over_epochs(source, around[0]) and _inside(source, around[0], steps):
                yield self.at(turn, f"stepped once per epoch; its length `{source.unparse(length)}` counts batches")


def _length(source: Source, made: ast.Call) -> ast.expr | None:
    place = LENGTHS.get((source.name(made.func) or "").rpartition(".")[2])
    return source.argument(made, *place) if place is not None else None


def _unit(source: Source, length: ast.expr) -> str | None:
    """`epochs` if the only quantity in it is a number of epochs, `batches` with the length of a loader in it."""
    words: set[str] = set()
    todo: list[tuple[ast.AST, int]] = [(length, 0)]
    while todo:
        node, depth = todo.pop()
        if isinstance(node, ast.Call) and source.name(node.func) == "len":
            words.add("loader" if _is_loader(source, node) else "other")
            continue
        if isinstance(node, ast.Lambda):
            return None
        name = dotted(node)
        if name is not None:
            value = source.value(node)
            last = name.rpartition(".")[2].lower()
            if EPOCHS.match(last):
                words.add("epochs")
            elif value is not None and value is not node and depth < 4 and not isinstance(value, ast.Constant):
                todo.append((value, depth + 1))
            elif not isinstance(value, ast.Constant):
                words.add("other")
        elif isinstance(node, ast.Call):
            todo.extend((a, depth) for a in (*node.args, *(k.value for k in node.keywords)))
        else:
            todo.extend((c, depth) for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr))
    if words == {"epochs"}:
        return "epochs"
    return "batches" if "loader" in words and "other" not in words else None


def _is_loader(source: Source, call: ast.Call) -> bool:
    given = call.args[0] if call.args else None
    return source.is_a(given, LOADER) or (given is not None and (dotted(given) or "").lower().endswith("loader"))


def _over_epochs(source: Source, loop: ast.AST) -> bool:
    return isinstance(loop, ast.For) and "epoch" in source.unparse(loop.target) + source.unparse(loop.iter)


def _batches(loop: ast.AST) -> bool:
    """A loop over data, not one over a few numbers."""
    if not isinstance(loop, ast.For):
        return False
    it = loop.iter
    if isinstance(it, ast.Call) and isinstance(it.func, ast.Name) and it.func.id in ("enumerate", "tqdm") and it.args:
        it = it.args[0]
    words = ("load", "batch", "data", "train", "dl")
    return any(w in (dotted(it) or "").lower() for w in words)


def _inside(source: Source, loop: ast.AST, steps: list[ast.Call]) -> bool:
    return any(len(a := source.loops(s)) > 1 and a[1] is loop and _batches(a[0]) for s in steps)
