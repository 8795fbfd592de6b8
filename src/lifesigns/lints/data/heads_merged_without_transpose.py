"""Rule L622: attention heads are merged without moving their axis back."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood

MOVES = frozenset({"transpose", "permute", "swapaxes", "movedim", "rearrange", "moveaxis"})


class HeadsMergedWithoutTranspose(LintRule):
    """The result of attention per head is reshaped to (batch, time, width) while heads still stand before time.

    What it detects
    ---------------
    `y = scaled_dot_product_attention(q, k, v)` with heads on axis 1 (`.transpose(1, 2)` of a four-axis view), then
    `y.reshape(batch, time, width)` without a transpose.

    Why it matters
    --------------
    The reshape has the right shape, but each position receives pieces of other positions, also of later ones: the
    model mixes time, and a causal mask is void.

    How it decides
    --------------
    The value that goes into attention was transposed to (batch, head, time, width), its result is reshaped to three
    sizes directly.

    When it is wrong
    ----------------
    The first size is batch times heads.

    What to do
    ----------
    `y.transpose(1, 2).reshape(batch, time, width)`.

    References
    ----------
    Vaswani et al., Attention Is All You Need (2017), section 3.2.2.
    """

    code = "L622"
    since = "0.2"
    severity = "error"
    looks_at = ("view", "reshape")
    causes = {"rows-mixed": Likelihood(0.1, source="judgement"), "future-leak": Likelihood(0.05, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "function": """
            def forward(self, x):
                b, t, d = x.shape
                q = self.q(x).view(b, t, 4, d // 4).transpose(1, 2)
                k = self.k(x).view(b, t, 4, d // 4).transpose(1, 2)
                v = self.v(x).view(b, t, 4, d // 4).transpose(1, 2)
                y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
                return self.proj(y.reshape(b, t, d))
            """,
        "by hand": """
            def forward(self, q, k, v):
                b, t, d = v.shape
                v = v.view(b, t, self.heads, -1).transpose(1, 2)
                weights = self.scores(q, k).softmax(dim=-1)
                out = weights @ v
                return out.contiguous().view(b, t, d)
            """,
        "three in one": """
            def forward(self, x):
                b, t, d = x.shape
                q, k, v = self.qkv(x).view(b, t, 3, 4, d // 4).permute(2, 0, 3, 1, 4)
                y = F.scaled_dot_product_attention(q, k, v)
                return y.reshape(b, t, d)
            """,
    }
    right = {
        "moved back": """
            def forward(self, x):
                b, t, d = x.shape
                v = self.v(x).view(b, t, 4, d // 4).transpose(1, 2)
                y = F.scaled_dot_product_attention(q, k, v)
                return y.transpose(1, 2).reshape(b, t, d)
            """,
        "heads with the batch": """
            def forward(self, x):
                v = self.v(x).view(b, t, 4, d // 4).transpose(1, 2)
                y = F.scaled_dot_product_attention(q, k, v)
                return y.reshape(b * 4, t, d // 4)
            """,
        "time first in the value": """
            def forward(self, x):
                v = self.v(x).view(b, t, 4, d // 4)
                y = mix @ v
                return y.reshape(b, t, d)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the reshape."""
        for op in source.ops("view", "reshape"):
            given = op.args[1:]
            if len(given) != 3 or not isinstance(given[0], ast.Name | ast.Constant) or op.input is None:
                continue
            if isinstance(given[0], ast.Constant) and given[0].value == -1:
                continue
            value = _attended(source, op.input)
            if value is not None and _heads_before_time(source, value):
                yield self.at(op.node, "heads stand before time here: transpose(1, 2) first, or positions are mixed")


def _attended(source: Source, node: ast.expr) -> ast.expr | None:
    """The value operand of the attention that `node` is the result of."""
    made = source.value(node)
    if isinstance(made, ast.Call):
        op = source.op(made)
        if op is None:
            return None
        if op.name in ("contiguous", "clone") and op.input is not None:
            return _attended(source, op.input)
        return (
            op.arg(2, "value")
            if op.name == "scaled_dot_product_attention"
            else (op.arg(1, "other") if op.name == "matmul" else None)
        )
    if isinstance(made, ast.BinOp) and isinstance(made.op, ast.MatMult):
        return made.right
    return None


def _heads_before_time(source: Source, value: ast.expr) -> bool:
    for one in source.bindings(value) if isinstance(value, ast.Name) else ():
        made = one.value
        if not isinstance(made, ast.Call) or len(one.path) > 1:
            return False
        op = source.op(made)
        if op is None or not isinstance(op.input, ast.Call):
            return False
        inner = source.op(op.input)
        if inner is None or inner.name not in ("view", "reshape"):
            return False
        numbers = tuple(source.number(a) for a in op.args[1:])
        if not one.path:
            return len(inner.args) == 5 and (
                (op.name == "transpose" and set(numbers) == {1, 2})
                or (op.name == "permute" and numbers == (0, 2, 1, 3))
            )
        return len(inner.args) == 6 and op.name == "permute" and numbers == (2, 0, 3, 1, 4)
    return False
