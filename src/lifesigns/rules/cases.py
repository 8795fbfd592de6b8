"""Synthetic traces for the cases of rules: a few series, a subject, done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from lifesigns.model import Event, Location, Series, Subject, Trace
from lifesigns.model.catalogue import SERIES
from lifesigns.model.series import series


@dataclass(frozen=True)
class Case:
    """A named synthetic trace."""

    name: str
    trace: Trace


def case(
    name: str,
    values: Mapping[str, Any],
    *,
    info: Mapping[str, Any] | None = None,
    columns: tuple[str, ...] = (),
    events: tuple[tuple[str, Mapping[str, Any]], ...] = (),
    x: Any = None,
) -> Case:
    """A case with one subject of each kind that the named series belong to.

    `values` maps a series' name to its y, or to (x, y); clocks and units come from the catalogue. `info` goes to
    every subject; `columns` name the components of the wide series whose width fits.
    """
    subjects: dict[str, Subject] = {"run": Subject("run", "run", "run")}
    built: list[Series] = []
    for key, given in values.items():
        entry = SERIES.get(key)
        kind = entry.kind if entry else "run"
        subject = "run" if kind == "run" else f"{kind}/0"
        subjects[subject] = Subject(subject, kind, kind, Location("train.py", 1), dict(info or {}))
        at, y = cast("tuple[Any, Any]", given) if isinstance(given, tuple) else (x, given)
        one = series(key, entry.clock if entry else "logged", y, x=at, subject=subject)
        if one.y.ndim == 2 and len(columns) == one.y.shape[1]:
            one = series(key, one.clock, y, x=at, subject=subject, columns=columns)
        built.append(one)
    happened = tuple(Event(kind, str(data.get("subject", "run")), data) for kind, data in events)
    return Case(name, Trace({}, subjects, tuple(built), happened))
