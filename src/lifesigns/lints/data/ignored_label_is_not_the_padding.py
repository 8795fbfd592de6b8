"""Rule L613: labels are padded with one number, and the loss leaves out another."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.role_names import last_part
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

LABELS = re.compile(r"(?:\w+_)?(?:labels?|targets?|tgts?|ys?|y_true|answers?)(?:_\w+)?$")
DEFAULT = -100.0


class IgnoredLabelIsNotThePadding(LintRule):
    """The number that pads the labels is not the one that the loss ignores.

    What it detects
    ---------------
    `labels = pad_sequence(ys, padding_value=0)` and `F.cross_entropy(logits, labels)` without `ignore_index=0`; labels
    filled with -100 and a loss with `ignore_index=0`.

    Why it matters
    --------------
    Most of a batch of short sequences is padding: the loss is mostly that of predicting it, and falls fast for that
    reason alone.

    How it decides
    --------------
    One name of this file that says labels or targets is padded with a known number, by `pad_sequence` or by
    `masked_fill` with -100, and every cross-entropy of the file ignores another known number.

    When it is wrong
    ----------------
    The padding stands for a class that is to be predicted, such as the end of the text.

    What to do
    ----------
    Pad labels with -100, or give the loss `ignore_index=PAD`.

    References
    ----------
    PyTorch documentation, torch.nn.functional.cross_entropy.
    """

    code = "L613"
    since = "0.2"
    severity = "warning"
    looks_at = ("pad_sequence", "masked_fill", "ignore_index")
    causes = {"padding-leak": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "default": """
            from torch.nn.utils.rnn import pad_sequence
            PAD = 0
            targets = pad_sequence(ys, batch_first=True, padding_value=PAD)
            loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
            """,
        "another": """
            from torch.nn.utils.rnn import pad_sequence
            criterion = nn.CrossEntropyLoss(ignore_index=0)
            labels = pad_sequence(ys, batch_first=True, padding_value=-100)
            loss = criterion(logits.flatten(0, 1), labels.flatten())
            """,
    }
    right = {
        "the same": """
            from torch.nn.utils.rnn import pad_sequence
            PAD = 0
            targets = pad_sequence(ys, batch_first=True, padding_value=PAD)
            loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PAD)
            """,
        "inputs": """
            from torch.nn.utils.rnn import pad_sequence
            inputs = pad_sequence(xs, batch_first=True)
            loss = F.cross_entropy(net(inputs), labels)
            """,
        "weighted by a mask": """
            from torch.nn.utils.rnn import pad_sequence
            targets = pad_sequence(ys, batch_first=True)
            loss = (F.cross_entropy(logits.mT, targets, reduction="none") * mask).sum() / mask.sum()
            """,
        "of the tokenizer": """
            from torch.nn.utils.rnn import pad_sequence
            targets = pad_sequence(ys, padding_value=tokenizer.pad_token_id)
            loss = F.cross_entropy(logits.mT, targets)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the loss."""
        losses = source.ops("cross_entropy", "nll_loss")
        ignored = [_ignored(source, op.arg(-1, "ignore_index")) for op in losses]
        if not losses or None in ignored or any("reduction" in op.keywords for op in losses):
            return
        for op in source.ops("pad_sequence") or _padded(source):
            target = source.parent(op.node) if not isinstance(op, ast.Call) else source.parent(op)
            call = op if isinstance(op, ast.Call) else op.node
            name = dotted(target.targets[0]) if isinstance(target, ast.Assign) else None
            filled = source.argument(call, 2, "padding_value")
            value = 0.0 if filled is None else source.number(filled)
            if name is None or value is None or not LABELS.match(last_part(name)) or value in ignored:
                continue
            for loss in losses:
                if any(dotted(n) == name for a in loss.args[1:2] for n in ast.walk(a)):
                    said = f"labels are padded with {value:g}, and this loss leaves out {ignored[0]:g}"
                    yield self.at(loss.node, said)


def _padded(source: Source) -> list[ast.Call]:
    return source.calls("torch.nn.utils.rnn.pad_sequence")


def _ignored(source: Source, node: ast.expr | None) -> float | None:
    return DEFAULT if node is None else source.number(node)
