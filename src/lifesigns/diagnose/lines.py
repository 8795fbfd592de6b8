"""Which line is shown: of a cause, the most telling one; of what was proven without one, the line that was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import isclose
from types import MappingProxyType

import numpy as np

from lifesigns.model import Finding, Location, Trace, Verdict
from lifesigns.rules import Rule

LEAST_LIKELY = 0.1
"""P(static rule fires | cause) from which its line may stand for that cause where it is not its main one; assumed."""

WRITTEN: Mapping[str, str] = {
    "learning-rate-too-high": "learning_rate",
    "learning-rate-too-low": "learning_rate",
    "entropy-bonus-dominates": "entropy_coefficient",
    "observation-scale": "observation",
    "reward-carries-no-signal": "reward",
    "reward-transformed": "reward",
    "reward-misspecified": "reward",
    "environment-ends-episodes-wrongly": "end",
}
"""Cause → what of the script it speaks of, as lints/written names it."""
NUMBERS = frozenset(("learning_rate", "entropy_coefficient"))
"""Of these the line is where the number is written, whatever else was read."""


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


def line_of(
    cause: str, named: Iterable[tuple[Rule, Finding]], written: Mapping[str, Location] = MappingProxyType({})
) -> Location | None:
    """The line shown for a cause, of the findings that speak of it, in their order; None if none has a line.

    `written` is what `written_lines` gives. Of a number, the line where it is written. Else first a line that was read
    in the source by a rule about this cause before all: it is the statement itself. Then the line that a dye came to;
    then what the script's own environment or wrapper makes of the quantity. Last what the recorder knows: where the
    network, optimiser or environment was made, or the loss differentiated; over the gallery's broken scripts that was
    the wrong one in all cases where a line was read (benchmarks/detection).
    """
    located = [(rule, found.location) for rule, found in named if found.location is not None]

    def key(one: tuple[Rule, Location]) -> tuple[int, float]:
        rule = one[0]
        given = rule.causes.get(cause)
        if rule.code.startswith("L"):
            return (0 if main_cause(rule) == cause else 2), -(given.probability if given else 0.0)
        return (1 if rule.code.startswith("Y") else 3), 0.0

    if not located:
        return None
    what = WRITTEN.get(cause, "")
    best = min(located, key=key)
    if what in written and (what in NUMBERS or key(best)[0] > 1):
        return written[what]
    return best[1]


def written_lines(trace: Trace) -> dict[str, Location]:
    """Where the script writes what a cause may speak of; without those of which several places are known.

    Of learning rates, the one with which an optimiser of this run began; with one optimiser and one rate, also one that
    is warmed up to. Of observations, rewards and ends, those that a layer of a training environment makes.
    """
    held = [(e.data, e.location) for e in trace.events if e.kind == "written" and e.location is not None]
    places: dict[str, set[Location]] = {}
    for data, place in held:
        if data.get("what") != "learning_rate" and _of_this_run(trace, str(data.get("of") or "")):
            places.setdefault(str(data.get("what")), set()).add(place)
    rates = [(float(data["value"]), place) for data, place in held if data.get("what") == "learning_rate"]
    used = [s.y.reshape(-1) for s in trace.series if s.name == "optimizer.learning_rate" and s.y.size]
    found = {place for value, place in rates if any(isclose(value, float(y[0]), rel_tol=1e-6) for y in used)}
    if not found and len(rates) == len(used) == 1 and _warms_up_to(used[0], rates[0][0]):
        found = {rates[0][1]}
    places["learning_rate"] = found
    return {what: next(iter(lines)) for what, lines in places.items() if len(lines) == 1}


def _warms_up_to(rates: np.ndarray, value: float) -> bool:
    """Whether learning rates begin below their maximum, and that is `value` or just below."""
    top = float(np.nanmax(rates)) if np.isfinite(rates).any() else 0.0
    return float(rates[0]) < top and value / 2 <= top <= value * (1 + 1e-6)


def _of_this_run(trace: Trace, name: str) -> bool:
    """Whether a class is a layer of an environment that this run trained in; true of what belongs to no class."""
    trained = (s for s in trace.of_kind("env") if s.info.get("role") != "eval")
    return not name or any(name in (s.info.get("wrappers") or ()) for s in trained)
