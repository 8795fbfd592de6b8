"""The base class of rules that judge one dye, readers of its facts, and synthetic facts for their cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, ClassVar

from lifesigns.model import Event, Evidence, Finding, Location, Severity, Subject, Trace
from lifesigns.model.catalogue import SERIES
from lifesigns.model.series import series
from lifesigns.rules import CannotTell, Case, Rule, View

HARMLESS = 1e-6
"""relative effect on a gradient below which a difference is float32 rounding: 2^-23 is 1.2e-7, sums lie above it."""
FEWEST_GRADIENTS = 2
"""gradients that must have been compared before silence is an answer; assumed (the first may precede any data)."""


class DyeRule(Rule):
    """A rule about the subject `dye` of one name; its facts are the data of that subject's one event."""

    per = "dye"
    dye: ClassVar[str]
    reads: ClassVar[Mapping[str, int]] = {}
    may_read: ClassVar[Mapping[str, int]] = {"dye.gradient_effect": 1, "dye.update_effect": 1, "dye.response": 1}
    needs_events: ClassVar[tuple[str, ...]] = ("dye",)

    def applies_to(self, subject: Subject) -> bool:
        """Its own dye only."""
        return subject.kind == "dye" and subject.name == self.dye

    def facts(self, view: View) -> Mapping[str, Any]:
        """What the dye showed. Raises CannotTell with the reason where it was not planted or not answered."""
        event = next(iter(view.events("dye")), None)
        if event is None:
            raise CannotTell(f"the dye `{view.subject.name}` was not planted")
        if event.data.get("blind"):
            raise CannotTell(str(event.data["blind"]))
        return event.data

    def place(self, view: View) -> Location | None:
        """The line that the dye's answer points at."""
        event = next(iter(view.events("dye")), None)
        return event.location if event is not None else None

    def found(
        self,
        view: View,
        message: str,
        severity: Severity,
        value: float,
        limit: float | None = 0.0,
        *,
        series: str = "dye.gradient_effect",
        unit: str = "share",
        location: Location | None = None,
    ) -> Finding:
        """A finding with one measurement; `error` findings of dyes are exact.

        `series` is the series measured, or `dye.` and the name of the fact.
        """
        evidence = Evidence(series, view.subject.id, value, limit, unit, "update")
        return self.finding(
            view, message, severity, [evidence], exact=severity == "error", location=location or self.place(view)
        )

    def must_not_change(
        self, view: View, what: str, *, touched: str = "gradients_touched", of: str = "gradients"
    ) -> Iterable[Finding]:
        """A finding if gradients answered to something that nothing may answer to; `what` begins the message."""
        facts = self.facts(view)
        hit, effect = count(facts, touched), number(facts, "largest_effect", 0.0)
        compared = count(facts, of)
        if not compared:
            raise CannotTell("no gradient was compared")
        if not hit:
            return
        message = f"{what} changed {hit} of {compared} gradients, {effect_text(effect)}; none may change"
        yield self.found(view, message, severity_of(effect), effect)


def severity_of(effect: float) -> Severity:
    """`error`, or `note` for an effect that is rounding."""
    return "note" if effect < HARMLESS else "error"


def effect_text(share: float) -> str:
    """How much gradients changed at most, relative to their size."""
    if not isfinite(share):
        return "by an unknown amount"
    if share < HARMLESS:
        return "by less than rounding (harmless here)"
    return f"at most by {share:.2g} of the gradient's size"


def some(number: int, noun: str) -> str:
    """`1 row`, `3 rows`, `2 batches`."""
    return f"{number} {noun}{'' if number == 1 else 'es' if noun.endswith('ch') else 's'}"


def unanswered(facts: Mapping[str, Any], fewest_planted: int = 1) -> bool:
    """Whether no gradient answered. Raises CannotTell where too little was planted or learned for that to mean much."""
    if count(facts, "gradients_touched"):
        return False
    if count(facts, "losses_touched", 0):
        raise CannotTell("losses answered and gradients did not: a clipped loss (Huber) can hide the answer")
    gradients, planted = count(facts, "gradients"), count(facts, "planted")
    if gradients < FEWEST_GRADIENTS:
        raise CannotTell(f"{gradients} gradients were compared; silence means something from {FEWEST_GRADIENTS} on")
    if planted < fewest_planted:
        raise CannotTell(f"planted {planted} times; silence means something from {fewest_planted} on")
    return True


def number(facts: Mapping[str, Any], key: str, default: float | None = None) -> float:
    """A fact that is a number. Raises CannotTell where there is none and no default."""
    value = facts.get(key, default)
    if not isinstance(value, int | float):
        raise CannotTell(f"the answer holds no number `{key}`")
    return float(value)


def count(facts: Mapping[str, Any], key: str, default: float | None = None) -> int:
    """A fact that is a whole number. Raises CannotTell where there is none and no default."""
    value = number(facts, key, default)
    if not isfinite(value):
        raise CannotTell(f"`{key}` is {value}")
    return int(value)


def known(facts: Mapping[str, Any], key: str) -> float | None:
    """A fact that is a finite number, or None."""
    value = facts.get(key)
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def rows(facts: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The mappings in a fact that is a list; none where it is not one."""
    return [r for r in listed(facts, key) if isinstance(r, Mapping)]


def listed(facts: Mapping[str, Any], key: str) -> list[Any]:
    """A fact that is a list; an empty one where it is not."""
    value = facts.get(key)
    return list(value) if isinstance(value, list | tuple) else []


def named(facts: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A fact that is a mapping; an empty one where it is not."""
    value = facts.get(key)
    return value if isinstance(value, Mapping) else {}


def spot(value: Any) -> Location | None:
    """A location from `{file, line, text}`; None where it is no such thing."""
    if not isinstance(value, Mapping) or not value.get("file") or not isinstance(value.get("line"), int):
        return None
    return Location(str(value["file"]), value["line"], str(value.get("text") or ""))


def dye_case(
    name: str, dye: str, facts: Mapping[str, Any], *, effects: Sequence[float] = (0.0, 0.0), line: int = 10
) -> Case:
    """A case with one dye's subject, its event with `facts`, and `dye.gradient_effect`."""
    subject = Subject("dye/0", "dye", dye, None, {})
    at = Location("train.py", line, "target = reward + gamma * value")
    event = Event("dye", "dye/0", dict(facts), location=at)
    entry = SERIES["dye.gradient_effect"]
    one = series("dye.gradient_effect", entry.clock, list(effects), unit=entry.unit, subject="dye/0")
    subjects = {"run": Subject("run", "run", "run"), "dye/0": subject}
    return Case(name, Trace({}, subjects, (one,), (event,)))
