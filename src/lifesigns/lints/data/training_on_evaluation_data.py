"""Rule L602: updates are made on the evaluation data."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

FOR_EVAL = re.compile(
    r"^(?:x_|the_)?(?:val|valid|validation|test|eval|evaluation)_?(?:loader|dl|dataloader|set|ds|dataset|data|iter)$"
)
FOR_TRAIN = re.compile(r"^(?:train|training)_?(?:loader|dl|dataloader|iter)$")


class TrainingOnEvaluationData(LintRule):
    """The data that the result is measured on are trained on.

    What it detects
    ---------------
    `backward` in a loop over `val_loader`; `train_loader = DataLoader(val_set, ...)`.

    Why it matters
    --------------
    The validation score measures memory then. It rises with overfitting instead of warning of it.

    How it decides
    --------------
    By the names: a loop over something called a validation or test loader with a `backward` and an optimiser's step in
    its body, or a loader whose name says training over a set whose name says validation or test.

    When it is wrong
    ----------------
    Test-time training, meta-learning with a support set, fine-tuning on everything at the end.

    What to do
    ----------
    Iterate over the training loader; keep the other for evaluation.

    References
    ----------
    Kapoor and Narayanan, Leakage and the reproducibility crisis in machine-learning-based science (2023).
    """

    code = "L602"
    since = "0.2"
    severity = "warning"
    looks_at = ("DataLoader", "backward")
    causes = {"validation-leak": Likelihood(0.2, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "loop": """
            for x, y in val_loader:
                opt.zero_grad()
                F.cross_entropy(net(x), y).backward()
                opt.step()
            """,
        "loader": """
            train_loader = DataLoader(val_set, batch_size=64, shuffle=True)
            val_loader = DataLoader(val_set, batch_size=256)
            """,
        "enumerated": """
            for i, (x, y) in enumerate(test_loader):
                loss = F.cross_entropy(net(x), y)
                loss.backward()
                opt.step()
            """,
    }
    right = {
        "as it should be": """
            train_loader, val_loader = DataLoader(train_set, shuffle=True), DataLoader(val_set)
            for x, y in train_loader:
                F.cross_entropy(net(x), y).backward()
                opt.step()
            """,
        "evaluated": """
            for x, y in train_loader:
                F.cross_entropy(net(x), y).backward()
            for x, y in val_loader:
                total += F.cross_entropy(net(x), y).item()
            """,
        "gradients of test examples": """
            for x, y in test_loader:
                x.requires_grad_()
                F.cross_entropy(net(x), y).backward()
                saliency = x.grad
            """,
        "validated inside": """
            for x, y in train_loader:
                F.cross_entropy(net(x), y).backward()
                opt.step()
                for a, b in val_loader:
                    total += F.cross_entropy(net(a), b).item()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the loop, or at the loader."""
        backwards = source.calls("torch.Tensor.backward")
        steps = source.method_calls("step")
        for loop in source.nodes(ast.For):
            assert isinstance(loop, ast.For)
            name = _last(_iterated(loop.iter))
            trained = any(source.loops(b)[:1] == [loop] for b in backwards)
            if FOR_EVAL.match(name) and trained and any(source.loops(s)[:1] == [loop] and not s.args for s in steps):
                yield self.at(loop.iter, f"the loop over `{name}` trains the network")
        for call in source.index.calls.get("DataLoader", ()):
            at = source.parent(call)
            if isinstance(at, ast.Assign) and len(at.targets) == 1 and call.args:
                name, given = _last(at.targets[0]), _last(call.args[0])
                if FOR_TRAIN.match(name) and FOR_EVAL.match(given):
                    yield self.at(call.args[0], f"`{name}` loads `{given}`")


def _iterated(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Call) and node.args and not isinstance(node.func, ast.Attribute):
        node = node.args[0]
    return node


def _last(node: ast.AST) -> str:
    return (dotted(node) or "").rpartition(".")[2].lower()
