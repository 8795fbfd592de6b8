"""Which line is shown: of a cause, the most telling one; of what was proven without one, the line that was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import isclose

from lifesigns.model import Finding, Location, Trace, Verdict
from lifesigns.rules import Rule

LEAST_LIKELY = 0.1
"""P(static rule fires | cause) from which its line may stand for that cause where it is not its main one; assumed."""

OF_RATES = frozenset(("learning-rate-too-high", "learning-rate-too-low"))


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


def line_of(cause: str, named: Iterable[tuple[Rule, Finding]], rate: Location | None = None) -> Location | None:
    """The line shown for a cause, of the findings that speak of it, in their order; None if none has a line.

    Of a learning rate, the line `rate` where it is written. Else first a line that was read in the source by a rule
    about this cause before all: it is the statement itself. Then the line that a dye came to. Last what the recorder
    knows: where the network, optimiser or environment was made, or the loss differentiated; over the gallery's broken
    scripts that was the wrong one in all cases where a line was read (benchmarks/detection).
    """
    located = [(rule, found.location) for rule, found in named if found.location is not None]

    def key(one: tuple[Rule, Location]) -> tuple[int, float]:
        rule = one[0]
        given = rule.causes.get(cause)
        if rule.code.startswith("L"):
            return (0 if main_cause(rule) == cause else 2), -(given.probability if given else 0.0)
        return (1 if rule.code.startswith("Y") else 3), 0.0

    if rate is not None and located and cause in OF_RATES:
        return rate
    return min(located, key=key)[1] if located else None


def rate_line(trace: Trace) -> Location | None:
    """Where the script writes the learning rate with which an optimiser of this run began; None where that is not
    known, or where several places are."""
    began = [float(s.y.reshape(-1)[0]) for s in trace.series if s.name == "optimizer.learning_rate" and s.y.size]
    found = {
        e.location
        for e in trace.events
        if e.kind == "learning_rate" and any(isclose(float(e.data["value"]), b, rel_tol=1e-6) for b in began)
    }
    return found.pop() if len(found) == 1 else None
