"""Commands on what is kept: diagnose, runs, explain."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lifesigns.commands.answer import dyes_read, report, status
from lifesigns.commands.options import Fail, FailOn, Home, Html, Json, Preview, console, fail, find_run, print_json, say

if TYPE_CHECKING:
    from lifesigns.checkup import Result
    from lifesigns.importers import Source

MOST_LISTED = 40
"""runs of a folder that are listed."""

RoleOption = Annotated[
    list[str] | None,
    typer.Option("--role", metavar="ROLE=NAME", help="a logged name that plays a role: return=charts/episodic_return"),
]


def diagnose(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="a recorded run, or a log: TensorBoard, W&B, MLflow, CSV …")
    ],
    role: RoleOption = None,
    json: Json = False,
    html: Html = None,
    fail_on: Fail = FailOn.warning,
    preview: Preview = False,
) -> None:
    """Diagnose a recorded run again, or the log that another tool wrote; needs neither torch nor gymnasium."""
    from lifesigns.checkup import nothing_recorded

    result = _result(find_run(run), _roles(role), json)
    report(result, json, html, preview)
    if nothing_recorded(result.trace) and not dyes_read(result):
        raise typer.Exit(2)
    raise typer.Exit(status(result, fail_on))


def _result(path: Path, roles: dict[str, str], json: bool) -> Result:
    from lifesigns import logs
    from lifesigns.checkup import saved
    from lifesigns.store import TraceError

    try:
        if logs.is_run(path) or not (path.exists() or "#" in str(path)):
            return saved(path, roles)
        return logs.diagnosed(path, roles)
    except logs.SeveralRunsError as several:
        _list_sources(path, several.sources, json)
        raise typer.Exit(2) from None
    except (TraceError, logs.LogError) as error:
        fail(str(error))


def _roles(given: list[str] | None) -> dict[str, str]:
    """`ROLE=NAME` options as a mapping."""
    roles: dict[str, str] = {}
    for one in given or ():
        role, sign, name = one.partition("=")
        if not (role and sign and name):
            fail(f"expected ROLE=NAME such as `return=charts/episodic_return`, got `{one}` for --role")
        roles[role.strip()] = name.strip()
    return roles


def _list_sources(path: Path, sources: Sequence[Source], json: bool) -> None:
    """Several runs in one place: which they are, and how to pick one."""
    from lifesigns.report.imported import sources_table

    def place(one: Source) -> str:
        return f"{path.parent if path.is_file() else path}/{one.name}" if one.name != path.name else str(one.path)

    if json:
        print_json([{"run": s.name, "format": s.title, "path": place(s)} for s in sources])
        return
    console().print(sources_table([(s.name, s.title) for s in sources[:MOST_LISTED]]))
    more = f" (and {len(sources) - MOST_LISTED} more)" if len(sources) > MOST_LISTED else ""
    say(f"{len(sources)} runs in `{path}`{more}; pick one:")
    picked = [shlex.quote(place(s)) for s in sources[:2]]
    print(f"  lifesigns diagnose {picked[0]}")
    print(f"or compare some of them:\n  lifesigns compare {' '.join(picked)}")


def runs(
    roles: Annotated[
        Path | None, typer.Option("--roles", metavar="RUN", help="of one run or log: which name plays which role")
    ] = None,
    role: RoleOption = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """List the runs and campaigns kept here, newest first; with --roles, what the logged names of one are taken for."""
    from lifesigns.campaign.listing import listed
    from lifesigns.store import TraceError, list_runs

    if roles is not None:
        _print_roles(find_run(roles), _roles(role), json)
        return
    rows: list[tuple[str, dict[str, Any]]] = []
    for folder in list_runs(home):
        try:
            rows.append((folder.path.name, {**folder.read_meta(), "path": str(folder.path)}))
        except TraceError as error:
            rows.append((folder.path.name, {"ended": str(error), "path": str(folder.path)}))
    campaigns = listed(home)
    if json:
        print_json([{"run": name, **meta} for name, meta in rows] + [c.to_json() for c in campaigns])
        return
    if rows:
        from lifesigns.report.terminal import runs_table

        console().print(runs_table(rows))
    if campaigns:
        from lifesigns.report.campaign import campaigns_table

        if rows:
            print()
        console().print(campaigns_table(campaigns))
    if not rows and not campaigns:
        print("No runs here yet: `lifesigns check SCRIPT` makes one.")


def _print_roles(path: Path, roles: dict[str, str], json: bool) -> None:
    from lifesigns import logs
    from lifesigns.report.imported import render_roles, role_rows
    from lifesigns.store import TraceError

    try:
        trace, found = logs.roles_of(path, roles)
    except logs.SeveralRunsError as several:
        _list_sources(path, several.sources, json)
        raise typer.Exit(2) from None
    except (TraceError, logs.LogError) as error:
        fail(str(error))
    rows = role_rows(found, logs.points_of(trace))
    if json:
        print_json([dict(zip(("role", "name", "points", "series"), row, strict=True)) for row in rows])
    elif rows:
        render_roles(rows, trace.meta.get("imported"), console())
    else:
        print("Nothing was logged in this run, so no name plays a role.")


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
