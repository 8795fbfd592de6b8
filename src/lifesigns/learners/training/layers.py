"""Networks of many seeds as one: weights [seed, in, out], inputs [seed, row, in], `torch.baddbmm` in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from numpy.random import Generator
from torch import Tensor

Activation = Callable[[Tensor], Tensor]


def layer(rngs: Sequence[Generator], inputs: int, outputs: int, scale: float = 1.0) -> list[Tensor]:
    """Weight [seed, in, out] and bias [seed, 1, out], uniform within ±scale / √in as torch.nn.Linear draws them; the
    draws of each seed come from its own generator."""
    bound = scale / inputs**0.5
    drawn = [torch.from_numpy(r.uniform(-bound, bound, (inputs + 1, outputs)).astype("float32")) for r in rngs]
    both = torch.stack(drawn)
    return [both[:, :inputs].clone().requires_grad_(), both[:, inputs:].clone().requires_grad_()]


def mlp(rngs: Sequence[Generator], sizes: Sequence[int], last_scale: float = 1.0) -> list[Tensor]:
    """All weights of a multilayer perceptron, [weight, bias, weight, bias, …]."""
    last = len(sizes) - 2
    return [w for i, (n, m) in enumerate(pairwise(sizes)) for w in layer(rngs, n, m, last_scale if i == last else 1.0)]


def apply(weights: Sequence[Tensor], x: Tensor, between: Activation = torch.relu) -> Tensor:
    """The perceptron on [seed, row, in]; the last layer is linear."""
    for i in range(0, len(weights) - 2, 2):
        x = between(torch.baddbmm(weights[i + 1], x, weights[i]))
    return torch.baddbmm(weights[-1], x, weights[-2])


def copied(weights: Sequence[Tensor]) -> list[Tensor]:
    """The same values without a gradient: a target network."""
    return [w.detach().clone() for w in weights]


@torch.no_grad()
def follow(targets: Sequence[Tensor], weights: Sequence[Tensor], tau: float) -> None:
    """Moves the targets a share `tau` of the way to the weights."""
    torch._foreach_lerp_(list(targets), list(weights), tau)


def adam(weights: Sequence[Tensor], lr: float, eps: float = 1e-8) -> torch.optim.Adam:
    """Adam; it works on each number by itself, so seeds in one tensor do not touch each other."""
    return torch.optim.Adam(list(weights), lr=lr, eps=eps, foreach=True)


@torch.no_grad()
def clip_each_seed(weights: Sequence[Tensor], most: float) -> None:
    """Scales the gradients of each seed down to a norm of at most `most`; seeds are the first dimension."""
    found = [w.grad for w in weights if w.grad is not None]
    squares = torch.stack([g.flatten(1).square().sum(dim=1) for g in found]).sum(dim=0)
    factor = (most / (squares.sqrt() + 1e-6)).clamp(max=1.0)
    for g in found:
        g.mul_(factor.view(-1, *[1] * (g.dim() - 1)))


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step on the sum over seeds of their losses, [seed]."""
    optimizer.zero_grad(set_to_none=True)
    loss.sum().backward()
    optimizer.step()
