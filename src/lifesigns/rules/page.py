"""A rule's page: its class docstring cut at the six headings; one text for terminal, HTML, SARIF and site."""

from __future__ import annotations

import inspect

from lifesigns.rules.base import Rule

HEADINGS = ("What it detects", "Why it matters", "How it decides", "When it is wrong", "What to do", "References")


def sections(rule: Rule) -> dict[str, str]:
    """Heading → text, in order. Raises ValueError where a heading is missing or out of order."""
    text = inspect.cleandoc(type(rule).__doc__ or "")
    found: dict[str, str] = {}
    marks = [(text.find(f"{h}\n"), h) for h in HEADINGS]
    places = [place for place, _ in marks]
    if -1 in places or places != sorted(places):
        missing = [h for place, h in marks if place == -1]
        raise ValueError(f"page of {rule.code}: headings missing {missing} or out of order")
    for (start, heading), end in zip(marks, [*places[1:], len(text)], strict=True):
        body = text[start + len(heading) : end].strip()
        found[heading] = body.lstrip("-=").strip()
    return found


def summary(rule: Rule) -> str:
    """First sentence of the page."""
    first = inspect.cleandoc(type(rule).__doc__ or "").split("\n\n", 1)[0]
    return " ".join(first.split())


def markdown(rule: Rule) -> str:
    """The page as Markdown, with the metadata that the rule itself declares."""
    reads = ", ".join(f"`{n}` (≥ {p})" for n, p in rule.reads.items()) or ", ".join(rule.needs_events) or "no series"
    may = ", ".join(f"`{n}`" for n in (*rule.may_read, *rule.across)) or "nothing else"
    lines = [
        f"# {rule.code} {rule.name}",
        "",
        summary(rule),
        "",
        f"*{rule.status} since {rule.since} · about each {rule.per} · reads {reads}; uses {may} where present*",
        "",
        *([f"*for: {rule.families}*", ""] if rule.families != "any" else []),
    ]
    for heading, body in sections(rule).items():
        lines += [f"## {heading}", "", body, ""]
    lines += ["## Odds", "", "| if the cause is | it fires in | basis |", "|---|---|---|"]
    lines += [f"| {cause} | {p.probability:.0%} | {p.basis} {p.source} |" for cause, p in rule.causes.items()]
    alarm = rule.false_alarm
    lines += [f"| nothing (healthy) | {alarm.probability:.1%} | {alarm.basis} {alarm.source} |", ""]
    return "\n".join(lines)
