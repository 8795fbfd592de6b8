"""Diagnoses logs that other tools wrote; lists the runs in a folder, and the roles that logged names play."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import lifesigns.importers as importers
from lifesigns.checkup import Result
from lifesigns.diagnose import diagnose
from lifesigns.diagnose.openers import openers
from lifesigns.importers import LogError, SeveralRunsError, Source
from lifesigns.model import Trace
from lifesigns.model.roles import LOG, Assignment, assign, with_roles
from lifesigns.rules import all_rules
from lifesigns.store import RunFolder, TraceError, load_run

__all__ = ["LogError", "SeveralRunsError", "Source", "diagnosed", "is_run", "roles_of"]


def is_run(path: Path) -> bool:
    """Whether `path` is a run that lifesigns recorded."""
    try:
        RunFolder.open(path)
    except TraceError:
        return False
    return True


def diagnosed(path: Path, roles: Mapping[str, str] | None = None) -> Result:
    """The diagnosis, by detectors alone, of the only run whose log is at `path`: a log has no source and no dyes.

    Raises LogError; SeveralRunsError lists the runs.
    """
    trace = importers.read(path, roles)
    rules = [r for r in all_rules() if type(r).__module__.startswith("lifesigns.detectors.")]
    found = diagnose(trace, rules, str(path))
    lines, unlogged = openers(trace, rules, found.verdicts)
    preview = not lines
    if preview:
        lines = openers(trace, rules, found.preview)[0]
    told = [{**asdict(o), "preview": preview} for o in lines]
    extra = {"imported": trace.meta["imported"], "openers": told, "unlogged": unlogged}
    return Result(RunFolder(path), trace, replace(found, coverage={**found.coverage, **extra}))


def roles_of(path: Path, roles: Mapping[str, str] | None = None) -> tuple[Trace, tuple[Assignment, ...]]:
    """A run's trace, recorded or imported, and which logged name plays which role. Raises TraceError or LogError."""
    if not is_run(path):
        trace = importers.read(path, roles)
        return trace, assign(trace, roles)
    trace = load_run(path)
    try:
        return with_roles(trace, roles), assign(trace, roles)
    except ValueError as error:
        raise LogError(str(error)) from error


def points_of(trace: Trace) -> dict[str, int]:
    """Logged names and how many points each has."""
    return {s.name.removeprefix(LOG): len(s) for s in trace.series if s.name.startswith(LOG)}
