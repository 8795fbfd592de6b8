"""Rule L314: a module makes a layer and never calls it."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import ClassInfo, Source
from lifesigns.lints.source.library import MODULE
from lifesigns.rules import Likelihood

LAYERS = ("Linear", "Conv", "LayerNorm", "BatchNorm", "GroupNorm", "LSTM", "GRU", "Embedding", "Multihead")
"""how the names of layers with parameters start."""


class LayerNeverUsed(LintRule):
    """A layer is made in `__init__` and nothing in the file reads it again.

    What it detects
    ---------------
    `self.norm2 = nn.LayerNorm(width)` in a module whose `forward` calls `self.norm1` twice.

    Why it matters
    --------------
    A copied line that was not changed, or a head that was forgotten: part of the network that was designed is not
    there. Its parameters sit in the optimiser without a gradient.

    How it decides
    --------------
    In a class with a `forward` of its own and only known bases, an attribute that holds a layer with parameters is read
    nowhere in the file, other than to initialise its weights, and its name is in no text. Files without a training
    loop or a use of the class are left out, since others may use it.

    When it is wrong
    ----------------
    Another file reads it.

    What to do
    ----------
    Call it in `forward`, or remove it.

    References
    ----------
    PyTorch documentation, torch.nn.Module.
    """

    code = "L314"
    since = "0.2"
    severity = "warning"
    looks_at = ("forward",)
    causes = {"parameters-not-trained": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "copied": """
            class Block(nn.Module):
                def __init__(self, n):
                    super().__init__()
                    self.norm1, self.norm2 = nn.LayerNorm(n), nn.LayerNorm(n)
                    self.a, self.b = nn.Linear(n, n), nn.Linear(n, n)
                def forward(self, x):
                    x = x + self.a(self.norm1(x))
                    return x + self.b(self.norm1(x))
            net = Block(8)
            """,
        "head": """
            class Dueling(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.body, self.value = nn.Linear(4, 8), nn.Linear(8, 1)
                    self.advantage = nn.Linear(8, 2)
                def forward(self, x):
                    a = self.advantage(self.body(x))
                    return a - a.mean(1, keepdim=True)
            net = Dueling()
            """,
    }
    right = {
        "used": """
            class Block(nn.Module):
                def __init__(self, n):
                    super().__init__()
                    self.norm = nn.LayerNorm(n)
                def forward(self, x):
                    return self.norm(x)
            net = Block(8)
            """,
        "by name": """
            class Block(nn.Module):
                def __init__(self, n):
                    super().__init__()
                    self.norm = nn.LayerNorm(n)
                def forward(self, x):
                    return getattr(self, "norm")(x)
            net = Block(8)
            """,
        "all children": """
            class Block(nn.Module):
                def __init__(self, n):
                    super().__init__()
                    self.a, self.b = nn.Linear(n, n), nn.Linear(n, n)
                def forward(self, x):
                    for layer in self.children():
                        x = layer(x)
                    return x
            net = Block(8)
            """,
        "for others": """
            class Block(nn.Module):
                def __init__(self, n):
                    super().__init__()
                    self.body, self.head = nn.Linear(n, n), nn.Linear(n, n)
                def forward(self, x):
                    return self.body(x)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """Where it is made."""
        for info in source.classes(MODULE):
            made = info.methods.get("__init__")
            if "forward" not in info.methods or made is None or not _is_closed(source, info):
                continue
            for name, bindings in info.attributes.items():
                layers = [b for b in bindings if b.scope is made and not b.path and _learns(source, b.value)]
                if layers and len(layers) == len(bindings) and not _is_read(source, name):
                    yield self.at(layers[0].node, f"`self.{name}` is made and never called")


def _is_closed(source: Source, info: ClassInfo) -> bool:
    """Whether all of the class is in sight: its bases, its users, and no way around names."""
    if any(b != MODULE for b in info.library_bases()) or len(list(info.lineage())) > 1:
        return False
    methods = ("children", "modules", "named_children", "named_modules", "_modules", "__getattr__", "__dict__")
    inside = {n.attr for n in ast.walk(info.node) if isinstance(n, ast.Attribute)} | set(info.methods)
    if inside & set(methods):
        return False
    used = [c for c in source.index.calls.get(info.scope.name, ()) if source.name(c.func) == info.name]
    derived = any(info.scope.name in source.unparse(b) for n in source.nodes(ast.ClassDef) for b in n.bases)  # pyright: ignore
    return bool(used) and not derived


def _learns(source: Source, node: ast.expr | None) -> bool:
    """Whether it is a layer with parameters, or a sequence that ends in one."""
    name = source.name(node.func) if isinstance(node, ast.Call) else None
    if name is None or not name.startswith("torch.nn."):
        return False
    tail = name.rpartition(".")[2]
    return tail.startswith(LAYERS)


def _is_read(source: Source, name: str) -> bool:
    if name in source.index.strings:
        return True
    reads = [n for n in source.index.attributes.get(name, ()) if isinstance(n.ctx, ast.Load)]
    return any(not _initialises(source, n) for n in reads)


def _initialises(source: Source, read: ast.AST) -> bool:
    """`nn.init.zeros_(self.x.weight)`."""
    at = source.parent(read)
    call = source.parent(at) if isinstance(at, ast.Attribute) and at.attr in ("weight", "bias") else at
    if isinstance(call, ast.Attribute):
        call = source.parent(call)
    return isinstance(call, ast.Call) and (source.name(call.func) or "").startswith("torch.nn.init.")
