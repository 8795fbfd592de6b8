"""Rule L309: a network with dropout or batch normalisation is evaluated in training mode."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import MODULE
from lifesigns.lints.source.tree import Scope
from lifesigns.rules import Likelihood

NAMED = re.compile(
    r"^(?:evaluate|eval|validate|validation|test|run_validation|eval_epoch|val_epoch|test_epoch)(?:_model|_net)?$"
)
LAYERS = frozenset({"Dropout", "Dropout1d", "Dropout2d", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "AlphaDropout"})


class EvaluationInTrainMode(LintRule):
    """Evaluation runs with dropout on and with the statistics of the batch.

    What it detects
    ---------------
    A function named `evaluate`, `validate` or `test` that runs without gradients, in a training script with dropout or
    batch normalisation and without any `eval()`.

    Why it matters
    --------------
    The score is that of a network with units missing at random. With batch normalisation it depends on which examples
    share a batch, and evaluation changes the running statistics.

    How it decides
    --------------
    The file, or that of the network's class, holds such layers, and the file a `backward`; it calls no `eval()` and no
    `train(...)` with an argument, and the function or its body is under `no_grad`.

    When it is wrong
    ----------------
    The mode is switched in another file; dropout is kept on for uncertainty.

    What to do
    ----------
    `net.eval()` at the top of the evaluation, `net.train()` before training goes on.

    References
    ----------
    PyTorch documentation, torch.nn.Module.eval.
    """

    code = "L309"
    since = "0.2"
    severity = "warning"
    looks_at = (*sorted(LAYERS), "no_grad", "inference_mode")
    causes = {
        "mode-wrong": Likelihood(0.2, source="judgement"),
        "evaluation-misleads": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "decorated": """
            net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
            @torch.no_grad()
            def evaluate(loader):
                return [accuracy(net(x), y) for x, y in loader]
            for x, y in loader:
                F.cross_entropy(net(x), y).backward()
            """,
        "block": """
            def validate(net, loader):
                with torch.no_grad():
                    for x, y in loader:
                        total = (net(x).argmax(1) == y).sum()
                return total
            net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8))
            for x, y in loader:
                F.cross_entropy(net(x), y).backward()
            validate(net, val_loader)
            """,
    }
    right = {
        "eval": """
            net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
            @torch.no_grad()
            def evaluate(loader):
                net.eval()
                return [accuracy(net(x), y) for x, y in loader]
            for x, y in loader:
                F.cross_entropy(net(x), y).backward()
            """,
        "no training here": """
            net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
            @torch.no_grad()
            def evaluate(loader):
                return [accuracy(net(x), y) for x, y in loader]
            """,
        "mode as an argument": """
            net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
            @torch.no_grad()
            def evaluate(loader):
                net.train(False)
                return [accuracy(net(x), y) for x, y in loader]
            for x, y in loader:
                F.cross_entropy(net(x), y).backward()
            """,
        "no evaluation": """
            net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))
            def step(x, y):
                with torch.no_grad():
                    target = teacher(x)
                F.mse_loss(net(x), target).backward()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the function."""
        if source.index.calls.get("eval") or any(c.args or c.keywords for c in source.index.calls.get("train", ())):
            return
        if "training" in source.index.attributes or not source.calls("torch.Tensor.backward"):
            return
        for scope in source.functions():
            if NAMED.match(scope.name) and _runs_network(source, scope):
                yield self.at(scope.node, f"`{scope.name}` leaves the network in training mode: nothing calls `eval()`")


def _runs_network(source: Source, scope: Scope) -> bool:
    quiet = [c for c in scope.calls if source.without_gradient(c)]
    run = [c for c in quiet if source.is_a(c.func, MODULE)]
    return bool(run) and (not source.words.isdisjoint(LAYERS) or any(_has_layers(source, c.func) for c in run))


def _has_layers(source: Source, network: ast.expr) -> bool:
    """Whether such a layer is in the file that a network's class comes from."""
    info = source.class_of(network)
    return info is not None and not info.source.words.isdisjoint(LAYERS)
