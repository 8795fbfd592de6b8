"""One run of one seed, as recorded or imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .finding import Location
from .series import Series

CUT_SHORT = ("stopped early", "killed", "interrupted")
"""How a run ended that was not over: by a time budget, a signal, Ctrl-C."""
DYES_ONLY = "dyes only"
"""How a run ended (`ended` in its meta) that holds what dyes showed and nothing recorded."""


@dataclass(frozen=True)
class Subject:
    """A thing that was observed: an optimiser, a network, an environment, a loss, a target pair, a policy.

    `id` is `kind/number`; `name` is what the user's code calls it where that could be read off the source.
    """

    id: str
    kind: str
    name: str
    location: Location | None = None
    info: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Event:
    """Something that happened once: a seed was set, a target was synchronised, a value was not finite."""

    kind: str
    subject: str
    data: Mapping[str, Any]
    wall_s: float = 0.0
    env_step: int = 0
    location: Location | None = None


@dataclass(frozen=True)
class Trace:
    """Everything known of a run: subjects by id, series by (name, subject), events in order."""

    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
    subjects: Mapping[str, Subject] = field(default_factory=dict[str, Subject])
    series: tuple[Series, ...] = ()
    events: tuple[Event, ...] = ()
    health: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def cut_short(self) -> bool:
        """Whether the run was ended from outside before it was over."""
        return self.meta.get("ended") in CUT_SHORT

    @property
    def dyes_alone(self) -> bool:
        """Whether it holds what dyes showed and nothing that was recorded."""
        return self.meta.get("ended") == DYES_ONLY

    def get(self, name: str, subject: str) -> Series | None:
        """The series `name` of `subject`, or None."""
        return next((s for s in self.series if s.name == name and s.subject == subject), None)

    def named(self, name: str) -> tuple[Series, ...]:
        """The series `name` of every subject."""
        return tuple(s for s in self.series if s.name == name)

    def series_but(self, prefix: str) -> tuple[Series, ...]:
        """The series whose names do not start with `prefix`."""
        return tuple(s for s in self.series if not s.name.startswith(prefix))

    def of_kind(self, kind: str) -> tuple[Subject, ...]:
        """The subjects of one kind, in the order in which they appeared."""
        return tuple(s for s in self.subjects.values() if s.kind == kind)

    def with_series(self, added: Iterable[Series], subjects: Iterable[Subject] = ()) -> Trace:
        """A copy with series (and subjects) added; a series of the same name and subject is replaced."""
        new = {(s.name, s.subject): s for s in (*self.series, *added)}
        return replace(self, series=tuple(new.values()), subjects={**self.subjects, **{s.id: s for s in subjects}})
