"""Odds of the causes from the verdicts of rules: naive Bayes, tempered where rules are not independent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log

from lifesigns.diagnose.causes import Cause
from lifesigns.model import Outcome, Verdict
from lifesigns.rules import Rule

ANY_FAULT = "any fault"
CLIP = (0.001, 0.999)
"""range of a likelihood, so that no single verdict decides alone; assumed."""
NOTE_WEIGHT = 0.35
"""weight of the log likelihood ratio of a rule that fired with notes only; assumed."""
REPEAT_WEIGHT = 0.5
"""factor for each further rule of a folder with the same verdict; assumed (half of its news is already
told)."""
UNMET_WEIGHT = 0.05
"""factor on the odds of a cause that could do nothing in the run; assumed."""
CUT_SHORT_WEIGHT = log(2.0)
"""log likelihood ratio for `too-little-training` of a run that did not reach its end; assumed."""

OUTCOME_GIVEN: Mapping[str, Mapping[str, float]] = {
    "healthy": {"learning": 0.93, "not learning": 0.05, "worse than at the start": 0.02},
    "luck": {"learning": 0.15, "not learning": 0.70, "worse than at the start": 0.15},
    "too-little-training": {"learning": 0.20, "not learning": 0.75, "worse than at the start": 0.05},
    "objective-sign-flipped": {"learning": 0.05, "not learning": 0.45, "worse than at the start": 0.50},
    "any fault": {"learning": 0.40, "not learning": 0.45, "worse than at the start": 0.15},
}
"""P(outcome | main explanation); assumed. An outcome that cannot be told says nothing. A return that rises
is weak evidence against a fault: of nine public bug/fix pairs run side by side, six defects did not show in
it (DESIGN.md)."""


@dataclass(frozen=True)
class Support:
    """The pull of one verdict on one cause: log P(verdict | cause) - log P(verdict | healthy), tempered."""

    rule: Rule
    verdict: Verdict
    log_ratio: float
    named: bool


def posterior(
    causes: Sequence[Cause],
    rules: Iterable[Rule],
    verdicts: Iterable[Verdict],
    outcome: Outcome,
    *,
    cut_short: bool = False,
    unmet: frozenset[str] = frozenset(),
) -> dict[str, float]:
    """Probability of each cause as the main explanation; they sum to 1.

    Each cause starts from its prior and P(outcome | cause), then each verdict multiplies its odds against
    `healthy` by P(verdict | cause) / P(verdict | healthy), where P(fired) is the rule's likelihood,
    P(clear) is 1 minus it, and BLIND and CRASHED say nothing. Rules in one folder look at the same
    quantities, so their verdicts are not independent: of those with the same verdict in the same folder the
    one that says most about the cause counts in full, the next by half, the third by a quarter; duplicated
    rules at most double the evidence. A cause among `unmet` could do nothing in this run (no time limit was
    reached): unless it is proven, it weighs `UNMET_WEIGHT`.
    """
    by_code = {rule.code: rule for rule in rules}
    pairs = [(by_code[v.code], v) for v in verdicts if v.code in by_code and v.status in ("fired", "clear")]
    scores: dict[str, float] = {}
    for cause in causes:
        held = supports(cause, pairs)
        pull = sum(s.log_ratio for s in _counted(held))
        extra = CUT_SHORT_WEIGHT if cut_short and cause.id == "too-little-training" else 0.0
        extra += log(UNMET_WEIGHT) if cause.id in unmet and not _is_proven(held) else 0.0
        scores[cause.id] = log(cause.prior) + log(_outcome_given(cause, outcome)) + pull + extra
    top = max(scores.values())
    weights = {key: exp(score - top) for key, score in scores.items()}
    total = sum(weights.values())
    return {key: weight / total for key, weight in weights.items()}


def supports(cause: Cause, pairs: Iterable[tuple[Rule, Verdict]]) -> list[Support]:
    """What each FIRED or CLEAR verdict adds to the log odds of `cause` against `healthy`, largest first."""
    groups: dict[tuple[str, str], list[Support]] = {}
    for rule, verdict in pairs:
        one = Support(rule, verdict, _log_ratio(cause, rule, verdict), cause.id in rule.causes)
        groups.setdefault((rule.subject_folder, verdict.status), []).append(one)
    found: list[Support] = []
    for group in groups.values():
        group.sort(key=lambda s: -abs(s.log_ratio))
        found += [replace(s, log_ratio=s.log_ratio * REPEAT_WEIGHT**i) for i, s in enumerate(group)]
    return sorted(found, key=lambda s: -s.log_ratio)


def _counted(found: list[Support]) -> list[Support]:
    """Without what CLEAR verdicts take off a cause that a rule has proven: one symptom's absence refutes no other's
    proof."""
    kept = [s for s in found if s.log_ratio > 0 or s.verdict.status != "clear"]
    return kept if _is_proven(found) else found


def _is_proven(found: Iterable[Support]) -> bool:
    """Whether a rule that names the cause has an exact finding."""
    return any(s.named and s.log_ratio > 0 and any(f.exact for f in s.verdict.findings) for s in found)


def fires_given(rule: Rule, cause: Cause) -> float:
    """P(rule fires | cause), clipped: as named, or `any fault` (faults and `unknown`), or `false_alarm`."""
    named = rule.causes.get(cause.id)
    if named is None and (cause.is_fault or cause.kind == "unknown"):
        named = rule.causes.get(ANY_FAULT)
    return min(CLIP[1], max(CLIP[0], (named or rule.false_alarm).probability))


def _log_ratio(cause: Cause, rule: Rule, verdict: Verdict) -> float:
    healthy = min(CLIP[1], max(CLIP[0], rule.false_alarm.probability))
    given = healthy if cause.kind == "healthy" else fires_given(rule, cause)
    if verdict.status == "clear":
        return log(1.0 - given) - log(1.0 - healthy) if rule.silence_tells else 0.0
    ratio = log(given) - log(healthy)
    if verdict.findings and all(f.severity == "note" for f in verdict.findings):
        ratio *= NOTE_WEIGHT
    return ratio


def _outcome_given(cause: Cause, outcome: Outcome) -> float:
    key = cause.id if cause.id in OUTCOME_GIVEN else "any fault"
    return OUTCOME_GIVEN[key].get(outcome.learning, 1.0)
