"""Rule L608: all labels are masked, or the end of text is masked with the padding."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source, position
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

IGNORED = -100


class LabelsAllMasked(LintRule):
    """Labels are set to -100 where they should be learned.

    What it detects
    ---------------
    `labels[:] = -100` or `labels = torch.full_like(ids, -100)` with nothing written over it afterwards; and
    `labels[labels == tokenizer.pad_token_id] = -100` after `tokenizer.pad_token = tokenizer.eos_token`.

    Why it matters
    --------------
    The loss of a batch without labels is NaN or 0 and teaches nothing. With padding equal to the end of text, the end
    is never a label: the model does not learn to stop.

    How it decides
    --------------
    All entries of something called labels are set to -100 and no entry of it is written later in the function. For the
    second: both statements are in one file, and the mask is made from the labels alone.

    When it is wrong
    ----------------
    Labels are filled in by another function; another token marks the end.

    What to do
    ----------
    Mask the prompt only; mask padding with the attention mask, or give padding a token of its own.

    References
    ----------
    Hugging Face documentation, Data Collator; PyTorch documentation, torch.nn.CrossEntropyLoss (ignore_index).
    """

    code = "L608"
    since = "0.2"
    severity = "warning"
    looks_at = ("labels", "pad_token_id", "pad_token")
    causes = {
        "labels-not-learned": Likelihood(0.1, source="judgement"),
        "preference-data-or-reference-wrong": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "all": "labels = ids.clone()\nlabels[:] = -100\nloss = F.cross_entropy(logits, labels)",
        "made so": """
            def collate(ids):
                labels = torch.full_like(ids, -100)
                return {"input_ids": ids, "labels": labels}
            """,
        "padding is the end": """
            tokenizer.pad_token = tokenizer.eos_token
            labels = ids.clone()
            labels[labels == tokenizer.pad_token_id] = -100
            """,
    }
    right = {
        "prompt only": "labels = ids.clone()\nlabels[:, :n] = -100",
        "filled in": "labels = torch.full_like(ids, -100)\nlabels[:, n:] = ids[:, n:]",
        "padding of its own": """
            tokenizer.pad_token = "<pad>"
            labels[labels == tokenizer.pad_token_id] = -100
            """,
        "by the attention mask": """
            tokenizer.pad_token = tokenizer.eos_token
            labels = ids.clone()
            labels[attention_mask == 0] = -100
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the assignment."""
        same = _end_is_padding(source)
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            target = node.targets[0]
            if isinstance(target, ast.Subscript) and source.number(node.value) == IGNORED:
                of = dotted(target.value) or ""
                if not _is_labels(of):
                    continue
                if _everything(target.slice) and not _written(source, node, of):
                    yield self.at(node, f"all of `{of}` is masked: nothing is left to learn")
                elif same is not None and _is_padding(source, target.slice, of):
                    line = position(same)[0]
                    yield self.at(node, f"padding is the end of text (line {line}): its label is masked with it")
            elif isinstance(node.value, ast.Call) and _is_labels(dotted(target) or ""):
                op = source.op(node.value)
                filled = op.arg(1, "fill_value") if op is not None and op.name in ("full_like", "full") else None
                name = dotted(target) or ""
                if filled is not None and source.number(filled) == IGNORED and not _written(source, node, name):
                    yield self.at(node, f"all of `{name}` is masked: nothing is left to learn")


def _is_labels(name: str) -> bool:
    return name.rpartition(".")[2] in ("labels", "label_ids")


def _everything(at: ast.expr) -> bool:
    parts = at.elts if isinstance(at, ast.Tuple) else [at]
    return all(
        (isinstance(p, ast.Slice) and p.lower is None and p.upper is None)
        or (isinstance(p, ast.Constant) and p.value is Ellipsis)
        for p in parts
    )


def _written(source: Source, node: ast.AST, name: str) -> bool:
    """Whether entries of it are written afterwards, or it is handed to something that could."""
    for other in source.nodes(ast.Subscript):
        assert isinstance(other, ast.Subscript)
        if isinstance(other.ctx, ast.Store) and dotted(other.value) == name and position(other) > position(node):
            return True
    words = ("copy_", "scatter_", "masked_scatter_", "index_copy_", "where", "index_put_")
    return any(position(c) > position(node) for w in words for c in source.index.calls.get(w, ()))


def _end_is_padding(source: Source) -> ast.AST | None:
    for node in source.nodes(ast.Assign):
        assert isinstance(node, ast.Assign)
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Attribute) and isinstance(value, ast.Attribute):
            pair = (target.attr, value.attr)
            if pair in (("pad_token", "eos_token"), ("pad_token_id", "eos_token_id")):
                return node
    return None


def _is_padding(source: Source, at: ast.expr, of: str) -> bool:
    """`labels == tokenizer.pad_token_id`."""
    if not isinstance(at, ast.Compare) or not isinstance(at.ops[0], ast.Eq) or dotted(at.left) != of:
        return False
    return (dotted(at.comparators[0]) or "").endswith("pad_token_id")
