"""What reading a script and the local modules it imports says, as events of a trace: how `check` uses static rules."""

from __future__ import annotations

import linecache
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lifesigns.lints.read import FileReport, lint_source
from lifesigns.lints.rules import chosen
from lifesigns.lints.settings import load_settings
from lifesigns.lints.source import Project, Source, Unread
from lifesigns.lints.written import written
from lifesigns.model import Event, Location

MOST_FILES = 60
"""local modules read for one script; a script's own helpers are fewer, a monorepo's are not all its own."""


def script_path(script: str, *, module: bool, cwd: str) -> Path | None:
    """The file of a script, or of a module as `python -m` would find it in the working folder."""
    if not module:
        path = Path(cwd, script)
        return path if path.is_file() else None
    base = Path(cwd).joinpath(*script.split("."))
    return next((p for p in (base.with_suffix(".py"), base / "__main__.py") if p.is_file()), None)


def read_script(path: Path, cwd: str) -> list[FileReport]:
    """Reports on the script and on the modules that it imports from beside it, nearest first.

    Raises ValueError where the settings in pyproject.toml cannot be used.
    """
    settings = load_settings(path)
    rules = chosen(settings.select, settings.ignore, preview=True)
    project = Project()
    first = project.open(path, always=True)
    if not isinstance(first, Source):
        return [FileReport(shown(path, cwd), unread=first)] if isinstance(first, Unread) else []
    return [replace(lint_source(s, rules), written=written(s)) for s in local_modules(first)]


def local_modules(first: Source) -> list[Source]:
    """A module and the local ones it imports, directly or through others; cycles end."""
    found: dict[Path, Source] = {first.path: first}
    todo = [first]
    while todo and len(found) < MOST_FILES:
        source = todo.pop(0)
        for name in dict.fromkeys(source.imports.values()):
            parts = name.split(".")
            for cut in range(len(parts), 0, -1):
                other = source.project.module(source, ".".join(parts[:cut]))
                if other is not None:
                    if other.path not in found:
                        found[other.path] = other
                        todo.append(other)
                    break
    return list(found.values())


def shown(path: Path, cwd: str) -> str:
    """A path as seen from the working folder, where it lies below."""
    text = str(path.absolute())
    return os.path.relpath(text, cwd) if text.startswith(cwd.rstrip(os.sep) + os.sep) else text


def events(reports: Sequence[FileReport], cwd: str) -> list[Event]:
    """One event with what was read, one for each finding that no comment ignores; all about the whole run."""
    looked = sorted({code for r in reports for code in r.looked})
    read = sum(r.unread is None for r in reports)
    found = [Event("lint", "run", {"looked": looked, "files": read})] if read else []
    for report in reports:
        for hit in report.hits:
            one, at = hit.finding, hit.finding.location
            assert at is not None
            place = Location(shown(Path(at.file), cwd), at.line, at.text.strip())
            data = {"code": one.code, "message": one.message, "severity": one.severity, "column": hit.column}
            found.append(Event("lint", "run", data, location=place))
        found += [
            Event(
                "written",
                "run",
                {"what": w.what, "value": w.value, "of": w.of},
                location=_place(Path(report.path), w.line, cwd),
            )
            for w in report.written
        ]
    return found


def _place(path: Path, line: int, cwd: str) -> Location:
    return Location(shown(path, cwd), line, linecache.getline(str(path), line).strip()[:300])
