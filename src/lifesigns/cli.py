"""The command line: a thin door; every command parses, calls one function and prints what came back."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from lifesigns.checkup import Request, Result

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Why isn't it learning? Diagnoses unmodified training scripts.\n\n"
    "lifesigns check train.py -- --total-timesteps 20000",
)


class FailOn(StrEnum):
    """From which severity on findings make the exit status 1."""

    note, warning, error, never = "note", "warning", "error", "never"


Script = Annotated[str, typer.Argument(metavar="SCRIPT", help="the training script; its own arguments follow after --")]
Arguments = Annotated[
    list[str] | None, typer.Argument(metavar="-- ARGS", help="arguments of the script", show_default=False)
]
Module = Annotated[bool, typer.Option("-m", "--module", help="SCRIPT is a module, as in python -m")]
Json = Annotated[bool, typer.Option("--json", help="print JSON alone to stdout")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="also write a self-contained HTML page")]
Fail = Annotated[FailOn, typer.Option("--fail-on", help="lowest severity that makes the exit status 1")]
Home = Annotated[Path | None, typer.Option("--home", metavar="FOLDER", help="where runs are kept [.lifesigns]")]
Python = Annotated[str, typer.Option("--python", metavar="PATH", help="interpreter that runs the script [this one]")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="keep the script's output in the run only")]


@app.command()
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
    dyes: Annotated[bool, typer.Option("--dyes/--no-dyes", help="also plant dyes, on the cores that are left")] = True,
) -> None:
    """Run SCRIPT within a time budget, evaluate every rule, print the diagnosis.

    The script's own output goes to stderr and into the run. Exit status: 0 nothing fired, 1 findings at or above
    --fail-on, 2 the script could not be run or nothing could be recorded.
    """
    request = _request(script, arguments, module, home, python)
    request.budget_s, request.dyes = _seconds(budget), dyes
    request.out = request.err = None if quiet else sys.stderr.buffer
    result = _run(request)
    _report(result, json, html)
    _exit_check(result, fail_on)


@app.command()
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
    request = _request(script, arguments, module, home, python)
    request.budget_s = _seconds(budget)
    result = _run(request, cores)
    _report(result, json, html)
    if not _dyes_read(result):
        reasons = [str(e.data.get("blind")) for e in result.trace.events if e.kind == "dye" and e.data.get("blind")]
        _say(f"No dye could be planted: {reasons[0] if reasons else 'the time was over'}.")
        raise typer.Exit(2)
    raise typer.Exit(_status(result, fail_on))


def _dyes_read(result: Result) -> int:
    """How many dyes answered; two equal undyed runs alone are no answer."""
    dyes = [e for e in result.trace.events if e.kind == "dye" and not e.data.get("blind")]
    return sum(not e.data.get("same") for e in dyes)


@app.command()
def watch(
    script: Script,
    arguments: Arguments = None,
    module: Module = False,
    json: Json = False,
    html: Html = None,
    fail_on: Fail = FailOn.never,
    home: Home = None,
    python: Python = "",
) -> None:
    """Record a whole run of SCRIPT at low overhead, with a live status line; diagnose at the end.

    The script behaves as without lifesigns, its exit status included (0 may become 1 by --fail-on).
    """
    request = _request(script, arguments, module, home, python)
    request.out = sys.stderr.buffer if json else sys.stdout.buffer
    request.err = sys.stderr.buffer
    result = _run(request)
    _report(result, json, html)
    _exit_watch(result, fail_on)


@app.command()
def diagnose(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="a run folder; see `lifesigns runs`")],
    json: Json = False,
    html: Html = None,
    fail_on: Fail = FailOn.warning,
) -> None:
    """Diagnose a saved run again; needs neither torch nor gymnasium."""
    from lifesigns.checkup import nothing_recorded, saved
    from lifesigns.store import TraceError

    try:
        result = saved(_find_run(run))
    except TraceError as error:
        _fail(str(error))
    _report(result, json, html)
    if nothing_recorded(result.trace) and not _dyes_read(result):
        raise typer.Exit(2)
    raise typer.Exit(_status(result, fail_on))


@app.command()
def runs(json: Json = False, home: Home = None) -> None:
    """List the runs kept here, newest first."""
    from lifesigns.store import TraceError, list_runs

    rows: list[tuple[str, dict[str, Any]]] = []
    for folder in list_runs(home):
        try:
            rows.append((folder.path.name, {**folder.read_meta(), "path": str(folder.path)}))
        except TraceError as error:
            rows.append((folder.path.name, {"ended": str(error), "path": str(folder.path)}))
    if json:
        _print_json([{"run": name, **meta} for name, meta in rows])
    elif rows:
        from lifesigns.report.terminal import runs_table

        _console().print(runs_table(rows))
    else:
        print("No runs here yet: `lifesigns check SCRIPT` makes one.")


@app.command()
def explain(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="a code or name: D302, parameter-never-moves")] = "",
    json: Json = False,
) -> None:
    """Print a rule's page; without RULE, list all rules."""
    from lifesigns.rules import all_rules, rule_by_code
    from lifesigns.rules.page import markdown, sections, summary

    found = rule_by_code(rule) if rule else None
    if rule and found is None:
        import difflib

        known = [k for r in all_rules() for k in (r.code, r.name)]
        near = difflib.get_close_matches(rule, known, 1, 0.3)
        _fail(f"no rule `{rule}`" + (f"; nearest is `{near[0]}`" if near else "") + "; `lifesigns explain` lists all")
    if found is None:
        listed = [{"code": r.code, "name": r.name, "status": r.status, "summary": summary(r)} for r in all_rules()]
        if json:
            _print_json(listed)
        else:
            for row in listed:
                print(f"{row['code']}  {row['name']:<40} {row['summary']}"[: _console().width])
    elif json:
        _print_json(
            {
                "code": found.code,
                "name": found.name,
                "status": found.status,
                "summary": summary(found),
                "sections": sections(found),
                "markdown": markdown(found),
            }
        )
    else:
        from lifesigns.report.terminal import render_rule

        render_rule(found, _console())


def _request(script: str, arguments: list[str] | None, module: bool, home: Path | None, python: str) -> Request:
    from lifesigns.checkup import Request
    from lifesigns.status_line import StatusLine

    if not module:
        _must_exist(script)
    if python and not (os.path.isfile(python) and os.access(python, os.X_OK)):
        _fail(f"`{python}` is no interpreter that can be run; name one with --python PATH")
    status = StatusLine(sys.stderr.buffer, sys.stderr.isatty() and os.environ.get("TERM") != "dumb")
    return Request(script, arguments or (), module, python, home, status=status)


def _must_exist(script: str) -> None:
    path = Path(script)
    if path.is_file():
        return
    if path.is_dir():
        _fail(f"`{path.absolute()}` is a folder; name the script inside it")
    import difflib

    folder = path.parent if path.parent.is_dir() else Path()
    near = difflib.get_close_matches(path.name, [p.name for p in folder.glob("*.py")], 1, 0.5)
    hint = f"; did you mean `{folder / near[0]}`?" if near else ""
    _fail(f"no script at `{path.absolute()}`{hint}")


def _run(request: Request, dye_cores: int = 0) -> Result:
    """Records a run, or with `dye_cores` traces dyes alone."""
    from lifesigns.checkup import dye, run
    from lifesigns.store import TraceError

    try:
        return dye(request, dye_cores) if dye_cores else run(request)
    except TraceError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"the script could not be started: {error}")


def _report(result: Result, json: bool, html: Path | None) -> None:
    from lifesigns.checkup import nothing_recorded

    if html is not None:
        from lifesigns.report.html import html as page

        try:
            html.write_text(page(result.diagnosis, result.trace), "utf-8")
        except OSError as error:
            _fail(f"cannot write `{html}`: {error.strerror}; the run is kept in `{result.folder.path}`")
        print(f"lifesigns: wrote {html}", file=sys.stderr)
    if json:
        from lifesigns.report.json_report import to_json

        _print_json(to_json(result.diagnosis, result.trace))
    elif nothing_recorded(result.trace) and not _dyes_read(result):
        _say(_why_nothing(result) if result.ending else "No dye answered.")
    else:
        from lifesigns.report.terminal import render

        render(result.diagnosis, result.trace, _console())
        if result.baseline_missing:
            _say(f"Random actions were not played for comparison: {result.baseline_missing}.")


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


def _exit_check(result: Result, fail_on: FailOn) -> None:
    from lifesigns.checkup import nothing_recorded

    if nothing_recorded(result.trace):
        raise typer.Exit(2)
    status = _status(result, fail_on)
    ending = result.ending
    if not status and ending is not None and ending.returncode and not ending.stopped:
        _say(f"The script itself ended with status {ending.returncode}.")
        status = 2
    raise typer.Exit(status)


def _exit_watch(result: Result, fail_on: FailOn) -> None:
    """Ends as the script did: same status, or the same signal."""
    ending = result.ending
    assert ending is not None
    if ending.returncode < 0:
        sys.stdout.flush()
        sys.stderr.flush()
        number = -ending.returncode
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    raise typer.Exit(ending.returncode or _status(result, fail_on))


def _status(result: Result, fail_on: FailOn) -> int:
    from lifesigns.model.finding import at_least

    floor = fail_on.value
    if floor == "never":
        return 0
    return int(any(at_least(f.severity, floor) for f in result.diagnosis.findings))


def _find_run(run: Path) -> Path:
    """The path given, or the run of that name in the default place."""
    from lifesigns.store import runs_home

    named = runs_home() / "runs" / run
    return named if not run.exists() and named.exists() else run


def _seconds(text: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text)
    if not match or float(match.group(1)) <= 0:
        _fail(f"expected a time such as `60s`, `5m` or `1h`, got `{text}` for --budget")
    return float(match.group(1)) * {"": 1, "s": 1, "m": 60, "h": 3600}[match.group(2)]


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False)


def _print_json(value: Any) -> None:
    import json as encoder

    sys.stdout.write(encoder.dumps(value, indent=1, allow_nan=False, default=str) + "\n")


def _say(sentence: str) -> None:
    print(f"lifesigns: {sentence}", file=sys.stderr)


def _fail(sentence: str) -> NoReturn:
    _say(sentence)
    raise typer.Exit(2)


def main() -> None:
    """Entry point of the `lifesigns` command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    app(prog_name="lifesigns")


if __name__ == "__main__":
    main()
