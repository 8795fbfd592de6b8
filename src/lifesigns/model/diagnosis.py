"""The answer: defects that are present, kept apart from what explains the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .finding import Finding, Location, Verdict
from .placing import Placing

Learning = Literal["learning", "not learning", "worse than at the start", "cannot tell"]


@dataclass(frozen=True)
class Outcome:
    """What the run achieved, in one sentence and in figures (`from_value` to `to_value` of `measure`)."""

    learning: Learning
    sentence: str
    measure: str = ""
    from_value: float | None = None
    to_value: float | None = None


@dataclass(frozen=True)
class Defect:
    """A defect that is present: proven by what happened; whether it matters for the outcome is said apart."""

    cause: str
    finding: Finding


@dataclass(frozen=True)
class CauseOdds:
    """A cause and its probability as the main explanation, in words with their fixed range."""

    cause: str
    kind: str
    title: str
    probability: float
    words: str
    range: tuple[int, int]
    findings: tuple[Finding, ...]
    remedy: str
    next_test: str
    basis: str
    location: Location | None = None


@dataclass(frozen=True)
class Diagnosis:
    """The whole answer to one run; `coverage` says what was looked at and how much of the run was seen.

    `preview` holds the verdicts of rules that are not calibrated yet: they weigh nothing. `outlook` says how healthy
    runs that stood where this one stands went on, in a sentence or not at all. `placing` sets its returns beside those
    of random actions, constant actions, linear policies and planners.
    """

    run: str
    outcome: Outcome
    defects: tuple[Defect, ...]
    causes: tuple[CauseOdds, ...]
    verdicts: tuple[Verdict, ...]
    coverage: Mapping[str, Any] = field(default_factory=dict[str, Any])
    preview: tuple[Verdict, ...] = ()
    outlook: str = ""
    placing: Placing | None = None
    schema: int = 1

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding of every rule that fired."""
        return tuple(f for v in self.verdicts for f in v.findings)
