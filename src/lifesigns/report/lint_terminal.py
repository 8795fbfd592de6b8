"""Static findings for a terminal: place, message, the source line with a caret under the spot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from lifesigns.lints.read import FileReport, Hit
from lifesigns.report.figures import plain

STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
WIDEST = 160


def render(reports: Sequence[FileReport], console: Console, *, excerpt: bool = True) -> None:
    """Prints every finding in order, then what could not be read, then a summary."""
    for report in reports:
        for hit in report.hits:
            _hit(hit, console, excerpt)
        for one in report.unused:
            what = f"[{', '.join(one.codes)}]" if one.codes else ""
            _print(console, one.path, one.cell, one.line, 0, "L001", "note", f"`ignore{what}` ignores nothing here")
        if report.unread is not None:
            at = report.unread
            _print(console, at.path, at.cell, at.line, at.column, "L000", "error", f"not read: {at.reason}")
        for code, trace in report.crashed:
            last = trace.strip().splitlines()[-1]
            _print(console, report.path, 0, 1, 1, "L002", "error", f"rule {code} failed on this file: {last}")
    console.print(summary(reports), style="dim", highlight=False, markup=False)


def place(path: str, cell: int, line: int, column: int = 0) -> str:
    """`train.py:12:5`, `notes.ipynb:cell 3:4:1`."""
    return f"{path}{f':cell {cell}' if cell else ''}:{line}{f':{column}' if column else ''}"


def _print(
    console: Console, path: str, cell: int, line: int, column: int, code: str, severity: str, message: str
) -> None:
    text = Text(plain(place(path, cell, line, column)), style="bold")
    text.append(": ", style="default")
    text.append(code, style=STYLES[severity])
    text.append(f" {plain(message)}", style="default")
    console.print(text, highlight=False, soft_wrap=True)


def _hit(hit: Hit, console: Console, excerpt: bool) -> None:
    one = hit.finding
    at = one.location
    assert at is not None
    _print(console, at.file, hit.cell, at.line, hit.column, one.code, one.severity, f"{one.message}  [{one.rule}]")
    if not excerpt or not at.text.strip():
        return
    shown, start, length = _cut(hit, at.text)
    number = str(at.line)
    console.print(Text(f"  {number} | ", style="dim").append(plain(shown), style="default"), soft_wrap=True)
    marks = " " * start + "^" * max(1, min(length, len(shown) - start))
    console.print(
        Text(f"  {' ' * len(number)} | ", style="dim").append(marks, style=STYLES[one.severity]), soft_wrap=True
    )


def _cut(hit: Hit, text: str) -> tuple[str, int, int]:
    """The line without its indentation, where the spot starts in it, and how long it is there."""
    assert hit.finding.location is not None
    indent = len(text) - len(text.lstrip())
    shown = text.strip().expandtabs(1)[:WIDEST]
    start = min(max(0, hit.column - 1 - indent), max(len(shown) - 1, 0))
    end = hit.end_column - 1 - indent if hit.end_line == hit.finding.location.line else len(shown)
    return shown, start, end - start


def summary(reports: Sequence[FileReport]) -> str:
    """`3 findings (1 error, 2 warnings) in 2 of 10 files; 1 ignored by comments; 40 files import none …`."""
    hits = [h for r in reports for h in r.hits]
    by = Counter(h.finding.severity for h in hits)
    read = sum(not r.skipped and r.unread is None for r in reports)
    parts = [f"{by[s]} {s}{'s' if by[s] != 1 else ''}" for s in ("error", "warning", "note") if by[s]]
    told = f"{len(hits)} finding{'s' if len(hits) != 1 else ''}" + (f" ({', '.join(parts)})" if parts else "")
    text = f"{told} in {read} file{'s' if read != 1 else ''} read"
    if (ignored := sum(len(r.ignored) for r in reports)) > 0:
        text += f"; {ignored} ignored by comments"
    if (skipped := sum(r.skipped for r in reports)) > 0:
        text += f"; {skipped} skipped (import no library that a rule is about)"
    if (unread := sum(r.unread is not None for r in reports)) > 0:
        text += f"; {unread} could not be read"
    return text
