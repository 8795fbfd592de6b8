"""Commands that run a script: check, dye, watch."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lifesigns.commands.answer import dyes_read, report, status
from lifesigns.commands.options import (
    Arguments,
    Fail,
    FailOn,
    Home,
    Html,
    Json,
    Module,
    Preview,
    Python,
    Quiet,
    Script,
    fail,
    must_exist,
    must_run,
    say,
    seconds,
    status_line,
)

if TYPE_CHECKING:
    from lifesigns.checkup import Request, Result
    from lifesigns.live import StopOn


def check(
    script: Script,
    arguments: Arguments = None,
    module: Module = False,
    budget: Annotated[str, typer.Option(help="time for the whole answer: 60s, 5m")] = "60s",
    json: Json = False,
    html: Html = None,
    fail_on: Fail = FailOn.warning,
    home: Home = None,
    python: Python = "",
    quiet: Quiet = False,
    preview: Preview = False,
    dyes: Annotated[bool, typer.Option("--dyes/--no-dyes", help="also plant dyes, on the cores that are left")] = True,
) -> None:
    """Run SCRIPT within a time budget, evaluate every rule, print the diagnosis.

    The script's own output goes to stderr and into the run. Exit status: 0 nothing fired, 1 findings at or above
    --fail-on, 2 the script could not be run or nothing could be recorded.
    """
    request = to_request(script, arguments, module, home, python)
    request.budget_s, request.dyes = seconds(budget), dyes
    request.out = request.err = None if quiet else sys.stderr.buffer
    result = record(request)
    report(result, json, html, preview)
    _exit_check(result, fail_on)


def dye(
    script: Script,
    arguments: Arguments = None,
    module: Module = False,
    budget: Annotated[str, typer.Option(help="time for all dyes together: 90s, 5m")] = "90s",
    cores: Annotated[int, typer.Option(help="dyed runs side by side", min=1, max=64)] = 2,
    json: Json = False,
    html: Html = None,
    fail_on: Fail = FailOn.warning,
    home: Home = None,
    python: Python = "",
) -> None:
    """Run SCRIPT in exact pairs, one planted change in each, and say which answers are not as they must be.

    Dyed runs are short, deterministic and on the CPU; what they write is thrown away. Exit status as of check; 2 where
    no dye could be planted.
    """
    request = to_request(script, arguments, module, home, python)
    request.budget_s = seconds(budget)
    result = record(request, cores)
    report(result, json, html)
    if not dyes_read(result):
        reasons = [str(e.data.get("blind")) for e in result.trace.events if e.kind == "dye" and e.data.get("blind")]
        say(f"No dye could be planted: {reasons[0] if reasons else 'the time was over'}.")
        raise typer.Exit(2)
    raise typer.Exit(status(result, fail_on))


def watch(
    script: Script,
    arguments: Arguments = None,
    module: Module = False,
    json: Json = False,
    html: Html = None,
    fail_on: Fail = FailOn.never,
    home: Home = None,
    python: Python = "",
    preview: Preview = False,
    stop_on: Annotated[
        list[str] | None,
        typer.Option("--stop-on", metavar="CAUSE>=P", help="end the run once a cause is that probable, at two looks"),
    ] = None,
) -> None:
    """Record a whole run of SCRIPT at low overhead, with a live status line; diagnose at the end.

    The script behaves as without lifesigns, its exit status included (0 may become 1 by --fail-on). A run that
    --stop-on ended gets what Ctrl-C would give it, and the exit status is 1.
    """
    request = to_request(script, arguments, module, home, python)
    request.stop_on = _stops(stop_on)
    request.out = sys.stderr.buffer if json else sys.stdout.buffer
    request.err = sys.stderr.buffer
    result = record(request)
    report(result, json, html, preview)
    _exit_watch(result, fail_on)


def to_request(script: str, arguments: list[str] | None, module: bool, home: Path | None, python: str) -> Request:
    from lifesigns.checkup import Request

    if not module:
        must_exist(script)
    must_run(python)
    return Request(script, arguments or (), module, python, home, status=status_line())


def record(request: Request, dye_cores: int = 0) -> Result:
    """Records a run, or with `dye_cores` traces dyes alone."""
    from lifesigns.checkup import dye, run
    from lifesigns.store import TraceError

    try:
        return dye(request, dye_cores) if dye_cores else run(request)
    except TraceError as error:
        fail(str(error))
    except OSError as error:
        fail(f"the script could not be started: {error}")


def _exit_check(result: Result, fail_on: FailOn) -> None:
    from lifesigns.checkup import nothing_recorded

    if nothing_recorded(result.trace):
        raise typer.Exit(2)
    code = status(result, fail_on)
    ending = result.ending
    if not code and ending is not None and ending.returncode and not ending.stopped:
        say(f"The script itself ended with status {ending.returncode}.")
        code = 2
    raise typer.Exit(code)


def _stops(given: list[str] | None) -> list[StopOn]:
    from lifesigns.live import StopOn

    try:
        return [StopOn.parse(one) for one in given or ()]
    except ValueError as error:
        fail(f"{error}, for --stop-on")


def _exit_watch(result: Result, fail_on: FailOn) -> None:
    """Ends as the script did: same status, or the same signal; with status 1 where --stop-on ended it."""
    ending = result.ending
    assert ending is not None
    if result.stopped_on:
        say(f"Ended the run early: {result.stopped_on}. What it had done is kept in `{result.folder.path}`.")
        raise typer.Exit(1)
    if ending.returncode < 0:
        sys.stdout.flush()
        sys.stderr.flush()
        number = -ending.returncode
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    raise typer.Exit(ending.returncode or status(result, fail_on))
