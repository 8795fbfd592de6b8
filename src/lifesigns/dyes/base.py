"""The base class of rules that judge one dye, and synthetic facts for their cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from lifesigns.model import Event, Evidence, Finding, Location, Severity, Subject, Trace
from lifesigns.model.catalogue import SERIES
from lifesigns.model.series import series
from lifesigns.rules import CannotTell, Case, Rule, View


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
            raise CannotTell(f"the dye `{self.dye}` was not planted")
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
        """A finding with one measurement; `error` findings of dyes are exact."""
        evidence = Evidence(series, view.subject.id, value, limit, unit, "update")
        return self.finding(
            view, message, severity, [evidence], exact=severity == "error", location=location or self.place(view)
        )


def effect_text(share: float) -> str:
    """How large an effect is, in words and a number: of a gradient, relative to it."""
    if share != share or share == float("inf"):
        return "of unknown size"
    if share < 1e-6:
        return "below rounding (harmless here)"
    return f"{share:.2g} of the gradient's size"


HARMLESS = 1e-6
"""Relative effect on a gradient below which a difference is float32 rounding: 2^-23 is 1.2e-7; some sums lie between."""


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
