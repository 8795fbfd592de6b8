"""The base class of static rules: a rule looks at a `Source` and says where; in a trace it reads what was said."""

from __future__ import annotations

import ast
import textwrap
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from lifesigns.lints.source import Project, Source, Unread
from lifesigns.model import Event, Finding, Location, Severity, Subject, Trace
from lifesigns.model.finding import SEVERITIES
from lifesigns.rules import CannotTell, Case, Rule, View

PREAMBLE = (
    "import copy, random, numpy as np, torch, torch.nn as nn, torch.nn.functional as F, torch.optim as optim; "
    "import gymnasium as gym; from torch.distributions import Categorical, Normal; "
    "from torch.utils.data import DataLoader"
)
"""line 0 of every case; a case needs no imports of its own for these."""


@dataclass(frozen=True, slots=True)
class Spot:
    """What a rule says of one place. Lines from 1 (of the file, or of all cells joined), columns from 0."""

    message: str
    severity: Severity
    line: int
    column: int
    end_line: int
    end_column: int


class LintRule(Rule):
    """A rule about source code. `look` finds the spots; everything else has a default.

    - `severity`: `error` for what cannot be right (a defect that is certain from the text; the finding is exact),
      `warning` for what is wrong in nearly every script, `note` for a habit.
    - `looks_at`: words (names, attributes, keywords, short strings, last parts of imported names), of which one must
      occur in a file for the rule to look at it; files without leave it BLIND, which costs nothing.
    - `wrong` and `right`: name → snippet on which it must and must not fire; `PREAMBLE` stands above each.
    """

    per = "run"
    silence_tells = False
    reads: ClassVar[Mapping[str, int]] = {}
    needs_events: ClassVar[tuple[str, ...]] = ("lint",)
    severity: ClassVar[Severity] = "warning"
    looks_at: ClassVar[tuple[str, ...]]
    wrong: ClassVar[Mapping[str, str]]
    right: ClassVar[Mapping[str, str]]

    @abstractmethod
    def look(self, source: Source) -> Iterable[Spot]:
        """Spots in one file. Silence is the answer to whatever cannot be resolved."""

    def at(self, node: ast.AST, message: str, severity: Severity | None = None) -> Spot:
        """A spot at a node."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        end = getattr(node, "end_lineno", None) or line
        end_column = getattr(node, "end_col_offset", None) or column + 1
        return Spot(message, severity or self.severity, line, column, end, end_column)

    def concerns(self, source: Source) -> bool:
        """Whether one of the words that it looks at occurs in a file."""
        return not source.words.isdisjoint(self.looks_at)

    def check(self, view: View) -> Iterable[Finding]:
        """What reading the script said of this rule. Raises CannotTell where it was not read or had nothing to see."""
        looked = False
        read = False
        for event in view.events("lint"):
            data = event.data
            if "looked" in data:
                codes = data["looked"]
                read = True
                looked = looked or (isinstance(codes, list | tuple) and self.code in codes)
            elif data.get("code") == self.code:
                severity = data.get("severity")
                kept: Severity = severity if severity in SEVERITIES else self.severity
                yield self.finding(
                    view, str(data.get("message", "")), kept, exact=kept == "error", location=event.location
                )
                looked = True
        if not read and not looked:
            raise CannotTell("the source was not read")
        if not looked:
            raise CannotTell("nothing in the source that was read concerns it")

    def fires_on(self) -> Iterable[Case]:
        """The snippets in `wrong`, as traces with what reading them says."""
        return [self.case(name, code) for name, code in self.wrong.items()]

    def quiet_on(self) -> Iterable[Case]:
        """The snippets in `right`."""
        return [self.case(name, code) for name, code in self.right.items()]

    def case(self, name: str, code: str) -> Case:
        """A snippet as a case. Raises ValueError where it is not Python."""
        source = snippet(code)
        spots = list(self.look(source)) if self.concerns(source) else []
        looked = [self.code] if self.concerns(source) else []
        events = [Event("lint", "run", {"looked": looked, "files": 1})]
        for spot in spots:
            text = source.text.lines[spot.line - 1].strip()
            data = {"code": self.code, "message": spot.message, "severity": spot.severity}
            events.append(Event("lint", "run", data, location=Location("train.py", spot.line, text)))
        return Case(name, Trace({}, {"run": Subject("run", "run", "run")}, (), tuple(events)))


def snippet(code: str, name: str = "train.py") -> Source:
    """A `Source` from a case's text, with `PREAMBLE` as its first line."""
    held = Project().add(name, f"{PREAMBLE}\n{textwrap.dedent(code).strip()}\n")
    if isinstance(held, Unread):
        raise ValueError(f"line {held.line} of a case: {held.reason}")
    return held
