"""Targets of a classification loss, read off the graph: classes, ignored targets, and the cross-entropy itself.

The loss that `backward` is called on may be scaled, summed or weighted; what the graph saved is not.
"""

from __future__ import annotations

from typing import Any

from .bootstrap import loss_nodes

NODES = ("NllLossBackward0", "NllLoss2DBackward0")
MAX_ROWS, MAX_TARGETS = 2048, 1 << 16


def class_values(tensors: Any) -> tuple[float, float, Any] | None:
    """(classes, share of targets that are ignored, mean cross-entropy of the others in nats) of the first such loss.

    The latter two are 0-dimensional tensors where the data lie on a device; the cross-entropy is NaN where all are
    ignored. None without such a loss.
    """
    import torch

    node = next(iter(loss_nodes(tensors, NODES)), None)
    if node is None:
        return None
    with torch.no_grad():
        log_p, target, ignored = node._saved_self, node._saved_target, int(node._saved_ignore_index)
        ignored -= 1 << 64 if ignored >= 1 << 63 else 0  # torch hands it out unsigned
        if log_p.dim() > 2:
            log_p, target = log_p[:1].movedim(1, -1).reshape(-1, log_p.shape[1]), target[:1]
        log_p, target = log_p.reshape(-1, log_p.shape[-1]), target.reshape(-1)[:MAX_TARGETS]
        kept = target != ignored
        rows = slice(None, None, len(target) // MAX_ROWS + 1)
        chosen = log_p[: len(target)][rows].gather(1, target[rows].clamp(min=0)[:, None])[:, 0].float()
        entropy = -(chosen * kept[rows]).sum() / kept[rows].sum()
        return float(log_p.shape[1]), 1.0 - kept.float().mean(), entropy
