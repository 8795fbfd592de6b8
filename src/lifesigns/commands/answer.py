"""How a command gives its answer: the diagnosis as text, JSON or HTML, and the exit status."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from lifesigns.commands.options import FailOn, console, print_json, say, write_page

if TYPE_CHECKING:
    from lifesigns.checkup import Result


def report(result: Result, json: bool, html: Path | None, preview: bool = False) -> None:
    from lifesigns.checkup import nothing_recorded

    if html is not None:
        from lifesigns.report.html import html as page

        write_page(html, page(result.diagnosis, result.trace), f"the run is kept in `{result.folder.path}`")
    if json:
        from lifesigns.report.json_report import to_json

        print_json(to_json(result.diagnosis, result.trace))
    elif nothing_recorded(result.trace) and not dyes_read(result):
        say(_why_nothing(result) if result.ending else "No dye answered.")
    else:
        from lifesigns.report.terminal import render

        render(result.diagnosis, result.trace, console(), preview=preview)
        if result.baseline_missing:
            say(f"Random actions were not played for comparison: {result.baseline_missing}.")


def _why_nothing(result: Result) -> str:
    """One sentence for a run that recorded nothing, and what to do."""
    code = result.ending.returncode if result.ending else result.trace.meta.get("exit_status")
    kept = f"The run is kept in `{result.folder.path}`."
    exception = str(result.trace.meta.get("exception") or "")
    absent = re.search(r"No module named '([\w.]+)'", exception)
    if absent:
        return (
            f"The script needs `{absent.group(1)}`, which this interpreter has not: install it there, or name "
            f"another interpreter with --python PATH. {kept}"
        )
    libraries = [str(e.data.get("library")) for e in result.trace.events if e.kind == "unsupported"]
    if code and code > 0:
        return (
            f"The script ended with status {code} before it trained anything: {exception or 'see its output'}. {kept}"
        )
    if libraries:
        return (
            f"The script uses {', '.join(libraries)}, which lifesigns cannot watch (it watches PyTorch and Gymnasium): "
            f"no check could look. {kept}"
        )
    if result.ending is not None and result.ending.stopped:
        return f"The script trained nothing before the budget was over; give it more with --budget. {kept}"
    return f"The script trained nothing: no PyTorch update, no Gymnasium step and no logged number was seen. {kept}"


def dyes_read(result: Result) -> int:
    """How many dyes answered; two equal undyed runs alone are no answer."""
    dyes = [e for e in result.trace.events if e.kind == "dye" and not e.data.get("blind")]
    return sum(not e.data.get("same") for e in dyes)


def status(result: Result, fail_on: FailOn) -> int:
    from lifesigns.model.finding import at_least

    floor = fail_on.value
    if floor == "never":
        return 0
    return int(any(at_least(f.severity, floor) for f in result.diagnosis.findings))
