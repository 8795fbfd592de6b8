"""Operands of operations in a dyed run."""

from __future__ import annotations

import torch

from lifesigns.record.dyes import operands


def test_memory_that_was_not_initialised_is_filled_and_nothing_else_raises() -> None:
    held = torch.full((3, 2), float("nan"), requires_grad=True)
    operands.zero(torch, held)
    assert held.detach().tolist() == [[0.0, 0.0]] * 3
    assert held.requires_grad
    for other in (torch.empty(2, device="meta"), torch.eye(2).to_sparse(), "no tensor", None):
        operands.zero(torch, other)
