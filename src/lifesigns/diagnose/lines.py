"""Lines for what was proven without one: reading the source found a place that speaks of the same cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from lifesigns.model import Finding, Verdict
from lifesigns.rules import Rule

LEAST_LIKELY = 0.1
"""P(static rule fires | cause) from which its line may stand for that cause where it is not its main one; assumed."""


def with_lines(rules: Mapping[str, Rule], verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """The verdicts; exact findings without a line have that of a static finding about the same main cause.

    Of several static findings the one counts whose rule fires most likely given the cause, and of these the first. The
    message says whose line it is. Nothing else changes: the odds are those of the two findings.
    """
    held = tuple(verdicts)
    read = [(rules[v.code], f) for v in held if v.code in rules and v.code.startswith("L") for f in v.findings]
    located = [(rule, found) for rule, found in read if found.location is not None]
    if not located:
        return held
    return tuple(
        replace(v, findings=tuple(_with_line(rules[v.code], f, located) for f in v.findings))
        if v.code in rules and any(f.exact and f.location is None for f in v.findings)
        else v
        for v in held
    )


def main_cause(rule: Rule) -> str | None:
    """The cause that a rule most likely speaks of."""
    return max(rule.causes, key=lambda c: rule.causes[c].probability, default=None)


def _with_line(rule: Rule, finding: Finding, located: Iterable[tuple[Rule, Finding]]) -> Finding:
    cause = main_cause(rule)
    if not finding.exact or finding.location is not None or cause is None:
        return finding
    best: tuple[float, Finding] | None = None
    for other, found in located:
        given = other.causes.get(cause)
        if given is None or (main_cause(other) != cause and given.probability < LEAST_LIKELY):
            continue
        if best is None or given.probability > best[0]:
            best = (given.probability, found)
    if best is None:
        return finding
    return replace(finding, location=best[1].location, message=f"{finding.message} (line read by {best[1].code})")
