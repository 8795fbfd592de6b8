"""Rule L308: evaluation mode is entered within training and never left."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import MODULE
from lifesigns.rules import Likelihood

LAYERS = frozenset({"Dropout", "Dropout1d", "Dropout2d", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "AlphaDropout"})


class NeverBackToTrainMode(LintRule):
    """After the first evaluation the network stays in evaluation mode: dropout and batch statistics are off.

    What it detects
    ---------------
    `net.eval()` in the loop that trains, or in a function that is called there, in a file without any `.train()`.

    Why it matters
    --------------
    From the second epoch on there is no dropout, and batch normalisation uses frozen statistics of the first epoch.

    How it decides
    --------------
    `eval()` runs in a loop with a `backward` in it, or in one that calls the function with the `backward`, the file has
    layers for which the mode matters, and `train` is called on nothing; a function of the file of that name is no mode.

    When it is wrong
    ----------------
    Fine-tuning in evaluation mode on purpose, or `train()` is called in another file.

    What to do
    ----------
    `net.train()` at the top of each epoch.

    References
    ----------
    PyTorch documentation, torch.nn.Module.eval.
    """

    code = "L308"
    since = "0.2"
    severity = "warning"
    looks_at = tuple(sorted(LAYERS))
    causes = {"mode-wrong": Likelihood(0.2, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "in the loop": """
            net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
            for epoch in range(10):
                for x, y in loader:
                    F.cross_entropy(net(x), y).backward()
                    opt.step()
                net.eval()
                for x, y in val_loader:
                    test(net(x), y)
            """,
        "in a function": """
            def evaluate(net, loader):
                net.eval()
                return [net(x) for x in loader]
            net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8))
            for epoch in range(10):
                for x, y in loader:
                    F.mse_loss(net(x), y).backward()
                evaluate(net, val_loader)
            """,
        "functions of the same name": """
            net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
            def train(epoch):
                for x, y in loader:
                    F.cross_entropy(net(x), y).backward()
                    opt.step()
            def test(epoch):
                net.eval()
                return [net(x) for x, y in val_loader]
            for epoch in range(10):
                train(epoch)
                test(epoch)
            """,
    }
    right = {
        "back again": """
            net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
            for epoch in range(10):
                net.train()
                for x, y in loader:
                    F.cross_entropy(net(x), y).backward()
                net.eval()
                test(net)
            """,
        "once at the end": """
            net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
            for x, y in loader:
                F.cross_entropy(net(x), y).backward()
            net.eval()
            test(net)
            """,
        "another network": """
            net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5))
            teacher.eval()
            for x, y in loader:
                F.mse_loss(net(x), teacher(x)).backward()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the `eval()`."""
        if any(source.function(c) is None for c in source.index.calls.get("train", ())) or source.index.calls.get(
            "fit"
        ):
            return
        backwards = source.calls("torch.Tensor.backward")
        functions = [f for b in backwards if (f := source.enclosing_function(b)) is not None]
        calls = [c for f in functions for c in source.callers(f)]
        loops = [loop for b in (*backwards, *calls) for loop in source.loops(b)]
        for call in source.method_calls("eval"):
            of = source.receiver(call)
            if call.args or not (source.is_a(of, MODULE) or isinstance(of, ast.Name | ast.Attribute)):
                continue
            if any(source.runs_in(loop, call) for loop in loops):
                text = source.unparse(call)
                yield self.at(call, f"`{text}` runs within training, and nothing in this file goes back to `train()`")
                return
