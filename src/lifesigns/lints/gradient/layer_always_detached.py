"""Rule L322: the output of a layer is detached wherever it is used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.classes import ClassInfo
from lifesigns.lints.source.library import MODULE
from lifesigns.rules import Likelihood

FIXED = re.compile(r"target|teacher|ema|momentum|frozen|fixed|random|ref|old|prior|pretrained|key|slow")


class LayerAlwaysDetached(LintRule):
    """A new layer of a network is only ever used through `.detach()`: it keeps its random start.

    What it detects
    ---------------
    `self.stem = nn.Sequential(...)` in `__init__` and `self.stem(x).detach()` (or `.data`) as its only use.

    Why it matters
    --------------
    The layers in front of the cut never learn. What follows learns from random features, which works somewhat.

    How it decides
    --------------
    The layer is made of layers of `torch.nn` in the class itself; it is called in one place of the file, whose result
    is detached there; nothing sets its `requires_grad` or loads its parameters.

    When it is wrong
    ----------------
    Random features on purpose.

    What to do
    ----------
    Remove the `.detach()`; if the layer should be fixed, say so with `requires_grad_(False)`.

    References
    ----------
    PyTorch documentation, torch.Tensor.detach.
    """

    code = "L322"
    since = "0.2"
    severity = "warning"
    looks_at = ("detach", "data")
    causes = {
        "gradient-path-broken": Likelihood(0.1, source="judgement"),
        "parameters-not-trained": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "in between": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.stem = nn.Conv2d(1, 8, 3)
                    self.body = nn.Linear(8, 2)
                def forward(self, x):
                    return self.body(self.stem(x).detach())
            """,
        "through a name": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.encoder = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
                    self.head = nn.Linear(8, 2)
                def forward(self, x):
                    h = self.encoder(x).data
                    return self.head(h)
            """,
    }
    right = {
        "used twice": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.encoder, self.pi, self.v = nn.Linear(4, 8), nn.Linear(8, 2), nn.Linear(8, 1)
                def forward(self, x):
                    return self.pi(self.encoder(x)), self.v(self.encoder(x).detach())
            """,
        "said to be fixed": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.encoder, self.head = nn.Linear(4, 8), nn.Linear(8, 2)
                    self.encoder.requires_grad_(False)
                def forward(self, x):
                    return self.head(self.encoder(x).detach())
            """,
        "a target": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.target, self.predictor = nn.Linear(4, 8), nn.Linear(4, 8)
                def forward(self, x):
                    return self.predictor(x) - self.target(x).detach()
            """,
        "for acting": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.net = nn.Linear(4, 8)
                def forward(self, x):
                    return self.net(x)
                def act(self, x):
                    return self.forward(x).detach()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the cut."""
        if not source.words.isdisjoint({"requires_grad", "requires_grad_", "load_state_dict"}):
            return
        for info in source.classes(MODULE):
            for name, bindings in info.attributes.items():
                if len(bindings) != 1 or FIXED.search(name.lower()) or not _is_layer(source, info, name):
                    continue
                used = [a for a in source.index.attributes.get(name, ()) if isinstance(a.ctx, ast.Load)]
                cut = _cut(source, used[0]) if len(used) == 1 else None
                if cut is not None:
                    yield self.at(cut, f"`self.{name}` is used here only, and its output is detached: it never learns")


def _is_layer(source: Source, info: ClassInfo, name: str) -> bool:
    one = info.attributes[name][0]
    value = one.value
    if one.path and isinstance(value, ast.Tuple) and len(one.path) == 1:
        value = value.elts[one.path[0]]
    kind = source.name(value.func) if isinstance(value, ast.Call) else None
    last = (kind or "").rpartition(".")[2]
    return (
        kind is not None
        and kind.startswith("torch.nn.")
        and (last in ("Linear", "Sequential", "LSTM", "GRU", "Embedding") or last.startswith("Conv"))
    )


def _cut(source: Source, use: ast.AST) -> ast.AST | None:
    """The `.detach()` or `.data` that is applied to the layer's output at once."""
    call = source.parent(use)
    if not isinstance(call, ast.Call) or call.func is not use:
        return None
    at = source.parent(call)
    if isinstance(at, ast.Attribute) and at.attr == "data":
        return at
    above = source.parent(at) if isinstance(at, ast.Attribute) and at.attr == "detach" else None
    return above if isinstance(above, ast.Call) else None
