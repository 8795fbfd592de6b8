"""Rule L612: attention that calls itself causal has no mask."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood

MASKS = ("is_causal", "mask", "tril", "triu", "bias", "causal")


class CausalAttentionWithoutMask(LintRule):
    """Attention in a class that is called causal sees the future: no mask is given.

    What it detects
    ---------------
    `F.scaled_dot_product_attention(q, k, v)` without `attn_mask` and without `is_causal`, in a class with `Causal` in
    its name.

    Why it matters
    --------------
    Each position reads the one it has to predict. The loss falls far below what is possible and generation fails.

    How it decides
    --------------
    The call has neither argument (nor `**`), or `is_causal=False`, and nothing in the class that is named after a
    mask.

    When it is wrong
    ----------------
    The class is used for one new position at a time only, with a cache of the earlier ones.

    What to do
    ----------
    `F.scaled_dot_product_attention(q, k, v, is_causal=True)`.

    References
    ----------
    PyTorch documentation, torch.nn.functional.scaled_dot_product_attention.
    """

    code = "L612"
    since = "0.2"
    severity = "warning"
    looks_at = ("scaled_dot_product_attention",)
    causes = {"future-leak": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "bare": """
            class CausalSelfAttention(nn.Module):
                def forward(self, x):
                    q, k, v = self.qkv(x).chunk(3, -1)
                    return F.scaled_dot_product_attention(q, k, v)
            """,
        "switched off": """
            class CausalAttention(nn.Module):
                def forward(self, q, k, v):
                    return F.scaled_dot_product_attention(q, k, v, dropout_p=0.1, is_causal=False)
            """,
    }
    right = {
        "causal": """
            class CausalSelfAttention(nn.Module):
                def forward(self, q, k, v):
                    return F.scaled_dot_product_attention(q, k, v, is_causal=True)
            """,
        "mask": """
            class CausalSelfAttention(nn.Module):
                def forward(self, q, k, v, mask):
                    return F.scaled_dot_product_attention(q, k, v, mask)
            """,
        "not causal": """
            class CrossAttention(nn.Module):
                def forward(self, q, k, v):
                    return F.scaled_dot_product_attention(q, k, v)
            """,
        "handed on": """
            class CausalSelfAttention(nn.Module):
                def forward(self, q, k, v, **options):
                    return F.scaled_dot_product_attention(q, k, v, **options)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the attention."""
        for call in source.calls("torch.nn.functional.scaled_dot_product_attention"):
            owner = source.scope(call).class_scope
            if owner is None or "causal" not in owner.name.lower() or len(call.args) != 3:
                continue
            flag = source.argument(call, -1, "is_causal")
            off = flag is None or (isinstance(flag, ast.Constant) and flag.value is False)
            hidden = any(k.arg in (None, "attn_mask") for k in call.keywords)
            if off and not hidden and not _has_mask(source, owner.node):
                yield self.at(call, f"`{owner.name}` gives this attention no mask: positions see their future")


def _has_mask(source: Source, owner: ast.AST) -> bool:
    words = [*source.index.attributes, *source.index.names]
    wanted = [w for w in words if any(m in w.lower() for m in MASKS)]
    at = [n for w in wanted for n in (*source.index.attributes.get(w, ()), *source.index.names.get(w, ()))]
    return any(owner in source.parents(n) and not _is_own(n) for n in at)


def _is_own(node: ast.AST) -> bool:
    """The name of a class in `super(CausalX, self)`."""
    return isinstance(node, ast.Name) and node.id[:1].isupper()
