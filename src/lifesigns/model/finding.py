"""What a rule says: a finding, with its evidence and its place in the code; and the verdict it is part of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["note", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")
Status = Literal["fired", "clear", "blind", "crashed"]


@dataclass(frozen=True)
class Location:
    """A line of the user's code; `text` is that line as it stood when it ran."""

    file: str
    line: int
    text: str = ""


@dataclass(frozen=True)
class Evidence:
    """A measurement: `value` of a series (of one `column`, where it has several) against the rule's `limit`."""

    series: str
    subject: str
    value: float
    limit: float | None = None
    unit: str = ""
    clock: str = ""
    step: float | None = None
    column: str = ""


@dataclass(frozen=True)
class Finding:
    """A statement of what was measured, without blame; the cause belongs to the diagnosis.

    `exact` marks a defect that is proven by what happened, not by a threshold crossed.
    """

    code: str
    rule: str
    message: str
    severity: Severity
    subject: str
    evidence: tuple[Evidence, ...] = ()
    location: Location | None = None
    exact: bool = False


@dataclass(frozen=True)
class Verdict:
    """What became of one rule on one trace: FIRED, CLEAR, BLIND (with what was missing) or CRASHED."""

    code: str
    rule: str
    status: Status
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    missing: tuple[str, ...] = ()
    checked: int = 0


def at_least(severity: Severity, floor: Severity) -> bool:
    """Whether `severity` is `floor` or worse."""
    return SEVERITIES.index(severity) >= SEVERITIES.index(floor)
