"""Runs rules on a trace: every rule ends FIRED, CLEAR, BLIND or CRASHED, and none can end the run."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from lifesigns.model import Finding, Series, Subject, Trace, Verdict
from lifesigns.rules.base import CannotTell, Rule, View

_RUN = Subject("run", "run", "run")


def run_rules(rules: Iterable[Rule], trace: Trace) -> tuple[Verdict, ...]:
    """One verdict for each rule, in the order given."""
    return tuple(run_rule(rule, trace) for rule in rules)


def run_rule(rule: Rule, trace: Trace) -> Verdict:
    """The verdict of one rule over all the subjects it is about; NumPy's overflow warnings are switched off."""
    try:
        with np.errstate(all="ignore"):
            return _run(rule, trace)
    except Exception:
        return Verdict(rule.code, rule.name, "crashed", reason=traceback.format_exc(limit=-3))


def _run(rule: Rule, trace: Trace) -> Verdict:
    findings: list[Finding] = []
    reasons: list[str] = []
    missing: dict[str, None] = {}
    checked = 0
    for subject in _subjects(rule, trace):
        lacking = _lacking(rule, trace, subject)
        if lacking:
            missing.update(dict.fromkeys(lacking))
            continue
        try:
            findings.extend(rule.check(_view(rule, trace, subject)))
            checked += 1
        except CannotTell as reason:
            named = subject.kind not in ("run", "dye")
            text = f"{subject.name}: {reason}" if named else str(reason)
            if text not in reasons:
                reasons.append(text)
    if rule.whole_run and trace.cut_short:
        findings = [replace(f, severity="note", message=f"{f.message}; but the run was cut short") for f in findings]
    if findings:
        return Verdict(rule.code, rule.name, "fired", tuple(findings), checked=checked)
    if checked:
        return Verdict(rule.code, rule.name, "clear", checked=checked)
    if not reasons and not missing:
        missing.update(dict.fromkeys(rule.reads))
    return Verdict(
        rule.code,
        rule.name,
        "blind",
        reason="; ".join(reasons) or _explain(rule, trace, tuple(missing)),
        missing=tuple(missing),
    )


def _subjects(rule: Rule, trace: Trace) -> list[Subject]:
    if rule.per == "run":
        return [trace.subjects.get("run", _RUN)]
    return [s for s in trace.of_kind(rule.per) if rule.applies_to(s)]


def _pick(trace: Trace, name: str, subject: Subject) -> Series | None:
    return trace.get(name, subject.id)


def _lacking(rule: Rule, trace: Trace, subject: Subject) -> list[str]:
    found = {name: _pick(trace, name, subject) for name in rule.reads}
    return [name for name, least in rule.reads.items() if (s := found[name]) is None or len(s) < least]


def _view(rule: Rule, trace: Trace, subject: Subject) -> View:
    series: dict[str, Series] = {}
    for name in rule.reads:
        one = _pick(trace, name, subject)
        if one is not None:
            series[name] = one
    for name, least in rule.may_read.items():
        if name.endswith("*"):
            series.update({s.name: s for s in trace.series if s.name.startswith(name[:-1]) and len(s) >= least})
        elif (one := _pick(trace, name, subject)) is not None and len(one) >= least:
            series[name] = one
    events = tuple(e for e in trace.events if e.kind in rule.needs_events and (subject.id in ("run", e.subject)))
    elsewhere = {name: _everywhere(trace, name, least) for name, least in rule.across.items()}
    return View(
        subject, series, frozenset([*rule.reads, *rule.may_read]), events, frozenset(rule.needs_events), elsewhere
    )


def _everywhere(trace: Trace, name: str, least: int) -> tuple[tuple[Subject, Series], ...]:
    return tuple((trace.subjects.get(s.subject, _RUN), s) for s in trace.named(name) if len(s) >= least)


def _explain(rule: Rule, trace: Trace, missing: tuple[str, ...]) -> str:
    if rule.per == "dye":
        error = dict(trace.meta.get("dyes") or {}).get("error")
        if error:
            return f"its dye: {error}; `lifesigns dye SCRIPT` plants all"
        planted = bool(trace.of_kind("dye"))
        return "its dye is not for this kind of run" if planted else "no dye was planted: `lifesigns dye SCRIPT` does"
    if not trace.of_kind(rule.per) and rule.per != "run":
        return f"no {rule.per} was seen in this run"
    parts: list[str] = []
    for name in missing:
        have = max((len(s) for s in trace.named(name)), default=0)
        parts.append(
            f"`{name}` has {have} of the {rule.reads[name]} points needed" if have else f"`{name}` was not recorded"
        )
    return "; ".join(parts)
