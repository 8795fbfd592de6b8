"""Rule L623: a recurrent layer takes the batch for time, or the other way round."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood

LAYERS = ("torch.nn.LSTM", "torch.nn.GRU", "torch.nn.RNN")


class RecurrentAxesSwapped(LintRule):
    """The output of a recurrent layer is read along another axis than the layer's time.

    What it detects
    ---------------
    `out, _ = self.lstm(x)` without `batch_first=True` and then `out[:, -1]` or `out.mean(dim=1)`; or with it and then
    `out[-1]`.

    Why it matters
    --------------
    The state runs from one sequence of the batch to the next. What is called the last step is the last example: all
    rows get answers that depend on the others.

    How it decides
    --------------
    The layer is made in this file with a constant `batch_first` or none; the first part of what it returns is indexed
    or reduced directly. What is permuted or packed on the way is left out.

    When it is wrong
    ----------------
    The last example of the batch is what is wanted.

    What to do
    ----------
    `batch_first=True` for inputs of shape (batch, time, features).

    References
    ----------
    PyTorch documentation, torch.nn.LSTM.
    """

    code = "L623"
    since = "0.2"
    severity = "warning"
    looks_at = ("LSTM", "GRU", "RNN")
    causes = {"rows-mixed": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "last step": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.lstm, self.head = nn.LSTM(8, 16), nn.Linear(16, 2)
                def forward(self, x):
                    out, _ = self.lstm(x)
                    return self.head(out[:, -1, :])
            """,
        "mean over time": """
            gru = nn.GRU(8, 16, num_layers=2)
            out, h = gru(x)
            pooled = (out * mask).sum(dim=1)
            """,
        "the other way": """
            gru = nn.GRU(8, 16, batch_first=True)
            out, h = gru(x)
            last = out[-1]
            """,
    }
    right = {
        "batch first": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.lstm, self.head = nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 2)
                def forward(self, x):
                    out, _ = self.lstm(x)
                    return self.head(out[:, -1, :])
            """,
        "time first": "gru = nn.GRU(8, 16)\nout, h = gru(x)\nlast = out[-1]",
        "permuted": "gru = nn.GRU(8, 16)\nout, h = gru(x)\nout = out.transpose(0, 1)\nlast = out[:, -1]",
        "hidden state": "gru = nn.GRU(8, 16, batch_first=True)\nout, h = gru(x)\nlast = h[-1]",
        "a setting": "gru = nn.GRU(8, 16, batch_first=first)\nout, h = gru(x)\nlast = out[:, -1]",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the use."""
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            target, call = node.targets[0], node.value
            if not isinstance(target, ast.Tuple) or len(target.elts) != 2 or not isinstance(call, ast.Call):
                continue
            if source.kind(call.func) not in LAYERS or (first := _batch_first(source, call)) is None:
                continue
            bound = source.index.bound.get(target.elts[0])
            for use in source.uses(bound) if bound is not None else ():
                if source.bindings(use) == (bound,) and _across(source, use, first):
                    order = "(batch, time, …)" if first else "(time, batch, …)"
                    yield self.at(source.parent(use) or use, f"`{bound.name}` is {order}: this reads along the batch")  # pyright: ignore


def _batch_first(source: Source, call: ast.Call) -> bool | None:
    made = source.value(call.func)
    if not isinstance(made, ast.Call) or any(k.arg is None for k in made.keywords):
        return None
    given = source.argument(made, 4, "batch_first")
    if given is None:
        return None if len(made.args) > 4 else False
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, bool) else None


def _across(source: Source, use: ast.AST, first: bool) -> bool:
    """Whether a last step, or a mean over time, is taken along the batch."""
    at = source.parent(use)
    if isinstance(at, ast.Subscript) and at.value is use:
        parts = at.slice.elts if isinstance(at.slice, ast.Tuple) else [at.slice]
        if first:
            return source.number(parts[0]) == -1
        return len(parts) > 1 and _whole(parts[0]) and source.number(parts[1]) == -1
    if isinstance(at, ast.BinOp) and isinstance(at.op, ast.Mult):
        use, at = at, source.parent(at)
    if first or not isinstance(at, ast.Attribute) or at.attr not in ("mean", "sum", "max") or at.value is not use:
        return False
    call = source.parent(at)
    axis = source.argument(call, 0, "dim", "axis") if isinstance(call, ast.Call) else None
    return axis is not None and source.number(axis) == 1


def _whole(part: ast.expr) -> bool:
    return isinstance(part, ast.Slice) and part.lower is None and part.upper is None and part.step is None
