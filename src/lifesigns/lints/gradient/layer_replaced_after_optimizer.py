"""Rule L312: a layer is replaced after the optimiser was built."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source, position
from lifesigns.lints.source.library import MODULE, OPTIMIZER
from lifesigns.lints.source.loops import same_block
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood


class LayerReplacedAfterOptimizer(LintRule):
    """The optimiser holds parameters of a layer that is thrown away afterwards; the new layer is not trained.

    What it detects
    ---------------
    `opt = Adam(net.parameters())`, then `net.fc = nn.Linear(...)` or `net = Net()` in the same block.

    Why it matters
    --------------
    An optimiser keeps the tensors it was given. The new layer stays at its random start while the loss falls a little
    through the others.

    How it decides
    --------------
    Both statements are in one block; the new value is a module made there; no later statement of the file gives its
    parameters to an optimiser.

    When it is wrong
    ----------------
    The new layer is frozen on purpose.

    What to do
    ----------
    Change the network first, then build the optimiser (or `add_param_group`).

    References
    ----------
    PyTorch documentation, torch.optim: Constructing it.
    """

    code = "L312"
    since = "0.2"
    severity = "error"
    looks_at = ("parameters",)
    causes = {"parameters-not-trained": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "head": """
            net = load()
            opt = optim.Adam(net.parameters(), lr=1e-3)
            net.fc = nn.Linear(512, 10)
            """,
        "whole": """
            class Net(nn.Module):
                pass
            def main():
                net = Net()
                opt = optim.SGD(net.parameters(), lr=0.1)
                net = Net()
                for x, y in data:
                    net(x).sum().backward()
                    opt.step()
            """,
    }
    right = {
        "before": "net = load()\nnet.fc = nn.Linear(512, 10)\nopt = optim.Adam(net.parameters())",
        "built again": """
            net = nn.Linear(2, 2)
            opt = optim.Adam(net.parameters())
            net = nn.Linear(2, 4)
            opt = optim.Adam(net.parameters())
            """,
        "wrapped": """
            net = nn.Linear(2, 2)
            opt = optim.Adam(net.parameters())
            net = nn.Sequential(net, nn.Softmax(-1))
            """,
        "group added": """
            net = load()
            opt = optim.Adam(net.parameters())
            net.fc = nn.Linear(512, 10)
            opt.add_param_group({"params": net.fc.parameters()})
            """,
        "nothing to train": """
            net = load()
            opt = optim.Adam(net.parameters())
            net.fc = nn.Identity()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the new layer."""
        if "add_param_group" in source.words:
            return
        held = [(call, name) for call in source.index.calls.get("parameters", ()) if (name := _given(source, call))]
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            target = dotted(node.targets[0])
            if target is None or len(node.targets) > 1 or not _new_module(source, node.value):
                continue
            for call, name in held:
                if not (target == name or target.startswith(f"{name}.")) or not same_block(source, call, node):
                    continue
                later = [c for c, n in held if position(c) > position(node) and _shares(n, target)]
                if source.before(call, node) and not later and not _mentions(node.value, name):
                    line = position(call)[0]
                    yield self.at(node, f"the optimiser in line {line} holds the parameters of the old `{target}`")
                    break


def _given(source: Source, call: ast.Call) -> str | None:
    """`net` where the call is in the arguments of an optimiser."""
    name = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else None
    made = source.parent(call)
    made = source.parent(made) if isinstance(made, ast.keyword) else made
    return name if isinstance(made, ast.Call) and source.is_a(made, OPTIMIZER) else None


def _shares(name: str, target: str) -> bool:
    return name == target or name.startswith(f"{target}.") or target.startswith(f"{name}.")


def _new_module(source: Source, node: ast.expr) -> bool:
    if not isinstance(node, ast.Call) or source.name(node.func) is None or not source.is_a(node, MODULE):
        return False
    name = source.name(node.func) or ""
    made = name.rpartition(".")[2]
    trainable = made in ("Linear", "Sequential", "Embedding", "LSTM", "GRU") or made.startswith("Conv")
    return made[:1].isupper() and (trainable if name.startswith("torch.nn.") else source.class_of(node) is not None)


def _mentions(value: ast.expr, name: str) -> bool:
    return any(dotted(n) == name for n in ast.walk(value))
