"""The command lint: reads code without running it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lifesigns.commands.options import Json, console, fail, print_json

if TYPE_CHECKING:
    from lifesigns.lints.read import FileReport
    from lifesigns.lints.settings import Settings

Paths = Annotated[
    list[Path] | None, typer.Argument(metavar="PATH...", help="scripts, folders, notebooks [.]", show_default=False)
]
Select = Annotated[
    list[str] | None, typer.Option("--select", metavar="CODES", help="only these rules: L5,L301,truncated-never-used")
]
Ignore = Annotated[list[str] | None, typer.Option("--ignore", metavar="CODES", help="all but these rules")]
Exclude = Annotated[
    list[str] | None, typer.Option("--exclude", metavar="PATTERNS", help="files or folders to leave out")
]
Diff = Annotated[str, typer.Option("--diff", metavar="REV", help="only findings on lines changed since a git revision")]


def lint(
    paths: Paths = None,
    select: Select = None,
    ignore: Ignore = None,
    exclude: Exclude = None,
    diff: Diff = "",
    json: Json = False,
    sarif: Annotated[bool, typer.Option("--sarif", help="print SARIF 2.1.0 alone to stdout")] = False,
    github: Annotated[bool, typer.Option("--github", help="print annotations for a GitHub workflow")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="also rules whose false alarms are not yet measured")
    ] = False,
    cores: Annotated[int, typer.Option("--cores", help="processes [one per core]", show_default=False)] = 0,
) -> None:
    """Read scripts, packages and notebooks without running them; report silent training bugs.

    Exit status: 0 nothing found, 1 findings or files that could not be read, 2 wrong usage.
    """
    from lifesigns.lints.settings import load_settings

    where = paths or [Path()]
    if json + sarif + github > 1:
        fail("expected one of --json, --sarif and --github")
    try:
        settings = load_settings(where[0])
        reports = _reports(where, settings, (_split(select), _split(ignore), _split(exclude)), preview, cores)
        if diff:
            reports = _only_changed(reports, diff, where[0])
    except (ValueError, OSError) as error:
        fail(str(error))
    _print(reports, json, sarif, github)
    bad = any(r.hits or r.unused or r.crashed or r.unread is not None for r in reports)
    raise typer.Exit(int(bad))


def _split(given: list[str] | None) -> tuple[str, ...]:
    """The parts of an option that may be repeated and may hold several, separated by commas."""
    return tuple(part.strip() for text in given or () for part in text.split(",") if part.strip())


def _reports(
    paths: list[Path], settings: Settings, options: tuple[tuple[str, ...], ...], preview: bool, cores: int
) -> list[FileReport]:
    from lifesigns.lints.collect import collect
    from lifesigns.lints.read import Job, lint_files
    from lifesigns.lints.rules import chosen

    select, ignore, exclude = options
    select, ignore = select or settings.select, (*settings.ignore, *ignore)
    chosen(select, ignore)
    files = collect(paths, (*settings.exclude, *exclude), settings.root)
    job = Job(
        tuple((path, str(path)) for path, _ in files),
        select,
        ignore,
        settings.per_file,
        preview,
        frozenset(path for path, named in files if named),
    )
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    err = Console(stderr=True)
    if not err.is_terminal or len(files) < 100:
        return lint_files(job, cores)
    with Progress(
        TextColumn("lifesigns lint: {task.completed} of {task.total} files"), console=err, transient=True
    ) as bar:
        task = bar.add_task("", total=len(files))
        return lint_files(job, cores, lambda done, _: bar.update(task, completed=done))


def _only_changed(reports: list[FileReport], revision: str, start: Path) -> list[FileReport]:
    """Findings that touch a changed line, of files that changed; notebooks' cells have no lines in git: whole files."""
    from dataclasses import replace

    from lifesigns.lints.changed import EVERYTHING, GitError, changed_lines, touches

    try:
        changed = changed_lines(revision, start if start.is_dir() else start.absolute().parent)
    except GitError as error:
        fail(str(error))
    kept: list[FileReport] = []
    for report in reports:
        path = Path(report.path).resolve()
        ranges = next((r for p, r in changed.items() if p.resolve() == path), None)
        if ranges is None:
            continue
        if path.suffix == ".ipynb":
            ranges = [EVERYTHING]
        hits = [h for h in report.hits if h.finding.location and touches(ranges, h.finding.location.line, h.end_line)]
        unused = [i for i in report.unused if touches(ranges, i.line, i.line)]
        kept.append(replace(report, hits=tuple(hits), unused=tuple(unused)))
    return kept


def _print(reports: list[FileReport], json: bool, sarif: bool, github: bool) -> None:
    if json:
        from lifesigns.report.lint_json import to_json

        print_json(to_json(reports))
    elif sarif:
        from lifesigns import __version__
        from lifesigns.lints.rules import lint_rules
        from lifesigns.report.sarif import to_sarif

        print_json(to_sarif(reports, lint_rules(), __version__))
    elif github:
        from lifesigns.report.lint_json import github_lines

        for line in github_lines(reports):
            print(line)
    else:
        from lifesigns.report.lint_terminal import render

        render(reports, console())
