"""What a sample reads off an optimiser's parameters and their gradients; nothing here waits for a device.

Flows in: tensors; out: tensors where they lie, and plain facts about them. Only the optimiser targets import it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from ..recorder import Recorder

MAX_ELEMENTS = 1 << 16


def cleared(parameters: list[Any]) -> bool:
    """Whether the gradients are gone or zero; on an accelerator only the former can be seen without waiting
    for it."""
    gradient = next((p.grad for p in parameters if p.grad is not None), None)
    if gradient is None:
        return True
    return gradient.device.type == "cpu" and not gradient.is_sparse and not gradient.any()


def label(index: int, name: str, network: str, parameter: Any, networks: list[str], recorder: Recorder) -> str:
    """A name for a parameter: its own, after that of its network where there are several."""
    if not name:
        return f"parameter {index} {list(parameter.shape)}"
    return name if len(networks) < 2 else f"{recorder._subjects[network]['name']}.{name}"


def part(parameter: Any) -> Any:
    """The tensor, or about `MAX_ELEMENTS` strided elements of a big one."""
    data = parameter.detach()
    if data.numel() <= 16 * MAX_ELEMENTS or not data.is_contiguous():
        return data
    return data.view(-1)[:: data.numel() // MAX_ELEMENTS]


def clone(tensors: list[Any]) -> list[Any]:
    """A copy of each."""
    return [t.clone() for t in tensors]


def norms(tensors: Sequence[Any]) -> list[Any]:
    """‖t‖ of each, 0-dimensional tensors."""
    import torch

    return list(torch._foreach_norm(list(tensors))) if tensors else []


def gradient_norms(gradients: list[Any]) -> list[Any]:
    """‖g‖ for each gradient, 0.0 for None; sparse ones by their values."""
    dense = [g.coalesce().values() if g.is_sparse else g for g in gradients if g is not None]
    found = iter(norms(dense))
    return [0.0 if g is None else next(found) for g in gradients]


def number(value: Any) -> float:
    """A learning rate as a float; NaN for one that lies on a device."""
    if isinstance(value, (int, float)):
        return float(value)
    device = getattr(getattr(value, "device", None), "type", "cpu")
    return float(value) if value is not None and device == "cpu" else float("nan")


def capturing(parameters: list[Any]) -> bool:
    """Whether a CUDA graph is being captured, in which nothing of ours may run."""
    if not parameters or parameters[0].device.type != "cuda":
        return False
    return bool(sys.modules["torch"].cuda.is_current_stream_capturing())
