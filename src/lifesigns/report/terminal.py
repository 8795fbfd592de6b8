"""The diagnosis as text for a terminal; 80 columns are enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lifesigns.model import CauseOdds, Defect, Diagnosis, Finding, Location, Trace
from lifesigns.report import placing
from lifesigns.report.dyes import dye_rows
from lifesigns.report.figures import measured, number, odds, place, plain, seconds, share, subject_name
from lifesigns.report.grouping import blind_groups, told_in_brief, told_in_full
from lifesigns.report.health import recording_lines
from lifesigns.report.imported import opener_lines
from lifesigns.rules import Rule
from lifesigns.rules.page import markdown

SHOWN_FINDINGS = 3
"""findings said in full under a cause."""
STYLES = {
    "error": "bold red",
    "warning": "yellow",
    "note": "cyan",
    "learning": "bold green",
    "not learning": "bold yellow",
    "worse than at the start": "bold red",
    "cannot tell": "bold",
}


def render(diagnosis: Diagnosis, trace: Trace, console: Console, *, preview: bool = False) -> None:
    """Prints the whole answer: outcome, defects, explanation, the checks, the recorder's health.

    `preview` shows also what rules say that are not calibrated yet.
    """
    _headline(diagnosis, trace, console)
    _defects(diagnosis, trace, console)
    if not trace.dyes_alone:
        _explanation(diagnosis, console, "WHAT EXPLAINS THIS OUTCOME")
    elif diagnosis.findings:
        _explanation(diagnosis, console, "WHAT THE DYES SAY")
    _observations(diagnosis, console)
    if diagnosis.placing is not None:
        placing.render(diagnosis.placing, console)
    _dyes(diagnosis, trace, console)
    if preview:
        _preview(diagnosis, console)
    _checks(diagnosis, console)
    if not trace.dyes_alone:
        _health(diagnosis, console)
    _next_command(diagnosis, console)


def _line(console: Console, text: str | Text, indent: int = 0, style: str = "") -> None:
    shown = text if isinstance(text, Text) else Text(text, style=style)
    console.print(Padding(shown, (0, 0, 0, indent), expand=False), highlight=False)


def _labelled(console: Console, label: str, text: str, indent: int) -> None:
    """`label` and a hanging paragraph."""
    table = Table.grid(padding=(0, 1), expand=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(Text(label, style="dim"), Text(text))
    console.print(Padding(table, (0, 0, 0, indent), expand=False), highlight=False)


def _section(console: Console, title: str) -> None:
    console.print()
    _line(console, title, style="bold")


def _headline(diagnosis: Diagnosis, trace: Trace, console: Console) -> None:
    outcome, seen = diagnosis.outcome, diagnosis.coverage
    if diagnosis.run:
        _line(console, plain(diagnosis.run), style="dim")
    _line(console, plain(outcome.sentence), style=STYLES[outcome.learning])
    if diagnosis.placing is not None and diagnosis.placing.standing != "cannot tell":
        _line(console, plain(diagnosis.placing.sentence), style="dim")
    elif outcome.measure == "env.episode_return":
        _line(console, f"Recent return against random actions: {seen.get('return_against_random')}.", style="dim")
    if diagnosis.outlook:
        _line(console, plain(diagnosis.outlook), style="dim")
    if seen.get("stopped_early"):
        step = seen.get("env_steps") or seen.get("updates")
        clock = "environment step" if seen.get("env_steps") else "update"
        ended = plain(seen.get("ended") or "cut off")
        _line(console, f"Incomplete ({ended}): last sample at {clock} {number(step)}.", style="yellow")
        if trace.meta.get("exception"):
            _line(console, plain(trace.meta["exception"]).strip(), 2, style="yellow")


def _source(console: Console, location: Location | None, indent: int) -> None:
    if location is None:
        return
    _line(console, place(location), indent, style="cyan")
    if location.text.strip():
        _line(console, f"| {plain(location.text.strip())}", indent, style="dim")


def _finding(console: Console, one: Finding, indent: int) -> None:
    head = Text(f"{one.code} ", style=STYLES[one.severity])
    head.append(plain(one.message), style="default")
    _line(console, head, indent)
    for evidence in one.evidence[:SHOWN_FINDINGS]:
        _line(console, measured(evidence), indent + 2, style="dim")
    _source(console, one.location, indent + 2)


def _defects(diagnosis: Diagnosis, trace: Trace, console: Console) -> None:
    _section(console, "DEFECTS PRESENT (proven by what happened; whether they matter is said below)")
    if not diagnosis.defects:
        _line(console, "None proven.", 2)
    for one in diagnosis.defects:
        _defect(one, trace, console)


def _defect(one: Defect, trace: Trace, console: Console) -> None:
    _line(console, f"{one.cause} · {subject_name(trace, one.finding.subject)}", 2, style="bold")
    _finding(console, one.finding, 4)


def _explanation(diagnosis: Diagnosis, console: Console, title: str) -> None:
    _section(console, title)
    shown = told_in_full(diagnosis)
    rest = told_in_brief(diagnosis)
    told: set[Finding] = {d.finding for d in diagnosis.defects}
    for rank, one in enumerate(shown, 1):
        _cause(one, rank, told, console)
    if rest:
        names = ", ".join(f"{c.cause} {100 * c.probability:.0f} %" for c in rest)
        _line(console, f"Less likely: {names}", 2, style="dim")


def _cause(one: CauseOdds, rank: int, told: set[Finding], console: Console) -> None:
    head = Text(f"{rank}. {one.title} ", style="bold")
    head.append(f"[{one.cause}]", style="dim")
    _line(console, head, 2)
    _line(console, f"{odds(one.words, one.range)} · {one.kind} · {one.basis}", 5)
    for finding in one.findings[:SHOWN_FINDINGS]:
        if finding in told:
            _line(console, f"{finding.code} as above", 5)
        else:
            _finding(console, finding, 5)
            told.add(finding)
    if len(one.findings) > SHOWN_FINDINGS:
        _line(console, f"and {len(one.findings) - SHOWN_FINDINGS} more findings", 5, style="dim")
    if rank == 1 or one.findings:
        _labelled(console, "remedy", plain(one.remedy), 5)
        _labelled(console, "test  ", plain(one.next_test), 5)


def _observations(diagnosis: Diagnosis, console: Console) -> None:
    """Findings that no cause shown in full has told."""
    told = {d.finding for d in diagnosis.defects}
    for cause in told_in_full(diagnosis):
        told.update(cause.findings[:SHOWN_FINDINGS])
    rest = [f for f in diagnosis.findings if f not in told]
    if rest:
        _section(console, "ALSO MEASURED")
        for one in rest:
            _finding(console, one, 2)


def _preview(diagnosis: Diagnosis, console: Console) -> None:
    """Findings of rules that are not calibrated yet."""
    _section(console, "PREVIEW (checks without a measured rate of false alarms; they weigh nothing above)")
    found = [f for v in diagnosis.preview for f in v.findings]
    looked = sum(v.status in ("fired", "clear") for v in diagnosis.preview)
    if not found:
        _line(console, f"None of {looked} that could look fired.", 2)
    for one in found:
        _finding(console, one, 2)


def _dyes(diagnosis: Diagnosis, trace: Trace, console: Console) -> None:
    """What each dye showed; those that could not be planted are among the blind checks."""
    rows = [r for r in dye_rows(trace, diagnosis.findings) if not r.blind]
    if not rows:
        return
    _section(console, "DYES (two runs, bit for bit the same but for what was changed)")
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("changed", "answer"):
        table.add_column(title, overflow="fold", ratio=1)
    table.add_column("fired", no_wrap=True)
    for row in rows:
        style = "bold" if row.codes else ""
        table.add_row(Text(row.planted, style="dim"), Text(row.answer, style=style), Text(" ".join(row.codes) or "-"))
    console.print(Padding(table, (0, 0, 0, 2), expand=False), highlight=False)


def _checks(diagnosis: Diagnosis, console: Console) -> None:
    seen = diagnosis.coverage
    looked = int(seen.get("fired", 0)) + int(seen.get("clear", 0))
    _section(console, "CHECKS")
    total = seen.get("checks", 0)
    found = (
        f"{seen['fired']} of {total} checks fired"
        if seen.get("fired")
        else (f"No problems found by {looked} of {total} checks")
    )
    _line(
        console,
        f"{found}; {seen.get('clear', 0)} clear, {seen.get('blind', 0)} blind, {seen.get('crashed', 0)} crashed.",
        2,
    )
    clear = [f"{v.code} {v.rule}" for v in diagnosis.verdicts if v.status == "clear"]
    if clear:
        _labelled(console, "CLEAR", ", ".join(clear), 2)
    for reason, rules in blind_groups(diagnosis.verdicts):
        _labelled(console, "BLIND", f"{plain(reason)}: {', '.join(rules)}", 2)
    for one in diagnosis.verdicts:
        if one.status == "crashed":
            cause = plain(one.reason.strip().splitlines()[-1]) if one.reason.strip() else "no reason given"
            _labelled(console, "CRASHED", f"{one.code} {one.rule}: {cause}", 2)


def _health(diagnosis: Diagnosis, console: Console) -> None:
    seen = diagnosis.coverage
    imported = bool(seen.get("imported"))
    _section(console, "LOG" if imported else "RECORDING")
    extent = [
        f"{number(seen[key])} {label}"
        for key, label in (
            ("env_steps", "environment steps"),
            ("updates", "updates"),
            ("episodes", "episodes"),
        )
        if seen.get(key) is not None
    ]
    _line(console, ", ".join([*extent, f"{seconds(seen.get('wall_s'))} of wall time"]), 2)
    if not imported:
        _line(console, f"lifesigns' own share of that time: {share(seen.get('own_share'))}", 2)
    for line, good in recording_lines(seen):
        _line(console, plain(line), 2, style="" if good else "yellow")
    if imported and (opening := opener_lines(seen)):
        _section(console, "TO OPEN BLIND CHECKS")
        for line in opening:
            _line(console, plain(line), 2)


def _next_command(diagnosis: Diagnosis, console: Console) -> None:
    console.print()
    first = next((f for c in diagnosis.causes for f in c.findings), next(iter(diagnosis.findings), None))
    run = plain(diagnosis.run) or "RUN"
    if first:
        _line(console, f"What the first finding means:  lifesigns explain {first.code}")
    _line(console, "The evidence as charts:")
    console.print(Text(f"  lifesigns diagnose {run} --html report.html"), soft_wrap=True)


def runs_table(runs: Sequence[tuple[str, Mapping[str, Any]]]) -> Table:
    """A table of runs: (name, metadata of the run) each, in the order given."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("run", "script", "started", "wall", "ended"):
        table.add_column(title, overflow="fold", no_wrap=title in ("started", "wall"))
    for name, meta in runs:
        ended = str(meta.get("ended") or "unknown")
        wall = meta.get("wall_s")
        table.add_row(
            Text(plain(name)),
            Text(plain(meta.get("script") or "")),
            Text(plain(meta.get("started") or "")[:16].replace("T", " ")),
            Text(seconds(wall) if isinstance(wall, int | float) else "?"),
            Text(plain(ended), style="" if ended == "finished" else "yellow"),
        )
    return table


def render_rule(rule: Rule, console: Console) -> None:
    """Prints the page of a rule."""
    console.print(Markdown(markdown(rule)))
