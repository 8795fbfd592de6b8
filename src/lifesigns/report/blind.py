"""Why checks could not look, grouped for a reader."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.model import Verdict


def blind_groups(verdicts: Iterable[Verdict]) -> list[tuple[str, list[str]]]:
    """Reason → the rules that were blind for it, the most frequent reason first."""
    groups: dict[str, list[str]] = {}
    for one in verdicts:
        if one.status == "blind":
            groups.setdefault(one.reason or "no reason given", []).append(f"{one.code} {one.rule}")
    return sorted(groups.items(), key=lambda item: -len(item[1]))
