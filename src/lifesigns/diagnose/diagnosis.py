"""From a trace to the answer: run the rules, weigh the causes, set proven defects apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lifesigns.diagnose.causes import BY_ID, CAUSES, Cause
from lifesigns.diagnose.combine import Support, posterior, supports
from lifesigns.diagnose.coverage import coverage_of
from lifesigns.diagnose.lines import line_of, with_lines, written_lines
from lifesigns.diagnose.outcome import outcome_of
from lifesigns.diagnose.outlook import outlook_of
from lifesigns.diagnose.words import in_words
from lifesigns.model import CauseOdds, Defect, Diagnosis, Finding, Location, Outcome, Trace, Verdict
from lifesigns.model.finding import SEVERITIES
from lifesigns.rules import Rule, all_rules, run_rules
from lifesigns.stats.samples import finite

LEAST_SHOWN = 0.01
"""probability below which a cause is left out of the answer; `unknown` never is."""
SUPERVISED_DYES, RL_DYES = frozenset({"labels", "inputs", "validation"}), frozenset({"reward", "observation"})
"""dyes that are planted in runs without an environment, and in those with one."""


TIME_LIMITS = frozenset(("time-limit-treated-as-terminal", "time-limit-ignored"))
LEAST_ENDS = 20
"""episodes; assumed."""


def diagnose(trace: Trace, rules: Iterable[Rule] | None = None, run: str = "") -> Diagnosis:
    """The diagnosis of one run: its outcome, the defects that are present, and what explains the outcome.

    `rules` are all that are installed unless given; `run` is the run's name, by default the one in the trace.
    A rule that crashes is among the verdicts; none can end the diagnosis. Those in preview are apart.
    """
    chosen = tuple(all_rules() if rules is None else rules)
    loud = tuple(r for r in chosen if r.status != "preview")
    answer = explain(trace, loud, run_rules(loud, trace), run)
    quiet = [r for r in chosen if r.status == "preview"]
    return replace(answer, preview=run_rules(quiet, trace), outlook=outlook_of(trace))


def explain(trace: Trace, rules: Sequence[Rule], verdicts: tuple[Verdict, ...], run: str = "") -> Diagnosis:
    """The diagnosis from verdicts that are already there."""
    by_code = {rule.code: rule for rule in rules}
    verdicts = with_lines(by_code, verdicts)
    outcome = outcome_of(trace)
    pairs = [(by_code[v.code], v) for v in verdicts if v.code in by_code and v.status in ("fired", "clear")]
    causes = _applicable(trace, pairs)
    odds = posterior(causes, rules, verdicts, outcome, cut_short=trace.cut_short, unmet=_unmet(trace))
    defects = _defects(pairs, odds)
    shown = sorted(
        (c for c in causes if odds[c.id] >= LEAST_SHOWN or c.id == "unknown"),
        key=lambda c: (-odds[c.id], c.id),
    )
    script = str(trace.meta.get("script") or "SCRIPT")
    written = written_lines(trace)
    built = tuple(_odds(c, odds[c.id], supports(c, pairs), _title(c, outcome, defects), script, written) for c in shown)
    return Diagnosis(
        run or str(trace.meta.get("run") or ""),
        outcome,
        defects,
        built,
        verdicts,
        coverage_of(trace, verdicts),
    )


def _unmet(trace: Trace) -> frozenset[str]:
    """The causes that could do nothing in this run: those of time limits where `LEAST_ENDS` episodes ended and none at
    one."""
    ends = [s for s in trace.named("env.episode_truncated") if len(s)]
    many = sum(len(s) for s in ends) >= LEAST_ENDS
    return TIME_LIMITS if many and not any(finite(s.y).any() for s in ends) else frozenset()


def _applicable(trace: Trace, pairs: Sequence[tuple[Rule, Verdict]]) -> list[Cause]:
    """The causes that this kind of run can have and that were looked for.

    In supervised training those of RL only if pointed at. Those marked `if_looked` only where a rule looked of which
    they are the likeliest cause, so that a run without dyes is weighed as if they were not there.
    """
    pointed = {cause for rule, verdict in pairs if verdict.status == "fired" for cause in rule.causes}
    looked = {
        max(rule.causes, key=lambda c: rule.causes[c].probability)
        for rule, verdict in pairs
        if rule.causes and (rule.silence_tells or verdict.status == "fired")
    }
    supervised = _is_supervised(trace)
    return [
        c for c in CAUSES if (not (supervised and c.only_rl) or c.id in pointed) and (not c.if_looked or c.id in looked)
    ]


def _is_supervised(trace: Trace) -> bool:
    """Whether something is trained and no environment was seen, by the recorder or by dyes."""
    kinds = {s.kind for s in trace.subjects.values()}
    if kinds & {"env", "policy", "target"}:
        return False
    dyes = {s.name for s in trace.of_kind("dye")}
    return bool(kinds & {"loss", "optimizer"}) or bool(dyes & SUPERVISED_DYES and not dyes & RL_DYES)


def _defects(pairs: Iterable[tuple[Rule, Verdict]], odds: Mapping[str, float]) -> tuple[Defect, ...]:
    """Each exact finding with the cause that its rule most likely speaks of, the worst first."""
    found: list[Defect] = []
    for rule, verdict in pairs:
        named = {c: p.probability for c, p in rule.causes.items() if c in BY_ID}
        cause = max(named, key=lambda c: (named[c], odds.get(c, 0.0)), default="unknown")
        found += [Defect(cause, f) for f in verdict.findings if f.exact]
    return tuple(sorted(found, key=lambda d: (-SEVERITIES.index(d.finding.severity), d.finding.code)))


def _title(cause: Cause, outcome: Outcome, defects: Sequence[Defect]) -> str:
    """The cause's title, and of a proven defect in a run that learns, that it does."""
    if outcome.learning == "learning" and cause.id in {d.cause for d in defects}:
        return f"{cause.title} (present, yet this run learns)"
    return cause.title


def _odds(
    cause: Cause,
    probability: float,
    pulls: Sequence[Support],
    title: str,
    script: str,
    written: Mapping[str, Location],
) -> CauseOdds:
    words, low_high = in_words(min(1.0, probability))
    pointing = [
        s for s in pulls if s.verdict.status == "fired" and s.log_ratio > 0 and (s.named or cause.kind == "unknown")
    ]
    named = [(s.rule, f) for s in pointing for f in _ranked(s.verdict.findings)]
    findings = tuple(f for _, f in named)
    return CauseOdds(
        cause.id,
        cause.kind,
        title,
        probability,
        words,
        low_high,
        findings,
        cause.remedy,
        cause.next_test.replace("SCRIPT", script),
        _basis(cause, pulls),
        line_of(cause.id, named, written),
    )


def _ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Exact before thresholds, severe before mild, early before late."""

    def key(one: Finding) -> tuple[bool, int, float]:
        steps = [e.step for e in one.evidence if e.step is not None]
        return not one.exact, -SEVERITIES.index(one.severity), min(steps, default=float("inf"))

    return sorted(findings, key=key)


def _basis(cause: Cause, pulls: Iterable[Support]) -> str:
    """Where the likelihoods that moved this cause come from."""
    given = [s.rule.causes[cause.id].basis for s in pulls if s.named]
    measured = sum(b == "measured" for b in given)
    if not given:
        return "assumed: no rule that could look names this cause"
    if measured == len(given):
        return f"measured: {measured} of {measured} likelihoods"
    return f"{'partly measured' if measured else 'assumed'}: {measured} of {len(given)} likelihoods measured"
