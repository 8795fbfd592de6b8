"""What a root cause is: a name, a kind, a remedy and the cheapest next test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["bug", "hyperparameter", "environment", "luck", "healthy", "unknown"]
FAULT_KINDS: tuple[Kind, ...] = ("bug", "hyperparameter", "environment")


@dataclass(frozen=True)
class Cause:
    """A root cause; `prior` is a weight (weights are normalised over the causes that apply to a run).

    `next_test` may contain SCRIPT, which stands for the script of the run. `only_rl`: cannot be in supervised
    training. `if_looked`: offered only where a rule looked of which it is the
    likeliest cause; elsewhere it is part of `unknown`.
    """

    id: str
    kind: Kind
    title: str
    remedy: str
    next_test: str
    prior: float
    basis: str = "assumed (no public census of faults by frequency)"
    only_rl: bool = False
    if_looked: bool = False

    @property
    def is_fault(self) -> bool:
        """Whether code, settings or environment are to be put right, other than by training for longer."""
        return self.kind in FAULT_KINDS and self.id != "too-little-training"
