"""The noise of the gradient from Adam's own averages, which hold a short and a long mean of what went by."""

from __future__ import annotations

from typing import Any


def noise_ratio(optimizer: Any, parameters: list[Any]) -> Any:
    """tr(Σ)/(B‖G‖²): the batch's share of noise, which is McCandlish et al.'s simple noise scale over the batch size.

    With bias-corrected averages m of g and v of g², E‖m‖² = ‖G‖² + c·tr(Σ)/B with c = (1 − β₁)/(1 + β₁), and
    E Σv = ‖G‖² + tr(Σ)/B. A 0-dimensional tensor, +inf where no signal is left over; None for other optimisers, for
    parameters without state, and before 20 steps.
    """
    import torch

    group = optimizer.param_groups[0]
    betas = group.get("betas")
    held = [s for p in parameters if (s := optimizer.state.get(p)) and "exp_avg" in s and "exp_avg_sq" in s]
    if not held or not isinstance(betas, (tuple, list)) or group.get("amsgrad"):
        return None
    steps = held[0].get("step")
    if steps is None or getattr(getattr(steps, "device", None), "type", "cpu") != "cpu" or float(steps) < 20:
        return None
    beta, gamma = float(betas[0]), float(betas[1])
    with torch.no_grad():
        short = _square_sum([s["exp_avg"] for s in held]) / (1 - beta ** float(steps)) ** 2
        long = torch.stack([s["exp_avg_sq"].sum().float() for s in held]).sum() / (1 - gamma ** float(steps))
        c = (1 - beta) / (1 + beta)
        signal = (short - c * long) / (1 - c)
        return torch.where(signal > 0, (long - signal) / signal, torch.full_like(signal, float("inf")))


def _square_sum(tensors: list[Any]) -> Any:
    import torch

    return torch.stack([n.float() for n in torch._foreach_norm(tensors)]).square().sum()
