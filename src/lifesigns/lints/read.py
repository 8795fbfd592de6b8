"""Lints files: the rules over each, comments that ignore findings, one report for each file; on all cores."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.ignores import Ignore, extent, extents, ignores_in
from lifesigns.lints.rules import chosen, lint_rules
from lifesigns.lints.source import Project, Source, Unread
from lifesigns.lints.written import Written
from lifesigns.model import Finding, Location

PARALLEL_FROM_BYTES = 1_500_000
"""below, one process is done before a second has started; measured: a core reads about 1 MB/s, a start costs 0.2 s."""
CHUNK_FILES = 40
HELD_LINES = 40_000
"""lines after which all trees are let go; a line takes about 4 kB. Collecting garbage while trees grow doubles the
time: it is put off until then."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A finding with its columns (from 1), its last line, and its cell (0 outside notebooks)."""

    finding: Finding
    column: int
    end_line: int
    end_column: int
    cell: int = 0
    reason: str | None = None
    """why it is ignored, if a comment says so; findings that count have None."""


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of one file. `looked`: codes of the rules that had something to look at."""

    path: str
    lines: int = 0
    hits: tuple[Hit, ...] = ()
    ignored: tuple[Hit, ...] = ()
    unused: tuple[Ignore, ...] = ()
    unread: Unread | None = None
    crashed: tuple[tuple[str, str], ...] = ()
    looked: frozenset[str] = frozenset()
    skipped: bool = False
    written: tuple[Written, ...] = ()
    """Where the module writes what a cause may speak of; of a script read for `check`."""


@dataclass(frozen=True)
class Job:
    """What to read: files with the names they are shown by, and which rules. Picklable."""

    files: tuple[tuple[Path, str], ...]
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file: tuple[tuple[str, tuple[str, ...]], ...] = ()
    preview: bool = False
    always: frozenset[Path] = field(default_factory=frozenset[Path])
    """files to read although they import none of the libraries: those that were named."""


def lint_files(job: Job, cores: int = 0, progress: Callable[[int, int], None] | None = None) -> list[FileReport]:
    """A report for each file, in the order given. `cores`: processes, by default as many as there are cores."""
    cores = cores or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores or os.cpu_count() or 1
    total = sum(_size(path) for path, _ in job.files)
    if cores == 1 or total < PARALLEL_FROM_BYTES:
        return lint_here(job, progress)
    chunks = [job.files[i : i + CHUNK_FILES] for i in range(0, len(job.files), CHUNK_FILES)]
    forks = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if forks else "spawn")
    done: dict[int, list[FileReport]] = {}
    with ProcessPoolExecutor(cores, mp_context=context) as pool:
        jobs = {pool.submit(lint_here, replace(job, files=c)): i for i, c in enumerate(chunks)}
        for future in as_completed(jobs):
            done[jobs[future]] = future.result()
            if progress is not None:
                progress(sum(len(r) for r in done.values()), len(job.files))
    return [report for i in sorted(done) for report in done[i]]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def lint_here(job: Job, progress: Callable[[int, int], None] | None = None) -> list[FileReport]:
    """The same in this process."""
    rules = chosen(job.select, job.ignore, preview=job.preview)
    names = {path.absolute(): shown for path, shown in job.files}
    project, held = Project(names), 0
    reports: list[FileReport] = []
    collecting = gc.isenabled()
    gc.disable()
    try:
        for number, (path, shown) in enumerate(job.files, 1):
            reports.append(_file(project, path, shown, job, rules))
            held += reports[-1].lines
            if held > HELD_LINES:
                project, held = Project(names), 0
                gc.collect()
            if progress is not None:
                progress(number, len(job.files))
    finally:
        if collecting:
            gc.enable()
    return reports


def _file(project: Project, path: Path, shown: str, job: Job, rules: Sequence[LintRule]) -> FileReport:
    try:
        source = project.open(path, always=path in job.always)
        if source is None:
            return FileReport(shown, skipped=True)
        if isinstance(source, Unread):
            return FileReport(shown, unread=source)
        off = tuple(s for pattern, codes in job.per_file if _matches_path(shown, pattern) for s in codes)
        kept = [r for r in rules if not any(r.code.startswith(s.upper()) or r.name == s for s in off)]
        return lint_source(source, kept, all_rules_ran=not (job.select or job.ignore or off))
    except RecursionError:
        return FileReport(shown, unread=Unread(shown, 1, 1, "nested too deeply"))


def _matches_path(shown: str, pattern: str) -> bool:
    path = Path(shown)
    return path.match(pattern) or any(p.match(pattern) for p in path.parents)


def lint_source(source: Source, rules: Sequence[LintRule], *, all_rules_ran: bool = True) -> FileReport:
    """The report of one module; a rule that crashes is said and the others go on."""
    found: list[tuple[LintRule, Spot]] = []
    crashed: list[tuple[str, str]] = []
    looked: set[str] = set()
    for rule in rules:
        if not rule.concerns(source):
            continue
        try:
            found.extend((rule, spot) for spot in dict.fromkeys(rule.look(source)))
            looked.add(rule.code)
        except RecursionError:
            return FileReport(source.text.path, unread=Unread(source.text.path, 1, 1, "nested too deeply"))
        except Exception:
            crashed.append((rule.code, traceback.format_exc(limit=-3)))
    ignores = ignores_in(source.text)
    lines = extents(source) if found else []
    ignored: list[Hit] = []
    kept: list[Hit] = []
    for rule, spot in sorted(found, key=lambda f: (f[1].line, f[1].column, f[0].code)):
        around = extent(lines, spot.line)
        hit = _hit(source, rule, spot, around.stop - 1)
        if (by := _ignored_by(ignores, rule, around)) is None:
            kept.append(hit)
        else:
            ignored.append(replace(hit, reason=by.reason))
    ran = {w for r in rules for w in (r.code, r.name)}
    known = {w for r in lint_rules() for w in (r.code, r.name)} if ignores else ran
    unused = tuple(i for i in ignores if i.is_unused(ran, known, all_rules_ran))
    return FileReport(
        source.text.path, len(source.text.lines), tuple(kept), tuple(ignored), unused, None, tuple(crashed),
        frozenset(looked),
    )  # fmt: skip


def _ignored_by(ignores: Sequence[Ignore], rule: LintRule, around: range) -> Ignore | None:
    for one in ignores:
        word = one.covers(rule.code, rule.name, around)
        if word is not None:
            one.used.add(word)
            return one
    return None


def _hit(source: Source, rule: LintRule, spot: Spot, last_line: int) -> Hit:
    """A spot with its place in its cell; `last_line`: where its statement ends, of a `def` or a loop the head."""
    end_line, end_column = spot.end_line, spot.end_column
    if end_line > last_line:
        end_line, end_column = last_line, 1 << 30
    cell, line = source.text.place(spot.line)
    _, end = source.text.place(end_line)
    finding = Finding(
        rule.code,
        rule.name,
        spot.message,
        spot.severity,
        "run",
        (),
        Location(source.text.path, line, _line(source, spot.line).rstrip()[:300]),
        spot.severity == "error",
    )
    before, after = _characters(source, spot.line, spot.column), _characters(source, end_line, end_column)
    return Hit(finding, before + 1, max(end, line), after + 1, cell)


def _line(source: Source, line: int) -> str:
    return source.text.lines[line - 1] if line <= len(source.text.lines) else ""


def _characters(source: Source, line: int, column: int) -> int:
    """A column of the tree, in bytes of UTF-8, as characters."""
    return len(_line(source, line).encode()[:column].decode(errors="ignore"))
