"""Facts of dyes as subjects, events and series of a trace: what rules judge and reports show; and on disk."""

from __future__ import annotations

import linecache
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lifesigns.model import Event, Location, Series, Subject, Trace
from lifesigns.model.catalogue import SERIES
from lifesigns.model.series import series
from lifesigns.paired.experiments import Facts
from lifesigns.store import save_part


def parts(facts: Iterable[Facts], cwd: str) -> tuple[list[Subject], list[Event], list[Series]]:
    """One subject, one event and up to three series for each dye; files relative to `cwd` where they lie inside."""
    subjects: list[Subject] = []
    events: list[Event] = []
    found: list[Series] = []
    for number, one in enumerate(facts):
        key = f"dye/{number}"
        at = location(one, cwd)
        subjects.append(Subject(key, "dye", one.dye, at, {}))
        data = dict(one.data)
        if one.site is not None:
            data["site"] = {"file": one.site.file, "line": one.site.line, "function": one.site.function}
        events.append(Event("dye", key, _relative(data, cwd), location=at))
        for name, points in one.series.items():
            if points:
                entry = SERIES[name]
                x, y = [p[0] for p in points], [p[1] for p in points]
                found.append(series(name, entry.clock, y, x=x, unit=entry.unit, subject=key))
    return subjects, events, found


def location(one: Facts, cwd: str) -> Location | None:
    """The argument by which a library was given an option, else the line that the lines' log found, else the user's
    line nearest to the operation, else the library's."""
    line = one.data.get("option") or one.data.get("line")
    if isinstance(line, dict):
        return _place(str(line["file"]), int(line["line"]), cwd)
    if one.site is None:
        return None
    if one.site.user_file:
        return _place(one.site.user_file, one.site.user_line, cwd)
    return _place(one.site.file, one.site.line, cwd)


def _place(file: str, line: int, cwd: str) -> Location:
    path = os.path.join(cwd, file)
    return Location(_shown(path, cwd), line, linecache.getline(path, line).strip()[:200])


def _shown(path: str, cwd: str) -> str:
    return os.path.relpath(path, cwd) if path.startswith(cwd + os.sep) else path


def _relative(value: Any, cwd: str) -> Any:
    """What can be written of a fact: files as they are shown, places with the text of their line."""
    if isinstance(value, dict):
        if isinstance(value.get("file"), str) and isinstance(value.get("line"), int) and not value.get("text"):
            at = _place(value["file"], value["line"], cwd)
            value = {**value, "text": at.text} if at.text else value
        return {
            str(k): _shown(v, cwd) if k == "file" and isinstance(v, str) else _relative(v, cwd)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [_relative(v, cwd) for v in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def add_to(trace: Trace, facts: Iterable[Facts], cwd: str) -> Trace:
    """A trace with the facts added; without writing anything."""
    subjects, events, found = parts(facts, cwd)
    whole = trace.with_series(found, [Subject("run", "run", "run"), *subjects])
    return Trace(whole.meta, whole.subjects, whole.series, (*whole.events, *events), whole.health)


def save(path: Path, facts: Iterable[Facts], cwd: str) -> None:
    """Writes them as a part of a run's trace. Raises OSError."""
    subjects, events, found = parts(facts, cwd)
    save_part(path, subjects, events, found)
