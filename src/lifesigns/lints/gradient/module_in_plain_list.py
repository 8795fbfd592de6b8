"""Rule L310: modules are kept in a plain list or dict, where `parameters()` does not find them."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.library import MODULE
from lifesigns.rules import Likelihood


class ModuleInPlainList(LintRule):
    """A module keeps its parts in a plain list or dict: their parameters are not its parameters.

    What it detects
    ---------------
    `self.layers = [nn.Linear(...), ...]` (or a dict, or a comprehension) in a class derived from `nn.Module`.

    Why it matters
    --------------
    `parameters()`, `to()`, `state_dict()` and `train()` skip them: they are not trained, not moved and not saved.

    How it decides
    --------------
    An attribute of a module class set to a literal list, tuple or dict, or a comprehension, whose elements are known
    modules; nothing in the class registers them or hands the attribute to `ModuleList`, `Sequential` or `parameters`.

    When it is wrong
    ----------------
    The parts are frozen on purpose and hidden from `parameters()`, or registered by `setattr` under computed names.

    What to do
    ----------
    Wrap it: `nn.ModuleList([...])`, `nn.ModuleDict({...})`.

    References
    ----------
    PyTorch documentation, torch.nn.ModuleList.
    """

    code = "L310"
    since = "0.2"
    severity = "error"
    looks_at = ("Module",)
    causes = {"parameters-not-trained": Likelihood(0.2, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "list": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.layers = [nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)]
            """,
        "comprehension of own modules": """
            class Block(nn.Module):
                pass
            class Net(nn.Module):
                def __init__(self, depth):
                    super().__init__()
                    self.blocks = [Block() for _ in range(depth)]
            """,
    }
    right = {
        "ModuleList": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.layers = nn.ModuleList([nn.Linear(4, 8), nn.Linear(8, 2)])
            """,
        "registered afterwards": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.heads = [nn.Linear(4, 8), nn.Linear(8, 2)]
                    for i, head in enumerate(self.heads):
                        self.add_module(str(i), head)
            """,
        "no module": """
            class Agent:
                def __init__(self):
                    self.nets = [nn.Linear(2, 2)]
            class Net(nn.Module):
                pass
            """,
        "handed on": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.parts = [nn.Linear(4, 8), nn.Linear(8, 2)]
                    self.net = nn.Sequential(*self.parts)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the list."""
        for info in source.classes(MODULE):
            for name, bindings in info.attributes.items():
                for one in bindings:
                    if one.path or one.value is None or one.scope is info.scope:
                        continue
                    parts = _parts(one.value)
                    if (
                        parts
                        and all(source.is_a(p, MODULE) for p in parts)
                        and not _registered(source, info.node, name)
                    ):
                        yield self.at(
                            one.value, f"modules in the plain {_word(one.value)} `{one.name}` are not in `parameters()`"
                        )


def _parts(value: ast.expr) -> list[ast.expr]:
    if isinstance(value, ast.List | ast.Tuple):
        return [e for e in value.elts if not isinstance(e, ast.Constant)]
    if isinstance(value, ast.ListComp):
        return [value.elt]
    if isinstance(value, ast.Dict):
        return list(value.values)
    return [value.value] if isinstance(value, ast.DictComp) else []


def _word(value: ast.expr) -> str:
    return "dict" if isinstance(value, ast.Dict | ast.DictComp) else "tuple" if isinstance(value, ast.Tuple) else "list"


def _registered(source: Source, node: ast.ClassDef, name: str) -> bool:
    if not source.words.isdisjoint({"add_module", "register_module", "setattr"}):
        return True
    inside = [a for a in source.index.attributes.get(name, ()) if any(p is node for p in source.parents(a))]
    for one in inside:
        around = [p for p in source.parents(one) if isinstance(p, ast.Call)]
        if any((source.name(c.func) or "").startswith("torch.nn.") for c in around):
            return True
    return False
