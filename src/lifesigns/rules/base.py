"""The base class of every rule, and the view of a trace that a rule is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from lifesigns.model import Event, Evidence, Finding, Location, Series, Severity, Subject
from lifesigns.rules.cases import Case


@dataclass(frozen=True)
class Likelihood:
    """P(the rule fires | a cause), and whether that is `measured` (benchmark named) or `assumed` (source named)."""

    probability: float
    basis: str = "assumed"
    source: str = ""


class CannotTell(Exception):
    """Raised by a rule's `check` that looked and could not decide: BLIND, with the reason as its message."""


class View:
    """What a rule may see: one subject, the series it declared for it, and events of kinds it declared.

    Reading anything undeclared raises KeyError, so that `reads` cannot lie.
    """

    def __init__(
        self,
        subject: Subject,
        series: Mapping[str, Series],
        declared: frozenset[str],
        events: tuple[Event, ...],
        kinds: frozenset[str],
        elsewhere: Mapping[str, tuple[tuple[Subject, Series], ...]] | None = None,
    ) -> None:
        self.subject = subject
        self._series, self._declared, self._events, self._kinds = series, declared, events, kinds
        self._elsewhere = elsewhere or {}

    def __getitem__(self, name: str) -> Series:
        if name not in self._declared:
            raise KeyError(f"`{name}` is not among the series that this rule declares")
        return self._series[name]

    def get(self, name: str) -> Series | None:
        """The series, or None where it is not in the trace or too short; for those in `may_read`."""
        if name not in self._declared:
            raise KeyError(f"`{name}` is not among the series that this rule declares")
        return self._series.get(name)

    def matching(self, prefix: str) -> Iterator[Series]:
        """The series whose name starts with a declared prefix (`log.`, say)."""
        if f"{prefix}*" not in self._declared:
            raise KeyError(f"`{prefix}*` is not among the series that this rule declares")
        return (s for name, s in self._series.items() if name.startswith(prefix))

    def across(self, name: str) -> tuple[tuple[Subject, Series], ...]:
        """The series of every subject that has it, with that subject; for those in the rule's `across`."""
        if name not in self._elsewhere:
            raise KeyError(f"`{name}` is not among the series that this rule declares in `across`")
        return self._elsewhere[name]

    def events(self, kind: str) -> Iterator[Event]:
        """Events of a declared kind that concern this subject (all of them for a rule about the whole run)."""
        if kind not in self._kinds:
            raise KeyError(f"events of kind `{kind}` are not declared by this rule")
        return (e for e in self._events if e.kind == kind)


class Rule(ABC):
    """One check, in one file. The docstring of a final class is its page (see `rules.page.HEADINGS`).

    - `code`: letter and three digits, never reused; the first digit is the subject folder.
    - `status`: a `preview` rule is evaluated but silent: it is shown on request and weighs nothing. It becomes `stable`
      once its rate of false alarms is measured.
    - `families`: which kinds of training it speaks of ("PPO, TRPO, A2C"; "value-based"; "DPO").
    - `per`: kind of subject it is run for, once each ("run" for the whole run).
    - `reads`: series it needs with the fewest points of each; missing or shorter means BLIND.
    - `may_read`: series it uses where they exist; a name ending in `*` is a prefix.
    - `across`: series it uses of any subject of the run, wherever they are (`view.across(name)`).
    - `needs_events`: kinds of events it uses.
    - `whole_run`: it asks about the run from end to end; where a run was cut short its findings are notes.
    - `silence_tells`: whether CLEAR counts against its causes; not for rules that are silent where they cannot tell.
    - `causes`: P(fires | cause); `any fault` stands for every cause not named. `false_alarm`: P(fires | healthy).
    """

    code: ClassVar[str]
    since: ClassVar[str]
    status: ClassVar[str] = "stable"
    families: ClassVar[str] = "any"
    per: ClassVar[str] = "run"
    reads: ClassVar[Mapping[str, int]]
    may_read: ClassVar[Mapping[str, int]] = {}
    across: ClassVar[Mapping[str, int]] = {}
    needs_events: ClassVar[tuple[str, ...]] = ()
    causes: ClassVar[Mapping[str, Likelihood]]
    whole_run: ClassVar[bool] = False
    silence_tells: ClassVar[bool] = True
    false_alarm: ClassVar[Likelihood]

    @property
    def name(self) -> str:
        """The fault it looks for, from the name of its file: `entropy-collapse`."""
        return type(self).__module__.rsplit(".", 1)[1].replace("_", "-")

    @property
    def subject_folder(self) -> str:
        """The folder it lives in: policy, value, gradient, reward, env, data, seed or compute."""
        return type(self).__module__.rsplit(".", 2)[1]

    def applies_to(self, subject: Subject) -> bool:
        """Whether the rule is about this subject at all; environments used for evaluation are left out."""
        return not (subject.kind == "env" and subject.info.get("role") == "eval")

    @abstractmethod
    def check(self, view: View) -> Iterable[Finding]:
        """Findings for one subject; none means CLEAR. Raises `CannotTell` where it could not decide."""

    @abstractmethod
    def fires_on(self) -> Iterable[Case]:
        """Short synthetic traces on which it must fire."""

    @abstractmethod
    def quiet_on(self) -> Iterable[Case]:
        """Short synthetic traces, among them the near misses, on which it must be CLEAR."""

    def finding(
        self,
        view: View,
        message: str,
        severity: Severity,
        evidence: Iterable[Evidence] = (),
        *,
        exact: bool = False,
        location: Location | None = None,
        about: Subject | None = None,
    ) -> Finding:
        """A finding about the view's subject (or another), at that subject's line unless another is given."""
        subject = about or view.subject
        return Finding(
            self.code, self.name, message, severity, subject.id, tuple(evidence), location or subject.location, exact
        )
