"""Rule L704: Torch is seeded after a network was made."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import MODULE
from lifesigns.rules import Likelihood

SEEDERS = (
    "torch.manual_seed",
    "lightning.seed_everything",
    "pytorch_lightning.seed_everything",
    "transformers.set_seed",
    "stable_baselines3.common.utils.set_random_seed",
)


class SeededAfterTheNetwork(LintRule):
    """`torch.manual_seed` stands below the construction of a network, whose initial weights it was meant to fix.

    What it detects
    ---------------
    `net = Net()` and, further down, `torch.manual_seed(args.seed)`.

    Why it matters
    --------------
    Initial weights differ from run to run under one seed: results cannot be repeated.

    How it decides
    --------------
    In one function or at the top level, outside loops, the first call of `torch.manual_seed` (or of a library's
    function that seeds everything) stands below an assignment of a module that holds layers of torch or a class of
    the project.

    When it is wrong
    ----------------
    Weights are loaded afterwards, or the generator was seeded by an importing file.

    What to do
    ----------
    Seed before any network is made.

    References
    ----------
    PyTorch documentation, Reproducibility.

    """

    code = "L704"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "manual_seed",
        "seed_everything",
        "set_random_seed",
        "set_seed",
    )
    causes = {
        "not-reproducible": Likelihood(0.1, source="judgement"),
        "seed-ignored": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "script": """
            net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
            torch.manual_seed(0)
            optimizer = optim.Adam(net.parameters())
            """,
        "main": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.layer = nn.Linear(4, 2)
            def main(args):
                net = Net()
                optimizer = optim.Adam(net.parameters())
                torch.manual_seed(args.seed)
            """,
    }
    right = {
        "first": "torch.manual_seed(0)\nnet = nn.Linear(4, 2)",
        "again": "torch.manual_seed(0)\nnet = nn.Linear(4, 2)\ntorch.manual_seed(0)",
        "for evaluation": """
            def main(args):
                torch.manual_seed(args.seed)
                net = nn.Linear(4, 2)
                for epoch in range(3):
                    torch.manual_seed(epoch)
            """,
        "a loss": "criterion = nn.CrossEntropyLoss()\ntorch.manual_seed(0)\nnet = nn.Linear(4, 2)",
        "weights are loaded": "net = nn.Linear(4, 2)\nnet.load_state_dict(torch.load('x'))\ntorch.manual_seed(0)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the seeding."""
        calls = source.calls(*SEEDERS)
        if not calls or "load_state_dict" in source.words:
            return
        if len({source.enclosing_function(c) for c in calls}) > 1:
            return
        first = calls[0]
        if source.loops(first) or not isinstance(source.parent(first), ast.Expr):
            return
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            if source.before(node, first) and _makes_weights(source, node.value):
                trained = source.index.calls.get("parameters", ())
                if (
                    any(source.scope(c) is source.scope(first) for c in trained)
                    or "parameters" in source.index.attributes
                ):
                    yield self.at(first, f"`{source.unparse(node.targets[0])}` got its weights before this")
                return


def _makes_weights(source: Source, value: ast.expr) -> bool:
    if not isinstance(value, ast.Call) or not source.is_a(value, MODULE):
        return False
    name = source.name(value.func) or ""
    tail = name.rpartition(".")[2]
    if name.startswith("torch.nn."):
        return tail in ("Sequential", "Linear", "LSTM", "GRU", "Embedding", "Conv2d", "Conv1d", "Transformer")
    return source.class_of(value) is not None
