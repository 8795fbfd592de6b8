"""What of a diagnosis is told in full, what in brief, and what together."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.model import CauseOdds, Diagnosis, Verdict

SHOWN_CAUSES = 4
"""causes told in full; the others are named in one line."""


def told_in_full(diagnosis: Diagnosis) -> list[CauseOdds]:
    """The first cause, and the next few that a finding supports or that are not remote."""
    return [
        c for rank, c in enumerate(diagnosis.causes[:SHOWN_CAUSES]) if rank == 0 or c.findings or c.words != "remote"
    ]


def told_in_brief(diagnosis: Diagnosis) -> list[CauseOdds]:
    """The other causes."""
    full = told_in_full(diagnosis)
    return [c for c in diagnosis.causes if c not in full]


def blind_groups(verdicts: Iterable[Verdict]) -> list[tuple[str, list[str]]]:
    """Reason → the rules that were blind for it, the most frequent reason first."""
    groups: dict[str, list[str]] = {}
    for one in verdicts:
        if one.status == "blind":
            groups.setdefault(one.reason or "no reason given", []).append(f"{one.code} {one.rule}")
    return sorted(groups.items(), key=lambda item: -len(item[1]))
