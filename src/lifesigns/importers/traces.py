"""From a log to a trace: logged values under their own names, the series of their roles, and what is known of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lifesigns.importers import monitor
from lifesigns.importers.clocks import counted_by
from lifesigns.importers.folders import Source
from lifesigns.importers.logged import Array, Column, Log, LogError, straighten
from lifesigns.model import Series, Trace
from lifesigns.model.roles import LOG, with_roles

COUNTED = 2000
"""points to which the count of steps over time is thinned."""


def trace_of(source: Source, roles: Mapping[str, str] | None = None) -> Trace:
    """The trace of one run's log. Raises LogError."""
    log = source.load()
    for name in list(log.columns):
        log.columns[name], again = straighten(log.columns[name])
        if again and not any("begun again" in n for n in log.notes):
            log.notes.append(
                "the run was begun again into the same log: what it had logged beyond that step is left out"
            )
        if not len(log.columns[name].step):
            del log.columns[name]
    if not log.columns:
        raise LogError(f"expected numbers with a step in `{source.path}`, got none")
    _recount(log)
    trace = Trace(_meta(source, log), {}, tuple(_series(log)))
    if source.monitors:
        trace = _with_monitors(trace, source, log)
    try:
        return with_roles(trace, roles)
    except ValueError as error:
        raise LogError(str(error)) from error


def _recount(log: Log) -> None:
    """Puts values over environment steps or updates where the log counts those under a name of their own."""
    found = counted_by(log.columns) if log.clock == "logged" else None
    if found is None:
        return
    name, log.clock = found
    counter = log.columns.pop(name)
    log.why = f"`{name}` was logged at the same steps and counts them"
    for key, c in log.columns.items():
        log.columns[key] = Column(np.interp(c.step, counter.step, counter.value), c.value, c.wall_s)


def _series(log: Log) -> list[Series]:
    found = [Series(LOG + name, log.clock, "", c.step, c.value) for name, c in log.columns.items()]
    counted = {"env_step": "run.env_steps", "update": "run.updates"}.get(log.clock)
    longest = max(log.columns.values(), key=lambda c: int(np.isfinite(c.wall_s).sum()))
    wall = longest.wall_s - _begun(log)
    seen = np.flatnonzero(np.isfinite(wall))
    if counted and len(seen) >= 2:
        kept = seen[:: max(1, len(seen) // COUNTED)]
        found.append(Series(counted, "wall", "steps", wall[kept], longest.step[kept]))
    return found


def _begun(log: Log) -> float:
    """The earliest time in the log, seconds."""
    return min((float(np.nanmin(c.wall_s)) for c in log.columns.values() if np.isfinite(c.wall_s).any()), default=0.0)


def _ended(column: Column) -> Array:
    return column.wall_s[np.isfinite(column.wall_s)]


def _meta(source: Source, log: Log) -> dict[str, Any]:
    last = max((float(w.max()) for c in log.columns.values() if len(w := _ended(c))), default=None)
    return {
        "run": log.name or source.name,
        "ended": log.ended or None,
        "wall_s": None if last is None else last - _begun(log),
        "imported": {
            "format": source.title,
            "path": str(source.path),
            "logger": log.logger,
            "clock": log.clock,
            "why": log.why,
            "lost": log.lost,
            "notes": log.notes,
            "names": len(log.columns),
        },
    }


def _with_monitors(trace: Trace, source: Source, log: Log) -> Trace:
    """Adds the episodes of monitor files beside the log, which are returns of single episodes."""
    try:
        beside = monitor.read_all(list(source.monitors))
    except LogError:
        return trace
    log.notes.append("single episodes are those of the monitor file beside it")
    return trace.with_series(Series(LOG + n, beside.clock, "", c.step, c.value) for n, c in beside.columns.items())
