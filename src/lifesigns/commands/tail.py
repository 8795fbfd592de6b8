"""The command that follows a running run from another terminal: tail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lifesigns.commands.options import Home, Json, fail, find_run, say, status_line

if TYPE_CHECKING:
    from lifesigns.model import Finding
    from lifesigns.status_line import StatusLine
    from lifesigns.store import RunFolder


def tail(
    run: Annotated[
        Path | None,
        typer.Argument(metavar="[RUN]", help="a run that is being recorded [the newest]", show_default=False),
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Follow a running run from another terminal: a status line, and findings as they fire; ends with the run.

    Reads the run's files only; the run does not notice. With --json, one object a line. Ctrl-C detaches.
    """
    from lifesigns.live import follow
    from lifesigns.store import TraceError

    line = status_line(quiet=json)
    try:
        folder = _folder(run, home)
        if not json:
            say(f"following `{folder.path}`; Ctrl-C detaches, the run goes on")
        ended = follow(folder, line, lambda one, wall_s: _tell(one, wall_s, json, line))
    except TraceError as error:
        line.clear()
        fail(str(error))
    except KeyboardInterrupt:
        line.clear()
        say("detached; the run goes on")
        raise typer.Exit(0) from None
    line.clear()
    _tell_end(folder, ended, json)


def _folder(run: Path | None, home: Path | None) -> RunFolder:
    """The run that was named, or the newest that is running, or the newest."""
    from lifesigns.store import RunFolder, list_runs

    if run is not None:
        return RunFolder.open(find_run(run))
    found = list_runs(home)
    if not found:
        fail("no runs here: start one with `lifesigns watch SCRIPT`, or name its folder")
    return next((f for f in found if f.read_meta().get("ended") == "running"), found[0])


def _tell(one: Finding, wall_s: float, json: bool, line: StatusLine) -> None:
    if json:
        _print_line(
            event="finding",
            wall_s=round(wall_s, 1),
            code=one.code,
            rule=one.rule,
            severity=one.severity,
            subject=one.subject,
            message=one.message,
        )
        return
    from lifesigns.live import clock
    from lifesigns.report.figures import plain

    line.clear()
    place = f"  {plain(one.location.file)}:{one.location.line}" if one.location else ""
    print(f"{clock(wall_s)}  {one.severity:<7}  {one.code} {plain(one.message)}{place}", flush=True)


def _tell_end(folder: RunFolder, ended: str, json: bool) -> None:
    from lifesigns.checkup import saved

    outcome = saved(folder.path).diagnosis.outcome
    if json:
        _print_line(
            event="ended", ended=ended, outcome=outcome.learning, sentence=outcome.sentence, path=str(folder.path)
        )
        return
    print(f"The run is over ({ended}). {outcome.sentence}")
    print(f"The whole diagnosis:  lifesigns diagnose {folder.path}")


def _print_line(**value: object) -> None:
    import json as encoder

    print(encoder.dumps(value, allow_nan=False), flush=True)
