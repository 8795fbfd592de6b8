"""Commands on what is kept: diagnose, runs, explain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lifesigns.commands.answer import dyes_read, report, status
from lifesigns.commands.options import Fail, FailOn, Home, Html, Json, console, fail, find_run, print_json


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
        result = saved(find_run(run))
    except TraceError as error:
        fail(str(error))
    report(result, json, html)
    if nothing_recorded(result.trace) and not dyes_read(result):
        raise typer.Exit(2)
    raise typer.Exit(status(result, fail_on))


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
        print_json([{"run": name, **meta} for name, meta in rows])
    elif rows:
        from lifesigns.report.terminal import runs_table

        console().print(runs_table(rows))
    else:
        print("No runs here yet: `lifesigns check SCRIPT` makes one.")


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
        fail(f"no rule `{rule}`" + (f"; nearest is `{near[0]}`" if near else "") + "; `lifesigns explain` lists all")
    if found is None:
        listed = [{"code": r.code, "name": r.name, "status": r.status, "summary": summary(r)} for r in all_rules()]
        if json:
            print_json(listed)
        else:
            for row in listed:
                print(f"{row['code']}  {row['name']:<40} {row['summary']}"[: console().width])
    elif json:
        print_json(
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

        render_rule(found, console())
