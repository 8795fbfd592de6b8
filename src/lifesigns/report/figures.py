"""How numbers, places and untrusted text are written in every report."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable

from lifesigns.model import Evidence, Finding, Location, Trace
from lifesigns.model.finding import SEVERITIES

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: object) -> str:
    """Text without control characters (escape sequences, overprinting, changes of direction) from a run."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text).replace("\r\n", "\n"))


def number(value: float | None) -> str:
    """Four significant digits; whole numbers in full up to a million; `nan`, `inf`, `-inf` as such."""
    if value is None:
        return "?"
    if not math.isfinite(value):
        return str(float(value))
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:.4g}"


def seconds(value: float | None) -> str:
    """A length of time in the largest fitting unit."""
    if value is None or not math.isfinite(value):
        return "?"
    if value < 60:
        return f"{value:.1f} s"
    return f"{value / 60:.1f} min" if value < 3600 else f"{value / 3600:.1f} h"


def share(value: float | None) -> str:
    """A share as a percentage."""
    return "?" if value is None or not math.isfinite(value) else f"{100 * value:.1f} %"


def odds(words: str, span: tuple[int, int]) -> str:
    """`highly likely (71–85 %)`."""
    return f"{words} ({span[0]}–{span[1]} %)"


def path(file: str) -> str:
    """The path as seen from the working folder where the file lies below it."""
    here = os.getcwd() + os.sep
    return plain(file.removeprefix(here) if file.startswith(here) else file)


def place(location: Location | None) -> str:
    """`file:line`, or nothing."""
    return f"{path(location.file)}:{location.line}" if location else ""


def measured(one: Evidence) -> str:
    """`optimizer.gradient_norm [fc1.weight] = 0 (limit 1e-08) at update 120`."""
    column = f" [{plain(one.column)}]" if one.column else ""
    unit = f" {plain(one.unit)}" if one.unit and one.unit != "0/1" else ""
    limit = f" (limit {number(one.limit)})" if one.limit is not None else ""
    step = f" at {one.clock.replace('_', ' ') or 'step'} {number(_whole(one.step))}" if one.step is not None else ""
    return f"{plain(one.series)}{column} = {number(one.value)}{unit}{limit}{step}"


def _whole(step: float) -> float:
    return float(round(step)) if math.isfinite(step) and abs(step) >= 100 else step


def subject_name(trace: Trace, subject: str) -> str:
    """What the user's code calls a subject, or its id."""
    found = trace.subjects.get(subject)
    return plain(found.name if found and found.name else subject)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """The findings without repeats, by severity."""
    return sorted(dict.fromkeys(findings), key=lambda one: -SEVERITIES.index(one.severity))
